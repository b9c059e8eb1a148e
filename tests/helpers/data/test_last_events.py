"""last_open_it and last_send_it: the date of the last event of an address."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

CONTACT = {"id": "c1", "email": "ann@example.com", "custom_fields": {"EmailAddress2": "two@example.com"}}
BOTH = pytest.mark.parametrize(
    ("helper_type", "stat"), [("last_open_it", "LastOpenDate"), ("last_send_it", "LastSentDate")]
)


async def run(helper_type: str, fields: dict[str, Any], crm: dict[str, Any] | None = None, **config: Any) -> Any:
    fixture = {"contact": CONTACT, "fields": fields, **(crm or {})}
    return await run_helper(helper_type, {"save_to": "t", **config}, crm=fixture)


@BOTH
async def test_the_date_is_stored_as_the_crm_gives_it(helper_type: str, stat: str) -> None:
    """No reformatting, no zone conversion."""
    result = await run(helper_type, {f"_email_stats.ann@example.com.{stat}": "2026-01-10T08:00:00-05:00"})

    assert result.crm.field("c1", "t") == "2026-01-10T08:00:00-05:00"
    assert result.output.modified_data == {"t": "2026-01-10T08:00:00-05:00"}
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("field_updated", "t", "2026-01-10T08:00:00-05:00")
    ]


@BOTH
@pytest.mark.parametrize(
    ("name", "address"), [("Email2", "two@example.com"), ("EmailAddress2", "two@example.com"), ("", "ann@example.com")]
)
async def test_secondary_addresses_have_short_names(helper_type: str, stat: str, name: str, address: str) -> None:
    """``Email2`` is the field EmailAddress2; an empty name is the default."""
    result = await run(helper_type, {f"_email_stats.{address}.{stat}": "2026-01-10"}, email_field=name)
    assert result.crm.field("c1", "t") == "2026-01-10"


@BOTH
async def test_without_address_or_date_nothing_happens(helper_type: str, stat: str) -> None:
    """Both are successes without actions."""
    for result in (await run(helper_type, {}, email_field="Email3"), await run(helper_type, {})):
        assert result.output.success
        assert (result.output.actions, result.output.modified_data) == ([], {})


@BOTH
async def test_a_crm_without_statistics_may_have_a_field_of_that_name(helper_type: str, stat: str) -> None:
    """Unsupported falls back; another failure does not."""
    fallback = await run(helper_type, {stat: "2026-01-02"}, {"platform": "hubspot"})
    failing = {"fail": {"get_field_value": [f"_email_stats.ann@example.com.{stat}"]}}
    failed = await run(helper_type, {stat: "2026-01-02"}, failing)

    assert fallback.crm.field("c1", "t") == "2026-01-02"
    assert failed.error is not None
    assert failed.crm.field("c1", "t") is None


@BOTH
async def test_save_to_is_required(helper_type: str, stat: str) -> None:
    """Empty counts as missing."""
    assert (await run(helper_type, {}, save_to="")).config_error is not None


@BOTH
async def test_a_date_of_blanks_is_a_value(helper_type: str, stat: str) -> None:
    """Only nothing and "" are empty (D3)."""
    assert (await run(helper_type, {f"_email_stats.ann@example.com.{stat}": " "})).crm.field("c1", "t") == " "
