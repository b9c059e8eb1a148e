"""Settings are checked at start; each is documented with unit, default and bounds."""

from __future__ import annotations

import pytest

from fleet.settings import FleetSettings, SettingsRefused
from router.settings import RouterSettings

OWN = {name: field for name, field in RouterSettings.model_fields.items() if name not in FleetSettings.model_fields}


def test_the_defaults_make_a_working_router() -> None:
    """Nothing needs to be set."""
    settings = RouterSettings()
    assert settings.renew_seconds == pytest.approx(settings.router_failover_seconds / 3)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"router_lease_scan_seconds": 6.0}, "ROUTER_LEASE_SCAN_SECONDS"),
        ({"router_handover_seconds": 10.0}, "ROUTER_HANDOVER_SECONDS"),
        ({"router_active_poll_seconds": 0.5}, "ROUTER_ACTIVE_POLL_SECONDS"),
        ({"router_page_records": 1001}, "ROUTER_PAGE_RECORDS"),
        ({"router_idle_poll_seconds": 0.1}, "ROUTER_IDLE_POLL_SECONDS"),
        ({"router_trimmed_data": "ignore"}, "ROUTER_TRIMMED_DATA"),
    ],
)
def test_settings_that_do_not_fit_are_refused_by_name(values: dict[str, object], named: str) -> None:
    """At start, not at the first failover."""
    with pytest.raises(SettingsRefused, match=named):
        RouterSettings.from_environment(**values)


@pytest.mark.parametrize("name", sorted(OWN))
def test_every_setting_says_what_it_is(name: str) -> None:
    """One sentence, a default and the unit in the name where it has one."""
    field = OWN[name]
    assert field.description
    assert field.description.endswith(".")
    assert not field.is_required()
    if field.annotation is float:
        assert name.endswith("_seconds")


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the field's name in capitals."""
    monkeypatch.setenv("ROUTER_FAILOVER_SECONDS", "30")
    assert RouterSettings.from_environment().router_failover_seconds == 30
