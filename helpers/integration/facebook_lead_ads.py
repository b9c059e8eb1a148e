"""facebook_lead_ads: pull a Facebook lead and create or update a CRM contact from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.crm.models import ContactUpdate, NewContact
from helpers.errors import PermanentFailure
from helpers.integration.facebook_lead import LeadContact, lead_fields, lead_id_of
from helpers.rules.config_types import OptionalText, empty_is_default
from helpers.rules.contact_lookup import contact_with_email
from helpers.rules.effects import best_effort
from helpers.rules.service_connections import ServiceConnections
from helpers.rules.steps import once
from helpers.services.facebook import Facebook


def _filled_in(value: object) -> object:
    return {key: item for key, item in value.items() if item not in (None, "")} if isinstance(value, dict) else value


class Config(HelperConfig):
    """Where a lead's answers go. The lead itself comes with each execution."""

    lead_id: OptionalText = Field(default=None, description="Lead id, used where the execution's input names none.")
    form_id: OptionalText = Field(default=None, description="Form id; informational.")
    apply_tag: OptionalText = Field(default=None, description="Tag id or name for the contact.")
    field_mapping: Annotated[dict[str, str], BeforeValidator(_filled_in), empty_is_default] = Field(
        default_factory=dict, description="Facebook field name -> CRM field key."
    )
    service_connection_ids: ServiceConnections


class FacebookLeadAds(Helper[Config]):
    """The contact is found by e-mail, so a lead that is delivered twice makes one contact."""

    type = "facebook_lead_ads"
    name = "Facebook Lead Ads"
    category = "integration"
    description = "Create or update a CRM contact from a Facebook lead."
    requires_contact = False
    reads_contact = False
    external = True
    # The call, a renewal of the token and the call once more, each up to 30 s.
    timeout_seconds = 120.0
    example = Example(
        config={"apply_tag": "77", "field_mapping": {"favourite_colour": "Colour"}},
        crm={"contact": {"id": "c1", "email": "ada@example.com"}, "tags": [{"id": "77", "name": "Lead"}]},
        input={"leadgen_id": "900"},
        http=(
            {
                "match": {"method": "GET", "url_contains": "graph.facebook.com/v23.0/900"},
                "reply": {
                    "status": 200,
                    "json": {
                        "id": "900",
                        "field_data": [
                            {"name": "full_name", "values": ["Ada Lovelace"]},
                            {"name": "email", "values": ["ada@example.com"]},
                            {"name": "favourite_colour", "values": ["green"]},
                        ],
                    },
                },
            },
        ),
        service_auths={"facebook": {"access_token": "example-token"}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config, facebook = ctx.config, Facebook(ctx)
        lead_id = lead_id_of(ctx.input, ctx.query_params) or (config.lead_id or "").strip()
        if not lead_id:
            raise PermanentFailure("no lead id: neither the input nor the configuration names one")
        answers = lead_fields(await facebook.lead(lead_id))
        lead = LeadContact.of(answers, config.field_mapping)

        async def upsert() -> dict[str, Any]:
            existing = await contact_with_email(ctx, lead.email)
            if existing is not None:
                await ctx.crm.update_contact(existing, ContactUpdate(**lead.values))
                return {"contact_id": existing, "created": False}
            created = await ctx.crm.create_contact(NewContact(**lead.values))
            return {"contact_id": created.id, "created": True}

        # An index that lags behind does not show a new contact yet, and a lead without e-mail is never found.
        written: Mapping[str, Any] = await once(ctx, "contact", upsert)
        contact_id, was_created = written["contact_id"], written["created"]
        done = Action(type="contact_created" if was_created else "contact_updated", target=contact_id, value=lead_id)
        tag = config.apply_tag
        tagged = await best_effort(ctx, f"apply tag {tag!r}", _apply(ctx, contact_id, tag)) if tag else []
        return HelperOutput.ok(
            f"{'created' if was_created else 'updated'} contact {contact_id} from lead {lead_id}",
            modified_data={
                "contact_id": contact_id,
                "lead_id": lead_id,
                "email": lead.email,
                "first_name": lead.first_name,
                "last_name": lead.last_name,
                "lead_fields": answers,
                "created": was_created,
            },
            actions=[done, *tagged],
        )


async def _apply(ctx: HelperContext[Any], contact_id: str, tag: str) -> Action:
    await ctx.crm.apply_tag(contact_id, tag)
    return Action.tag_applied(contact_id, tag)
