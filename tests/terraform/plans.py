"""What Terraform plans or has made, as flat lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def resources(module: Mapping[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    """Every resource of a type below a module of `terraform show -json` (root_module of values or planned_values)."""
    for resource in module.get("resources", ()):
        if resource["type"] == kind and resource["mode"] == "managed":
            yield {"address": resource["address"], **resource["values"]}
    for child in module.get("child_modules", ()):
        yield from resources(child, kind)


def as_list(value: str | list[str]) -> list[str]:
    """What IAM writes as one string where there is one only."""
    return [value] if isinstance(value, str) else value
