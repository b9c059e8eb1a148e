"""The helper contract: one class in one file is one helper.

    class Config(HelperConfig):
        source_field: FieldKey

    class CopyIt(Helper[Config]):
        type = "copy_it"
        name = "Copy It"
        category = "contact"
        description = "Copy one field to another."
        example = Example(config={...}, crm={...})

        async def execute(self, ctx: HelperContext[Config]) -> HelperOutput: ...

The registry refuses a class whose metadata is incomplete; `helpers.testing.run_helper` runs one without AWS.
"""

from __future__ import annotations

import builtins
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, get_args, get_origin

import httpx
from pydantic import BaseModel, ConfigDict, Field

from helpers.config_schema import ConfigSchema
from helpers.errors import ConnectionRequired, PermanentFailure
from helpers.record import Record

if TYPE_CHECKING:
    from helpers.crm.connector import CrmConnector
    from helpers.crm.models import Contact
    from helpers.ports import (
        ArtifactStore,
        BackupStore,
        Clock,
        ExecutionSpawner,
        HelperDirectory,
        HelperSettings,
        Mailer,
        Resolver,
        ServiceAuths,
        StateStore,
    )

CATEGORIES = (
    "contact", "data", "tagging", "automation", "integration", "notification", "analytics", "platform",
)  # fmt: skip


class HelperConfig(BaseModel):
    """Base of every config model. Unknown keys are ignored: stored configs carry keys of the old web forms."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON schema (draft 2020-12) that is published for the config."""
        return cls.model_json_schema(schema_generator=ConfigSchema)


ConfigT = TypeVar("ConfigT", bound=HelperConfig)


class Action(Record):
    """One thing a run did. The type names are fixed: stored automations read them."""

    type: str
    target: str = ""
    value: Any = None

    @classmethod
    def field_updated(cls, field_key: str, value: Any) -> Action:
        """``field_key`` as configured, ``value`` as written."""
        return cls(type="field_updated", target=field_key, value=value)

    @classmethod
    def tag_applied(cls, contact_id: str, tag: str) -> Action:
        """``tag`` is the reference as configured."""
        return cls(type="tag_applied", target=contact_id, value=tag)

    @classmethod
    def tag_removed(cls, contact_id: str, tag: str) -> Action:
        """``tag`` is the reference as configured."""
        return cls(type="tag_removed", target=contact_id, value=tag)

    @classmethod
    def goal_achieved(cls, contact_id: str, goal: str) -> Action:
        """``goal`` is the full call name."""
        return cls(type="goal_achieved", target=contact_id, value=goal)


class HelperOutput(Record):
    """What a run hands back; stored as JSON with the execution. ``success=False`` is a permanent failure."""

    success: bool
    message: str = ""
    modified_data: dict[str, Any] = Field(default_factory=dict)
    actions: list[Action] = Field(default_factory=list)
    logs: list[str] = Field(default_factory=list)

    @classmethod
    def ok(
        cls, message: str, *, modified_data: Mapping[str, Any] | None = None, actions: Iterable[Action] = ()
    ) -> HelperOutput:
        """A successful run."""
        return cls(success=True, message=message, modified_data=dict(modified_data or {}), actions=list(actions))

    @classmethod
    def failed(
        cls, message: str, *, modified_data: Mapping[str, Any] | None = None, actions: Iterable[Action] = ()
    ) -> HelperOutput:
        """A run that failed for good but has something to report. Raise an error where there is nothing."""
        return cls(success=False, message=message, modified_data=dict(modified_data or {}), actions=list(actions))

    @classmethod
    def no_op(cls, message: str) -> HelperOutput:
        """A successful run that had nothing to do: no writes, no actions."""
        return cls(success=True, message=message)


