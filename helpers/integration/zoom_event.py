"""Creating a Zoom meeting or webinar, and registering the contact for one. What differs is data of the subclass."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import Field, model_validator

from helpers.contract import Action, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.errors import PermanentFailure
from helpers.rules.config_types import DefaultText, ExactWholeNumber, OptionalText, WholeNumber, empty_is_default
from helpers.rules.effects import best_effort
from helpers.rules.field_text import field_text
from helpers.rules.service_connections import ServiceConnections
from helpers.rules.steps import idempotency_headers, once
from helpers.rules.text import to_text
from helpers.services.zoom import Zoom

DEFAULT_NAME_FIELDS = ("FirstName", "first_name")


class ZoomEventConfig(HelperConfig):
    """The keys that meetings and webinars share; ``event_id`` is the key that names the event to register for."""

    event_id_key: ClassVar[str]

    action: Literal["create", "register"] = Field(description="create an event, or register the contact for one.")
    user_id: OptionalText = Field(default=None, description="create: Zoom user id, e-mail or me.")
    start_time: OptionalText = Field(default=None, description="create: ISO 8601, passed on as it is.")
    duration: Annotated[WholeNumber, empty_is_default] = Field(default=60, description="create: minutes.")
    timezone: DefaultText = Field(default="UTC", description="create: IANA name.")
    password: OptionalText = Field(default=None, description="create: passcode.")
    name_field: DefaultText = Field(default="FirstName", description="register: field with the registrant's name.")
    email_field: DefaultText = Field(default="Email", description="register: field with the registrant's e-mail.")
    save_join_url_to: OptionalText = Field(default=None, description="Field that receives the join URL.")
    registration_type: Annotated[ExactWholeNumber, empty_is_default] = Field(
        default=1,
        ge=1,
        le=3,
        description="create: register once (1), for each occurrence (2), or choose (3).",
        json_schema_extra={"minimum": 1, "maximum": 3},
    )
    service_connection_ids: ServiceConnections

    @property
    def event_id(self) -> str:
        """The id of the event to register for."""
        return getattr(self, self.event_id_key) or ""

    @model_validator(mode="after")
    def _names_what_the_action_needs(self) -> Self:
        needed = "user_id" if self.action == "create" else self.event_id_key
        if not (getattr(self, needed) or "").strip():
            raise ValueError(f"{needed} is needed to {self.action}")
        return self


ConfigT = TypeVar("ConfigT", bound=ZoomEventConfig)


class ZoomEvent(Helper[ConfigT]):
    """``noun`` names the event in outputs; ``kind`` is its resource at the API."""

    category = "integration"
    external = True
    # The call, a renewal of the token and the call once more, each up to 30 s.
    timeout_seconds = 120.0
    idempotent = False
    # The credentials come first, so the contact is loaded after them.
    reads_contact = False
    noun: ClassVar[str]
    kind: ClassVar[str]

    @abstractmethod
    def new_event(self, ctx: HelperContext[ConfigT]) -> dict[str, Any]:
        """``topic``, ``type`` and ``settings`` of a new event."""

    def extra_answers(self, config: ConfigT) -> dict[str, Any]:  # noqa: ARG002  for subclasses
        """What else a registration says."""
        return {}

    async def execute(self, ctx: HelperContext[ConfigT]) -> HelperOutput:
        zoom = Zoom(ctx)
        await ctx.load_contact()
        if ctx.config.action == "create":
            return await self._create(ctx, zoom)
        return await self._register(ctx, zoom)

    async def _create(self, ctx: HelperContext[ConfigT], zoom: Zoom) -> HelperOutput:
        config = ctx.config
        event = {
            **self.new_event(ctx),
            "duration": config.duration,
            "timezone": config.timezone,
            **({"start_time": config.start_time} if config.start_time else {}),
            **({"password": config.password} if config.password else {}),
        }

        async def create() -> dict[str, Any]:
            answer = await zoom.create(config.user_id or "", self.kind, event, idempotency_headers(ctx))
            return {"id": to_text(answer.get("id")), "join_url": to_text(answer.get("join_url"))}

        created = await once(ctx, self.noun, create)
        done = Action(type=f"{self.noun}_created", target=created["id"], value=created["join_url"])
        return HelperOutput.ok(
            f"created {self.noun} {created['id']}",
            modified_data={
                f"{self.noun}_id": created["id"], "join_url": created["join_url"], "topic": event["topic"]
            },
            actions=[done, *await self._saved(ctx, created["join_url"])],
        )  # fmt: skip

    async def _register(self, ctx: HelperContext[ConfigT], zoom: Zoom) -> HelperOutput:
        config = ctx.config
        email = await field_text(ctx, config.email_field)
        if not email:
            raise PermanentFailure(f"the contact has no e-mail address in {config.email_field}")
        person = {"email": email, **await self._names(ctx, email), **self.extra_answers(config)}
        answer = await zoom.register(self.kind, config.event_id, person, idempotency_headers(ctx))
        registrant_id, join_url = to_text(answer.get("registrant_id")), to_text(answer.get("join_url"))
        done = Action(type=f"{self.noun}_registered", target=config.event_id, value=registrant_id)
        return HelperOutput.ok(
            f"registered {email} for {self.noun} {config.event_id}",
            modified_data={
                f"{self.noun}_id": config.event_id, "registrant_id": registrant_id, "join_url": join_url
            },
            actions=[done, *await self._saved(ctx, join_url)],
        )  # fmt: skip

    async def _names(self, ctx: HelperContext[ConfigT], email: str) -> Mapping[str, str]:
        """A name field of its own holds the whole name; otherwise the contact's two names are sent."""
        contact, name_field = ctx.contact, ctx.config.name_field
        own_name = "" if name_field in DEFAULT_NAME_FIELDS else await field_text(ctx, name_field)
        first_name = own_name or contact.first_name.strip() or email.partition("@")[0]
        last_name = "" if own_name else contact.last_name.strip()
        return {"first_name": first_name, **({"last_name": last_name} if last_name else {})}

    async def _saved(self, ctx: HelperContext[ConfigT], join_url: str) -> list[Action]:
        target = ctx.config.save_join_url_to
        if not target or not join_url:
            return []
        return await best_effort(ctx, f"write the join URL to {target!r}", ctx.write(target, join_url))
