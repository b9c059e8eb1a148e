"""email_validate_it: check an e-mail address and store valid or invalid."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

import idna
from pydantic import Field

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import LooseFlag, OptionalText, RequiredText, blank_is_default
from helpers.rules.effects import best_effort
from helpers.rules.text import to_text
from helpers.services.klean13 import Klean13

CACHE_SECONDS = 3 * 86_400
LONGEST_LOCAL, LONGEST_LABEL, LONGEST_ADDRESS = 64, 63, 254
_LOCAL = re.compile(r"[A-Za-z0-9_%+-]+(\.[A-Za-z0-9_%+-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")
_LAST_LABEL = re.compile(r"[A-Za-z]{2,}|xn--[A-Za-z0-9-]+", re.IGNORECASE)


class Config(HelperConfig):
    """What is checked, how, and what follows."""

    result_field: RequiredText = Field(description="Field that receives valid or invalid.")
    validation_provider: Annotated[Literal["basic", "klean13"], blank_is_default] = Field(
        default="basic", description="Format and DNS, or the Klean13 service."
    )
    email_field: Annotated[str, blank_is_default] = Field(default="Email", description="Field to check.")
    check_mx: LooseFlag = Field(default=True, description="basic: whether the domain must receive mail.")
    valid_goal: OptionalText = Field(default=None, description="Goal for a valid address.")
    invalid_goal: OptionalText = Field(default=None, description="Goal for an invalid address.")
    cache_results: LooseFlag = Field(default=True, description="klean13: keep answers for 3 days.")


class EmailValidateIt(Helper[Config]):
    """An outage of CRM, DNS or Klean13 is a failure, never a verdict."""

    type = "email_validate_it"
    name = "Email Validate It"
    category = "integration"
    description = "Check an e-mail address (format, MX, or Klean13) and store valid or invalid."
    idempotent = False
    external = True
    example = Example(
        config={"result_field": "EmailStatus", "check_mx": False, "valid_goal": "emailok"},
        crm={"contact": {"id": "c1", "email": "ann@example.com"}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        email = to_text(await ctx.read(config.email_field)).strip()
        findings = await _findings(ctx, email) if email else {"status": "invalid", "reason": "empty"}
        status = findings["status"]
        written = await ctx.write(config.result_field, status)
        goal = (config.valid_goal if status == "valid" else config.invalid_goal) if email else None
        goals = await best_effort(ctx, f"goal {goal}", ctx.achieve_goal(goal)) if goal else []
        return HelperOutput.ok(
            f"the address is {status}",
            modified_data={
                **findings,
                config.result_field: status,
                **({"email": email} if email else {}),
            },
            actions=[written, *goals],
        )


async def _findings(ctx: HelperContext[Config], email: str) -> dict[str, Any]:
    """``status``, and what the provider has to say about it. Raises HelperError when it cannot tell."""
    address = _ascii_address(email)
    if address is None:
        return {"status": "invalid", "reason": "format"}
    if ctx.config.validation_provider == "klean13":
        return await _klean13(ctx, address)
    if ctx.config.check_mx and not await _receives_mail(ctx, address.rpartition("@")[2]):
        return {"status": "invalid", "reason": "no_mx_records"}
    return {"status": "valid", "check_mx": ctx.config.check_mx}


def _ascii_address(email: str) -> str | None:
    """The address with its domain in punycode; None when the format is wrong."""
    local, _at, domain = email.rpartition("@")
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError:
            return None
    *labels, last = domain.split(".")
    well_formed = (
        _LOCAL.fullmatch(local)
        and labels
        and all(_LABEL.fullmatch(label) and len(label) <= LONGEST_LABEL for label in (*labels, last))
        and _LAST_LABEL.fullmatch(last)
        and len(local) <= LONGEST_LOCAL
        and len(local) + 1 + len(domain) <= LONGEST_ADDRESS
    )
    return f"{local}@{domain}" if well_formed else None


async def _receives_mail(ctx: HelperContext[Config], domain: str) -> bool:
    hosts = await ctx.resolver.mail_exchangers(domain)
    if hosts:
        return hosts != ["."]
    # Without MX, mail goes to the address of the domain itself (RFC 5321, 5.1).
    return bool(await ctx.resolver.addresses(domain))


async def _klean13(ctx: HelperContext[Config], address: str) -> dict[str, Any]:
    klean13 = Klean13(ctx)
    digest = hashlib.sha256(address.lower().encode()).hexdigest()
    key = f"{ctx.account_id}:{digest}"
    if ctx.config.cache_results:
        entry = await _tolerant(ctx, lambda: ctx.state.get(key))
        if entry is not None:
            return {**entry.value, "cache_hit": True}
    answer = await klean13.validate(address)
    deliverable = answer.get("deliverable") is True
    findings = {
        "status": "valid" if deliverable and answer.get("result") == "valid" else "invalid",
        "reason": to_text(answer.get("reason")),
        "deliverable": deliverable,
    }
    # A paid look-up: counted per account and month, hits are not.
    usage_key = f"usage:{ctx.account_id}:klean13:{ctx.clock.now():%Y-%m}"
    await _tolerant(ctx, lambda: ctx.state.increment(usage_key))
    if ctx.config.cache_results:
        await _tolerant(ctx, lambda: ctx.state.put(key, findings, ttl_seconds=CACHE_SECONDS))
    return {**findings, "cache_hit": False}


async def _tolerant(ctx: HelperContext[Config], use: Callable[[], Awaitable[Any]]) -> Any:
    """What the cache says; None when it fails."""
    try:
        return await use()
    except Exception as exc:  # noqa: BLE001  whatever the store raises, a cache never fails the run
        ctx.log(f"the cache of validations failed: {type(exc).__name__}")
        return None
