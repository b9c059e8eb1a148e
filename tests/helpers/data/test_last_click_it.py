"""last_click_it: one type, two config shapes."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

NOW = "2026-01-15T10:00:00Z"
DATE = "_email_stats.ann@example.com.LastClickDate"
EVENTS = "_email_stats.ann@example.com.Events"
UTM = {"utm_source": "google", "utm_medium": "cpc"}


async def click(fields: dict[str, Any], crm: dict[str, Any] | None = None, **config: Any) -> Any:
    fixture = {"contact": {"id": "c1", "email": "ann@example.com"}, "fields": fields, **(crm or {})}
    return await run_helper("last_click_it", {"save_to": "t", **config}, crm=fixture, now=NOW)


async def utm(config: dict[str, Any], fields: dict[str, Any] | None = None, **options: Any) -> Any:
    fixture = {"contact": {"id": "c1"}, "fields": fields or {}, **options.pop("crm", {})}
    return await run_helper("last_click_it", {**UTM, **config}, crm=fixture, now=NOW, **options)


def written(result: Any) -> list[tuple[str, Any]]:
    assert all(action.type == "field_updated" for action in result.output.actions)
    return [(action.target, action.value) for action in result.output.actions]


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"utm_source": "google"},
        {"utm_medium": "cpc"},
        {"utm_source": "google", "utm_medium": ""},
        {"save_to": "", **UTM},
        {"save_to": 5, **UTM},
        {"save_to": "t", "attribution_window_days": "soon"},
        {"save_to": "t", "conversion_tracking": {"enabled": "yes"}},
    ],
)
async def test_a_config_of_neither_shape_is_refused(config: dict[str, Any]) -> None:
    """An empty save_to is no missing one."""
    assert (await run_helper("last_click_it", config, crm={"contact": {"id": "c1"}})).config_error is not None


async def test_save_to_means_email_mode() -> None:
    """The date text is written unchanged, even where UTM keys are configured too."""
    result = await click({DATE: "2026-01-10T08:00:00-05:00"}, **UTM)

    assert written(result) == [("t", "2026-01-10T08:00:00-05:00")]
    assert result.output.modified_data == {
        "last_click_date": "2026-01-10T08:00:00-05:00",
        "click_source": "email",
        "converted": False,
        "clicks_per_period": 0,
        "within_window": True,
    }


async def test_without_address_or_click_nothing_happens() -> None:
    """Both are successes without actions."""
    for result in (await click({DATE: None}), await click({}, email_field="Email2")):
        assert result.output.success
        assert (result.output.actions, result.output.modified_data) == ([], {})


async def test_a_crm_without_statistics_may_have_a_field_of_that_name() -> None:
    """Unsupported falls back to LastClickDate of the contact."""
    result = await click({"LastClickDate": "2026-01-02"}, {"platform": "hubspot"})
    assert written(result) == [("t", "2026-01-02")]


@pytest.mark.parametrize(
    ("date", "days", "inside"),
    [
        ("2026-01-08T10:00:00Z", 7, True),
        ("2026-01-08T09:59:59Z", 7, False),
        ("2026-01-08T09:59:59", "7", False),
        ("2026-01-08", 7, False),
        ("2026-01-08T06:00:00-05:00", 7, True),
        ("1999-01-01", 0, True),
        ("1999-01-01", -3, True),
        ("1999-01-01", 10**9, True),
        ("2026-01-15T00:00:00Z", 0.5, True),
        ("2026-01-14T21:59:59Z", 0.5, False),
        ("2027-01-01", 1, True),
    ],
)
async def test_the_window_counts_back_from_now(date: str, days: Any, inside: bool) -> None:
    """Exactly N days old is inside, a naive date is UTC, 0 is no window."""
    result = await click({DATE: date}, attribution_window_days=days, click_source_field="s")

    assert result.output.success
    if inside:
        assert written(result) == [("t", date), ("s", "email")]
        assert result.output.modified_data["within_window"] is True
    else:
        assert written(result) == []
        assert result.output.modified_data == {"last_click_date": date, "within_window": False}


async def test_an_unreadable_date_skips_window_and_frequency() -> None:
    """It is stored all the same, and logged."""
    frequency = {"enabled": True, "frequency_field": "f"}
    fields = {DATE: "last week", "click_count": 100}
    result = await click(fields, attribution_window_days=1, click_frequency_analysis=frequency)

    assert written(result) == [("t", "last week")]
    assert result.output.modified_data["clicks_per_period"] == 0
    assert result.output.logs


@pytest.mark.parametrize(
    ("achieved", "converted"),
    [(True, True), ("true", True), (1, True), ("1", True), (False, False), ("yes", False), (None, False), (0, False)],
)
async def test_a_conversion_is_an_achieved_goal(achieved: Any, converted: bool) -> None:
    """The field gets the text true or false."""
    tracking = {"enabled": True, "goal_name": "bought", "conversion_field": "c"}
    result = await click({DATE: "2026-01-10", "_goal.bought.achieved": achieved}, conversion_tracking=tracking)

    assert written(result) == [("t", "2026-01-10"), ("c", "true" if converted else "false")]
    assert result.output.modified_data["converted"] is converted


@pytest.mark.parametrize(
    "tracking", [{"enabled": False, "goal_name": "g"}, {"enabled": True}, {"enabled": True, "goal_name": ""}, None]
)
async def test_conversion_needs_the_switch_and_a_goal(tracking: Any) -> None:
    """Otherwise nothing is written."""
    tracking = tracking and {**tracking, "conversion_field": "c"}
    result = await click({DATE: "2026-01-10", "_goal.g.achieved": True}, conversion_tracking=tracking)

    assert written(result) == [("t", "2026-01-10")]
    assert result.output.modified_data["converted"] is False


async def test_a_frequency_counts_the_clicks_of_the_period() -> None:
    """Opens, older clicks and unreadable dates do not count; the field gets an integer."""
    events = [
        {"type": "click", "at": "2026-01-14T10:00:00Z"},
        {"type": "click", "at": "2026-01-09T10:00:00Z"},
        {"type": "open", "at": "2026-01-14T10:00:00Z"},
        {"type": "click", "at": "2026-01-01T10:00:00Z"},
        {"type": "click", "at": "?"},
    ]
    fields = {DATE: "2026-01-14T10:00:00Z", EVENTS: events, "click_count": 99}
    result = await click(fields, click_frequency_analysis={"enabled": True, "frequency_field": "f"})

    assert written(result) == [("t", "2026-01-14T10:00:00Z"), ("f", 2)]
    assert result.output.modified_data["clicks_per_period"] == 2


@pytest.mark.parametrize(
    ("count", "period", "expected"),
    [(10, 7, 2), (10, 30, 10), (10, 31, 10), ("10", 15, 5), (10, "10", 3), (None, 7, 0), ("many", 7, 0), (3, 7, 0)],
)
async def test_without_events_the_click_count_is_shared_out(count: Any, period: Any, expected: int) -> None:
    """count // (30 // period); a longer period holds all."""
    analysis = {"enabled": True, "analysis_period_days": period, "frequency_field": "f"}
    result = await click({DATE: "2026-01-14", "click_count": count}, click_frequency_analysis=analysis)

    assert written(result) == [("t", "2026-01-14"), ("f", expected)]
    assert isinstance(result.crm.field("c1", "f"), int)


