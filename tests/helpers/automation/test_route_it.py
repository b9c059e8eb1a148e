"""route_it: the first route that applies (spec automation)."""

from __future__ import annotations

import pytest

from helpers.testing import run_helper

FALLBACK = "https://x.example/fallback"
CRM = {
    "contact": {
        "id": "c1",
        "first_name": "Ann",
        "tags": [{"id": "7", "name": "VIP"}],
        "custom_fields": {"Score": "12.5"},
    },
    "tags": [{"id": "7", "name": "VIP"}, {"id": "8", "name": "Routed"}],
}


def conditional(*conditions):
    return {
        "routes": [{"label": "yes", "redirectUrl": "https://x.example/yes", "conditions": list(conditions)}],
        "fallback_url": FALLBACK,
    }


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"routes": []},
        {"routes": None},
        {"routes": "https://a"},
        {"routes": [{}]},
        {"routes": [{"redirectUrl": ""}]},
        {"routes": [{"redirectUrl": "javascript:x"}]},
        {"routes": [{"redirectUrl": "https://a"}], "fallback_url": "data:x"},
        {"routes": [{"redirectUrl": 5}]},
        {"routes": [{"redirectUrl": "https://a", "conditions": [{"source": "other"}]}]},
    ],
)
async def test_refused_configs(config):
    """At least one route, each with a URL that may be visited."""
    assert (await run_helper("route_it", config)).config_error


async def test_a_route_without_conditions_always_applies():
    """Existing configs keep giving route 0; without CRM nothing is saved."""
    config = {
        "routes": [{"label": "a", "redirectUrl": "https://a"}, {"redirectUrl": "https://b"}],
        "save_to_field": "f",
        "apply_tag": "8",
    }

    run = await run_helper("route_it", config, now="2026-01-15T10:00:00Z")

    assert run.output.modified_data == {
        "redirect_url": "https://a",
        "routing_reason": "route_matched=a",
        "matched_label": "a",
        "routed_at": "2026-01-15T10:00:00Z",
    }
    assert [dict(action) for action in run.output.actions] == [
        {"type": "contact_routed", "target": "c1", "value": "https://a"}
    ]


@pytest.mark.parametrize("conditions", [None, "", [], {}])
async def test_conditions_that_the_old_form_left_empty_are_none(conditions):
    """It stored the empty input in several shapes."""
    run = await run_helper("route_it", {"routes": [{"redirectUrl": "https://a", "conditions": conditions}]})

    assert run.output.modified_data["routing_reason"] == "route_index=0"


async def test_a_route_without_label_is_named_by_its_index():
    """The stored spelling redirect_url counts too."""
    config = conditional({"source": "query", "key": "x", "operator": "exists"})
    config["routes"].append({"redirect_url": "https://b"})

    run = await run_helper("route_it", config)

    assert run.output.modified_data["routing_reason"] == "route_index=1"
    assert run.output.modified_data["matched_label"] == ""


async def test_the_tail_saves_the_url_then_tags():
    """Each success adds its action; the routing action comes last."""
    config = {"routes": [{"redirectUrl": "https://a"}], "save_to_field": "last_url", "apply_tag": "Routed"}

    run = await run_helper("route_it", config, crm=CRM)

    assert [(a.type, a.target, a.value) for a in run.output.actions] == [
        ("field_updated", "last_url", "https://a"),
        ("tag_applied", "c1", "Routed"),
        ("contact_routed", "c1", "https://a"),
    ]
    assert run.crm.field("c1", "last_url") == "https://a"
    assert "8" in run.crm.tags_of("c1")


@pytest.mark.parametrize("failing", ["set_field_value", "apply_tag"])
async def test_a_failing_tail_step_is_only_logged(failing):
    """The visitor is on the way already."""
    config = {"routes": [{"redirectUrl": "https://a"}], "save_to_field": "last_url", "apply_tag": "8"}

    run = await run_helper("route_it", config, crm={**CRM, "fail": {failing: True}})

    kept = "tag_applied" if failing == "set_field_value" else "field_updated"
    assert [action.type for action in run.output.actions] == [kept, "contact_routed"]
    assert run.output.success
    assert run.output.logs


