"""Child executions: spec automation section 1.

A helper that runs other helpers writes child items; nothing is relayed over HTTP and no API key is stored.
Ids are derived from parent, group and index, so a redelivered parent writes the same children again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import NAMESPACE_URL, uuid5

from pydantic import BaseModel, ConfigDict, Field, StrictStr, WithJsonSchema, model_validator

from helpers.contract import HelperContext
from helpers.ports import ExecutionSpawner, HelperDirectory, StoredHelper
from helpers.rules.instants import instant_text

ChainGroup = Literal["primary", "on_success", "on_failure"]
RefusalReason = Literal["not_found", "disabled", "loop", "depth_limit", "budget"]

RETENTION = timedelta(days=7)


class HelperEntry(BaseModel):
    """A helper to run, as a config names it: its identifier alone, or with a config instead of the stored one."""

    model_config = ConfigDict(frozen=True)

    id: StrictStr
    config: dict[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_identifier(cls, written: Any) -> Any:
        return {"id": written} if isinstance(written, str) else written


HelperEntries = Annotated[
    list[HelperEntry],
    Field(strict=True),
    WithJsonSchema(
        {
            "type": "array",
            "items": {
                "anyOf": [
                    {"type": "string", "description": "Short key, helper:<uuid> or uuid."},
                    {
                        "type": "object",
                        "properties": {"id": {"type": "string"}, "config": {"type": ["object", "null"]}},
                        "required": ["id"],
                    },
                ]
            },
        }
    ),
]
"""A JSON array whose items are identifiers or ``{id, config?}``."""


@dataclass(frozen=True, kw_only=True)
class Parent:
    """What a child takes from the execution that spawns it."""

    execution_id: str
    helper_id: str
    account_id: str
    user_id: str = ""
    connection_id: str = ""
    contact_id: str = ""
    input: Mapping[str, Any] = field(default_factory=dict)
    query_params: Mapping[str, str] = field(default_factory=dict)
    root_execution_id: str = ""
    depth: int = 0
    chain_path: tuple[str, ...] = ()

    @classmethod
    def running(cls, ctx: HelperContext[Any]) -> Parent:
        """The execution that is running now."""
        return cls(**{name: getattr(ctx, name) for name in cls.__dataclass_fields__})

    @classmethod
    def stored(cls, item: Mapping[str, Any]) -> Parent:
        """A stored execution item."""
        known = {name: item[name] for name in cls.__dataclass_fields__ if item.get(name) is not None}
        return cls(**{**known, "chain_path": tuple(known.get("chain_path", ()))})


@dataclass(frozen=True, slots=True)
class QueuedChild:
    """A child that exists now: the identifier as written, its 0-based position in the list, its execution."""

    identifier: str
    index: int
    execution_id: str


@dataclass(frozen=True, slots=True)
class RefusedChild:
    """An entry that was not spawned, and why."""

    identifier: str
    reason: RefusalReason

    def as_json(self) -> dict[str, str]:
        """As published under ``skipped_helpers``."""
        return {"helper": self.identifier, "reason": self.reason}


@dataclass(slots=True)
class SpawnedGroup:
    """What became of the entries of one group, each list in the order of the entries."""

    queued: list[QueuedChild] = field(default_factory=list)
    refused: list[RefusedChild] = field(default_factory=list)


def child_execution_id(parent_execution_id: str, group: ChainGroup, index: int) -> str:
    """The id that the child at this position always has."""
    return f"exec:{uuid5(NAMESPACE_URL, f'{parent_execution_id}/{group}/{index}')}"


def child_item(
    parent: Parent,
    helper: StoredHelper,
    config: Mapping[str, Any],
    *,
    group: ChainGroup,
    index: int,
    now: datetime,
    not_before: datetime,
    depends_on: str = "",
) -> dict[str, Any]:
    """The execution item of a child. It is ``queued`` if it can start at once, else ``scheduled``."""
    waits = bool(depends_on) or not_before > now
    item: dict[str, Any] = {
        "execution_id": child_execution_id(parent.execution_id, group, index),
        "helper_id": helper.helper_id,
        "helper_type": helper.helper_type,
        "account_id": parent.account_id,
        "user_id": parent.user_id,
        "connection_id": helper.connection_id,
        "contact_id": parent.contact_id,
        "config": deepcopy(dict(config)),
        "input": deepcopy(dict(parent.input)),
        "query_params": dict(parent.query_params),
        "trigger_type": "chain",
        "parent_execution_id": parent.execution_id,
        "root_execution_id": parent.root_execution_id or parent.execution_id,
        "depth": parent.depth + 1,
        "chain_path": [*parent.chain_path, parent.helper_id],
        "chain_group": group,
        "chain_index": index,
        "not_before": instant_text(not_before),
        "status": "scheduled" if waits else "queued",
        "created_at": instant_text(now),
        "ttl": int((not_before + RETENTION).timestamp()),
    }
    if depends_on:
        item["depends_on_execution_id"] = depends_on
    return item


async def spawn_group(
    parent: Parent,
    entries: Sequence[HelperEntry],
    *,
    group: ChainGroup,
    now: datetime,
    delay_seconds: int = 0,
    directory: HelperDirectory,
    spawner: ExecutionSpawner,
    max_depth: int,
) -> SpawnedGroup:
    """Spawn the entries as children that run one after the other, child ``i`` not before now + i * delay.

    Each child but the first depends on the one spawned before it. What a guard refuses is left out and reported.
    """
    result = SpawnedGroup()
    for index, entry in enumerate(entries):
        helper, reason = await _admitted(parent, entry.id, directory, max_depth)
        if helper is not None:
            item = child_item(
                parent,
                helper,
                helper.config if entry.config is None else entry.config,
                group=group,
                index=index,
                now=now,
                not_before=now + timedelta(seconds=index * delay_seconds),
                depends_on=result.queued[-1].execution_id if result.queued else "",
            )
            if await spawner.spawn(item):
                result.queued.append(QueuedChild(entry.id, index, item["execution_id"]))
                continue
        result.refused.append(RefusedChild(entry.id, reason))
    return result


async def _admitted(
    parent: Parent, identifier: str, directory: HelperDirectory, max_depth: int
) -> tuple[StoredHelper | None, RefusalReason]:
    """The helper if the guards let it run; the reason holds otherwise, and where the budget turns out to be used up."""
    if parent.depth >= max_depth:
        return None, "depth_limit"
    helper = await directory.resolve(identifier)
    if helper is None or helper.account_id != parent.account_id:
        return None, "not_found"
    if helper.helper_id == parent.helper_id or helper.helper_id in parent.chain_path:
        return None, "loop"
    if not helper.runnable:
        return None, "disabled"
    return helper, "budget"
