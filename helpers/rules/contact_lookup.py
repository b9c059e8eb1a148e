"""The contact behind an e-mail address: facebook_lead_ads and stripe_hooks."""

from __future__ import annotations

from typing import Any

from helpers.contract import HelperContext
from helpers.crm.models import ContactQuery


async def contact_with_email(ctx: HelperContext[Any], email: str) -> str | None:
    """The id of the contact with exactly that address (trimmed, in any case); None without one or for no address.

    A vendor's look-up may also find similar or secondary addresses, and those belong to somebody else perhaps.
    """
    wanted = email.strip()
    if not wanted:
        return None
    page = await ctx.crm.get_contacts(ContactQuery(email=wanted))
    return next((found.id for found in page.contacts if found.email.strip().casefold() == wanted.casefold()), None)
