"""What the guides tell people to type is there."""

from __future__ import annotations

import importlib.util
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
import typer

from fleet import names
from fleet.cli.main import app
from worker.control import Control

ROOT = Path(__file__).parents[2]
# docs/helpers.md is generated from the helpers.
GUIDES = [
    ROOT / "README.md",
    ROOT / "docker/README.md",
    *sorted({*(ROOT / "docs").glob("*.md")} - {ROOT / "docs/helpers.md"}),
]
each_guide = pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: str(guide.relative_to(ROOT)))
FOLDERS = "api|docker|docs|fleet|helpers|requirements|router|terraform|tests|worker"


def exists(words: list[str]) -> bool:
    """Whether the words lead to a command of mfh; what follows a command are its arguments."""
    command = typer.main.get_command(app)
    for word in words:
        if not hasattr(command, "commands"):
            return True
        if word not in command.commands:
            return False
        command = command.commands[word]
    return True


def test_a_command_that_is_not_there_is_noticed() -> None:
    """The check below can fail."""
    assert exists(["helpers", "new", "thank_it"])
    assert not exists(["helpers", "make"])


def test_the_commands_of_mfh_are_there() -> None:
    """Guides and workflows name commands that exist."""
    texts = [path.read_text() for path in (*GUIDES, *(ROOT / ".github/workflows").glob("*.yml"))]
    named = {tuple(line.split()) for text in texts for line in re.findall(r"\bmfh ((?:[a-z_-]+ ?)+)", text)}
    assert ("helpers", "new", "thank_it") in {words[:3] for words in named}
    assert [words for words in named if not exists(list(words))] == []


@each_guide
def test_the_modules_to_run_are_there(guide: Path) -> None:
    """``python -m`` finds what it is given."""
    modules = re.findall(r"python -m ([\w.]+)", guide.read_text())
    assert [module for module in modules if importlib.util.find_spec(module) is None] == []


@each_guide
def test_links_lead_somewhere(guide: Path) -> None:
    """Links between the pages are to files of the repository."""
    links = re.findall(r"\]\(([^)#:]+)\)", guide.read_text())
    assert [link for link in links if not (guide.parent / link).exists()] == []


@each_guide
def test_the_paths_that_are_named_are_there(guide: Path) -> None:
    """Beside those of the helper that the guide makes, and of the environment."""
    named = re.findall(rf"`((?:{FOLDERS})/[\w./-]+)`", guide.read_text())
    assert [path for path in named if "thank_it" not in path and not (ROOT / path).exists()] == []


async def test_the_example_of_the_readme_holds() -> None:
    """Its lines run as they stand."""
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(f"async def example():\n{textwrap.indent(example, '    ')}", names)  # noqa: S102 - our own README
    await names["example"]()


def test_the_targets_of_make_are_there() -> None:
    """In commands as in sentences."""
    named = {target for guide in GUIDES for target in re.findall(r"(?:`| {4})make ([a-z-]+)", guide.read_text())}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"test", "demo"} <= named <= targets


def test_control_documents_of_the_guide_are_obeyed() -> None:
    """Name and content of the parameter are what the worker reads."""
    text = (ROOT / "docs/environments.md").read_text()
    documents = re.findall(r"put-parameter --name (\S+) .*--value '(.+)'", text)
    controls = [Control.model_validate_json(value) for _, value in documents]
    assert controls == [Control(paused=True), Control(concurrency=5)]
    assert {name for name, _ in documents} == {names.control_parameter("dev", "tag_it")}


def test_the_guide_to_helpers_has_fewer_steps_than_the_runbook() -> None:
    """Three numbered steps where the earlier platform had eleven."""
    steps = re.findall(r"^(\d+)\. \*\*", (ROOT / "docs/adding-a-helper.md").read_text(), re.MULTILINE)
    assert steps == ["1", "2", "3"]


def test_overrides_of_the_guide_are_inputs_of_an_environment() -> None:
    """Every name in the example of scaling is one that Terraform knows."""
    example = re.search(r"tag_it = \{ (.+) \}", (ROOT / "docs/environments.md").read_text())
    assert example is not None
    inputs = (ROOT / "terraform/environments/dev/variables.tf").read_text()
    assert [name for name in re.findall(r"(\w+) =", example[1]) if f"{name} " not in inputs] == []


def test_the_outputs_that_the_guide_reads_are_there() -> None:
    """Setting up an account copies outputs of terraform/bootstrap into variables of GitHub."""
    text = (ROOT / "docs/environments.md").read_text()
    read = set(re.findall(r"terraform output -(?:raw|json) (\w+)", text))
    outputs = set(re.findall(r'^output "(\w+)"', (ROOT / "terraform/bootstrap/outputs.tf").read_text(), re.MULTILINE))
    assert len(read) == 5
    assert read <= outputs


def test_the_guide_sets_every_variable_of_the_workflows() -> None:
    """A variable that nobody sets is empty, and the first deployment fails on it."""
    workflows = "".join(path.read_text() for path in (ROOT / ".github/workflows").glob("*.yml"))
    used = set(re.findall(r"\$\{\{ vars\.(\w+) \}\}", workflows))
    set_by_the_guide = set(re.findall(r"gh variable set (\w+)", (ROOT / "docs/environments.md").read_text()))
    assert used == set_by_the_guide


def test_an_environment_is_copied_and_renamed_where_the_guide_says() -> None:
    """Nothing but `main.tf` and `versions.tf` names the stage."""
    naming = {
        path.name
        for path in (ROOT / "terraform/environments/staging").glob("*.tf*")
        if re.search(r"\bstaging\b", path.read_text())
    }
    assert naming == {"main.tf", "versions.tf"}
