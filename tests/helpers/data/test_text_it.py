"""text_it: text operations on a field."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper


async def run(source: Any, operation: str | None, **config: Any) -> Any:
    config = {"field": "f", "operation": operation, **config}
    return await run_helper("text_it", config, crm={"contact": {"id": "c1"}, "fields": {"f": source}})


@pytest.mark.parametrize(
    ("operation", "config", "source", "expected"),
    [
        ("prepend", {"value": "Dr. "}, "Ann", "Dr. Ann"),
        ("append", {"value": " (Unknown)"}, None, " (Unknown)"),
        ("append", {"value": " %"}, 12.0, "12 %"),
        ("replace", {"value": "a", "replace_with": "o"}, "banana Ana", "bonono Ano"),
        ("replace", {"value": "."}, "a.b.c", "abc"),
        ("replace", {"value": ".", "replace_with": None}, "a.b", "ab"),
        ("remove", {"value": "x"}, "xXx", "X"),
        ("truncate", {"max_length": 3}, "Müller", "Mül"),
        ("truncate", {"max_length": "2"}, "世界人", "世界"),
        ("truncate", {"max_length": 4}, "abc d", "abc "),
        ("truncate", {"max_length": 0}, "abc", ""),
        ("truncate", {"max_length": 2.9}, "abc", "ab"),
        ("extract_email_domain", {}, " ann@Example.COM ", "Example.COM"),
        ("extract_email_domain", {}, "Ann Lee <ann@example.com>", "example.com"),
        ("extract_numbers", {}, "(555) 123-4567 ext. 890", "5551234567890"),
        ("extract_numbers", {}, "Total: 12.50 USD", "12.50"),
        ("extract_numbers", {}, ".5 and 6.", "56"),
        ("extract_numbers", {}, "v1.2.3", "1.2.3"),
        ("extract_numbers", {}, "none", ""),
        ("slug", {}, "Café Münster", "cafe-munster"),
        ("slug", {}, "  --Hello,   World! 2--  ", "hello-world-2"),
        ("slug", {}, "世界", ""),
        ("reverse", {}, "abc", "cba"),
        ("reverse", {}, "e\u0301a", "ae\u0301"),
        ("reverse", {}, "a👨‍👩‍👧b", "b👨‍👩‍👧a"),
        ("reverse", {}, "🇩🇪🇫🇷", "🇫🇷🇩🇪"),
    ],
)
async def test_the_operation_is_done(operation: str, config: dict[str, Any], source: Any, expected: str) -> None:
    """The result goes to the field itself."""
    result = await run(source, operation, **config)

    assert result.crm.field("c1", "f") == expected
    assert result.output.modified_data == {"f": expected}
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [("field_updated", "f", expected)]


@pytest.mark.parametrize(
    ("operation", "config", "source"),
    [
        ("append", {"value": ""}, "Ann"),
        ("replace", {"value": "x"}, "Ann"),
        ("truncate", {"max_length": 10}, "Ann"),
        ("slug", {}, "ann"),
        ("reverse", {}, "anna"),
        ("reverse", {}, None),
        ("extract_numbers", {}, "12"),
    ],
)
async def test_a_result_equal_to_the_source_is_written_to_another_field_only(
    operation: str, config: dict[str, Any], source: Any
) -> None:
    """Into the same field it would be no change."""
    same = await run(source, operation, **config)
    other = await run(source, operation, target_field="t", **config)

    assert same.output.success
    assert (same.output.actions, same.output.modified_data) == ([], {})
    assert other.output.modified_data == {"t": source or ""}
    assert len(other.output.actions) == 1


@pytest.mark.parametrize("source", [None, "", "Ann", "ann@", "@example.com", "a@b@c", "a@b.com, c@d.com", "Ann <ann>"])
async def test_without_an_address_there_is_nothing_to_extract(source: Any) -> None:
    """Also with another target: the whole text is not copied."""
    result = await run(source, "extract_email_domain", target_field="t")

    assert result.output.success
    assert result.output.actions == []
    assert result.crm.field("c1", "t") is None


@pytest.mark.parametrize(
    ("operation", "config"),
    [
        (None, {}),
        ("shout", {}),
        ("Reverse", {}),
        ("prepend", {}),
        ("append", {"value": None}),
        ("append", {"value": 5}),
        ("replace", {"value": ""}),
        ("remove", {}),
        ("truncate", {}),
        ("truncate", {"max_length": -1}),
        ("truncate", {"max_length": "few"}),
        ("reverse", {"field": ""}),
    ],
)
async def test_an_incomplete_config_is_refused(operation: str | None, config: dict[str, Any]) -> None:
    """Each operation names what it needs."""
    assert (await run("x", operation, **config)).config_error is not None
