"""Registration for a WebinarJam or EverWebinar session; the two helpers differ in slug and base URL only."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.errors import PermanentFailure
from helpers.rules.config_types import OptionalText, RequiredText
from helpers.rules.effects import best_effort
from helpers.rules.service_connections import ServiceConnections
from helpers.rules.steps import idempotency_headers
from helpers.rules.text import to_text
from helpers.services.webinarjam import WebinarJam


class Config(HelperConfig):
    """Which session, and how the contact is marked afterwards."""

    webinar_id: RequiredText = Field(description="Webinar id.")
    schedule: OptionalText = Field(default=None, description="Schedule id; unset = the webinar's next session.")
    apply_tag: OptionalText = Field(default=None, description="Tag id or name, applied after the registration.")
    service_connection_ids: ServiceConnections


class WebinarRegistration(Helper[Config]):
    """Registers the contact; the tag follows only a registration that the service confirmed."""

    category = "integration"
    external = True
    # Two calls of up to 30 s each.
    timeout_seconds = 120.0
    client: ClassVar[type[WebinarJam]]

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config, contact, service = ctx.config, ctx.contact, self.client(ctx)
        email = contact.email.strip()
        if not email:
            raise PermanentFailure("the contact has no e-mail address")
        first_name = contact.first_name.strip() or email.partition("@")[0]
        webinar_id = _number_if_digits(config.webinar_id)
        schedule = _number_if_digits(config.schedule) if config.schedule else await _next_schedule(service, webinar_id)
        person = {"first_name": first_name, "last_name": contact.last_name.strip(), "email": email}
        user = await service.register(
            {"webinar_id": webinar_id, **{key: text for key, text in person.items() if text}, "schedule": schedule},
            idempotency_headers(ctx),
        )
        user_id = to_text(user.get("user_id"))
        registered = Action(type="webinar_registered", target=config.webinar_id, value=user_id)
        tag = config.apply_tag
        tagged = await best_effort(ctx, f"apply tag {tag!r}", ctx.apply_tag(tag)) if tag else []
        return HelperOutput.ok(
            f"registered {email} for webinar {config.webinar_id}",
            modified_data={
                "webinar_id": config.webinar_id,
                **person,
                "api_url": service.register_url,
                "schedule": to_text(schedule),
                "user_id": user_id,
                **{key: to_text(user.get(key)) for key in ("live_room_url", "replay_room_url", "thank_you_url")},
            },
            actions=[registered, *tagged],
        )


async def _next_schedule(service: WebinarJam, webinar_id: str | int) -> str | int:
    """The session to register for where none is configured: the API takes no registration without one."""
    for entry in await service.schedules(webinar_id):
        schedule = entry.get("schedule")
        if isinstance(schedule, str | int) and schedule != "":
            return _number_if_digits(str(schedule))
    raise PermanentFailure(f"{service.title} webinar {webinar_id} has no schedule to register for")


def _number_if_digits(identifier: str) -> str | int:
    return int(identifier) if identifier.isascii() and identifier.isdigit() else identifier


def example(slug: str, host_path: str) -> Example:
    """The example of either helper."""
    user = {"user_id": 9001, "live_room_url": "https://event.example/live/1", "thank_you_url": ""}
    return Example(
        config={"webinar_id": "12", "schedule": "3", "apply_tag": "77"},
        crm={
            "contact": {"id": "c1", "first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"},
            "tags": [{"id": "77", "name": "Registered"}],
        },
        http=(
            {
                "match": {"method": "POST", "url_contains": f"{host_path}/register"},
                "reply": {"status": 200, "json": {"status": "success", "user": user}},
            },
        ),
        service_auths={slug: {"api_key": "example-key"}},
    )
