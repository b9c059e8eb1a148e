"""email_engagement: score, level, segment, trend, tags and fields."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

# The kit's instant is 2026-01-15T10:00:00Z unless given.
NOW = "2026-01-15T10:00:00Z"


async def run(config: dict[str, Any], fields: dict[str, Any], **more: Any) -> Any:
    contact = more.pop("contact", {"id": "c1", "email": "ann@example.com"})
    return await run_helper("email_engagement", config, crm={"contact": contact, "fields": fields, **more}, now=NOW)


async def test_an_empty_config_reports_and_changes_nothing() -> None:
    """Unknown is reported as null, not as the year 1."""
    result = await run({}, {})

    assert result.output.success
    assert result.output.actions == []
    assert result.output.modified_data == {
        "engagement_level": "disengaged",
        "engagement_score": 0,
        "engagement_segment": "cold",
        "engagement_trend": "stable",
        "last_engagement": None,
    }


@pytest.mark.parametrize(("type_", "score"), [("all", 14), ("opens", 2), ("clicks", 12), ("sends", 7)])
async def test_the_type_chooses_what_scores(type_: str, score: int) -> None:
    """A click weighs 3; sends score on their own only."""
    fields = {"open_count": "2", "click_count": 4, "send_count": 7, "last_click_date": NOW, "last_open_date": NOW}
    result = await run({"engagement_type": type_}, {**fields, "last_send_date": NOW})

    assert result.output.modified_data["engagement_score"] == score


@pytest.mark.parametrize(
    ("last", "score"),
    [
        ("2026-01-15T10:00:00Z", 10),
        ("2026-01-14T10:00:01Z", 10),
        ("2025-12-01T10:00:00Z", 7),
        ("2025-10-17T10:00:00Z", 5),
        ("2024-01-01", 5),
        (None, 10),
        ("2026-02-01", 10),
    ],
)
async def test_the_score_decays_to_half(last: Any, score: int) -> None:
    """By whole days, exactly; unknown and future dates do not decay it."""
    result = await run({"engagement_type": "opens"}, {"open_count": 10, "last_open_date": last})

    assert result.output.modified_data["engagement_score"] == score


@pytest.mark.parametrize(
    ("count", "last", "level", "segment"),
    [
        (5, NOW, "highly_engaged", "warm"),
        (2, NOW, "engaged", "cold"),
        (1, NOW, "disengaged", "cold"),
        (20, "2025-12-16T10:00:01Z", "highly_engaged", "hot"),
        (20, "2025-12-16T10:00:00Z", "disengaged", "hot"),
        (20, None, "disengaged", "hot"),
    ],
)
async def test_a_level_needs_a_recent_engagement_and_a_segment_does_not(
    count: int, last: Any, level: str, segment: str
) -> None:
    """Recent is later than now minus the lookback."""
    result = await run({"engagement_type": "opens"}, {"open_count": count, "last_open_date": last})

    data = result.output.modified_data
    assert (data["engagement_level"], data["engagement_segment"]) == (level, segment)


async def test_a_send_is_no_engagement() -> None:
    """In ``all`` it neither scores nor counts as the last one."""
    result = await run({}, {"send_count": 50, "last_send_date": NOW, "last_open_date": "01/02/2026"})

    data = result.output.modified_data
    assert (data["engagement_score"], data["last_engagement"]) == (0, "2026-01-02T00:00:00Z")


@pytest.mark.parametrize(
    ("events", "trend"),
    [
        ([("open", "2026-01-10T00:00:00Z")], "increasing"),
        ([("open", "2025-12-10T00:00:00Z")], "decreasing"),
        ([("open", "2026-01-10T00:00:00Z"), ("open", "2025-12-10T00:00:00Z")], "stable"),
        ([("click", "2025-12-10T00:00:00Z"), ("open", "2026-01-10"), ("open", "2026-01-11")], "decreasing"),
        ([("send", "2026-01-10T00:00:00Z")], "stable"),
        ([("open", "2025-12-16T10:00:00Z")], "decreasing"),
        ([("open", NOW)], "increasing"),
        ([("open", "2025-11-16T10:00:00Z")], "stable"),
        ([], "stable"),
    ],
)
async def test_the_trend_compares_two_periods_of_the_history(events: list[tuple[str, str]], trend: str) -> None:
    """Weighted opens and clicks; each period includes its end and not its start."""
    history = [{"type": kind, "at": at} for kind, at in events]
    fields = {"_email_stats.ann@example.com.Events": history}
    result = await run({"trend_analysis": {"enabled": True}, "trend_field": "t"}, fields)

    assert result.output.modified_data["engagement_trend"] == trend
    assert result.crm.field("c1", "t") == trend


@pytest.mark.parametrize(
    ("fields", "trend"),
    [
        ({"open_count": 3, "last_open_date": "2026-01-10"}, "increasing"),
        ({"open_count": 3, "last_open_date": "2025-11-01"}, "decreasing"),
        ({"open_count": 0, "last_open_date": "2026-01-10"}, "stable"),
        ({"open_count": 3}, "stable"),
    ],
)
async def test_without_history_the_last_engagement_tells_the_trend(fields: dict[str, Any], trend: str) -> None:
    """And the score has to be above zero."""
    result = await run({"trend_analysis": {"enabled": True}}, fields)

    assert result.output.modified_data["engagement_trend"] == trend


async def test_the_tags_of_level_and_segment_replace_the_others() -> None:
    """A removal is no action; a tag that is also to be applied is never removed."""
    tags = {
        "highly_engaged_tag": "1", "engaged_tag": "2", "disengaged_tag": "3",
        "hot_segment_tag": "4", "warm_segment_tag": "3", "cold_segment_tag": "6",
    }  # fmt: skip
    result = await run(
        {"engagement_type": "opens", "tags": tags},
        {"open_count": 6, "last_open_date": NOW},
        contact={"id": "c1", "tags": ["2", "4", "9"]},
    )

    assert result.crm.tags_of("c1") == {"1", "3", "9"}
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("tag_applied", "1", "highly_engaged"),
        ("tag_applied", "3", "warm"),
    ]


async def test_a_tag_of_level_and_segment_is_reported_for_both() -> None:
    """And it stays, although it also stands for a level that does not hold."""
    result = await run({"tags": {"disengaged_tag": "1", "cold_segment_tag": "1", "engaged_tag": "1"}}, {})

    assert [(a.target, a.value) for a in result.output.actions] == [("1", "disengaged"), ("1", "cold")]
    assert result.crm.tags_of("c1") == {"1"}


async def test_fields_are_written_with_their_types() -> None:
    """The score is a number, the date UTC text and only when known, the trend only when it is enabled."""
    config = {
        "engagement_type": "opens",
        "score_field": "s",
        "last_engagement_field": "l",
        "segment_field": "g",
        "trend_field": "t",
    }
    known = await run(config, {"open_count": 3, "last_open_date": "2026-01-14T05:00:00-05:00"})
    unknown = await run(config, {"open_count": 3})

    assert [(a.target, a.value) for a in known.output.actions] == [
        ("s", 2), ("l", "2026-01-14T10:00:00Z"), ("g", "cold"),
    ]  # fmt: skip
    assert [a.target for a in unknown.output.actions] == ["s", "g"]


async def test_permanent_failures_of_tags_and_fields_keep_success() -> None:
    """Logged, without action."""
    result = await run(
        {"score_field": "s", "tags": {"disengaged_tag": "1"}}, {}, fail={"apply_tag": True, "set_field_value": True}
    )

    assert result.output.success
    assert result.output.actions == []
    assert len(result.output.logs) == 2


@pytest.mark.parametrize(
    "config",
    [
        {"engagement_type": "replies"},
        {"lookback_days": "soon"},
        {"engagement_weights": {"opens": "x"}},
        {"trend_analysis": {"enabled": "yes"}},
    ],
)
async def test_a_bad_config_is_refused(config: dict[str, Any]) -> None:
    """The refusal names the key."""
    result = await run(config, {})

    assert result.config_error is not None
    assert next(iter(config)) in str(result.config_error)


@pytest.mark.parametrize("days", [0, -3, "", None])
async def test_days_of_zero_and_less_are_the_default(days: Any) -> None:
    """As stored by the old form."""
    fields = {"open_count": 6, "last_open_date": "2025-12-20"}
    result = await run({"engagement_type": "opens", "lookback_days": days, "time_decay_days": days}, fields)

    assert result.output.modified_data["engagement_level"] == "highly_engaged"


async def test_spans_beyond_the_calendar_hold_everything() -> None:
    """A million days is no reason to crash."""
    huge = {"lookback_days": 10**9, "trend_analysis": {"enabled": True, "comparison_days": 10**6}}
    fields = {"open_count": 6, "last_open_date": "1999-01-01"}
    history = {"_email_stats.ann@example.com.Events": [{"type": "open", "at": "1999-01-01"}]}

    assert (await run(huge, fields)).output.modified_data["engagement_level"] == "engaged"
    assert (await run(huge, {**fields, **history})).output.modified_data["engagement_trend"] == "increasing"
