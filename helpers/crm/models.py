"""The normalized records that cross the connector interface (spec/crm.md section 1). Every id is text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler, field_validator

from helpers.record import Record
from helpers.rules.instants import parse_instant


class Tag(Record):
    """A tag definition, or a tag on a contact; ``category`` is its name, "" where the CRM has none."""

    id: str
    name: str = ""
    description: str = ""
    category: str = ""

    @field_validator("id", "name", "description", "category", mode="before")
    @classmethod
    def _text(cls, value: object) -> str:
        return "" if value is None else str(value)


def tag_of(reference: str, tags: Sequence[Tag]) -> Tag | None:
    """The tag that a reference means: by exact id, else by name (trimmed, any case)."""
    wanted = reference.strip().casefold()
    by_id = next((tag for tag in tags if tag.id == reference), None)
    return by_id or next((tag for tag in tags if tag.name.strip().casefold() == wanted), None)


class CustomField(Record):
    """A custom field of the CRM account."""

    id: str
    key: str = ""
    label: str = ""
    field_type: str = ""
    group_name: str = ""
    options: list[str] = Field(default_factory=list)
    default_value: Any = None


class Contact(Record):
    """A contact as every CRM is read. ``custom_fields`` is keyed by the vendor's field id or name."""

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    company: str = ""
    job_title: str = ""
    owner_id: str = ""
    tags: list[Tag] = Field(default_factory=list)
    custom_fields: dict[str, Any] = Field(default_factory=dict)
    source_crm: str = ""
    source_id: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @field_validator(
        "id", "first_name", "last_name", "email", "phone", "company", "job_title", "owner_id",
        "source_crm", "source_id", mode="before",
    )  # fmt: skip
    @classmethod
    def _text(cls, value: object) -> str:
        return "" if value is None else str(value)

    @field_validator("created_at", "updated_at", mode="wrap")
    @classmethod
    def _utc(cls, value: object, parse: ValidatorFunctionWrapHandler) -> datetime | None:
        """UTC; text without a zone is UTC. What is no time (ActiveCampaign's 0000-00-00) says nothing: None."""
        try:
            moment = parse(value)
        except ValidationError:
            return None
        if not isinstance(moment, datetime):
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)

    @property
    def full_name(self) -> str:
        """First and last name with one blank between them, trimmed."""
        return f"{self.first_name} {self.last_name}".strip()

    def has_tag(self, reference: str) -> bool:
        """Whether a tag of the contact matches by exact id or by name (trimmed, case-insensitive)."""
        return tag_of(reference, self.tags) is not None


class ContactUpdate(Record):
    """A partial update: None leaves a standard attribute alone, "" blanks it.

    ``custom_fields`` holds what is written; keys are resolved by the connector as in set_field_value.
    """

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    company: str | None = None
    job_title: str | None = None
    owner_id: str | None = None
    custom_fields: dict[str, Any] = Field(default_factory=dict)


class NewContact(ContactUpdate):
    """What create_contact takes; ``tags`` are tag references."""

    tags: list[str] = Field(default_factory=list)


class ContactQuery(Record):
    """Options of get_contacts. ``cursor`` is opaque and drives paging; limit is the page size wanted.

    ``brief``: the caller needs id, names and addresses only, so that a connector may leave out tags and custom
    values where they cost a call per contact.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(default=100, ge=1, le=1000)
    cursor: str | None = None
    offset: int | None = None
    order_by: str | None = None
    filters: dict[str, str] = Field(default_factory=dict)
    tag_id: str | None = None
    email: str | None = None
    brief: bool = False

    @property
    def order(self) -> tuple[str, bool]:
        """The field of ``order_by`` and whether the order descends; "" without one."""
        name, _, direction = (self.order_by or "").partition(" ")
        return name, direction.strip().lower() == "desc"


class ContactPage(Record):
    """One page of contacts; ``total`` is None where the vendor gives none."""

    contacts: list[Contact]
    total: int | None = None
    next_cursor: str | None = None
    has_more: bool = False

    @field_validator("total", mode="before")
    @classmethod
    def _counted(cls, value: object) -> object:
        """A total that is no number says nothing."""
        return value if str(value).isdecimal() else None

    @field_validator("next_cursor", mode="before")
    @classmethod
    def _cursor(cls, value: object) -> str | None:
        """Some vendors count in numbers; an empty cursor is none."""
        return None if value in (None, "") else str(value)


class Opportunity(Record):
    """A deal of a contact."""

    id: str
    contact_id: str = ""
    stage_id: str = ""
    created_at: str | None = None

    @property
    def age(self) -> tuple[bool, float, int, str]:
        """Sort key: oldest first, then by id; a deal without a date goes last."""
        created = parse_instant(self.created_at)
        number = int(self.id) if self.id.isdecimal() else 0
        return created is None, created.timestamp() if created else 0.0, number, self.id


class ConnectorMetadata(Record):
    """Who answers: get_metadata of the interface."""

    platform_slug: str
    platform_name: str
    api_version: str = ""
    base_url: str = ""
