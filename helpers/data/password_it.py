"""password_it: generate a random password into a field."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import string
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import Flag, NonEmptyText, WholeNumber, Within, empty_is_default
from helpers.rules.empty import is_empty
from helpers.rules.steps import REMEMBERED_SECONDS
from helpers.rules.text import to_text

SPECIAL = "!@#$%^&*()-_=+[]{}|;:,.<>?"
HIDDEN = "********"
DEFAULT_LENGTH = 12


class Config(HelperConfig):
    """Where the password goes and what it is made of."""

    target_field: NonEmptyText = Field(description="Field that receives the password.")
    length: Annotated[
        WholeNumber,
        AfterValidator(lambda length: length if length > 0 else DEFAULT_LENGTH),
        Within(high=128),
        empty_is_default,
    ] = Field(default=DEFAULT_LENGTH, description="Characters; 0 and less is the default.")
    include_special: Flag = Field(default=True, description=f"Add {SPECIAL}")
    overwrite: Flag = Field(default=False, description="Replace a value that is there.")


class PasswordIt(Helper[Config]):
    """The clear password is in the contact's field and nowhere else.

    Before the write a salted fingerprint of it is stored under the execution. A delivery that comes again after the
    write, but before the record of its end, knows by it that the field holds the password of this execution.
    """

    type = "password_it"
    name = "Password It"
    category = "data"
    description = "Generate a random password into a field."
    reads_contact = False
    example = Example(config={"target_field": "portal_password"}, crm={"contact": {"id": "c1"}})

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        key = f"password:{ctx.account_id}:{ctx.execution_id}"
        stored = await ctx.state.get(key)
        # An earlier delivery set it, and somebody may have been told.
        if stored is not None and "done" in stored.value:
            return self._output(ctx)
        if stored is not None or not config.overwrite:
            value = await ctx.read(config.target_field)
            if stored is not None and await _is_password(to_text(value), stored.value):
                return self._output(ctx)
            if not config.overwrite and not is_empty(value):
                return HelperOutput.no_op(f"{config.target_field} has a value already")
        password = new_password(config.length, config.include_special)
        await ctx.state.put(key, await _announcement(password), ttl_seconds=REMEMBERED_SECONDS)
        await ctx.crm.set_field_value(ctx.contact_id, config.target_field, password)
        await ctx.state.put(key, {"done": True}, ttl_seconds=REMEMBERED_SECONDS)
        return self._output(ctx)

    def _output(self, ctx: HelperContext[Config]) -> HelperOutput:
        field = ctx.config.target_field
        return HelperOutput.ok(
            f"password set in {field}", modified_data={field: HIDDEN}, actions=[Action.field_updated(field, HIDDEN)]
        )


def new_password(length: int, include_special: bool) -> str:
    """Random characters, at least one of each enabled class where the length allows."""
    classes = [string.ascii_lowercase, string.ascii_uppercase, string.digits, *([SPECIAL] if include_special else [])]
    chosen = [secrets.choice(characters) for characters in classes[:length]]
    chosen += [secrets.choice("".join(classes)) for _ in range(length - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)


async def _announcement(password: str) -> dict[str, str]:
    salt = secrets.token_bytes(16)
    return {"salt": salt.hex(), "fingerprint": await _fingerprint(password, salt)}


async def _is_password(value: str, announced: Mapping[str, Any]) -> bool:
    return hmac.compare_digest(await _fingerprint(value, bytes.fromhex(announced["salt"])), announced["fingerprint"])


async def _fingerprint(password: str, salt: bytes) -> str:
    """Slow on purpose, since a short password could be guessed from a fast one; in a thread, since it is slow."""
    digest = await asyncio.to_thread(hashlib.scrypt, password.encode(), salt=salt, n=2**14, r=8, p=1)
    return digest.hex()
