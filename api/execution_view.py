"""How an execution is shown: without its config, which may hold secrets, and with why it waits."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from api.problems import Problem
from fleet.execution import Execution

SHOWN = (
    "execution_id", "helper_id", "helper_type", "contact_id", "status", "trigger_type", "created_at", "started_at",
    "completed_at", "duration_ms", "attempts", "error_type", "error_message", "retryable", "first_attempt_at",
    "next_attempt_at", "not_before", "parent_execution_id", "root_execution_id", "replay_of",
)  # fmt: skip


def view(execution: Execution) -> dict[str, Any]:
    """The public JSON of an execution; attributes without a value are left out."""
    shown = {name: getattr(execution, name) for name in SHOWN}
    body = {name: value for name, value in shown.items() if value not in ("", None)}
    if execution.output is not None:
        body["output"] = execution.result
    waiting = waiting_for(execution)
    if waiting:
        body["waiting_for"] = waiting
    return body


def waiting_for(execution: Execution) -> str:
    """Why an execution has not ended yet, in one sentence; "" when it has."""
    if execution.is_terminal:
        return ""
    if execution.status == "running":
        return f"worker {execution.worker_id} runs attempt {execution.attempts}"
    if execution.depends_on_execution_id:
        return f"execution {execution.depends_on_execution_id} has to end first"
    if execution.status == "scheduled":
        return f"it is due at {execution.not_before}"
    if execution.next_attempt_at:
        return f"attempt {execution.attempts + 1} at {execution.next_attempt_at}, after {execution.error_type}"
    return "a worker: it is queued behind earlier work of its contact or waits for capacity"


def encode_cursor(key: Mapping[str, Any] | None) -> str | None:
    """An opaque cursor for the key to continue after."""
    if key is None:
        return None
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> dict[str, Any] | None:
    """The key of a cursor. Raises Problem 422 for anything this API did not hand out."""
    if not cursor:
        return None
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError) as exc:
        raise Problem(422, "invalid_cursor", "cursor: send next_cursor of the previous page unchanged") from exc
    if not isinstance(key, dict) or not all(isinstance(value, str) for value in key.values()):
        raise Problem(422, "invalid_cursor", "cursor: send next_cursor of the previous page unchanged")
    return key
