"""Which AWS operations and metrics a service's code contains, read from its source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import botocore.session
from botocore import xform_name

from tests.terraform.conftest import ROOT

IAM_PREFIXES = {
    "dynamodb": "dynamodb",
    "dynamodbstreams": "dynamodb",
    "sqs": "sqs",
    "ssm": "ssm",
    "s3": "s3",
    "sesv2": "ses",
    "sts": "sts",
}
CLIENTS = ("dynamodb", "streams", "sqs", "ssm", "s3", "sts")
# IAM knows no batches, and a transaction needs the rights of what is in it.
SAME_RIGHT = {
    "sqs:SendMessageBatch": ("sqs:SendMessage",),
    "sqs:DeleteMessageBatch": ("sqs:DeleteMessage",),
    "sqs:ChangeMessageVisibilityBatch": ("sqs:ChangeMessageVisibility",),
    "dynamodb:TransactWriteItems": ("dynamodb:PutItem", "dynamodb:UpdateItem"),
}


@cache
def _actions() -> dict[str, str]:
    """IAM action by the name of the client's method."""
    session = botocore.session.get_session()
    return {
        xform_name(operation): f"{prefix}:{operation}"
        for service, prefix in IAM_PREFIXES.items()
        for operation in session.get_service_model(service).operation_names
    }


@cache
def modules(service: str) -> tuple[Path, ...]:
    """The files of ours that `python -m SERVICE` imports at its start."""
    files_of = "[getattr(module, '__file__', None) or '' for module in sys.modules.values()]"
    code = f"import sys, {service}.__main__; print(*{files_of}, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    files = (Path(line) for line in done.stdout.splitlines())
    return tuple(sorted(path for path in files if path.is_relative_to(ROOT) and ".venv" not in path.parts))


def aws_calls(service: str) -> Iterator[tuple[Path, str, str]]:
    """File, IAM action, and the expression of the table (empty where the call does not name one)."""
    for path in modules(service):
        tree = ast.parse(path.read_text())
        tables = {
            node.func: ast.unparse(word.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            for word in node.keywords
            if word.arg == "TableName"
        }
        for node in ast.walk(tree):
            name = ""
            if isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith(CLIENTS):
                name = node.attr
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "self._call" and node.args:
                name = str(getattr(node.args[0], "value", ""))
            action = _actions().get(name)
            if action is not None:
                for right in SAME_RIGHT.get(action, (action,)):
                    yield path.relative_to(ROOT), right, tables.get(node, "") if isinstance(node, ast.expr) else ""


def metrics(service: str) -> dict[str, set[frozenset[str]]]:
    """The metrics a service writes: the names of the dimensions of each, besides Service and Stage."""
    found: defaultdict[str, set[frozenset[str]]] = defaultdict(set)
    for path in modules(service):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr not in {"count", "gauge", "observe"} or not ast.unparse(node.func.value).endswith(
                "metrics"
            ):
                continue
            name = getattr(node.args[0], "value", None) if node.args else None
            if isinstance(name, str):
                words = {word.arg for word in node.keywords if word.arg} - {"by", "unit"}
                found[name].add(frozenset(words))
    return found
