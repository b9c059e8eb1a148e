"""countdown_timer: deadlines, persistence and the signed link (spec automation)."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from helpers.testing import run_helper

KEY = "k" * 32
NOW = "2026-01-15T10:00:00Z"
SETTINGS = {"jwt_secret": KEY}
IDS = {"account_id": "account:a", "helper_id": "helper:h"}


async def timer(config, **kwargs):
    kwargs = {"now": NOW, "settings": SETTINGS, "ids": IDS, **kwargs}
    return await run_helper("countdown_timer", config, **kwargs)


def claims(run, key=KEY):
    query = parse_qs(urlsplit(run.output.modified_data["timer_url"]).query)
    return jwt.decode(
        (query.get("t") or query["token"])[0],
        key,
        algorithms=["HS256"],
        options={"verify_exp": False, "verify_iat": False},
    )


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"timerType": "x"},
        {"timer_mode": "x"},
        {"timer_type": None},
        {"timer_type": "standard"},
        {"timer_type": "standard", "end_time": "soon"},
        {"timer_type": "contact_field"},
        {"timer_type": "contact_field", "contact_field": "no_select"},
        {"timer_type": "dynamic"},
        {"timer_type": "dynamic", "duration_hours": 0},
        {"timer_type": "dynamic", "duration_hours": -1},
        {"timer_type": "evergreen"},
        {"timer_type": "evergreen", "add_days": -1, "add_hours": 48},
        {"timer_type": "evergreen", "addDays": "many"},
        {"timer_mode": "evergreen", "add_minutes": -5},
        {"timer_type": "evergreen", "add_days": 1, "duration_hours": -1},
        {"timer_type": "dynamic", "duration_hours": 1, "timer_url_base": " JavaScript:alert(1)//"},
    ],
)
async def test_refused_configs(config):
    """Each mode needs its deadline."""
    assert (await timer(config)).config_error


@pytest.mark.parametrize(
    ("config", "deadline"),
    [
        ({"timerType": "standard", "endTime": "2026-02-01T12:00:00+02:00"}, "2026-02-01T10:00:00Z"),
        ({"timer_type": "standard", "end_time": "2026-02-01T12:00"}, "2026-02-01T12:00:00Z"),
        ({"timer_mode": "standard", "expire_date": "2026-02-01"}, "2026-02-01T00:00:00Z"),
        ({"timerMode": "standard", "expireDate": "2026-02-01 08:30:15"}, "2026-02-01T08:30:15Z"),
        ({"timer_type": "dynamic", "duration_hours": 1.5}, "2026-01-15T11:30:00Z"),
        ({"timer_mode": "dynamic", "durationHours": 2}, "2026-01-15T12:00:00Z"),
        ({"timerType": "evergreen", "addDays": 1, "addHours": 2, "addMinutes": 3}, "2026-01-16T12:03:00Z"),
        ({"timer_type": "evergreen", "add_days": 0.5}, "2026-01-15T22:00:00Z"),
        ({"timer_type": "evergreen", "duration_hours": 0.25}, "2026-01-15T10:15:00Z"),
        ({"timer_mode": "evergreen"}, "2026-01-16T10:00:00Z"),
        ({"timer_mode": "evergreen", "duration_hours": 3}, "2026-01-15T13:00:00Z"),
    ],
)
async def test_deadlines_of_both_dialects(config, deadline):
    """Both spellings of every key, fractions honoured."""
    run = await timer(config)

    data = run.output.modified_data
    mode = next(config[key] for key in ("timerType", "timer_type", "timer_mode", "timerMode") if key in config)
    assert (data["expires_at"], data["mode"], data["timer_type"]) == (deadline, mode, mode)
    assert data["generated_at"] == NOW
    assert data["expired"] is False
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [("timer_generated", "c1", data["timer_url"])]


async def test_a_past_deadline_is_kept_and_expired():
    """standard uses what is configured."""
    run = await timer({"timer_type": "standard", "end_time": "2026-01-15T10:00:00Z"})

    assert run.output.modified_data["expired"] is True


async def test_the_claims_are_signed_with_hs256():
    """Colours, ids and instants; exp is a week after the deadline."""
    config = {
        "timer_type": "standard",
        "end_time": "2026-02-01T00:00:00Z",
        "backgroundColor": "#123456",
        "digit_color": "",
        "transparentBg": True,
    }

    run = await timer(config)

    assert claims(run) == {
        "contact_id": "c1",
        "account_id": "account:a",
        "helper_id": "helper:h",
        "expires_at": 1769904000,
        "bg_color": "#123456",
        "digit_color": "#FFFFFF",
        "label_color": "#CCCCCC",
        "transparent_bg": True,
        "iat": 1768471200,
        "exp": 1769904000 + 604800,
    }


@pytest.mark.parametrize("empty", [None, ""])
async def test_switches_that_the_form_left_empty_are_off(empty):
    """They have their defaults."""
    config = {"timer_type": "dynamic", "duration_hours": 1, "transparent_bg": empty, "restart_when_expired": empty}

    assert claims(await timer(config))["transparent_bg"] is False


async def test_a_key_in_the_config_signs_instead_of_the_platforms():
    """However short it is."""
    run = await timer({"timer_type": "dynamic", "duration_hours": 1, "jwt_secret": "short"})

    with pytest.warns(jwt.warnings.InsecureKeyLengthWarning):
        assert claims(run, "short")["contact_id"] == "c1"
    assert "short" not in str(run.output).replace(run.output.modified_data["timer_url"], "")


async def test_no_key_is_a_permanent_error():
    """A random one would make links that nobody can verify."""
    run = await timer({"timer_type": "dynamic", "duration_hours": 1}, settings={})

    assert not run.error.retryable


@pytest.mark.parametrize(
    ("config", "start"),
    [
        ({"timer_type": "dynamic"}, "https://app.myfusionhelper.ai/timer?t="),
        ({"timer_mode": "dynamic"}, "https://app.myfusionhelper.ai/timer?token="),
        ({"timer_type": "dynamic", "timer_url_base": "https://t.example/x"}, "https://t.example/x?t="),
        ({"timer_mode": "dynamic", "timerUrlBase": "https://t.example/x?a=1"}, "https://t.example/x?a=1&token="),
        ({"timer_type": "dynamic", "timer_url_base": " https://t.example "}, "https://t.example?t="),
    ],
)
async def test_the_link(config, start):
    """t in dialect A, token in B, & after a query."""
    run = await timer({**config, "duration_hours": 1})

    assert run.output.modified_data["timer_url"].startswith(start)


async def test_the_app_url_is_the_platforms():
    """APP_URL decides."""
    run = await timer(
        {"timer_type": "dynamic", "duration_hours": 1}, settings={**SETTINGS, "app_url": "https://a.example/"}
    )

    assert run.output.modified_data["timer_url"].startswith("https://a.example/timer?t=")


@pytest.mark.parametrize("key", ["contactField", "contact_field", "timer_field", "timerField"])
async def test_the_deadline_of_a_field(key):
    """Every accepted spelling of the key."""
    crm = {"contact": {"id": "c1", "custom_fields": {"due": "2026-03-01T12:00:00+0000"}}}

    run = await timer({"timer_type": "contact_field", key: "due"}, crm=crm)

    assert run.output.modified_data["expires_at"] == "2026-03-01T12:00:00Z"


@pytest.mark.parametrize(
    "crm",
    [
        None,
        {"contact": {"id": "c1"}},
        {"contact": {"id": "c1", "custom_fields": {"due": "soon"}}},
        {"contact": {"id": "c1"}, "fail": {"get_field_value": True}},
    ],
)
async def test_a_field_without_a_deadline_is_a_permanent_error(crm):
    """No CRM, read error, empty, unparseable."""
    run = await timer({"timer_type": "contact_field", "contact_field": "due"}, crm=crm)

    assert not run.error.retryable


async def test_an_evergreen_deadline_stays():
    """The second run reuses it."""
    config = {"timer_type": "evergreen", "add_hours": 2}
    first = await timer(config)
    second = await timer(config, state=first.state, now="2026-01-15T11:00:00Z")
    other = await timer(config, state=first.state, now="2026-01-15T11:00:00Z", contact_id="c2")

    assert second.output.modified_data["expires_at"] == "2026-01-15T12:00:00Z"
    assert other.output.modified_data["expires_at"] == "2026-01-15T13:00:00Z"


@pytest.mark.parametrize(
    ("config", "deadline", "expired"),
    [
        ({"timer_type": "evergreen"}, "2026-01-15T12:00:00Z", True),
        ({"timer_mode": "evergreen"}, "2026-03-01T02:00:00Z", False),
        ({"timer_type": "evergreen", "restart_when_expired": True}, "2026-03-01T02:00:00Z", False),
        ({"timer_mode": "evergreen", "restart_when_expired": False}, "2026-01-15T12:00:00Z", True),
    ],
)
async def test_an_expired_evergreen_deadline_restarts_where_wanted(config, deadline, expired):
    """Default false in A, true in B; the record does not vanish with its deadline."""
    config = {**config, "add_hours": 2}
    first = await timer(config)

    later = await timer(config, state=first.state, now="2026-03-01T00:00:00Z")

    assert (later.output.modified_data["expires_at"], later.output.modified_data["expired"]) == (deadline, expired)


async def test_evergreen_needs_a_contact():
    """The deadline is the contact's own."""
    run = await timer({"timer_mode": "evergreen"}, contact_id="")

    assert not run.error.retryable


async def test_the_url_is_saved_and_a_failure_only_logged():
    """save_url_field with CRM and contact."""
    config = {"timer_type": "dynamic", "duration_hours": 1, "saveUrlField": "link"}
    saved = await timer(config, crm={"contact": {"id": "c1"}})
    failed = await timer(config, crm={"contact": {"id": "c1"}, "fail": {"set_field_value": True}})
    without = await timer(config)

    url = saved.output.modified_data["timer_url"]
    assert [(a.type, a.target, a.value) for a in saved.output.actions] == [
        ("timer_generated", "c1", url),
        ("field_updated", "link", url),
    ]
    assert saved.crm.field("c1", "link") == url
    assert [a.type for a in failed.output.actions] == ["timer_generated"]
    assert [a.type for a in without.output.actions] == ["timer_generated"]
