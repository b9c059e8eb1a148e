"""rfm_calculation: scores, segments, tags and goals."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from helpers.analytics.rfm_scores import linear_score, normalised, segment
from helpers.testing import run_helper

LEVELS = {
    "recency_calculation": {"1_2_threshold": 120, "2_3_threshold": 90, "3_4_threshold": 60, "4_5_threshold": 30},
    "frequency_calculation": {"1_2_threshold": 2, "2_3_threshold": 4, "3_4_threshold": 6, "4_5_threshold": 8},
    "monetary_calculation": {"1_2_threshold": 100, "2_3_threshold": 200, "3_4_threshold": 300, "4_5_threshold": 400},
}
TAGS = {"champions_tag": "1", "loyal_tag": "2", "lost_tag": "3"}


def crm(
    *, paid: Any = 1000, count: Any = 10, last: Any = "2026-01-10T23:00:00-05:00", contact: Any = None, **more: Any
) -> dict[str, Any]:
    return {
        "contact": contact or {"id": "c1"},
        "fields": {
            "_related.invoice.sum.TotalPaid": paid,
            "_related.invoice.count": count,
            "_related.invoice.last.DateCreated": last,
            "_related.invoice.last.InvoiceTotal": "70.55",
            "_related.invoice.first.DateCreated": "2025-01-01",
            "_related.invoice.first.InvoiceTotal": 35,
            "_related.invoice.sum.InvoiceTotal": 1015,
        },
        **more,
    }


async def run(options: dict[str, Any], fixture: dict[str, Any] | None = None) -> Any:
    return await run_helper("rfm_calculation", {"options": options}, crm=fixture or crm(), ids={"helper_id": "h1-"})


async def test_scores_figures_and_goals_of_a_good_customer() -> None:
    """The date of the last order is the calendar date written in it, midnight UTC; goals name helper and score."""
    result = await run(LEVELS)

    assert result.output.modified_data == {
        "recency_score": 5,
        "frequency_score": 5,
        "monetary_score": 5,
        "composite_score": 555,
        "segment_label": "Champions",
        "total_spend": 1000,
        "total_invoice_amount": 1015,
        "total_orders": 10,
        "average_order_size": 102,
        "payment_per_order": 100,
        "days_since_last_order": 5,
        "first_order_date": "2025-01-01",
        "first_order_value": 35,
        "last_order_date": "2026-01-10T23:00:00-05:00",
        "last_order_value": 70.55,
    }
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("goal_achieved", "c1", "h1-recency5"),
        ("goal_achieved", "c1", "h1-frequency5"),
        ("goal_achieved", "c1", "h1-monetary5"),
    ]
    assert {event["integration"] for event in result.crm.store.events("c1", "goal")} == {"myfusionhelper"}


@pytest.mark.parametrize(
    ("last", "score", "days"),
    [
        ("2025-12-16", 5, 30),
        ("2025-12-15", 4, 31),
        ("2025-11-16", 4, 60),
        ("2025-10-17", 3, 90),
        ("2025-09-17", 2, 120),
        ("2025-09-16", 1, 121),
        ("2027-01-01", 5, 0),
        (None, 1, None),
        ("soon", 1, None),
    ],
)
async def test_recency_by_threshold(last: Any, score: int, days: int | None) -> None:
    """Days at most the threshold; a future date is today; an unknown date has the lowest score."""
    result = await run(LEVELS, crm(last=last))

    data = result.output.modified_data
    assert (data["recency_score"], data["days_since_last_order"]) == (score, days)


@pytest.mark.parametrize(
    ("thresholds", "score"),
    [
        ({}, 1),
        ({"1_2_threshold": "", "2_3_threshold": None, "3_4_threshold": "x"}, 1),
        ({"4_5_threshold": 5}, 5),
        ({"1_2_threshold": 0}, 2),
        ({"1_2_threshold": "2", "2_3_threshold": "20"}, 2),
        ({"1_2_threshold": 2, "2_3_threshold": 20, "3_4_threshold": 6}, 4),
    ],
)
async def test_a_threshold_that_is_missing_cannot_be_reached(thresholds: dict[str, Any], score: int) -> None:
    """Go read it as 0 and gave everybody the best score; an explicit 0 is real, the last satisfied one wins."""
    result = await run({"frequency_calculation": thresholds})

    assert result.output.modified_data["frequency_score"] == score


@pytest.mark.parametrize(("count", "score"), [(1, 1), (2, 3), (4, 5), (6, 7), (8, 10)])
async def test_levels_map_to_another_range(count: int, score: int) -> None:
    """1 to 10: 2->3, 3->5, 4->7, 5->10; above 9 the composite gets a label."""
    result = await run({**LEVELS, "score_range": {"min": 1, "max": 10}}, crm(count=count))

    assert result.output.modified_data["frequency_score"] == score
    assert result.output.modified_data["composite_label"] == f"10-{score}-10"


@pytest.mark.parametrize(
    ("value", "first", "last", "inverted", "score"),
    [
        (0, 0, 100, False, 1),
        (100, 0, 100, False, 5),
        (150, 0, 100, False, 5),
        (24, 0, 100, False, 1),
        (25, 0, 100, False, 2),
        (99, 0, 100, False, 4),
        (0, 0, 365, True, 5),
        (365, 0, 365, True, 1),
        (182, 0, 365, True, 3),
        (183, 0, 365, True, 2),
    ],
)
def test_linear_scores_are_exact(value: int, first: int, last: int, inverted: bool, score: int) -> None:
    """By position in the range, with rationals; recency is inverted."""
    assert linear_score(Fraction(value), first, last, 1, 5, inverted=inverted) == score


async def test_linear_scoring_of_an_unknown_date_is_the_lowest() -> None:
    """And the other two go by their ranges."""
    result = await run({"percentile_based_scoring": True}, crm(last=None, count=50, paid=5000))

    data = result.output.modified_data
    assert (data["recency_score"], data["frequency_score"], data["monetary_score"]) == (1, 3, 3)


@pytest.mark.parametrize(
    ("scores", "label"),
    [
        ((5, 5, 5), "Champions"),
        ((4, 5, 4), "Loyal"),
        ((3, 1, 2), "Promising"),
        ((4, 2, 2), "Promising"),
        ((2, 3, 4), "At Risk"),
        ((3, 2, 5), "At Risk"),
        ((1, 2, 3), "Hibernating"),
        ((2, 1, 2), "Hibernating"),
        ((1, 1, 1), "Lost"),
        ((1, 1, 2), "Hibernating"),
        ((2, 3, 2), "Need Attention"),
        ((3, 3, 3), "Need Attention"),
        ((5, 1, 1), "Other"),
    ],
)
def test_the_first_segment_that_fits_wins(scores: tuple[int, int, int], label: str) -> None:
    """The rules in their order."""
    assert segment(*scores) == label


@pytest.mark.parametrize(
    ("score", "high", "expected"), [(5, 5, 5), (10, 10, 5), (1, 10, 1), (5, 10, 2), (3, 3, 5), (1, 3, 1)]
)
def test_scores_are_normalised_for_the_segment(score: int, high: int, expected: int) -> None:
    """To 1-5."""
    assert normalised(score, high) == expected


async def test_metrics_are_saved_as_text_where_they_are_known() -> None:
    """Unknown ones and no_save are skipped; first and last values are not rounded."""
    save = {
        "rfm_composite_score": "composite",
        "rfm_segment_label": "segment",
        "total_order_value": "value",
        "average_order_value": "average",
        "total_order_count": "count",
        "last_order_value": "last_value",
        "last_order_date": "last_date",
        "days_since_last_order": "days",
        "first_order_date": "no_save",
        "first_order_value": "",
    }
    result = await run({**LEVELS, "save_data": save}, crm(last=None))

    values = {key: result.crm.field("c1", key) for key in ("composite", "value", "average", "count", "last_value")}
    assert values == {"composite": "155", "value": "1000", "average": "102", "count": "10", "last_value": "70.55"}
    assert result.crm.field("c1", "days") is None
    assert result.crm.field("c1", "last_date") is None
    assert [a.target for a in result.output.actions if a.type == "field_updated"] == [
        "composite", "segment", "value", "average", "count", "last_value",
    ]  # fmt: skip


async def test_the_tag_of_the_segment_replaces_those_of_others() -> None:
    """Only tags the contact has are removed; values of both actions are the current segment."""
    contact = {"id": "c1", "tags": ["3"]}
    result = await run({**LEVELS, "segment_labels": True, "segment_tags": TAGS}, crm(contact=contact))

    assert result.crm.tags_of("c1") == {"1"}
    assert [(a.type, a.target, a.value) for a in result.output.actions][:2] == [
        ("tag_applied", "1", "Champions"),
        ("tag_removed", "3", "Champions"),
    ]


async def test_a_tag_shared_by_segments_is_not_removed() -> None:
    """When it is the one to apply."""
    tags = {"champions_tag": "1", "lost_tag": "1"}
    result = await run(
        {**LEVELS, "segment_labels": True, "segment_tags": tags}, crm(contact={"id": "c1", "tags": ["1"]})
    )

    assert result.crm.tags_of("c1") == {"1"}
    assert "tag_removed" not in [a.type for a in result.output.actions]


async def test_a_tag_named_in_two_spellings_is_one_tag() -> None:
    """The id of one segment and the name of the other mean the tag that is to stay."""
    tags = {"champions_tag": " vip", "lost_tag": "1"}
    result = await run(
        {**LEVELS, "segment_labels": True, "segment_tags": tags},
        crm(contact={"id": "c1", "tags": [{"id": "1", "name": "VIP"}]}),
    )

    assert result.crm.tags_of("c1") == {"1"}
    assert "tag_removed" not in [a.type for a in result.output.actions]


async def test_tags_need_the_switch() -> None:
    """The label is computed all the same."""
    result = await run({**LEVELS, "segment_tags": TAGS})

    assert result.crm.tags_of("c1") == set()
    assert result.output.modified_data["segment_label"] == "Champions"


async def test_no_orders_is_a_no_op() -> None:
    """No goal, no field."""
    result = await run(LEVELS, crm(count=0))

    assert (result.output.success, result.output.actions, result.output.modified_data) == (True, [], {})


async def test_permanent_failures_of_effects_leave_the_scores_standing() -> None:
    """success stays true; the failed goals have no action."""
    result = await run(LEVELS, crm(fail={"achieve_goal": True}))

    assert result.output.success
    assert result.output.actions == []
    assert result.output.modified_data["composite_score"] == 555


async def test_a_failed_read_surfaces() -> None:
    """Go reported "no orders"."""
    result = await run(LEVELS, crm(fail={"get_field_value": ["_related.invoice.count"]}))

    assert result.error is not None


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"options": None},
        {"options": []},
        {"options": {"score_range": {"min": 5, "max": 5}}},
        {"options": {"score_range": {"min": 0}}},
        {"options": {"score_range": {"max": 11}}},
        {"options": {"score_range": {"min": 1.5}}},
        {"options": {"score_range": {"max": "4.5"}}},
        {"options": {"segment_labels": "yes"}},
    ],
)
async def test_a_bad_config_is_refused(config: dict[str, Any]) -> None:
    """options has to be an object, the range 1 <= min < max <= 10."""
    result = await run_helper("rfm_calculation", config, crm=crm())

    assert result.config_error is not None
    assert "options" in str(result.config_error)


async def test_a_score_range_may_be_numeric_text() -> None:
    """As may be left empty."""
    result = await run({**LEVELS, "score_range": {"min": "2", "max": ""}})

    assert result.output.modified_data["recency_score"] == 5
    assert (await run({"score_range": {"min": "2"}})).output.modified_data["recency_score"] == 2


async def test_an_order_without_a_value_is_one_over_0() -> None:
    """None is 0 among the figures; a value that is no number is unknown and not saved."""
    fixture = crm(last=None)
    fixture["fields"] |= {"_related.invoice.first.InvoiceTotal": None, "_related.invoice.last.InvoiceTotal": "many"}
    result = await run({"save_data": {"first_order_value": "first", "last_order_value": "last"}}, fixture)

    assert (result.crm.field("c1", "first"), result.crm.field("c1", "last")) == ("0", None)
    assert result.output.modified_data["first_order_value"] == 0
    assert result.output.modified_data["last_order_value"] is None
