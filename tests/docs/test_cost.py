"""The cost page: its sums are right, and its shapes are those of the Terraform environments."""

from __future__ import annotations

import ast
import json
import operator
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/cost.md").read_text()
OPERAND = r"\(?\$?\d[\d,.]*(?: [A-Za-z]+)?\)?"
EQUATION = re.compile(rf"({OPERAND}(?: [×/+-] {OPERAND})+) = \$?([\d,.]*\d)( million)?")
OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
CATEGORIES = json.loads((ROOT / "helpers/inventory.json").read_text())


def value(text: str) -> float:
    """What an expression of the page comes to; units and other words count for nothing."""
    if text.count("(") > text.count(")"):  # of the sentence
        text = text.removeprefix("(")
    return _value(ast.parse(re.sub(r"[a-zA-Z$,]", "", text).replace("×", "*").strip(), mode="eval").body)


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](_value(node.left), _value(node.right))
    assert isinstance(node, ast.Constant)
    return float(node.value)


def half_a_digit(number: str) -> float:
    """How far a figure may be from what was rounded to it."""
    return 0.501 * 10.0 ** -len(number.partition(".")[2])


EQUATIONS = EQUATION.findall(PAGE)


def test_the_page_has_sums() -> None:
    """Nothing below holds of a page without any."""
    assert len(EQUATIONS) > 20
    assert value("8 × $2.16") == pytest.approx(17.28)
    assert value("1 s / (10 × 0.5)") == pytest.approx(0.2)


@pytest.mark.parametrize(("left", "right", "million"), EQUATIONS, ids=lambda part: part.strip())
def test_a_sum_is_right(left: str, right: str, million: str) -> None:
    """To the last digit that is shown."""
    scale = 1e6 if million else 1.0
    assert value(left) / scale == pytest.approx(float(right.replace(",", "")), abs=half_a_digit(right))


def row(start: str) -> list[str]:
    """The cells behind the first one of the row that starts so."""
    (line,) = (line for line in PAGE.splitlines() if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("| ").split(" |")[1:]]


def dollars(cell: str) -> float:
    """What a cell comes to: the figure after the sign of equality, or what it is a product of."""
    if not re.search(r"\d", cell):
        return 0.0
    return value(re.sub(r"\(.*?\)|about", "", cell.rpartition("=")[2]))


@pytest.mark.parametrize(("column", "stage"), [(0, "dev"), (1, "prod")])
def test_a_column_adds_up(column: int, stage: str) -> None:
    """What an idle stage costs is the sum of the rows above."""
    table = PAGE.partition("## Idle, per month")[2].partition("| **without")[0]
    rows = [line.strip("| ").split(" |") for line in table.splitlines() if line.startswith("| ")][2:]
    total = float(re.sub(r"[^\d]", "", row("**without")[column]))
    assert sum(dollars(cells[1:][column]) for cells in rows) == pytest.approx(total, abs=0.51), stage


@pytest.mark.parametrize(("column", "stage"), [(0, "dev"), (1, "prod")])
def test_the_shape_is_that_of_the_environment(column: int, stage: str) -> None:
    """Tasks, gateways and endpoints are counted as main.tf and terraform.tfvars have them."""
    folder = ROOT / "terraform/environments" / stage
    main, variables = (folder / "main.tf").read_text(), (folder / "terraform.tfvars").read_text()
    task = "$8.51" if re.search(r"memory\s+= 1024", variables) else "$2.16" if "spot = true" in variables else "$7.21"
    assert row("pools")[column].startswith(f"{len(CATEGORIES)} × {task} ")
    dedicated = len(re.findall(r"dedicated = true, min_tasks = 1", variables))
    assert row("helpers with")[column].startswith(f"{dedicated} × $7.21" if dedicated else "")
    routers = re.search(r"router_tasks\s+= (\d+)", main)
    assert routers is not None
    assert row("router ")[column].startswith(f"{routers[1]} × $7.21")
    gateways = 2 if re.search(r"single_nat_gateway\s+= false", main) else 1
    assert row("NAT gateways")[column].startswith(f"{gateways} × ")
    assert row("their addresses")[column].startswith(f"{gateways} × ")
    endpoints = re.search(r"interface_endpoints\s+= \[(.+)\]", main)
    assert bool(row("interface endpoints")[column]) == bool(endpoints)
    if endpoints:
        assert row("interface endpoints")[column].startswith(f"{len(endpoints[1].split(','))} services × ")