@dataclass(frozen=True, slots=True)
class Example:
    """A runnable example: the arguments of `run_helper`. Docs, the conformance test and the console form share it."""

    config: dict[str, Any]
    crm: dict[str, Any] | None = None
    contact_id: str = "c1"
    input: dict[str, Any] = field(default_factory=dict)
    query_params: dict[str, str] = field(default_factory=dict)
    http: tuple[dict[str, Any], ...] = ()
    service_auths: dict[str, dict[str, str]] = field(default_factory=dict)
    stored_helpers: tuple[dict[str, Any], ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class HelperContext(Generic[ConfigT]):
    """Everything one run sees. Built by the worker or by `run_helper`; a helper keeps no other state.

    ``contact`` is pre-fetched for helpers with ``reads_contact``; others call :meth:`load_contact`.
    ``chain_path`` holds the helper ids from the root to the parent. ``raw_config`` is the config as stored.
    """

    contact_id: str
    config: ConfigT
    raw_config: Mapping[str, Any]
    input: Mapping[str, Any]
    query_params: Mapping[str, str]
    account_id: str
    user_id: str
    helper_id: str
    execution_id: str
    connection_id: str = ""
    root_execution_id: str = ""
    depth: int = 0
    chain_path: tuple[str, ...] = ()
    loaded_contact: Contact | None = None
    connector: CrmConnector | None
    http: httpx.AsyncClient
    clock: Clock
    state: StateStore
    executions: ExecutionSpawner
    helpers: HelperDirectory
    mail: Mailer
    files: ArtifactStore
    backups: BackupStore
    resolver: Resolver
    service_auths: ServiceAuths
    settings: HelperSettings
    logs: list[str] = field(default_factory=list)

    @property
    def crm(self) -> CrmConnector:
        """The CRM connector. Raises ConnectionRequired where the execution has none (see :attr:`has_crm`)."""
        if self.connector is None:
            raise ConnectionRequired
        return self.connector

    @property
    def has_crm(self) -> bool:
        """Whether a CRM connection and a contact are there; helpers that need no CRM ask before they write to it."""
        return self.connector is not None and bool(self.contact_id)

    @property
    def contact(self) -> Contact:
        """The contact as read before the run; only in helpers with ``reads_contact`` or after load_contact()."""
        if self.loaded_contact is None:
            raise PermanentFailure("the contact was not loaded: set reads_contact or await load_contact()")
        return self.loaded_contact

    async def load_contact(self) -> Contact:
        """The contact, read once per run. Raises the connector's error."""
        if self.loaded_contact is None:
            self.loaded_contact = await self.crm.get_contact(self.contact_id)
        return self.loaded_contact

    async def read(self, field_key: str) -> Any:
        """A field of the contact, by name, key, alias or label; None where it has no value."""
        return await self.crm.get_field_value(self.contact_id, field_key)

    async def write(self, field_key: str, value: Any) -> Action:
        """Write a field of the contact and return the field_updated action."""
        await self.crm.set_field_value(self.contact_id, field_key, value)
        return Action.field_updated(field_key, value)

    async def apply_tag(self, tag: str) -> Action:
        """Apply a tag to the contact and return the tag_applied action."""
        await self.crm.apply_tag(self.contact_id, tag)
        return Action.tag_applied(self.contact_id, tag)

    async def remove_tag(self, tag: str) -> Action:
        """Remove a tag from the contact and return the tag_removed action."""
        await self.crm.remove_tag(self.contact_id, tag)
        return Action.tag_removed(self.contact_id, tag)

    async def achieve_goal(self, goal: str, integration: str = "myfusionhelper") -> Action:
        """Achieve a goal for the contact and return the goal_achieved action."""
        await self.crm.achieve_goal(self.contact_id, goal, integration)
        return Action.goal_achieved(self.contact_id, goal)

    def log(self, message: str) -> None:
        """Add a line to the execution's log, which the account user reads: no secrets."""
        self.logs.append(message)


class Helper(ABC, Generic[ConfigT]):
    """A CRM automation. Instances hold no state between runs; one instance may serve many runs at once.

    ``Config`` is taken from the generic argument. ``requires_contact`` defaults to ``requires_crm``;
    ``reads_contact`` makes the runtime fetch the contact first (a contact that cannot be read fails the run).
    ``idempotent``: repeating a run that died in mid-call does no harm. ``external``: it calls third parties.
    ``routes_visitors``: its modified_data holds a ``redirect_url``, and a public link may run it for a visitor.
    ``timeout_seconds`` bounds one attempt. ``shares_crm_credentials``: where the service of the CRM's name is not
    connected by itself, the credentials of the execution's CRM connection stand in for it.
    """

    type: ClassVar[str]
    name: ClassVar[str]
    category: ClassVar[str]
    description: ClassVar[str]
    example: ClassVar[Example]
    Config: ClassVar[builtins.type[HelperConfig]]
    requires_crm: ClassVar[bool] = True
    requires_contact: ClassVar[bool]
    reads_contact: ClassVar[bool] = True
    supported_crms: ClassVar[tuple[str, ...]] = ()
    idempotent: ClassVar[bool] = True
    external: ClassVar[bool] = False
    routes_visitors: ClassVar[bool] = False
    timeout_seconds: ClassVar[float] = 60.0
    shares_crm_credentials: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in cls.__dict__.get("__orig_bases__", ()):
            origin, arguments = get_origin(base), get_args(base)
            if isinstance(origin, type) and issubclass(origin, Helper) and arguments:
                config = arguments[0]
                if isinstance(config, type) and issubclass(config, HelperConfig):
                    cls.Config = config
        inherited = "requires_crm" not in cls.__dict__ and hasattr(cls, "requires_contact")
        if "requires_contact" not in cls.__dict__ and not inherited:
            cls.requires_contact = cls.requires_crm

    @classmethod
    def published(cls) -> dict[str, Any]:
        """What API and CLI show of the type, JSON-ready: metadata, config schema, example config."""
        return {
            "type": cls.type,
            "name": cls.name,
            "category": cls.category,
            "description": cls.description,
            "requires_crm": cls.requires_crm,
            "supported_crms": list(cls.supported_crms),
            "config_schema": cls.Config.json_schema(),
            "example": cls.example.config,
        }

    @abstractmethod
    async def execute(self, ctx: HelperContext[ConfigT]) -> HelperOutput:
        """Do the work once. Raises HelperError; anything else that escapes counts as a bug of the helper."""
