"""limit_it: count executions in a time window and report or stop when over the limit."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from helpers.contract import Action, Example, Helper, HelperContext, HelperOutput
from helpers.errors import ContactRequired, HelperError, StateConflict
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import JsonWholeNumber, blank_is_default

WINDOW_SECONDS = {"per_hour": 3600, "per_day": 86_400, "per_week": 604_800, "per_month": 2_592_000}
# Executions that were counted lately, so that a redelivered one is not counted again.
REMEMBERED = 50
WRITE_ATTEMPTS = 50


class Config(FormConfig):
    """The limit and what it counts."""

    limit_type: Annotated[Literal["per_hour", "per_day", "per_week", "per_month"], blank_is_default] = Field(
        default="per_day", description="Length of the window."
    )
    max_executions: Annotated[JsonWholeNumber, AfterValidator(lambda count: max(1, count)), blank_is_default] = Field(
        default=1, description="Executions in a window; below 1 counts as 1."
    )
    scope: Annotated[Literal["contact", "helper", "account"], blank_is_default] = Field(
        default="contact", description="What is counted together."
    )
    action_on_limit: Annotated[Literal["skip", "error"], blank_is_default] = Field(
        default="skip", description="Over the limit: succeed (skip) or fail (error)."
    )


class LimitIt(Helper[Config]):
    """A window starts with its first counted run. A store that does not answer allows the run."""

    type = "limit_it"
    name = "Limit It"
    category = "automation"
    description = "Count executions in a time window; report or stop when over the limit."
    requires_crm = False
    example = Example(config={"limit_type": "per_day", "max_executions": 3, "scope": "helper"})

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        key = _key(ctx)
        modified: dict[str, Any] = {
            "limit_reached": False,
            "current_count": 0,
            "max_allowed": config.max_executions,
            "limit_type": config.limit_type,
            "scope": config.scope,
        }
        try:
            reached, count = await _count(ctx, key)
        except Exception as exc:  # noqa: BLE001 - whatever the store raises, the spec lets the run through
            ctx.log(f"the limit could not be checked, so the run is allowed: {type(exc).__name__}")
            reached, count = False, 0
            modified["limit_unknown"] = True
        modified |= {"limit_reached": reached, "current_count": count}
        kind = "rate_limit_reached" if reached else "rate_limit_checked"
        actions = [Action(type=kind, target=key, value=count)]
        if reached and config.action_on_limit == "error":
            return HelperOutput.failed("the limit is reached", modified_data=modified, actions=actions)
        return HelperOutput.ok(f"{count} of {config.max_executions}", modified_data=modified, actions=actions)


def _key(ctx: HelperContext[Config]) -> str:
    limit_type = ctx.config.limit_type
    match ctx.config.scope:
        case "contact":
            if not ctx.contact_id:
                raise ContactRequired
            return f"limit:{ctx.helper_id}:{ctx.contact_id}:{limit_type}"
        case "helper":
            return f"limit:{ctx.helper_id}:{limit_type}"
        case "account":
            return f"limit:{ctx.account_id}:{ctx.helper_id}:{limit_type}"


async def _count(ctx: HelperContext[Config], key: str) -> tuple[bool, int]:
    """Whether the limit is reached, and the count. Decided and counted in one conditional write."""
    for _attempt in range(WRITE_ATTEMPTS):
        now = ctx.clock.now().timestamp()
        stored = await ctx.state.get(key)
        window = stored.value if stored and now < stored.value["window_end"] else None
        counted: dict[str, int] = dict(window["executions"]) if window else {}
        if ctx.execution_id in counted:
            return False, counted[ctx.execution_id]
        count = int(window["count"]) if window else 0
        if count >= ctx.config.max_executions:
            return True, count
        counted[ctx.execution_id] = count + 1
        window_end: float = window["window_end"] if window else now + WINDOW_SECONDS[ctx.config.limit_type]
        value = {
            "count": count + 1,
            "window_end": window_end,
            "executions": dict(list(counted.items())[-REMEMBERED:]),
        }
        try:
            await ctx.state.put(
                key, value, if_version=stored.version if stored else 0, ttl_seconds=window_end - now + 86_400
            )
        except StateConflict:
            continue  # another run counted first
        return False, count + 1
    raise HelperError("too many runs count at the same time")
