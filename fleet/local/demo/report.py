"""What the demo prints: a table by type, contacts before and after, and whether anything was lost."""

from __future__ import annotations

import statistics
from collections import defaultdict
from typing import Any

from rich.console import Console
from rich.table import Table

from fleet.local.demo.run import Followed, latency_ms
from helpers.crm.models import Contact


def percentile(values: list[float], fraction: float) -> float:
    """The value below which that part of the values lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))]


def by_type(executions: list[dict[str, Any]]) -> Table:
    """One row a helper type."""
    rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for execution in executions:
        rows[execution["helper_type"]].append(execution)
    table = Table(title="Executions by helper type", title_justify="left")
    for heading, justify in (("type", "left"), ("completed", "right"), ("failed", "right"), ("p50 ms", "right")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    table.add_column("p99 ms", justify="right")
    table.add_column("why it failed", overflow="fold")
    for helper_type in sorted(rows):
        own = rows[helper_type]
        ended = [latency_ms(execution) for execution in own if execution.get("completed_at") and _is_direct(execution)]
        errors = sorted({execution["error_message"] for execution in own if execution["status"] == "failed"})
        table.add_row(
            helper_type,
            str(sum(execution["status"] == "completed" for execution in own)),
            str(sum(execution["status"] == "failed" for execution in own)),
            f"{statistics.median(ended):.0f}" if ended else "-",
            f"{percentile(ended, 0.99):.0f}" if ended else "-",
            "; ".join(errors),
        )
    return table


def _is_direct(execution: dict[str, Any]) -> bool:
    """Children wait for their predecessor on purpose, and their id holds no time: no latency to speak of."""
    return execution.get("trigger_type") == "api"


def changes(before: list[Contact], after: list[Contact], *, most: int = 3) -> Table:
    """What the run changed on the ``most`` contacts that it changed most; both lists in the same order."""
    changed = [(new.id, _differences(old, new)) for old, new in zip(before, after, strict=True)]
    changed.sort(key=lambda entry: len(entry[1]), reverse=True)
    table = Table(title="Contacts before and after", title_justify="left")
    for heading in ("contact", "field", "before", "after"):
        table.add_column(heading, overflow="fold")
    for contact_id, differences in changed[:most]:
        for number, (key, was, now) in enumerate(differences):
            table.add_row("" if number else contact_id, key, was, now)
        table.add_section()
    return table


def _differences(old: Contact, new: Contact) -> list[tuple[str, str, str]]:
    def flat(contact: Contact) -> dict[str, str]:
        values = {name: str(getattr(contact, name)) for name in ("first_name", "last_name", "phone", "owner_id")}
        values |= {key: str(value) for key, value in contact.custom_fields.items()}
        return values | {"tags": ", ".join(sorted(tag.name for tag in contact.tags))}

    was, now = flat(old), flat(new)
    return [(key, was.get(key, ""), now[key]) for key in now if now[key] != was.get(key, "")]


def verdict(console: Console, followed: Followed, expected: int, expected_failures: int) -> bool:
    """Print what was checked; True when nothing is lost and only what must fail failed."""
    failed = [execution for execution in followed.executions.values() if execution["status"] == "failed"]
    checks = [
        (not followed.refused, f"{len(followed.accepted)} of {expected} requests accepted", followed.refused[:3]),
        (not followed.lost, f"{len(followed.accepted) - len(followed.lost)} accepted executions have ended", []),
        (not followed.unfinished, f"{len(followed.executions)} executions in all, children included", []),
        (
            len(failed) == expected_failures,
            f"{len(failed)} failed, {expected_failures} had to",
            [f"{execution['helper_type']}: {execution.get('error_message')}" for execution in failed[:5]],
        ),
    ]
    for passed, text, details in checks:
        console.print(f"{'[green]ok[/]' if passed else '[red]NOT OK[/]'}  {text}", highlight=False)
        if not passed:
            for detail in details:
                console.print(f"      {detail}", highlight=False, markup=False)
    return all(passed for passed, _text, _details in checks)
