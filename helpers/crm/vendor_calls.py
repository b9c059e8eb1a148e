"""What a vendor has to say and do to become a connector: a table of names, and some fifteen calls."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from helpers.crm.dialect import Dialect
from helpers.crm.fields import VendorField
from helpers.crm.models import Tag
from helpers.crm.paths import Record, at
from helpers.crm.pseudo import PseudoKeys
from helpers.crm.values import ValueForm


class VendorCalls(PseudoKeys):
    """A vendor says where its attributes are and how it writes values, and implements the abstract calls.

    ``attributes`` maps standard names (and further ones: website, birthday, address1, ...) to the vendor's keys.
    ``aliases`` maps further spellings of stored configs (case and ``_`` do not matter) to those names.
    """

    platform_name: ClassVar[str]
    api_version: ClassVar[str] = ""
    dialect: ClassVar[Dialect]
    values: ClassVar[ValueForm]
    attributes: ClassVar[Mapping[str, str]]
    created_key: ClassVar[str] = ""
    updated_key: ClassVar[str] = ""
    aliases: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    async def fetch(self, contact_id: str) -> Record:
        """The vendor's record with attributes, custom values and tags. Raises NOT_FOUND."""

    @abstractmethod
    async def write(self, contact_id: str, attributes: Record, custom: Record) -> None:
        """Write the named attributes and the custom fields (by id, in the vendor's form), nothing else."""

    @abstractmethod
    async def insert(self, attributes: Record, custom: Record) -> str:
        """Create the contact, or update the one with that e-mail; returns its id."""

    @abstractmethod
    async def load_tags(self) -> list[Tag]:
        """All tag definitions."""

    @abstractmethod
    async def load_fields(self) -> list[VendorField]:
        """All custom fields."""

    @abstractmethod
    async def add_tag(self, contact_id: str, tag: Tag) -> None:
        """Apply; already there is success."""

    @abstractmethod
    async def drop_tag(self, contact_id: str, tag: Tag) -> None:
        """Remove; not there is success."""

    @abstractmethod
    def tag_ids(self, record: Record) -> list[str]:
        """The ids of the tags in a record."""

    def record_tags(self, record: Record, definitions: Sequence[Tag]) -> list[Tag]:
        """The tags in a record, with their names."""
        names = {tag.id: tag for tag in definitions}
        return [names.get(tag_id, Tag(id=tag_id)) for tag_id in self.tag_ids(record)]

    @abstractmethod
    async def make_tag(self, name: str) -> Tag:
        """Create a tag definition of a name that is not taken."""

    @abstractmethod
    def custom_values(self, record: Record) -> Record:
        """Field id -> value in the vendor's form."""

    def attribute(self, record: Record, name: str) -> Any:
        """A named attribute of a record."""
        return at(record, self.attributes[name])

    async def unknown_field(self, contact_id: str, key: str) -> Any:
        """The value of a key that is neither attribute nor custom field."""
        return None

    def instant(self, value: Any) -> Any:
        """A time of a record in a form that Contact accepts."""
        return value or None
