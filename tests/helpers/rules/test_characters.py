"""What was read from JSON can be written again."""

from __future__ import annotations

import pytest

from helpers.rules.characters import read_json, whole_characters


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("caf\u00e9", "caf\u00e9"), ("\U0001f600", "\U0001f600"), ("a\ud83d", "a\ufffd"), ("\ude00b", "\ufffdb"),
        ("\ud83d\ude00", "\U0001f600"), ("", ""),
    ],
)  # fmt: skip
def test_half_characters_become_the_replacement_character(text: str, whole: str) -> None:
    """Two halves that belong together become the character."""
    assert whole_characters(text) == whole


BODY = '{"\\uD83Dk": ["\\ude00", "\\ud83d\\ude00", 1.50]}'


@pytest.mark.parametrize("body", [BODY, BODY.encode()])
def test_json_is_read_in_whole_characters(body: bytes | str) -> None:
    """Keys and values, at any depth."""
    assert read_json(body) == {"\ufffdk": ["\ufffd", "\U0001f600", 1.5]}


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"a": ', b"\xff\xff", b"[" * 200_000])
def test_what_is_no_json_is_a_value_error(body: bytes) -> None:
    """Nesting that no parser follows included."""
    with pytest.raises(ValueError):
        read_json(body)
