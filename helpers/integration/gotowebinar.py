"""gotowebinar: register the contact for a GoTo Webinar."""

from __future__ import annotations

from pydantic import Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.errors import PermanentFailure
from helpers.rules.config_types import OptionalText, RequiredText
from helpers.rules.effects import best_effort
from helpers.rules.service_connections import ServiceConnections
from helpers.rules.steps import idempotency_headers
from helpers.rules.text import to_text
from helpers.services.gotowebinar import GoToWebinar as GoToWebinarClient


class Config(HelperConfig):
    """Which webinar, and how the contact is marked afterwards."""

    organizer_key: RequiredText = Field(description="Organizer key.")
    webinar_key: RequiredText = Field(description="Webinar key.")
    apply_tag: OptionalText = Field(default=None, description="Tag id or name, applied after the registration.")
    service_connection_ids: ServiceConnections


class GoToWebinar(Helper[Config]):
    """A contact who is registered already counts as registered."""

    type = "gotowebinar"
    name = "GoToWebinar"
    category = "integration"
    description = "Register the contact for a GoTo Webinar."
    external = True
    # The call, a renewal of the token and the call once more, each up to 30 s.
    timeout_seconds = 120.0
    example = Example(
        config={"organizer_key": "5000", "webinar_key": "7000", "apply_tag": "77"},
        crm={
            "contact": {"id": "c1", "first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"},
            "tags": [{"id": "77", "name": "Registered"}],
        },
        http=(
            {
                "match": {"method": "POST", "url_contains": "/organizers/5000/webinars/7000/registrants"},
                "reply": {
                    "status": 201,
                    "json": {"registrantKey": 42, "joinUrl": "https://join.example/42", "status": "APPROVED"},
                },
            },
        ),
        service_auths={"gotowebinar": {"access_token": "example-token"}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config, contact, service = ctx.config, ctx.contact, GoToWebinarClient(ctx)
        email = contact.email.strip()
        if not email:
            raise PermanentFailure("the contact has no e-mail address")
        # The API rejects blank names.
        first_name = contact.first_name.strip() or email.partition("@")[0]
        last_name = contact.last_name.strip() or "-"
        registrant = {"firstName": first_name, "lastName": last_name, "email": email}
        url = service.registrants_url(config.organizer_key, config.webinar_key)
        answer, already_registered = await service.register(url, registrant, idempotency_headers(ctx))
        registrant_key = to_text(answer.get("registrantKey"))
        registered = Action(type="webinar_registered", target=config.webinar_key, value=registrant_key)
        tag = config.apply_tag
        tagged = await best_effort(ctx, f"apply tag {tag!r}", ctx.apply_tag(tag)) if tag else []
        return HelperOutput.ok(
            f"{'already ' if already_registered else ''}registered {email} for webinar {config.webinar_key}",
            modified_data={
                "webinar_key": config.webinar_key,
                "organizer_key": config.organizer_key,
                "email": email,
                "first_name": first_name,
                "last_name": last_name,
                "full_name": contact.full_name,
                "api_url": url,
                "payload": registrant,
                "registrant_key": registrant_key,
                "join_url": to_text(answer.get("joinUrl")),
                "status": to_text(answer.get("status")),
                "already_registered": already_registered,
            },
            actions=[registered, *tagged],
        )
