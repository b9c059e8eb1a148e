"""donor_search: fetch a donor rating and profile link, and store them on the contact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.errors import PermanentFailure
from helpers.rules.config_types import OptionalText
from helpers.rules.effects import best_effort
from helpers.rules.service_connections import ServiceConnections
from helpers.rules.text import to_text
from helpers.services.donorlead import DonorLead

ENVELOPES = ("result", "Result", "data", "Data")


class Config(HelperConfig):
    """Where the findings go."""

    ds_rating_field: OptionalText = Field(default=None, description="Field for the donor rating (DS_Rating).")
    ds_profile_link_field: OptionalText = Field(default=None, description="Field for the link to the donor profile.")
    apply_tag: OptionalText = Field(default=None, description="Tag id or name, applied after a successful search.")
    service_connection_ids: ServiceConnections


class DonorSearch(Helper[Config]):
    """A person without a rating is a successful search with empty findings."""

    type = "donor_search"
    name = "Donor Search"
    category = "integration"
    description = "Fetch a donor rating and profile link, and store them on the contact."
    external = True
    example = Example(
        config={"ds_rating_field": "DonorRating", "ds_profile_link_field": "DonorProfile"},
        crm={"contact": {"id": "c1", "first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"}},
        http=(
            {
                "match": {"method": "GET", "url_contains": "data.donorlead.net/v2.1/"},
                "reply": {"status": 200, "json": {"DS_Rating": 4.0, "ProfileLink": "https://ds.example/p/1"}},
            },
        ),
        service_auths={"donorlead": {"api_key": "example-key"}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config, contact, donorlead = ctx.config, ctx.contact, DonorLead(ctx)
        email, phone = contact.email.strip(), contact.phone.strip()
        if not contact.last_name.strip() and not email:
            raise PermanentFailure("the contact has neither a last name nor an e-mail address to search for")
        optional = {key: text for key, text in (("email", email), ("phone", phone)) if text}
        answer = await donorlead.search(
            {"first": contact.first_name.strip(), "last": contact.last_name.strip(), **optional}
        )
        rating = to_text(_finding(answer, "DS_Rating"), separator=", ")
        profile_link = to_text(_finding(answer, "ProfileLink"), separator=", ")
        actions: list[Action] = []
        for field_key, value in ((config.ds_rating_field, rating), (config.ds_profile_link_field, profile_link)):
            if field_key and value:
                actions += await best_effort(ctx, f"write field {field_key!r}", ctx.write(field_key, value))
        if config.apply_tag:
            actions += await best_effort(ctx, f"apply tag {config.apply_tag!r}", ctx.apply_tag(config.apply_tag))
        return HelperOutput.ok(
            f"donor rating: {rating or 'none found'}",
            modified_data={
                "ds_rating": rating,
                "profile_link": profile_link,
                "raw_response": donorlead.without_key(answer),
                "contact_id": ctx.contact_id,
            },
            actions=actions,
        )


def _finding(answer: Mapping[str, Any], key: str) -> Any:
    """The value at top level, else in one of the envelopes the API has used."""
    for record in (answer, *(answer.get(envelope) for envelope in ENVELOPES)):
        if isinstance(record, Mapping) and key in record:
            return record[key]
    return None
