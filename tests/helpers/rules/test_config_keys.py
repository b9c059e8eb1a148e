"""Config keys as the old web client stored them (spec automation C5)."""

from __future__ import annotations

import pytest
from pydantic import Field

from helpers.rules.config_keys import FormConfig, country_key, mangled, region_key, unmangled, weekday_number


class Config(FormConfig):
    redirect_url: str = Field(default="", alias="redirectUrl")
    save_to: str = ""


@pytest.mark.parametrize(
    ("documented", "stored"),
    [("redirectUrl", "redirect_url"), ("Monday", "_monday"), ("US", "_u_s"), ("New York", "_new _york")],
)
def test_mangling_and_its_reverse(documented, stored):
    """The examples of the spec, in both directions."""
    assert mangled(documented) == stored
    assert unmangled(stored) == documented


@pytest.mark.parametrize(
    ("key", "number"),
    [
        ("Monday", 0), ("_monday", 0), ("mon", 0), ("_m_o_n", 0), ("TUESDAY", 1), ("Wed", 2), ("sunday", 6),
        (" Sat ", 5),        ("Mond", None), ("", None), ("Montag", None),
    ],
)  # fmt: skip
def test_weekday_keys(key, number):
    """Full English names or the first three letters, any case, underscores dropped."""
    assert weekday_number(key) == number


@pytest.mark.parametrize("key", ["US", "us", "_u_s", " U S "])
def test_country_keys_lose_underscores_and_blanks(key):
    """All spellings of one country compare equal."""
    assert country_key(key) == "US"


@pytest.mark.parametrize("key", ["New York", "_new _york", "NEW YORK ", "new york"])
def test_region_keys_fold_case(key):
    """All spellings of one region compare equal."""
    assert region_key(key) == "new york"


def test_either_spelling_of_a_key_is_accepted():
    """camelCase for a snake_case key and the other way round."""
    config = Config.model_validate({"redirect_url": "https://a", "saveTo": "f"})

    assert (config.redirect_url, config.save_to) == ("https://a", "f")


def test_the_documented_spelling_wins():
    """Where a config holds both, the documented key counts."""
    stored = {"redirectUrl": "https://a", "redirect_url": "https://b", "save_to": "f", "saveTo": "g"}

    config = Config.model_validate(stored)

    assert (config.redirect_url, config.save_to) == ("https://a", "f")


def test_unknown_keys_are_ignored():
    """Form-only keys do not matter."""
    assert Config.model_validate({"service_connection_ids": {}, "x": 1}) == Config()
