"""Child executions: their items and the guards on them. Spec automation section 1."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from helpers.contract import HelperContext
from helpers.ports import ExecutionSpawner, HelperDirectory, StoredHelper
from helpers.rules.instants import instant_text

RETENTION = timedelta(days=7)

Group = Literal["primary", "on_success", "on_failure"]
SkipReason = Literal["not_found", "disabled", "loop", "depth_limit", "budget"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A helper to run as a child: its identifier as written, and a config that replaces the stored one."""

    identifier: str
    config: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Parent:
    """The execution that spawns. ``chain_path`` does not hold the parent itself yet."""

    execution_id: str
    root_execution_id: str
    helper_id: str
    account_id: str
    user_id: str
    contact_id: str
    depth: int
    chain_path: tuple[str, ...]
    input: Mapping[str, Any]
    query_params: Mapping[str, str]

    @classmethod
    def of(cls, ctx: HelperContext[Any]) -> Parent:
        """The running execution as a parent."""
        return cls(
            execution_id=ctx.execution_id,
            root_execution_id=ctx.root_execution_id or ctx.execution_id,
            helper_id=ctx.helper_id,
            account_id=ctx.account_id,
            user_id=ctx.user_id,
            contact_id=ctx.contact_id,
            depth=ctx.depth,
            chain_path=ctx.chain_path,
            input=ctx.input,
            query_params=ctx.query_params,
        )


@dataclass(slots=True)
class Spawned:
    """What became of a group's entries: the children that exist, with their place in the list, and the refused."""

    children: list[tuple[int, Entry, str]] = field(default_factory=list)
    skipped: list[tuple[Entry, SkipReason]] = field(default_factory=list)


def child_id(parent_execution_id: str, group: str, index: int) -> str:
    """The id of a child: the same for every delivery of its parent, so nothing is spawned twice."""
    return f"exec:{uuid.uuid5(uuid.NAMESPACE_URL, f'mfh:{parent_execution_id}/{group}/{index}')}"


def child_item(
    parent: Parent,
    *,
    helper_id: str,
    helper_type: str,
    connection_id: str,
    config: Mapping[str, Any],
    group: str,
    index: int,
    now: datetime,
    not_before: datetime,
    depends_on: str = "",
) -> dict[str, Any]:
    """The item to store. Queued if it can start at once, else scheduled."""
    waits = bool(depends_on) or not_before > now
    child: dict[str, Any] = {
        "execution_id": child_id(parent.execution_id, group, index),
        "helper_id": helper_id,
        "helper_type": helper_type,
        "account_id": parent.account_id,
        "user_id": parent.user_id,
        "connection_id": connection_id,
        "contact_id": parent.contact_id,
        "config": dict(config),
        "input": dict(parent.input),
        "query_params": dict(parent.query_params),
        "trigger_type": "chain",
        "parent_execution_id": parent.execution_id,
        "root_execution_id": parent.root_execution_id,
        "depth": parent.depth + 1,
        "chain_path": [*parent.chain_path, parent.helper_id],
        "chain_group": group,
        "chain_index": index,
        "not_before": instant_text(not_before),
        "status": "scheduled" if waits else "queued",
        "created_at": instant_text(now),
        # Counted from its start: a child that waits for weeks must not expire before it runs.
        "ttl": int((not_before + RETENTION).timestamp()),
    }
    if depends_on:
        child["depends_on_execution_id"] = depends_on
    return child


async def spawn_group(
    spawner: ExecutionSpawner,
    directory: HelperDirectory,
    parent: Parent,
    entries: Sequence[Entry],
    group: Group,
    *,
    now: datetime,
    delay_seconds: int = 0,
    max_depth: int,
) -> Spawned:
    """Spawn the entries as sequential children, in list order; child i may start ``i * delay_seconds`` from now.

    Guards: depth, loop (the running helper or one of its ancestors), existence in the same account, enabled, and
    the root's budget. A refused entry leaves a gap: the next child depends on the last one that exists.
    """
    result = Spawned()
    if parent.depth >= max_depth:
        result.skipped = [(entry, "depth_limit") for entry in entries]
        return result
    previous = ""
    for index, entry in enumerate(entries):
        helper = await directory.resolve(entry.identifier)
        reason = _refusal(helper, parent)
        if helper is None or reason is not None:
            result.skipped.append((entry, reason or "not_found"))
            continue
        child = child_item(
            parent,
            helper_id=helper.helper_id,
            helper_type=helper.helper_type,
            connection_id=helper.connection_id,
            config=helper.config if entry.config is None else entry.config,
            group=group,
            index=index,
            now=now,
            not_before=now + timedelta(seconds=index * delay_seconds),
            depends_on=previous,
        )
        if not await spawner.spawn(child):
            result.skipped.append((entry, "budget"))
            continue
        previous = child["execution_id"]
        result.children.append((index, entry, previous))
    return result


def _refusal(helper: StoredHelper | None, parent: Parent) -> SkipReason | None:
    if helper is None:
        return "not_found"
    if not helper.runnable:
        return "disabled"
    if helper.helper_id == parent.helper_id or helper.helper_id in parent.chain_path:
        return "loop"
    return None