async def test_a_failing_main_write_fails_the_run() -> None:
    """The others are secondary: logged, and left out of the actions."""
    main = await click({DATE: "2026-01-14"}, {"fail": {"set_field_value": ["t"]}}, click_source_field="s")
    secondary = await click({DATE: "2026-01-14"}, {"fail": {"set_field_value": ["s"]}}, click_source_field="s")

    assert main.error is not None
    assert main.crm.field("c1", "s") is None
    assert secondary.output.success
    assert written(secondary) == [("t", "2026-01-14")]
    assert secondary.output.logs


async def test_a_failing_read_is_no_missing_click() -> None:
    """An outage of the CRM is an error."""
    assert (await click({}, {"fail": {"get_field_value": [DATE]}})).error is not None


async def test_utm_mode_stores_the_attribution() -> None:
    """Source, medium, time, then what else is given."""
    result = await utm({"utm_campaign": "spring", "utm_term": "", "utm_content": "b"})

    assert written(result) == [
        ("last_click_source", "google"),
        ("last_click_medium", "cpc"),
        ("last_click_timestamp", "2026-01-15T10:00:00Z"),
        ("last_click_campaign", "spring"),
        ("last_click_content", "b"),
    ]
    assert result.output.modified_data == dict(written(result))


async def test_the_visit_goes_before_the_config() -> None:
    """Query parameters before input before config; empty ones do not count."""
    result = await utm(
        {"field_prefix": "x_", "utm_term": "cfg"},
        query_params={"utm_source": "bing", "utm_medium": ""},
        input={"utm_source": "mail", "utm_medium": "email", "utm_campaign": "c2"},
    )

    assert dict(written(result)) == {
        "x_source": "bing",
        "x_medium": "email",
        "x_timestamp": "2026-01-15T10:00:00Z",
        "x_campaign": "c2",
        "x_term": "cfg",
    }


async def test_an_existing_attribution_can_be_kept() -> None:
    """overwrite=false looks at the source field only."""
    kept = await utm({"overwrite": False}, {"last_click_source": "old"})
    fresh = await utm({"overwrite": False}, {"last_click_medium": "old"})
    replaced = await utm({}, {"last_click_source": "old"})

    assert kept.output.success
    assert (kept.output.actions, kept.crm.field("c1", "last_click_source")) == ([], "old")
    assert fresh.crm.field("c1", "last_click_source") == "google"
    assert replaced.crm.field("c1", "last_click_source") == "google"


async def test_a_failed_write_of_the_attribution_fails_the_run_but_stays_partial() -> None:
    """What was written stays written and reported."""
    result = await utm({}, crm={"fail": {"set_field_value": ["last_click_medium"]}})

    assert result.output.success is False
    assert written(result) == [
        ("last_click_source", "google"),
        ("last_click_timestamp", "2026-01-15T10:00:00Z"),
    ]
    assert result.crm.field("c1", "last_click_source") == "google"


async def test_the_existing_attribution_has_to_be_readable() -> None:
    """Otherwise it might be overwritten."""
    crm = {"fail": {"get_field_value": ["last_click_source"]}}
    assert (await utm({"overwrite": False}, crm=crm)).error is not None


async def test_a_goal_that_cannot_be_read_leaves_the_contact_as_it_was() -> None:
    """All is read before the first write."""
    tracking = {"enabled": True, "goal_name": "g", "conversion_field": "cv"}
    failing = {"fail": {"get_field_value": ["_goal.g.achieved"]}}
    result = await click({DATE: "2026-01-10"}, failing, click_source_field="src", conversion_tracking=tracking)

    assert result.error is not None
    assert [result.crm.field("c1", key) for key in ("t", "src", "cv")] == [None, None, None]


@pytest.mark.parametrize("period", [0, -3, "", None])
async def test_a_period_of_nothing_is_the_default_week(period: Any) -> None:
    """As the earlier platform read it."""
    analysis = {"enabled": True, "analysis_period_days": period, "frequency_field": "n"}
    result = await click({DATE: "2026-01-10", "click_count": 20}, click_frequency_analysis=analysis)
    assert result.crm.field("c1", "n") == 5
