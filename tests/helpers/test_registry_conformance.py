"""What every helper of the fleet has to satisfy, whoever wrote it."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import helpers
from helpers import registry
from helpers.catalogue.example_run import run_example
from helpers.catalogue.page import PAGE_PATH, render_page
from helpers.catalogue.schemas import SCHEMAS_PATH, render_schemas
from helpers.contract import CATEGORIES, Helper
from helpers.invocation import parse_config
from helpers.testing import HelperRun

RENEW = "run python -m helpers.catalogue and review the change"
PLATFORMS = {"keap", "gohighlevel", "activecampaign", "ontraport", "hubspot", "stripe"}

LONGEST_HELPER_LINES = 150

every_helper = pytest.mark.parametrize("helper_type", registry.inventory())


def helper_classes_in_the_category_folders() -> set[tuple[str, str]]:
    """(category folder, type) of every concrete helper class, found by importing the files."""
    found = set()
    for category in CATEGORIES:
        for file in (Path(helpers.__file__).parent / category).glob("[!_]*.py"):
            module = importlib.import_module(f"helpers.{category}.{file.stem}")
            for value in vars(module).values():
                if inspect.isclass(value) and issubclass(value, Helper) and value.__module__ == module.__name__:
                    helper_type = value.__dict__.get("type")
                    if helper_type is not None:
                        assert helper_type == file.stem, f"{module.__name__} holds the helper {helper_type}"
                        found.add((category, helper_type))
    return found


def test_the_inventory_is_what_the_files_hold() -> None:
    """Terraform, compose, router and workers all go by the inventory."""
    listed = {(category, helper_type) for helper_type, category in registry.inventory().items()}

    assert listed == helper_classes_in_the_category_folders()


def test_the_inventory_is_ordered() -> None:
    """Categories as in the contract, types by alphabet: two additions meet in different lines."""
    by_category = json.loads(registry.INVENTORY_PATH.read_text())

    assert list(by_category) == [category for category in CATEGORIES if category in by_category]
    assert all(types == sorted(types) for types in by_category.values())


@every_helper
def test_a_helpers_file_is_read_in_a_minute(helper_type: str) -> None:
    """What is a thing of its own has a module of its own, beside the helper, in rules or in services."""
    file = Path(inspect.getfile(registry.load(helper_type)))

    assert len(file.read_text().splitlines()) <= LONGEST_HELPER_LINES


def test_display_names_are_unique() -> None:
    """Users choose by name."""
    names = [helper.name for helper in registry.load_all().values()]

    assert sorted(set(names)) == sorted(names)


@every_helper
def test_metadata_reads_well(helper_type: str) -> None:
    """snake_case type, a name, one line of description that ends in a full stop, known platforms."""
    helper = registry.load(helper_type)

    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", helper.type)
    assert helper.name == helper.name.strip()
    assert re.fullmatch(r"\S.*\.", helper.description)
    assert set(helper.supported_crms) <= PLATFORMS
    assert helper.__doc__


@every_helper
def test_every_config_key_is_described(helper_type: str) -> None:
    """The console form shows the description next to the input."""
    schema = registry.schema(helper_type)
    places = [("", schema), *schema.get("$defs", {}).items()]

    assert [
        f"{place}.{key}"
        for place, node in places
        for key, value in node.get("properties", {}).items()
        if not value.get("description")
    ] == []


@every_helper
def test_the_published_schema_accepts_the_example(helper_type: str) -> None:
    """It is a valid JSON schema, and it says no to a config that is no object."""
    schema = registry.schema(helper_type)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)

    assert [error.message for error in validator.iter_errors(registry.load(helper_type).example.config)] == []
    assert not validator.is_valid("not an object")


@every_helper
def test_bounds_of_the_schema_are_of_their_type(helper_type: str) -> None:
    """A form ignores a minLength of an object, a `ge`, and shows a number's default as a text where it is one."""
    schema = registry.schema(helper_type)
    fields = [
        (key, value)
        for node in (schema, *schema.get("$defs", {}).values())
        for key, value in node.get("properties", {}).items()
    ]

    for key, value in fields:
        assert not {"ge", "gt", "le", "lt"} & set(value), key
        if value.get("type") in ("object", "array"):
            assert not {"minLength", "maxLength"} & set(value), key
        if any(option.get("type") == "number" for option in (value, *value.get("anyOf", ()))):
            assert not isinstance(value.get("default"), str), key


@every_helper
def test_a_config_survives_the_way_through_json(helper_type: str) -> None:
    """Parsed, dumped and parsed again it is the same config."""
    helper = registry.load(helper_type)
    config = parse_config(helper, helper.example.config)
    dumped = json.loads(json.dumps(config.model_dump(mode="json", by_alias=True)))

    assert parse_config(helper, dumped) == config


@every_helper
def test_unknown_config_keys_are_ignored(helper_type: str) -> None:
    """Stored configs carry keys that belong to other helpers."""
    helper = registry.load(helper_type)
    stored = {**helper.example.config, "key_of_an_old_form": {"a": [1]}}

    assert parse_config(helper, stored) == parse_config(helper, helper.example.config)


@every_helper
async def test_the_example_runs(helper_type: str) -> None:
    """It succeeds, its output is JSON, and it really does something."""
    run = await run_example(registry.load(helper_type))

    assert run.config_error is None
    assert run.error is None
    assert run.output is not None
    assert run.output.success
    assert json.loads(run.output.model_dump_json())
    assert run.output.actions or run.output.modified_data


@every_helper
async def test_behaviour_hints_fit_the_behaviour(helper_type: str) -> None:
    """The worker decides about retries and connections by them."""
    helper = registry.load(helper_type)
    run: HelperRun = await run_example(helper)

    assert helper.requires_crm or not helper.requires_contact
    assert helper.external or not (run.requests or run.mails)
    # A message can be kept for at most twelve hours, whatever the heartbeat does.
    assert 0 < helper.timeout_seconds < 12 * 3600


@every_helper
def test_a_helper_class_keeps_no_state(helper_type: str) -> None:
    """One instance may serve many runs at once."""
    helper = registry.load(helper_type)

    assert inspect.signature(helper).parameters == {}
    assert vars(helper()) == {}


def test_the_committed_schemas_are_the_published_ones() -> None:
    """A changed config schema has to be announced by a changed file."""
    committed: dict[str, Any] = json.loads(SCHEMAS_PATH.read_text(encoding="utf-8"))
    current: dict[str, Any] = json.loads(render_schemas())
    changed = [name for name in {**committed, **current} if committed.get(name) != current.get(name)]

    assert changed == [], f"changed config schemas: {changed}; {RENEW}"
    assert SCHEMAS_PATH.read_text(encoding="utf-8") == render_schemas(), RENEW


async def test_the_catalogue_page_is_fresh() -> None:
    """The page is generated, outputs included."""
    assert PAGE_PATH.read_text(encoding="utf-8") == await render_page(), RENEW
