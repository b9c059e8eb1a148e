"""quote_it: a field's text in delimiters."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper


async def run(source: Any, **config: Any) -> Any:
    config = {"source_field": "s", "target_field": "t", **config}
    return await run_helper("quote_it", config, crm={"contact": {"id": "c1"}, "fields": {"s": source}})


@pytest.mark.parametrize(
    ("style", "quoted"),
    [
        (None, '"Ann"'),
        ("", '"Ann"'),
        ("double", '"Ann"'),
        ("single", "'Ann'"),
        ("backtick", "`Ann`"),
        ("parentheses", "(Ann)"),
        ("brackets", "[Ann]"),
        ("braces", "{Ann}"),
    ],
)
async def test_each_style_has_its_delimiters(style: Any, quoted: str) -> None:
    """The default is double."""
    result = await run("Ann", quote_style=style)

    assert result.crm.field("c1", "t") == quoted
    assert result.output.modified_data == {
        "t": quoted,
        "quote_style": style or "double",
        "source_text": "Ann",
        "quoted_text": quoted,
    }
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [("field_updated", "t", quoted)]


@pytest.mark.parametrize(
    ("source", "quoted"), [(None, '""'), ("", '""'), (" ", '" "'), (12.0, '"12"'), (True, '"true"')]
)
async def test_an_empty_source_yields_just_the_delimiters(source: Any, quoted: str) -> None:
    """Other values are quoted as text."""
    assert (await run(source)).crm.field("c1", "t") == quoted


@pytest.mark.parametrize(
    ("left", "right", "quoted"), [("<<", ">>", "<<Ann>>"), ("", "", "Ann"), ("", "!", "Ann!"), ("- ", "", "- Ann")]
)
async def test_custom_delimiters_may_be_empty(left: str, right: str, quoted: str) -> None:
    """But not missing."""
    result = await run("Ann", quote_style="custom", custom_left=left, custom_right=right)
    assert result.crm.field("c1", "t") == quoted


@pytest.mark.parametrize(
    ("config", "source", "quoted"),
    [
        ({"quote_style": "double"}, 'say "hi"', '"say \\"hi\\""'),
        ({"quote_style": "double"}, "it's \\ `x`", '"it\'s \\ `x`"'),
        ({"quote_style": "single"}, "it's", "'it\\'s'"),
        ({"quote_style": "backtick"}, "`x`", "`\\`x\\``"),
        ({"quote_style": "brackets"}, "[x]", "[[x]]"),
        ({"quote_style": "parentheses"}, '"(x)"', '("(x)")'),
        ({"quote_style": "custom", "custom_left": '"', "custom_right": "”"}, 'a"b', '"a\\"b”'),
        ({"quote_style": "custom", "custom_left": "<", "custom_right": '"'}, 'a"b<', '<a"b<"'),
        ({"quote_style": "custom", "custom_left": '""', "custom_right": '""'}, 'a"b', '""a"b""'),
    ],
)
async def test_the_left_quote_is_escaped_on_demand(config: dict[str, Any], source: str, quoted: str) -> None:
    """Quote characters only; backslashes stay."""
    assert (await run(source, escape_quotes=True, **config)).crm.field("c1", "t") == quoted


async def test_nothing_is_escaped_by_default() -> None:
    """escape_quotes is off."""
    assert (await run('a"b')).crm.field("c1", "t") == '"a"b"'


@pytest.mark.parametrize(
    "config",
    [
        {"source_field": ""},
        {"target_field": None},
        {"quote_style": "guillemets"},
        {"quote_style": "Double"},
        {"quote_style": "custom"},
        {"quote_style": "custom", "custom_left": "<"},
        {"quote_style": "custom", "custom_left": "<", "custom_right": None},
        {"quote_style": "custom", "custom_left": 1, "custom_right": 2},
        {"escape_quotes": "true"},
    ],
)
async def test_a_wrong_config_is_refused(config: dict[str, Any]) -> None:
    """Custom needs both delimiters."""
    assert (await run("x", **config)).config_error is not None
