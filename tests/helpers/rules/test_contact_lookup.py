"""The contact behind an e-mail address."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from helpers.crm.models import Contact, ContactPage, ContactQuery
from helpers.rules.contact_lookup import contact_with_email


class LooseCrm:
    """A vendor that also finds similar addresses."""

    async def get_contacts(self, query: ContactQuery) -> ContactPage:
        found = [Contact(id="1", email=f"x{query.email}"), Contact(id="2", email=str(query.email).upper())]
        return ContactPage(contacts=found)


@pytest.mark.parametrize(("email", "contact_id"), [(" ann@x.de ", "2"), ("", None), ("  ", None)])
async def test_only_the_very_address_counts(email: str, contact_id: str | None) -> None:
    """In any case; the first hit of the vendor may be somebody else."""
    ctx: Any = SimpleNamespace(crm=LooseCrm())

    assert await contact_with_email(ctx, email) == contact_id