async def test_without_contact_the_tail_is_skipped():
    """A connection alone is not enough."""
    run = await run_helper(
        "route_it", {"routes": [{"redirectUrl": "https://a"}], "save_to_field": "f"}, crm=CRM, contact_id=""
    )

    assert [(action.type, action.target) for action in run.output.actions] == [("contact_routed", "")]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"source": "field", "key": "first_name", "operator": "equals", "value": "ann"}, True),
        ({"source": "field", "key": "first_name", "operator": "equals", "value": "ann", "case_sensitive": True}, False),
        ({"source": "field", "key": "first_name", "operator": "not_equals", "value": "Bob"}, True),
        ({"source": "field", "key": "first_name", "operator": "contains", "value": "NN"}, True),
        ({"source": "field", "key": "first_name", "operator": "contains", "value": ""}, False),
        ({"source": "field", "key": "first_name", "operator": "not_contains", "value": "x"}, True),
        ({"source": "field", "key": "first_name", "operator": "starts_with", "value": "a"}, True),
        ({"source": "field", "key": "first_name", "operator": "ends_with", "value": "n"}, True),
        ({"source": "field", "key": "nothing", "operator": "exists"}, False),
        ({"source": "field", "key": "nothing", "operator": "not_exists"}, True),
        ({"source": "field", "key": "Score", "operator": "gt", "value": 12}, True),
        ({"source": "field", "key": "Score", "operator": "gte", "value": "12.5"}, True),
        ({"source": "field", "key": "Score", "operator": "lt", "value": 12.5}, False),
        ({"source": "field", "key": "Score", "operator": "lte", "value": 12.5}, True),
        ({"source": "field", "key": "first_name", "operator": "lt", "value": 5}, False),
        ({"source": "field", "key": "Score", "operator": "lt", "value": "many"}, False),
        ({"source": "tag", "key": "7", "operator": "exists"}, True),
        ({"source": "tag", "key": "vip", "operator": "exists"}, True),
        ({"source": "tag", "key": "8", "operator": "exists"}, False),
        ({"source": "tag", "key": "8", "operator": "not_exists"}, True),
        ({"source": "query", "key": "utm", "operator": "equals", "value": "mail"}, True),
        ({"source": "input", "key": "step", "operator": "equals", "value": "3"}, True),
    ],
)
async def test_conditions(condition, holds):
    """Every source and operator."""
    run = await run_helper("route_it", conditional(condition), crm=CRM, query_params={"utm": "mail"}, input={"step": 3})

    assert run.output.modified_data["redirect_url"] == ("https://x.example/yes" if holds else FALLBACK)


@pytest.mark.parametrize(
    ("source", "method"), [("field", "get_field_value"), ("tag", "get_contact")], ids=["field", "tag"]
)
async def test_what_cannot_be_read_is_no_empty_value(source, method):
    """The visitor would be sent the wrong way."""
    condition = {"source": source, "key": "7", "operator": "not_exists"}

    run = await run_helper("route_it", conditional(condition), crm={**CRM, "fail": {method: True}})
    without = await run_helper("route_it", conditional(condition))

    assert run.error is not None
    assert without.output.modified_data["matched_label"] == "yes"


async def test_all_conditions_have_to_hold():
    """One that does not is enough."""
    config = conditional(
        {"source": "query", "key": "a", "operator": "exists"}, {"source": "query", "key": "b", "operator": "exists"}
    )

    one = await run_helper("route_it", config, query_params={"a": "1"})
    both = await run_helper("route_it", config, query_params={"a": "1", "b": "1"})

    assert one.output.modified_data["routing_reason"] == "fallback"
    assert both.output.modified_data["matched_label"] == "yes"


async def test_no_route_and_no_fallback_is_a_permanent_error():
    """Nothing to send the visitor to."""
    config = conditional({"source": "query", "key": "a", "operator": "exists"}) | {"fallback_url": ""}

    run = await run_helper("route_it", config)

    assert run.error is not None
    assert not run.error.retryable
