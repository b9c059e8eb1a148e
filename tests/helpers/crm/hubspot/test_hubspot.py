"""What is particular about HubSpot (spec crm.md 4.5)."""

from __future__ import annotations

import json

import pytest

from helpers.crm.errors import CrmError, CrmErrorCode
from tests.helpers.crm.fakes.hubspot import FakeHubSpot


async def test_only_static_lists_are_tags() -> None:
    """A dynamic list is a condition; all pages of lists are read."""
    crm = FakeHubSpot().connector()
    assert {tag.name for tag in await crm.get_tags()} == {"VIP", "Cold"}
    assert [tag.name for tag in (await crm.get_contact("11")).tags] == ["VIP"]


async def test_an_ignored_id_is_told_from_nothing_to_do() -> None:
    """The list call answers 200 for both."""
    crm = FakeHubSpot().connector()
    await crm.apply_tag("11", "VIP")
    with pytest.raises(CrmError) as raised:
        await crm.apply_tag("999", "VIP")
    assert raised.value.code is CrmErrorCode.NOT_FOUND


async def test_a_workflow_is_enrolled_by_email() -> None:
    """Not by contact id, and percent-encoded."""
    fake = FakeHubSpot()
    fake.contacts["12"]["email"] = "bob+x@example.com"
    await fake.connector().trigger_automation("12", "77")
    assert fake.enrolled == [("77", "bob+x@example.com")]
    assert fake.requests[-1].url.raw_path.endswith(b"/bob%2Bx%40example.com")


async def test_consent_is_per_subscription_type() -> None:
    """Out of everything; in to every active type that is not internal."""
    fake = FakeHubSpot()
    crm = fake.connector()
    await crm.set_opt_in_status("11", False)
    await crm.set_opt_in_status("11", True, "form")
    assert fake.unsubscribed == ["ada@example.com"]
    assert fake.subscribed == [("ada@example.com", 5)]


async def test_values_are_text_and_options_are_labels_outside() -> None:
    """ "a;b" inside; "" clears; read-only properties are refused before the call."""
    fake = FakeHubSpot()
    crm = fake.connector()
    assert await crm.get_field_value("11", "Interests") == ["Golf", "Chess"]
    await crm.set_field_values("11", {"interests": ["Chess"], "Renewal": "03/01/2026", "color": None})
    assert json.loads(fake.requests[-1].content) == {
        "properties": {"interests": "chess", "renewal": "2026-03-01", "color": ""}
    }  # fmt: skip
    with pytest.raises(CrmError, match="read only"):
        await crm.set_field_value("11", "num_notes", 5)


async def test_a_note_is_attached_to_the_contact() -> None:
    """Association type 202, with a timestamp."""
    fake = FakeHubSpot()
    await fake.connector().create_note("11", "Call", "Body")
    (note,) = fake.notes
    assert note["properties"]["hs_note_body"] == "Call\n\nBody"
    assert note["properties"]["hs_timestamp"].endswith("Z")
    assert note["associations"][0]["types"][0]["associationTypeId"] == 202


async def test_standard_properties_answer_to_both_spellings() -> None:
    """firstname is the vendor's, first_name ours."""
    crm = FakeHubSpot().connector()
    assert [await crm.get_field_value("11", key) for key in ("firstname", "First Name", "first_name")] == ["Ada"] * 3
