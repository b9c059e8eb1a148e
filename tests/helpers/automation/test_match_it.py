"""match_it: a pattern test on a field (spec automation)."""

from __future__ import annotations

import pytest

from helpers.testing import run_helper

TAGS = [{"id": "1", "name": "Yes"}, {"id": "2", "name": "No"}]


def crm(value, **extra):
    return {"contact": {"id": "c1", "custom_fields": {"f": value}}, "tags": TAGS, **extra}


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"source_field": "f"},
        {"source_field": "f", "pattern": ""},
        {"source_field": "no_select", "pattern": "x"},
        {"source_field": "f", "pattern": "(", "match_type": "regex"},
        {"source_field": "f", "pattern": "x", "match_type": "like"},
        {"source_field": "f", "pattern": r"(a)\1", "match_type": "regex"},
        {"source_field": "f", "pattern": "x" * 1001},
        {"source_field": "f", "pattern": "x", "case_sensitive": "true"},
    ],
)
async def test_refused_configs(config):
    """A field, a pattern of at most 1,000 characters, RE2 syntax."""
    assert (await run_helper("match_it", config, crm=crm("x"))).config_error


@pytest.mark.parametrize(
    ("value", "pattern", "options", "matched"),
    [
        ("Hello", "ell", {}, True),
        ("Hello", "ELL", {}, True),
        ("Hello", "ELL", {"case_sensitive": True}, False),
        ("Hello", "ell", {"match_type": ""}, True),
        ("Hello", "hello", {"match_type": "equals"}, True),
        (" Hello", "hello", {"match_type": "equals"}, False),
        ("Straße", "STRASSE", {"match_type": "equals"}, True),
        ("Hello", "he", {"match_type": "starts_with"}, True),
        ("Hello", "LO", {"match_type": "ends_with"}, True),
        ("Hello", "lo", {"match_type": "starts_with"}, False),
        ("Hello", "l+o$", {"match_type": "regex"}, True),
        ("Hello", "hello", {"match_type": "regex", "case_sensitive": False}, False),
        ("Hello", "(?i)hello", {"match_type": "regex"}, True),
        ("", "^$", {"match_type": "regex"}, True),
        (None, "x", {}, False),
        (1000000.0, "1000000", {"match_type": "equals"}, True),
        (True, "true", {"match_type": "equals"}, True),
        (["a", "b"], "a,b", {"match_type": "equals"}, True),
        ("a b", " ", {}, True),
    ],
)
async def test_comparisons(value, pattern, options, matched):
    """Case counts only where asked; a regex searches anywhere and is always case-sensitive."""
    config = {"source_field": "f", "pattern": pattern, "on_match_tag": "Yes", "on_no_match_tag": "2", **options}

    run = await run_helper("match_it", config, crm=crm(value))

    assert run.output.success
    assert run.output.modified_data["matched"] is matched
    assert run.crm.tags_of("c1") == {"1" if matched else "2"}


async def test_output():
    """The boolean is saved before the tag."""
    config = {"source_field": "f", "pattern": "x", "save_result_to": "hit", "on_match_tag": "1"}

    run = await run_helper("match_it", config, crm=crm("axb"))

    assert run.output.modified_data == {
        "matched": True,
        "match_type": "contains",
        "pattern": "x",
        "source_field": "f",
        "source_value": "axb",
        "case_sensitive": False,
    }
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [
        ("field_updated", "hit", True),
        ("tag_applied", "c1", "1"),
    ]
    assert run.crm.field("c1", "hit") is True


async def test_no_match_without_a_tag_does_nothing():
    """And is a success."""
    run = await run_helper("match_it", {"source_field": "f", "pattern": "q", "on_match_tag": "1"}, crm=crm("axb"))

    assert run.output.success
    assert run.output.actions == []


async def test_effects_fail_together_or_not_at_all():
    """One failure is logged, all failing is an error, and so is a failing read."""
    config = {"source_field": "f", "pattern": "x", "save_result_to": "hit", "on_match_tag": "1"}

    one = await run_helper("match_it", config, crm=crm("x", fail={"set_field_value": True}))
    all_ = await run_helper("match_it", config, crm=crm("x", fail={"set_field_value": True, "apply_tag": True}))
    read = await run_helper("match_it", config, crm=crm("x", fail={"get_field_value": True}))

    assert [a.type for a in one.output.actions] == ["tag_applied"]
    assert not all_.error.retryable
    assert not read.error.retryable


@pytest.mark.timeout(5)
async def test_a_hostile_pattern_takes_linear_time():
    """Python's own engine would need years for it."""
    config = {"source_field": "f", "pattern": "^(a+)+$", "match_type": "regex"}

    run = await run_helper("match_it", config, crm=crm("a" * 50_000 + "b"))

    assert run.output.modified_data["matched"] is False


@pytest.mark.parametrize(("match_type", "matched"), [("ends_with", True), ("contains", True), ("regex", False)])
async def test_only_an_expression_stops_reading_a_long_text(match_type, matched):
    """Its cost is bounded; the end of a text is its end for the others."""
    config = {"source_field": "f", "pattern": "END", "match_type": match_type}

    run = await run_helper("match_it", config, crm=crm("a" * 110_000 + "END"))

    assert run.output.modified_data["matched"] is matched
