"""Writes the files of a new helper: class, test, inventory line and compose service. The test passes as written."""

from __future__ import annotations

import json
import keyword
import re
from pathlib import Path

from fleet.operations import compose_workers
from helpers.contract import CATEGORIES
from helpers.errors import FieldProblem, MyFusionError


class NewHelperRefused(MyFusionError):
    """The new helper cannot be written."""

    def __init__(self, problem: FieldProblem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def create_helper(root: Path, helper_type: str, category: str) -> list[Path]:
    """Write the helper into the checkout at ``root``; nothing is written when one part is refused."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", helper_type) or keyword.iskeyword(helper_type):
        raise NewHelperRefused(FieldProblem("helper_type", "write it in snake_case, such as thank_it"))
    if len(helper_type) > 40:
        raise NewHelperRefused(FieldProblem("helper_type", "at most 40 characters: it becomes part of a queue name"))
    if category not in CATEGORIES:
        raise NewHelperRefused(FieldProblem("category", f"write one of {', '.join(CATEGORIES)}"))
    inventory_path = root / "helpers" / "inventory.json"
    if not inventory_path.is_file():
        raise NewHelperRefused(FieldProblem("root", f"{root} is no checkout of the project: helpers/inventory.json"))
    inventory = json.loads(inventory_path.read_text())
    if any(helper_type in types for types in inventory.values()):
        raise NewHelperRefused(FieldProblem("helper_type", f"{helper_type} exists already"))
    helper_path = root / "helpers" / category / f"{helper_type}.py"
    test_path = root / "tests" / "helpers" / category / f"test_{helper_type}.py"
    for path in (helper_path, test_path):
        if path.exists():
            raise NewHelperRefused(FieldProblem("helper_type", f"{path} exists already"))
    helper_path.parent.mkdir(parents=True, exist_ok=True)
    test_path.parent.mkdir(parents=True, exist_ok=True)
    values = {
        "type": helper_type,
        "class": "".join(part.capitalize() for part in helper_type.split("_")),
        "name": " ".join(part.capitalize() for part in helper_type.split("_")),
        "category": category,
    }
    helper_path.write_text(_HELPER.format(**values))
    test_path.write_text(_TEST.format(**values))
    inventory[category] = sorted([*inventory.get(category, []), helper_type])
    inventory_path.write_text(json.dumps(inventory, indent=2) + "\n")
    workers_path = root / compose_workers.WORKERS_PATH
    workers_path.parent.mkdir(parents=True, exist_ok=True)
    workers_path.write_text(compose_workers.render(inventory))
    return [helper_path, test_path, inventory_path, workers_path]


_HELPER = '''"""{type}: copies a field in upper case; write here what it does."""

from __future__ import annotations

from pydantic import Field

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import FieldKey
from helpers.rules.empty import is_empty
from helpers.rules.text import to_text


class Config(HelperConfig):
    """What a user configures."""

    source_field: FieldKey = Field(description="Field to read.")
    target_field: FieldKey = Field(description="Field to write.")


class {class}(Helper[Config]):
    """Leaves the target alone when the source is empty."""

    type = "{type}"
    name = "{name}"
    category = "{category}"
    description = "Copy a field in upper case."
    example = Example(
        config={{"source_field": "first_name", "target_field": "shout"}},
        crm={{"contact": {{"id": "c1", "first_name": "Ann"}}}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        value = await ctx.read(ctx.config.source_field)
        if is_empty(value):
            return HelperOutput.no_op(f"{{ctx.config.source_field}} is empty")
        text = to_text(value).upper()
        action = await ctx.write(ctx.config.target_field, text)
        return HelperOutput.ok("done", modified_data={{ctx.config.target_field: text}}, actions=[action])
'''

_TEST = '''"""{type}: what a user may rely on."""

from __future__ import annotations

from helpers.testing import run_helper

CONFIG = {{"source_field": "first_name", "target_field": "shout"}}


async def test_the_source_is_copied_in_upper_case() -> None:
    """The target holds the text of the source in capitals."""
    run = await run_helper("{type}", CONFIG, crm={{"contact": {{"id": "c1", "first_name": "Ann"}}}})

    assert run.output is not None
    assert run.output.success
    assert run.crm.field("c1", "shout") == "ANN"


async def test_an_empty_source_changes_nothing() -> None:
    """Nothing is written when there is nothing to copy."""
    run = await run_helper("{type}", CONFIG, crm={{"contact": {{"id": "c1"}}}})

    assert run.output is not None
    assert run.output.success
    assert run.output.actions == []


async def test_a_config_without_a_source_is_refused() -> None:
    """The refusal names the missing key."""
    run = await run_helper("{type}", {{"target_field": "shout"}}, crm={{"contact": {{"id": "c1"}}}})

    assert run.config_error is not None
    assert run.config_error.problems[0].field == "source_field"
'''
