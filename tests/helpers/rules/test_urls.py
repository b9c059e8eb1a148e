"""URLs that we hand out."""

from __future__ import annotations

import pytest

from helpers.rules.urls import with_query


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.com/d", "https://example.com/d?name=Ada%20L.&email=a%2Bb%40example.com"),
        ("https://example.com/d?month=1", "https://example.com/d?month=1&name=Ada%20L.&email=a%2Bb%40example.com"),
    ],
)
def test_parameters_come_behind_the_urls_own_query(url: str, expected: str) -> None:
    """Percent-encoded, a blank as %20."""
    assert with_query(url, {"name": "Ada L.", "email": "a+b@example.com"}) == expected
