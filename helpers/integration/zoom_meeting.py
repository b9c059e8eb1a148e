"""zoom_meeting: create a Zoom meeting, or register the contact for one."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from helpers.contract import Example, HelperContext
from helpers.integration.zoom_event import ZoomEvent, ZoomEventConfig
from helpers.rules.config_types import DefaultText, OptionalText, empty_is_default

SCHEDULED = 2


class Config(ZoomEventConfig):
    """The meeting."""

    event_id_key: ClassVar[str] = "meeting_id"

    meeting_id: OptionalText = Field(default=None, description="register: meeting id.")
    topic: DefaultText = Field(default="Meeting", description="create: title.")
    auto_recording: Annotated[Literal["none", "local", "cloud"], empty_is_default] = Field(
        default="none", description="create: where it is recorded."
    )


class ZoomMeeting(ZoomEvent[Config]):
    """A passcode does not make participants sign in: that would lock guests out."""

    type = "zoom_meeting"
    name = "Zoom Meeting"
    description = "Create a Zoom meeting, or register the contact for one."
    noun = "meeting"
    kind = "meetings"
    example = Example(
        config={"action": "register", "meeting_id": "85000", "save_join_url_to": "JoinLink"},
        crm={"contact": {"id": "c1", "first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"}},
        http=(
            {
                "match": {"method": "POST", "url_contains": "/v2/meetings/85000/registrants"},
                "reply": {"status": 201, "json": {"registrant_id": "r1", "join_url": "https://zoom.example/j/85000"}},
            },
        ),
        service_auths={"zoom": {"access_token": "example-token"}},
    )

    def new_event(self, ctx: HelperContext[Config]) -> dict[str, Any]:
        config = ctx.config
        settings: dict[str, Any] = {"auto_recording": config.auto_recording}
        # Zoom asks for a registration as soon as the key is there.
        if ctx.raw_config.get("registration_type") not in (None, ""):
            settings["registration_type"] = config.registration_type
        return {"topic": config.topic, "type": SCHEDULED, "settings": settings}
