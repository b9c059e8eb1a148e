"""The fields of one connection: from a key of a stored config to the vendor's attribute or custom field."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from pydantic import Field

from helpers.crm.definitions import DefinitionCache, unless_forbidden
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.models import CustomField
from helpers.ports import Clock
from helpers.rules.fields import STANDARD_NAMES, alias_of, fold, resolve, secondary_email


class VendorField(CustomField):
    """A custom field with what its vendor needs to write it: option ids to labels, and whether it may be written."""

    option_labels: dict[str, str] = Field(default_factory=dict)
    read_only: bool = False


class FieldTable:
    """``attributes`` and ``aliases`` are those of the vendor; ``load`` lists the custom fields.

    A label that several fields share raises VALIDATION: which of them is meant is not for us to guess (crm.md 5.2).
    """

    def __init__(
        self,
        platform: str,
        attributes: Mapping[str, str],
        aliases: Mapping[str, str],
        load: Callable[[], Awaitable[list[VendorField]]],
        clock: Clock,
    ) -> None:
        self._platform = platform
        self._attributes = attributes
        self._cache: DefinitionCache[VendorField] = DefinitionCache(load, clock)
        # Names win over the vendor's own keys, which are accepted too (crm.md 5.2).
        self._by_fold = {fold(key): name for name, key in attributes.items()}
        self._by_fold |= {fold(name): name for name in attributes}
        self._by_fold |= {fold(alias): name for alias, name in aliases.items()}

    async def custom(self) -> list[VendorField]:
        """All custom fields. Raises FORBIDDEN where the credentials may not list them."""
        return await self._cache.items()

    async def known(self) -> list[VendorField]:
        """The custom fields, none where the credentials may not list them."""
        return await unless_forbidden(self.custom(), [])

    async def find(self, key: str) -> tuple[str | None, VendorField | None]:
        """The attribute name or the custom field behind a key; neither for an unknown key."""
        if key == "id" or (key in STANDARD_NAMES and key in self._attributes):
            return key, None
        mapped = set(self._attributes.values())

        def match(fields: list[VendorField]) -> VendorField | None:
            # HubSpot lists its standard properties among the custom ones.
            own = [field for field in fields if field.id not in mapped]
            custom = resolve(key, own).custom
            if not isinstance(custom, VendorField):
                return None
            self._refuse_shared_label(key, custom, own)
            return custom

        number = secondary_email(key)
        alias = alias_of(key)
        named = ("id", *self._attributes)
        name = f"email{number}" if number else alias if alias in named else self._by_fold.get(fold(key))
        if name in named:
            # An exact custom key still wins over an alias (contact C2), so the list decides; no reload is needed.
            return (None, custom) if (custom := match(await self.known())) else (name, None)
        return None, await self._cache.find(match)

    def _refuse_shared_label(self, key: str, found: VendorField, fields: Sequence[VendorField]) -> None:
        wanted = key.strip().casefold()
        if key in (found.key, found.id) or found.label.strip().casefold() != wanted:
            return
        sharing = [field.key or field.id for field in fields if field.label.strip().casefold() == wanted]
        if len(sharing) > 1:
            raise CrmError(
                CrmErrorCode.VALIDATION,
                f"several fields are labelled {key!r}; name one by its key: {', '.join(sharing)}",
                platform=self._platform,
                status_code=400,
            )

    async def vendor_name(self, key: str) -> str:
        """What the vendor calls the field of a key, for filters and orders; an unknown key as it is."""
        name, field = await self.find(key)
        return field.id if field is not None else self._attributes.get(name or "", key)

    def drop(self) -> None:
        """Load the custom fields again at the next use."""
        self._cache.drop()
