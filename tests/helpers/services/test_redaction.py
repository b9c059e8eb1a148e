"""Credentials in texts."""

from __future__ import annotations

import pytest

from helpers.services.redaction import redact


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("token s3cr/et is bad", "token *** is bad"),
        ("GET /?api_key=s3cr%2Fet&x=1", "GET /?api_key=***&x=1"),
        ("Basic czNjci9ldA==", "Basic ***"),
        ("nothing of it", "nothing of it"),
    ],
)
def test_a_secret_is_masked_in_every_form_it_travels_in(text: str, masked: str) -> None:
    """Plain, percent-encoded and base64."""
    assert redact(text, ["s3cr/et", ""]) == masked


def test_a_secret_is_masked_where_a_url_keeps_its_slash() -> None:
    """Many writers escape + and = alone."""
    assert redact("?key=a/b%2Bc%3D", ["a/b+c="]) == "?key=***"


def test_a_secret_is_masked_where_json_escapes_it() -> None:
    """An echo of our body holds the escaped form."""
    assert redact('{"key": "a\\"b"}', ['a"b']) == '{"key": "***"}'


def test_the_longer_secret_goes_first() -> None:
    """A token that contains another one leaves no remainder."""
    assert redact("abcdef", ["abc", "abcdef"]) == "***"
