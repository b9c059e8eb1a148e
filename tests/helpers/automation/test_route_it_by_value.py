"""route_it_by_custom, route_it_source and route_it_score: routes chosen by a field (spec automation)."""

from __future__ import annotations

import pytest

from helpers.testing import run_helper


def crm(**fields):
    return {"contact": {"id": "c1", "custom_fields": fields}}


def refused(run):
    return run.error is not None and not run.error.retryable


# route_it_by_custom -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "config",
    [
        {"value_routes": {"a": "https://a"}},
        {"field_name": "", "value_routes": {"a": "https://a"}},
        {"field_name": "no_select", "value_routes": {"a": "https://a"}},
        {"field_name": "f"},
        {"field_name": "f", "value_routes": {}},
        {"field_name": "f", "value_routes": ["https://a"]},
        {"field_name": "f", "value_routes": {"a": "VBScript:x"}},
    ],
)
async def test_by_custom_refuses(config):
    """A field and at least one route."""
    assert (await run_helper("route_it_by_custom", config, crm=crm())).config_error


@pytest.mark.parametrize(
    ("value", "routes", "url"),
    [
        ("Premium", {"Premium": "https://p"}, "https://p"),
        ("Premium", {"_premium": "https://p"}, "https://p"),
        ("New York", {"_new _york": "https://p"}, "https://p"),
        ("Premium", {"_premium": "https://m", "Premium": "https://p"}, "https://p"),
        ("premium", {"Premium": "https://p"}, "https://f"),
        (" Premium ", {"Premium": "https://p"}, "https://p"),
        (" Premium ", {"Premium": "https://p", " Premium ": "https://q"}, "https://q"),
        (1000000.0, {"1000000": "https://p"}, "https://p"),
        (True, {"true": "https://p"}, "https://p"),
        (None, {"": "https://p", "x": "https://x"}, "https://p"),
        ("a", {"a": "", "b": "https://b"}, "https://f"),
        ("a", {"a": 5, "b": "https://b"}, "https://f"),
    ],
)
async def test_by_custom_matches_exactly_then_trimmed_then_unmangled(value, routes, url):
    """Case counts; empty and non-text entries are absent."""
    config = {"field_name": "plan", "value_routes": routes, "fallback_url": "https://f"}

    run = await run_helper("route_it_by_custom", config, crm=crm(plan=value))

    assert run.output.modified_data["redirect_url"] == url
    assert run.output.actions[-1].value == url


async def test_by_custom_output():
    """The reason names field and value as read."""
    config = {"field_name": "plan", "value_routes": {"Gold": "https://g"}, "save_to_field": "url"}

    run = await run_helper("route_it_by_custom", config, crm=crm(plan="Gold"), now="2026-01-15T10:00:00Z")

    assert run.output.modified_data == {
        "redirect_url": "https://g",
        "routing_reason": "field_plan=Gold",
        "field_name": "plan",
        "field_value": "Gold",
        "routed_at": "2026-01-15T10:00:00Z",
    }
    assert [action.type for action in run.output.actions] == ["field_updated", "contact_routed"]


async def test_by_custom_read_errors_and_missing_routes_fail():
    """A read error is an error, and so is no URL at all."""
    config = {"field_name": "plan", "value_routes": {"Gold": "https://g"}}

    assert (await run_helper("route_it_by_custom", config, crm={**crm(), "fail": {"get_field_value": True}})).error
    assert refused(await run_helper("route_it_by_custom", config, crm=crm(plan="x")))
    assert refused(await run_helper("route_it_by_custom", config, crm=crm(), contact_id=""))
    assert refused(await run_helper("route_it_by_custom", config))


# route_it_source ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "config",
    [
        {},
        {"source_routes": {}},
        {"source_routes": {"a": "https://a"}, "match_mode": "regex"},
        {"source_routes": {"a": "https://a"}, "case_sensitive": "yes"},
    ],
)
async def test_source_refuses(config):
    """At least one route and a known mode."""
    assert (await run_helper("route_it_source", config, crm=crm())).config_error


