"""The last e-mail send, open or click of an address, and the helpers that store one: last_send_it, last_open_it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from helpers.contract import Helper, HelperConfig, HelperContext, HelperOutput
from helpers.crm.errors import Unsupported
from helpers.rules.config_types import NonEmptyText, empty_is_default
from helpers.rules.empty import is_empty
from helpers.rules.text import to_text

_ADDRESS_FIELDS = {"Email2": "EmailAddress2", "Email3": "EmailAddress3"}

AddressField = Annotated[str, empty_is_default]
"""The field that holds the address; ``Email2`` and ``Email3`` name the secondary ones."""


async def address_of(ctx: HelperContext[Any], email_field: str) -> str:
    """The trimmed address in the field, "" without one."""
    return to_text(await ctx.read(_ADDRESS_FIELDS.get(email_field, email_field))).strip()


async def last_event(ctx: HelperContext[Any], address: str, stat: str) -> Any:
    """The last event of the address; a CRM without such data may keep it in a contact field of that name."""
    try:
        return await ctx.read(f"_email_stats.{address}.{stat}")
    except Unsupported as exc:
        ctx.log(f"{exc}; reading the contact field {stat} instead")
    return await ctx.read(stat)


class LastEventConfig(HelperConfig):
    """Where the date goes and whose it is."""

    save_to: NonEmptyText = Field(description="Field that receives the date.")
    email_field: AddressField = Field(default="Email", description="Field with the address.")


class LastEvent(Helper[LastEventConfig]):
    """Stores the date as the CRM gives it. ``stat`` is the key of the event."""

    stat: ClassVar[str]
    reads_contact = False

    async def execute(self, ctx: HelperContext[LastEventConfig]) -> HelperOutput:
        address = await address_of(ctx, ctx.config.email_field)
        if not address:
            return HelperOutput.no_op(f"{ctx.config.email_field} is empty")
        value = await last_event(ctx, address, self.stat)
        if is_empty(value):
            return HelperOutput.no_op(f"there is no {self.stat}")
        text = to_text(value)
        action = await ctx.write(ctx.config.save_to, text)
        return HelperOutput.ok(f"{self.stat}: {text}", modified_data={ctx.config.save_to: text}, actions=[action])
