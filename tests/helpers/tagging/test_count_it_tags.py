from __future__ import annotations

from typing import Any

import pytest

from helpers.crm.models import ContactPage, ContactQuery
from helpers.testing import SandboxCRM, run_helper

VIP = {"id": "5", "name": "VIP"}
TAGS = [VIP, {"id": "6", "name": "Full"}, {"id": "7", "name": "Room left"}]


def crm(carriers: int = 3, *, carried_by_contact: bool = True, **more: Any) -> dict[str, Any]:
    others = [{"id": f"x{n}", "tags": [VIP]} for n in range(carriers - carried_by_contact)]
    contact = {"id": "c1", "tags": [VIP] if carried_by_contact else []}
    return {"contact": contact, "extra_contacts": [*others, {"id": "untagged"}], "tags": TAGS, **more}


@pytest.mark.parametrize("tag_id", ["5", 5, " vip "])
async def test_contacts_with_the_tag_are_counted(tag_id: Any) -> None:
    """By id or name; other contacts do not count."""
    run = await run_helper("count_it_tags", {"tag_id": tag_id}, crm=crm())

    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == {"total_count": 3, "position": 1}
    assert run.output.actions == []


@pytest.mark.parametrize(
    ("threshold", "applied"),
    [(3, "Full"), (2.9, "Full"), (4, "7"), (4.9, "7"), (0, None), (0.9, None), (-1, None), (None, None), ("", None)],
)
async def test_the_threshold_decides_about_the_tag(threshold: Any, applied: str | None) -> None:
    """Active above 0, fractions cut off; the reference is echoed."""
    config = {"tag_id": "5", "threshold": threshold, "threshold_met_tag": "Full", "threshold_not_met_tag": 7}
    run = await run_helper("count_it_tags", config, crm=crm())

    assert run.output is not None
    assert [(a.type, a.target, a.value) for a in run.output.actions] == (
        [("tag_applied", "c1", applied)] if applied else []
    )


@pytest.mark.parametrize("none", ["no_tag", "", None])
async def test_no_tag_means_none(none: Any) -> None:
    """The picker's word for nothing."""
    run = await run_helper("count_it_tags", {"tag_id": "5", "threshold": 1, "threshold_met_tag": none}, crm=crm())

    assert run.output is not None
    assert run.output.actions == []


async def test_tag_count_and_position_in_this_order() -> None:
    """The count is taken before the tag of this run."""
    config = {
        "tag_id": "5",
        "threshold": 3,
        "threshold_not_met_tag": "5",
        "save_count_to": "n",
        "save_position_to": "seat",
    }
    run = await run_helper("count_it_tags", config, crm=crm(2))

    assert run.output is not None
    assert run.output.modified_data == {"total_count": 2, "position": 1}
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [
        ("tag_applied", "c1", "5"),
        ("field_updated", "n", "2"),
        ("field_updated", "seat", "1"),
    ]


async def test_a_contact_without_the_tag_has_position_zero() -> None:
    """Its position is reported and not written."""
    config = {"tag_id": "5", "save_count_to": "n", "save_position_to": "seat"}
    run = await run_helper("count_it_tags", config, crm=crm(2, carried_by_contact=False))

    assert run.output is not None
    assert run.output.modified_data == {"total_count": 2, "position": 0}
    assert [a.target for a in run.output.actions] == ["n"]
    assert run.crm.field("c1", "seat") is None


async def test_an_unknown_tag_counts_nobody() -> None:
    """Zero is a result."""
    run = await run_helper("count_it_tags", {"tag_id": "nobody has it", "save_count_to": "n"}, crm=crm())

    assert run.output is not None
    assert run.output.modified_data == {"total_count": 0, "position": 0}
    assert run.crm.field("c1", "n") == "0"


class PagedCrm(SandboxCRM):
    """Two contacts a page; ``total`` as the vendor may leave it out."""

    knows_total = False

    def __init__(self, fixture: dict[str, Any]) -> None:
        super().__init__(fixture)
        self.pages = 0

    async def get_contacts(self, query: ContactQuery | None = None) -> ContactPage:
        self.pages += 1
        page = await super().get_contacts((query or ContactQuery()).model_copy(update={"limit": 2}))
        return page if self.knows_total else page.model_copy(update={"total": None})


class PagedCrmWithTotal(PagedCrm):
    knows_total = True


async def test_every_page_is_counted() -> None:
    """The position of a contact on a later page is found as well."""
    sandbox = PagedCrm(crm(5))
    await sandbox.remove_tag("c1", "5")
    await sandbox.apply_tag("c1", "5")
    run = await run_helper("count_it_tags", {"tag_id": "5"}, crm=sandbox)

    assert run.output is not None
    assert run.output.modified_data == {"total_count": 5, "position": 5}
    assert sandbox.pages == 3


async def test_reading_stops_when_nothing_can_change() -> None:
    """With the vendor's total and the position found, further pages tell nothing."""
    sandbox = PagedCrmWithTotal(crm(5))
    run = await run_helper("count_it_tags", {"tag_id": "5"}, crm=sandbox)

    assert run.output is not None
    assert run.output.modified_data == {"total_count": 5, "position": 1}
    assert sandbox.pages == 1


async def test_tag_and_fields_are_soft() -> None:
    """Failures are logged, the run goes on."""
    config = {"tag_id": "5", "threshold": 1, "threshold_met_tag": "6", "save_count_to": "n", "save_position_to": "seat"}
    run = await run_helper("count_it_tags", config, crm=crm(fail={"apply_tag": True, "set_field_value": ["n"]}))

    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == {"total_count": 3, "position": 1}
    assert [a.target for a in run.output.actions] == ["seat"]
    assert len(run.output.logs) == 2


async def test_a_failing_query_is_an_error() -> None:
    """There is no count without an answer."""
    run = await run_helper("count_it_tags", {"tag_id": "5"}, crm=crm(fail={"get_contacts": True}))

    assert run.error is not None


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"tag_id": ""},
        {"tag_id": True},
        {"target_field": "n", "category": "x"},
        {"tag_id": "5", "threshold": "many"},
        {"tag_id": "5", "threshold": True},
        {"tag_id": "5", "save_count_to": 5},
    ],
)
async def test_wrong_configs_are_refused(config: dict[str, Any]) -> None:
    """Configs of count_tags were never valid here."""
    assert (await run_helper("count_it_tags", config, crm=crm())).config_error is not None