@pytest.mark.parametrize(
    ("source", "options", "routes", "key"),
    [
        ("Google", {}, ["google"], "google"),
        ("Google", {"case_sensitive": True}, ["google"], ""),
        ("Google Ads", {}, ["google"], ""),
        ("Google Ads", {"match_mode": "contains"}, ["ads"], "ads"),
        ("Google Ads", {"match_mode": "starts_with"}, ["ads", "goo"], "goo"),
        ("Google Ads", {"match_mode": "contains"}, ["google", "google ads", "ads"], "google ads"),
        ("Google Ads", {"match_mode": "contains"}, ["oogl", "e ads"], "e ads"),
        ("Google", {"match_mode": "contains"}, ["oog", "Goo"], "Goo"),
        ("google", {}, ["GOOGLE", "google"], "google"),
        ("google", {"match_mode": "contains"}, ["GOOGLE", "google"], "google"),
        ("Google", {"match_mode": "contains"}, [""], ""),
        ("", {}, ["", "x"], ""),
        ("Google Ads", {}, ["_google _ads"], "_google _ads"),
        ("facebook", {"match_mode": "", "source_field": ""}, ["facebook"], "facebook"),
    ],
)
async def test_source_candidates(source, options, routes, key):
    """Same spelling, exact, longest, alphabetical; an empty key matches only an empty source in exact mode."""
    config = {"source_routes": {name: f"https://x.example/{name}" for name in routes}, "fallback_url": "https://f"}

    run = await run_helper("route_it_source", config | options, crm=crm(LeadSource=source))

    data = run.output.modified_data
    matched = ("" in routes and source == "") or key != ""
    assert data["matched_source"] == key
    assert data["redirect_url"] == (f"https://x.example/{key}" if matched else "https://f")
    mode = options.get("match_mode") or "exact"
    assert data["routing_reason"] == (f"source_match:{key} (mode:{mode})" if matched else "fallback")
    assert (data["source"], data["match_mode"]) == (source, mode)
    assert data["case_sensitive"] is options.get("case_sensitive", False)


@pytest.mark.parametrize(
    ("field", "input_", "query", "source"),
    [
        (" ads ", {"LeadSource": "in"}, {"LeadSource": "q"}, "ads"),
        ("  ", {"LeadSource": "in"}, {"LeadSource": "q"}, "in"),
        (None, {}, {"LeadSource": "q"}, "q"),
    ],
)
async def test_source_comes_from_the_field_then_the_visit(field, input_, query, source):
    """Input goes before query parameters."""
    config = {"source_routes": {"x": "https://x"}, "fallback_url": "https://f"}

    run = await run_helper("route_it_source", config, crm=crm(LeadSource=field), input=input_, query_params=query)

    assert run.output.modified_data["source"] == source


async def test_source_read_error_fails_the_run():
    """It is not taken for an empty source."""
    config = {"source_routes": {"x": "https://x"}, "fallback_url": "https://f"}

    run = await run_helper("route_it_source", config, crm={**crm(), "fail": {"get_field_value": True}})

    assert refused(run)


# route_it_score -----------------------------------------------------------------------------------------------
RANGES = [
    {"redirect_url": "https://low", "label": "low", "max_score": 10},
    {"redirect_url": "https://mid", "min_score": "10", "max_score": "50.5"},
    {"redirectUrl": "https://top", "label": "top", "min_score": 100},
]


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"score_ranges": []},
        {"score_ranges": [{"label": "x"}]},
        {"score_ranges": [{"redirect_url": "https://a", "min_score": "ten"}]},
        {"score_ranges": [{"redirect_url": "https://a", "max_score": True}]},
    ],
)
async def test_score_refuses(config):
    """Each range needs a URL; bounds are numbers or numeric text."""
    assert (await run_helper("route_it_score", config, crm=crm())).config_error


@pytest.mark.parametrize(
    ("score", "url", "reason"),
    [
        (10, "https://low", "score_range=low (10.00)"),
        (" 10.5 ", "https://mid", "score_range_index=1 (10.50)"),
        (50.5, "https://mid", "score_range_index=1 (50.50)"),
        (1e6, "https://top", "score_range=top (1000000.00)"),
        (None, "https://low", "score_range=low (0.00)"),
        ("", "https://low", "score_range=low (0.00)"),
        ("  ", "https://low", "score_range=low (0.00)"),
        (60, "https://f", "fallback (score=60.00, no match)"),
    ],
)
async def test_score_ranges(score, url, reason):
    """Bounds are inclusive, a missing one is open, the first range wins; an empty score is 0."""
    run = await run_helper(
        "route_it_score", {"score_ranges": RANGES, "fallback_url": "https://f", "score_field": ""}, crm=crm(Score=score)
    )

    assert run.output.modified_data["redirect_url"] == url
    assert run.output.modified_data["routing_reason"] == reason
    assert run.output.modified_data["matched_label"] == {"https://low": "low", "https://top": "top"}.get(url, "")
    assert run.output.actions[-1].type == "contact_routed"


async def test_score_is_reported_as_a_number():
    """Not as text."""
    run = await run_helper("route_it_score", {"score_ranges": RANGES}, crm=crm(Score="10.25"))

    assert run.output.modified_data["score"] == 10.25


@pytest.mark.parametrize("score", ["ten", "$5", "1,000", "NaN", "inf", True, [1]])
async def test_other_scores_are_permanent_errors(score):
    """They are not guessed, even with a fallback."""
    run = await run_helper(
        "route_it_score", {"score_ranges": RANGES, "fallback_url": "https://f"}, crm=crm(Score=score)
    )

    assert refused(run)


async def test_no_range_and_no_fallback_is_an_error():
    """And a read error too."""
    assert refused(await run_helper("route_it_score", {"score_ranges": RANGES}, crm=crm(Score=60)))
    assert refused(
        await run_helper("route_it_score", {"score_ranges": RANGES}, crm={**crm(), "fail": {"get_field_value": True}})
    )
