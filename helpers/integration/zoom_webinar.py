"""zoom_webinar: create a Zoom webinar, or register the contact for one."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from helpers.contract import Example, HelperContext
from helpers.integration.zoom_event import ZoomEvent, ZoomEventConfig
from helpers.rules.config_types import DefaultText, ExactWholeNumber, OptionalText, empty_is_default

WEBINAR = 5


class Config(ZoomEventConfig):
    """The webinar."""

    event_id_key: ClassVar[str] = "webinar_id"

    webinar_id: OptionalText = Field(default=None, description="register: webinar id.")
    topic: DefaultText = Field(default="Webinar", description="create: title.")
    auto_recording: Annotated[Literal["none", "local", "cloud"], empty_is_default] = Field(
        default="cloud", description="create: where it is recorded."
    )
    approval_type: Annotated[ExactWholeNumber, empty_is_default] = Field(
        default=0,
        ge=0,
        le=2,
        description="create: registrations are approved (0), reviewed (1) or not needed (2).",
        json_schema_extra={"minimum": 0, "maximum": 2},
    )
    custom_questions: Annotated[list[Any], empty_is_default] = Field(
        default_factory=list, description="register: answers as {title, value}."
    )


class ZoomWebinar(ZoomEvent[Config]):
    """The rules are those of ZoomEvent."""

    type = "zoom_webinar"
    name = "Zoom Webinar"
    description = "Create a Zoom webinar, or register the contact for one."
    noun = "webinar"
    kind = "webinars"
    example = Example(
        config={"action": "create", "user_id": "me", "topic": "Launch", "duration": 45},
        crm={"contact": {"id": "c1", "first_name": "Ada", "email": "ada@example.com"}},
        http=(
            {
                "match": {"method": "POST", "url_contains": "/v2/users/me/webinars"},
                "reply": {"status": 201, "json": {"id": 91000, "join_url": "https://zoom.example/j/91000"}},
            },
        ),
        service_auths={"zoom": {"access_token": "example-token"}},
    )

    def new_event(self, ctx: HelperContext[Config]) -> dict[str, Any]:
        config = ctx.config
        settings = {
            "approval_type": config.approval_type,
            "registration_type": config.registration_type,
            "auto_recording": config.auto_recording,
            "registrants_email_notification": True,
        }
        return {"topic": config.topic, "type": WEBINAR, "settings": settings}

    def extra_answers(self, config: Config) -> dict[str, Any]:
        questions = [entry for entry in config.custom_questions if isinstance(entry, dict)]
        return {"custom_questions": questions} if questions else {}
