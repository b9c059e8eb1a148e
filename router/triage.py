"""What a stream record asks for: a message, nothing, or the dead-letter queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fleet.envelope import deduplication_id, is_dispatchable, message_body, message_group_id
from fleet.marshalling import plain

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Routable:
    """An execution that waits for its message."""

    execution_id: str
    helper_type: str
    group_id: str
    deduplication_id: str
    body: str


@dataclass(frozen=True, slots=True)
class Poison:
    """A record that can never be routed. ``execution_id`` is empty where the record does not tell it."""

    reason: str
    execution_id: str = ""


def triage(record: Record) -> Routable | Poison | None:
    """Decide on one record; None = not ours to dispatch (a result, a retry, a deletion)."""
    event = record.get("eventName")
    if event == "REMOVE":
        return None
    change = record.get("dynamodb")
    image = change.get("NewImage") if isinstance(change, Mapping) else None
    if event not in {"INSERT", "MODIFY"} or not isinstance(image, Mapping) or not image:
        return Poison("malformed record: no event name or no new image (the stream needs NEW_IMAGE)")
    try:
        # Most records are the fleet's own result writes: decided on one attribute, before the image is decoded.
        if event == "MODIFY" and image.get("status", {}).get("S") != "queued":
            return None
        item = plain(image)
    except (TypeError, ValueError, AttributeError) as exc:
        return Poison(f"malformed record: {exc}")
    if not is_dispatchable(str(event), item):
        return None
    execution_id = item.get("execution_id")
    if not isinstance(execution_id, str) or not execution_id:
        return Poison("the execution has no execution_id")
    helper_type = item.get("helper_type")
    if not isinstance(helper_type, str) or not helper_type:
        return Poison("the execution has no helper_type", execution_id)
    try:
        body = message_body(item)
    except (TypeError, ValueError) as exc:
        return Poison(f"the execution cannot be written as JSON: {exc}", execution_id)
    return Routable(execution_id, helper_type, message_group_id(item), deduplication_id(execution_id), body)
