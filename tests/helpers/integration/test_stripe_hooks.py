"""stripe_hooks: Stripe events to goals and tags."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import HelperRun, run_helper

CONFIG = {"selected_events": ["invoice.paid", "charge.*"], "goal_name": "paid", "event_tags": ["77", "", "78"]}
CRM = {
    "contact": {"id": "c1", "email": "ann@x.de"},
    "extra_contacts": [{"id": "c2", "email": "bob@x.de"}],
    "tags": [{"id": "77", "name": "A"}, {"id": "78", "name": "B"}],
}
EVENT = {"object": "event", "id": "evt_1", "type": "invoice.paid", "data": {"object": {"customer_email": "BOB@x.de"}}}


async def run(
    config: dict[str, Any] | None = None, given: Any = None, crm: dict[str, Any] | None = None, **options: Any
) -> HelperRun:
    return await run_helper(
        "stripe_hooks",
        {**CONFIG, **(config or {})},
        crm={**CRM, **(crm or {})},
        input=EVENT if given is None else given,
        **options,
    )


@pytest.mark.parametrize(
    ("config", "valid"),
    [
        ({"selected_events": []}, False),
        ({"selected_events": [1]}, False),
        ({"selected_events": "a"}, False),
        ({"selected_events": None}, False),
        ({"event_tags": [7]}, False),
        ({"event_tags": None, "goal_name": ""}, True),
        ({"event_tags": ""}, True),
    ],
)
async def test_config(config: dict[str, Any], valid: bool) -> None:
    """Events are a list of strings."""
    assert ((await run(config)).config_error is None) is valid


@pytest.mark.parametrize(
    ("given", "event_type", "event_id"),
    [
        (EVENT, "invoice.paid", "evt_1"),
        ({"type": "charge.refunded"}, "charge.refunded", ""),
        ({"event": EVENT}, "invoice.paid", "evt_1"),
        ({"event_type": "invoice.paid"}, "invoice.paid", ""),
    ],
)
async def test_a_match(given: dict[str, Any], event_type: str, event_id: str) -> None:
    """Each tag, then the goal."""
    result = await run(given=given)

    assert result.output is not None
    assert result.output.modified_data == {
        "configured_events": CONFIG["selected_events"], "goal_name": "paid", "event_tags": ["77", "78"],
        "event_type": event_type, "event_id": event_id, "processed": True, "tags_applied": 2, "goal_achieved": True,
    }  # fmt: skip
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("tag_applied", "c1", "77"), ("tag_applied", "c1", "78"), ("goal_achieved", "c1", "paid")
    ]  # fmt: skip


@pytest.mark.parametrize("given", [{}, {"x": 1}, {"event": "text"}, {"event_type": 5}])
async def test_without_event_nothing_is_done(given: dict[str, Any]) -> None:
    """A success."""
    result = await run(given=given)

    assert result.output is not None
    assert result.output.success
    assert result.output.modified_data["processed"] is False
    assert result.output.actions == []


@pytest.mark.parametrize("event_type", ["invoice.payment_failed", "chargeback", "charge", "invoice.paid.x"])
async def test_an_event_that_is_not_selected(event_type: str) -> None:
    """The prefix of ``charge.*`` ends in the dot."""
    result = await run(given={**EVENT, "type": event_type})

    assert result.output is not None
    assert result.output.modified_data["processed"] is False
    assert result.output.modified_data["event_type"] == event_type
    assert result.output.actions == []


@pytest.mark.parametrize(
    "subject",
    [
        {"customer_email": "BOB@x.de"}, {"receipt_email": "bob@x.de"}, {"billing_details": {"email": "bob@x.de"}},
        {"email": "bob@x.de"}, {"customer_email": None, "receipt_email": "", "email": "bob@x.de"},
    ],
)  # fmt: skip
async def test_the_contact_is_found_by_email(subject: dict[str, Any]) -> None:
    """Where the execution names none."""
    result = await run(given={**EVENT, "data": {"object": subject}}, contact_id="")

    assert result.output is not None
    assert {a.target for a in result.output.actions} == {"c2"}


@pytest.mark.parametrize("subject", [{}, {"email": "nobody@x.de"}])
async def test_no_contact_is_final(subject: dict[str, Any]) -> None:
    """Nothing says for whom."""
    result = await run(given={**EVENT, "data": {"object": subject}}, contact_id="")

    assert result.error is not None
    assert not result.error.retryable


async def test_failures() -> None:
    """A tag only leaves a line in the log; a goal fails the run; all tags failing without goal fail it too."""
    tag = await run(crm={"fail": {"apply_tag": ["77"]}})
    goal = await run(crm={"fail": {"achieve_goal": True}})
    tags = await run({"goal_name": ""}, crm={"fail": {"apply_tag": True}})

    assert tag.output is not None
    assert tag.output.modified_data["tags_applied"] == 1
    assert goal.error is not None
    assert tags.error is not None
