"""What the demo shows of the contacts."""

from __future__ import annotations

from fleet.local.demo.report import changes
from helpers.crm.models import Contact


def test_the_contacts_that_changed_most_are_shown_before_and_after() -> None:
    """Three of them, each with every field that differs."""
    before = [Contact(id=f"c{number}", first_name="Old", phone="1") for number in range(5)]
    after = list(before)
    after[1] = before[1].model_copy(update={"first_name": "New"})
    after[3] = before[3].model_copy(update={"first_name": "New", "phone": "2"})
    after[4] = before[4].model_copy(update={"owner_id": "7"})

    cells = [list(column.cells) for column in changes(before, after).columns]
    assert cells == [
        ["c3", "", "c1", "c4"],
        ["first_name", "phone", "first_name", "owner_id"],
        ["Old", "1", "Old", ""],
        ["New", "2", "New", "7"],
    ]
