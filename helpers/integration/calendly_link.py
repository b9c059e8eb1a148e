"""The single-use Calendly booking link of a contact (spec calendly_it, link mode)."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import Field

from helpers.contract import Action, HelperConfig, HelperContext, HelperOutput
from helpers.errors import PermanentFailure
from helpers.rules.config_types import DefaultText, OptionalText, RequiredText
from helpers.rules.effects import best_effort
from helpers.rules.field_text import field_text
from helpers.rules.steps import once
from helpers.rules.urls import with_query
from helpers.services.calendly import Calendly


class LinkConfig(HelperConfig):
    """What is booked, by whom, and where the link goes."""

    event_type_uri: RequiredText = Field(description="Calendly event type URI.")
    api_token: OptionalText = Field(
        default=None,
        description="Personal access token; needed unless a Calendly connection is chosen, which wins.",
        json_schema_extra={"writeOnly": True},
    )
    email_field: DefaultText = Field(default="Email", description="Field with the invitee's e-mail.")
    name_field: DefaultText = Field(default="FirstName", description="Field with the invitee's name.")
    result_field: OptionalText = Field(default=None, description="Field that receives the booking link.")


LinkConfigT = TypeVar("LinkConfigT", bound=LinkConfig)


async def make_link(ctx: HelperContext[LinkConfigT]) -> HelperOutput:
    """Make the link once for an execution. Raises PermanentFailure for a contact without e-mail address."""
    config = ctx.config
    calendly = Calendly(ctx, config.api_token or "")
    email = await field_text(ctx, config.email_field)
    if not email:
        raise PermanentFailure(f"the contact has no e-mail address in {config.email_field}")
    name = await field_text(ctx, config.name_field) or ctx.contact.full_name

    async def create() -> dict[str, Any]:
        return {"booking_url": await calendly.create_scheduling_link(config.event_type_uri)}

    booking_url: str = (await once(ctx, "scheduling link", create))["booking_url"]
    actions = [Action(type="scheduling_link_created", target=config.event_type_uri, value=booking_url)]
    target = config.result_field
    if target:
        actions += await best_effort(ctx, f"write the link to {target!r}", ctx.write(target, booking_url))
    return HelperOutput.ok(
        f"made a booking link for {email}",
        modified_data={
            "event_type_uri": config.event_type_uri,
            "email": email,
            "name": name,
            "api_url": calendly.scheduling_links_url,
            "invite": {"max_event_count": 1, "email": email, "name": name},
            "booking_url": booking_url,
            "prefilled_url": with_query(booking_url, {"name": name, "email": email}),
            **({"result_field": target} if target else {}),
        },
        actions=actions,
    )
