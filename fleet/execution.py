"""The execution item, with the attribute names of the earlier platform (crm.md section 7) and ours on top."""

from __future__ import annotations

import json
import secrets
import time
import uuid
import zlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from fleet.clock import parse_instant
from helpers.rules.characters import whole_characters

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
MAX_ITEM_BYTES = 400 * 1024
MAX_OUTPUT_BYTES = 300_000
MAX_ERROR_CHARACTERS = 4000
# The output shares the item with config and input, and with what else a result writes: instants, numbers, a type.
_RESULT_BYTES = 1000
RETENTION = timedelta(days=7)

Status = Literal["scheduled", "queued", "running", "completed", "failed", "cancelled", "skipped"]
TERMINAL: frozenset[str] = frozenset({"completed", "failed", "cancelled", "skipped"})
SCHEDULE_BUCKETS = 4


class Execution(BaseModel):
    """One request to run one helper for one contact.

    Instants are RFC 3339 text; ``lease_expires_at`` and ``ttl`` are epoch seconds; ``config`` was frozen when the
    request was accepted. Attributes this version does not know are kept.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    execution_id: str
    helper_id: str = ""
    helper_type: str = ""
    account_id: str = ""
    user_id: str = ""
    api_key_id: str = ""
    connection_id: str = ""
    contact_id: str = ""
    config: dict[str, Any] = Field(default_factory=dict)
    input: dict[str, Any] = Field(default_factory=dict)
    query_params: dict[str, str] = Field(default_factory=dict)
    trigger_type: str = "api"
    status: Status = "queued"
    created_at: str = ""
    started_at: str = ""
    completed_at: str = ""
    duration_ms: int | None = None
    error_message: str = ""
    output: Any = None
    ttl: int | None = None

    attempts: int = 0
    worker_id: str = ""
    lease_expires_at: float | None = None
    error_type: str = ""
    retryable: bool | None = None
    first_attempt_at: str = ""
    next_attempt_at: str = ""
    not_before: str = ""
    schedule_bucket: str = ""
    parent_execution_id: str = ""
    root_execution_id: str = ""
    depth: int = 0
    chain_path: list[str] = Field(default_factory=list)
    chain_group: str = ""
    chain_index: int | None = None
    depends_on_execution_id: str = ""
    replay_of: str = ""

    @field_validator("config", "input", "query_params", mode="before")
    @classmethod
    def _object(cls, value: object) -> object:
        return {} if value is None else value

    @property
    def is_terminal(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.status in TERMINAL

    @property
    def due_at(self) -> str:
        """The instant before which it may not run: its schedule, or the Retry-After of its last attempt ("": none).

        Both are whole seconds in one form, so that the later one sorts last.
        """
        return max(self.not_before, self.next_attempt_at)

    @property
    def started_epoch(self) -> float:
        """Epoch seconds at which the last attempt started (0 before the first)."""
        return parse_instant(self.started_at).timestamp() if self.started_at else 0.0

    @property
    def result(self) -> dict[str, Any]:
        """The output as an object, whether it was stored as JSON text or as a map."""
        if isinstance(self.output, str) and self.output:
            parsed = json.loads(self.output)
            return parsed if isinstance(parsed, dict) else {}
        return self.output if isinstance(self.output, dict) else {}

    def stored_bytes(self) -> int:
        """The size of the item, never less than DynamoDB counts.

        JSON needs more for the same values, except that a list or map by itself costs DynamoDB 3 bytes:
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
        """
        text = json.dumps(self.to_item(), ensure_ascii=False, default=str)
        return len(text.encode()) + 3 * (text.count("[") + text.count("{"))

    def room_for_output(self, error_message: str = "") -> int:
        """Bytes of output that the item can take beside this error message."""
        room = MAX_ITEM_BYTES - _RESULT_BYTES - self.stored_bytes() - len(error_message.encode())
        return max(0, min(MAX_OUTPUT_BYTES, room))

    def to_item(self) -> dict[str, Any]:
        """The attributes to store: empty ones are left out, as index keys must not be empty."""
        return {
            name: value
            for name, value in self.model_dump().items()
            if value not in ("", None) and not (name in {"chain_path", "depth", "attempts"} and not value)
        }


def new_execution_id() -> str:
    """``exec:`` + UUIDv7: sortable by time of creation."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | secrets.randbits(80)
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return f"exec:{uuid.UUID(int=value)}"


def schedule_bucket(execution_id: str) -> str:
    """The partition of the schedule index: spreads due items over a few partitions."""
    return f"scheduled#{zlib.crc32(execution_id.encode()) % SCHEDULE_BUCKETS}"


def output_text(output: Mapping[str, Any], limit_bytes: int = MAX_OUTPUT_BYTES) -> str:
    """The output as JSON text; one over the limit is cut to its message and actions, with a note."""
    text = _json_text(output)
    if len(text.encode()) <= limit_bytes:
        return text
    note = f"the output had {len(text.encode())} bytes and was cut: at most {limit_bytes} can be stored"
    shorter = (
        (("success", "message", "actions"), 10_000),
        (("success", "message"), 10_000),
        (("success", "message"), 100),
    )
    for kept, characters in shorter:
        cut = {key: output[key] for key in kept if key in output}
        cut["message"] = str(cut.get("message", ""))[:characters]
        text = _json_text({**cut, "modified_data": {}, "truncated": note})
        if len(text.encode()) <= limit_bytes:
            break
    return text


def _json_text(value: Mapping[str, Any]) -> str:
    # A table refuses half characters, and a result that cannot be stored would run its helper again.
    return whole_characters(json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str))


def error_text(message: str) -> str:
    """An error message as it is stored: its beginning, in whole characters."""
    return whole_characters(message[:MAX_ERROR_CHARACTERS])
