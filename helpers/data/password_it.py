"""password_it: generate a random password into a field."""

from __future__ import annotations

import secrets
import string
from typing import Annotated

from pydantic import AfterValidator, Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import Flag, NonEmptyText, WholeNumber, empty_is_default
from helpers.rules.counters import REMEMBERED_SECONDS
from helpers.rules.empty import is_empty

SPECIAL = "!@#$%^&*()-_=+[]{}|;:,.<>?"
HIDDEN = "********"
DEFAULT_LENGTH = 12


class Config(HelperConfig):
    """Where the password goes and what it is made of."""

    target_field: NonEmptyText = Field(description="Field that receives the password.")
    length: Annotated[
        WholeNumber,
        AfterValidator(lambda length: length if length > 0 else DEFAULT_LENGTH),
        Field(le=128),
        empty_is_default,
    ] = Field(default=DEFAULT_LENGTH, description="Characters; 0 and less is the default.")
    include_special: Flag = Field(default=True, description=f"Add {SPECIAL}")
    overwrite: Flag = Field(default=False, description="Replace a value that is there.")


class PasswordIt(Helper[Config]):
    """The clear password is in the contact's field and nowhere else."""

    type = "password_it"
    name = "Password It"
    category = "data"
    description = "Generate a random password into a field."
    reads_contact = False
    example = Example(config={"target_field": "portal_password"}, crm={"contact": {"id": "c1"}})

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        done = f"password:{ctx.account_id}:{ctx.execution_id}"
        if await ctx.state.get(done) is not None:
            # An earlier delivery set it, and somebody may have been told.
            return self._output(ctx)
        if not config.overwrite and not is_empty(await ctx.read(config.target_field)):
            return HelperOutput.no_op(f"{config.target_field} has a value already")
        await ctx.crm.set_field_value(
            ctx.contact_id, config.target_field, new_password(config.length, config.include_special)
        )
        await ctx.state.put(done, {"done": True}, ttl_seconds=REMEMBERED_SECONDS)
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
