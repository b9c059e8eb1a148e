"""word_count_it: words or characters, written as text."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper


async def run(source: Any, **config: Any) -> Any:
    config = {"source_field": "s", "target_field": "t", "count_type": "words", **config}
    return await run_helper("word_count_it", config, crm={"contact": {"id": "c1"}, "fields": {"s": source}})


@pytest.mark.parametrize(
    ("source", "words", "characters"),
    [
        ("Hello 世界", "2", "8"),
        ("  one\ttwo\nthree\u00a0four\u3000five ", "5", "26"),
        ("don't stop-now", "2", "14"),
        ("e\u0301", "1", "2"),
        ("👍🏽", "1", "2"),
        ("   ", "0", "3"),
        ("", "0", "0"),
        (None, "0", "0"),
        (12.5, "1", "4"),
        (["a b", "c"], "2", "5"),
    ],
)
async def test_words_and_characters_are_counted(source: Any, words: str, characters: str) -> None:
    """Words are runs between Unicode white space, characters are code points; 0 is written too."""
    for kind, count in (("words", words), ("characters", characters)):
        result = await run(source, count_type=kind)

        assert result.crm.field("c1", "t") == count
        assert result.output.modified_data == {"t": count}
        assert [(a.type, a.target, a.value) for a in result.output.actions] == [("field_updated", "t", count)]


@pytest.mark.parametrize(
    "config", [{"count_type": "lines"}, {"count_type": ""}, {"source_field": ""}, {"target_field": 1}]
)
async def test_a_wrong_config_is_refused(config: dict[str, Any]) -> None:
    """All keys are required."""
    assert (await run("x", **config)).config_error is not None


async def test_a_failing_read_is_no_empty_field() -> None:
    """An outage of the CRM is an error."""
    config = {"source_field": "s", "target_field": "t", "count_type": "words"}
    crm = {"contact": {"id": "c1"}, "fields": {"s": "a"}, "fail": {"get_field_value": ["s"]}}
    result = await run_helper("word_count_it", config, crm=crm)

    assert result.error is not None
    assert result.crm.field("c1", "t") is None
