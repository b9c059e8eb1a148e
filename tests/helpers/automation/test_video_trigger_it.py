"""video_trigger_it: effects of a video event (spec automation)."""

from __future__ import annotations

import pytest

from helpers.testing import run_helper

NOW = "2026-01-15T10:00:00Z"
CRM = {"contact": {"id": "c1"}, "tags": [{"id": "7", "name": "Watched"}]}
EFFECTS = {"apply_tag": "Watched", "achieve_goal": "seen", "save_to_field": "at"}
HALF = {"video_id": "v1", "event_type": "50_percent"}


async def video(config, **kwargs):
    return await run_helper("video_trigger_it", config, **{"crm": CRM, "now": NOW, **kwargs})


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"video_id": "v1"},
        {"video_id": "", "event_type": "view_start"},
        {"video_id": "v1", "event_type": "10_percent"},
        {"video_id": "v1", "event_type": "custom_percent"},
        {"video_id": "v1", "event_type": "custom_percent", "custom_percent": 0},
        {"video_id": "v1", "event_type": "custom_percent", "custom_percent": 100.5},
        {"video_id": "v1", "event_type": "", "video_source": ""},
        {"video_id": "v1", "event_type": "view_start", "watch_duration": "long"},
    ],
)
async def test_refused_configs(config):
    """A video, and a known event unless the web form wrote the config."""
    assert (await video(config)).config_error


@pytest.mark.parametrize(
    ("event", "percent", "level"),
    [
        ({"event_type": "view_start"}, 0, "Started watching"),
        ({"event_type": "25_percent"}, 25, "Watched 25%"),
        ({"eventType": "50_percent"}, 50, "Watched 50%"),
        ({"event_type": "75_percent"}, 75, "Watched 75%"),
        ({"event_type": "100_percent"}, 100, "Completed video"),
        ({"event_type": "custom_percent", "custom_percent": 12.5}, 12.5, "Watched 12%"),
        ({"event_type": "custom_percent", "custom_percent": 13.5}, 13.5, "Watched 14%"),
        ({"event_type": "custom_percent", "custom_percent": 100}, 100, "Watched 100%"),
    ],
)
async def test_events(event, percent, level):
    """Halves round to even."""
    run = await video({"video_id": "v1", "watch_duration": 30, "embed_type": "x", "autoplay": 1, **event})

    assert run.output.modified_data == {
        "video_id": "v1",
        "video_title": "v1",
        "event_type": next(iter(event.values())),
        "engagement_level": level,
        "percentage_watched": percent,
        "watch_duration": 30,
        "timestamp": NOW,
        "triggered": True,
    }
    assert run.output.actions == []


async def test_effects_in_order():
    """Timestamp, tag, goal."""
    run = await video(HALF | EFFECTS | {"video_title": "Intro"})

    assert [(a.type, a.target, a.value) for a in run.output.actions] == [
        ("field_updated", "at", NOW),
        ("tag_applied", "c1", "Watched"),
        ("goal_achieved", "c1", "seen"),
    ]
    assert run.crm.goals_of("c1") == [{"goal": "seen", "integration": "video_trigger_it"}]
    assert run.output.modified_data["video_title"] == "Intro"


@pytest.mark.parametrize(
    ("input_", "query", "triggered"),
    [
        ({"percent_watched": 50}, {}, True),
        ({"percent_watched": 49.9}, {}, False),
        ({}, {"percent_watched": "75"}, True),
        ({}, {"percent_watched": "25"}, False),
        ({"percent_watched": 80}, {"percent_watched": "25"}, True),
        ({"video_id": "v1"}, {}, True),
        ({"video_id": "v2"}, {}, False),
        ({}, {"video_id": "v2"}, False),
        ({"event_type": "50_percent"}, {}, True),
        ({"event_type": "75_percent"}, {}, False),
        ({}, {"event_type": "view_start"}, False),
        ({}, {}, True),
    ],
)
async def test_whether_the_event_counts(input_, query, triggered):
    """What the visit reports has to fit; Go fired on every call."""
    run = await video(HALF | EFFECTS, input=input_, query_params=query)

    assert run.output.success
    assert run.output.modified_data["triggered"] is triggered
    assert bool(run.output.actions) is triggered
    assert run.crm.tags_of("c1") == ({"7"} if triggered else set())


@pytest.mark.parametrize(
    ("input_", "query", "event"),
    [
        ({"event_type": "25_percent"}, {"event_type": "75_percent"}, "25_percent"),
        ({}, {"event_type": "75_percent"}, "75_percent"),
    ],
)
async def test_a_web_form_config_takes_the_event_of_the_run(input_, query, event):
    """Input before query parameters."""
    run = await video({"video_id": "v1", "video_source": "youtube"} | EFFECTS, input=input_, query_params=query)

    assert run.output.modified_data["event_type"] == event
    assert run.output.modified_data["triggered"] is True


@pytest.mark.parametrize("input_", [{}, {"event_type": "finished"}])
async def test_no_or_an_unknown_event_is_a_permanent_error(input_):
    """Nothing to measure it by."""
    run = await video({"video_id": "v1", "video_source": "youtube"}, input=input_)

    assert not run.error.retryable


@pytest.mark.parametrize(
    ("input_", "query", "duration"),
    [
        ({"watch_duration": 12}, {}, 12),
        ({}, {"watch_duration": "12.5"}, 12.5),
        ({"watch_duration": "long"}, {}, 30),
        ({}, {}, 30),
    ],
)
async def test_the_duration_of_the_run_goes_first(input_, query, duration):
    """If it is a number."""
    run = await video(HALF | {"watch_duration": 30}, input=input_, query_params=query)

    assert run.output.modified_data["watch_duration"] == duration


async def test_effects_fail_together_or_not_at_all():
    """One is logged, all are an error."""
    one = await video(HALF | EFFECTS, crm={**CRM, "fail": {"apply_tag": True}})
    all_ = await video(
        HALF | EFFECTS, crm={**CRM, "fail": {"apply_tag": True, "set_field_value": True, "achieve_goal": True}}
    )

    assert [a.type for a in one.output.actions] == ["field_updated", "goal_achieved"]
    assert not all_.error.retryable
