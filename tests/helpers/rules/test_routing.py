"""URL values and the tail of the routing helpers (spec automation C7 and C8)."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from helpers.errors import PermanentFailure
from helpers.rules.routing import OptionalUrl, Route, RoutingConfig, UrlMap, fallback_route


class Config(BaseModel):
    url: OptionalUrl = None
    routes: UrlMap = {}


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JavaScript:alert(1)", "  javascript:alert(1)", "data:text/html,x", "vbscript:x",
        "FILE:///etc/passwd", "java\nscript:alert(1)", "\x01javascript:alert(1)", "\tdata:,x",
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", ["url", "routes"])
def test_urls_that_run_something_are_refused(url, key):
    """Scheme in any case, after trimming, also as browsers read it."""
    with pytest.raises(ValidationError):
        Config.model_validate({key: url if key == "url" else {"a": url}})


@pytest.mark.parametrize("url", ["https://a.example/x?javascript:y", "/relative", "database:1", "mailto:a@b.example"])
def test_any_other_text_is_a_url(url):
    """Only the four schemes are refused, and the text is kept as it is."""
    assert Config(url=url, routes={"a": url}) == Config.model_construct(url=url, routes={"a": url})


@pytest.mark.parametrize("stored", [None, "", " "])
def test_an_empty_optional_url_is_unset(stored):
    """The web form stores blanks for what was not filled in."""
    assert Config(url=stored).url is None


def test_empty_and_non_text_entries_do_not_count():
    """They count as absent entries."""
    assert Config(routes={"a": "", "b": None, "c": 5, "d": "https://d", "e": ["https://e"]}).routes == {
        "d": "https://d"
    }


@pytest.mark.parametrize("routes", ["https://a", ["https://a"], 5])
def test_a_map_has_to_be_an_object(routes):
    """Anything else is refused."""
    with pytest.raises(ValidationError):
        Config(routes=routes)


def test_the_fallback_is_a_route():
    """Its reason is published as routing_reason."""
    assert fallback_route(RoutingConfig(fallback_url="https://f")) == Route("https://f", "fallback")


def test_no_route_and_no_fallback_is_a_permanent_failure():
    """Trying again would choose nothing either."""
    with pytest.raises(PermanentFailure):
        fallback_route(RoutingConfig())


@pytest.mark.parametrize("stored", [None, "", "no_select"])
def test_unfilled_pickers_are_unset(stored):
    """C6: null, "" and no_select."""
    assert RoutingConfig(save_to_field=stored, apply_tag=stored) == RoutingConfig()
