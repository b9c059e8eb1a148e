"""A message in hand, and what its body must say."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fleet.execution import Execution
from helpers.errors import MyFusionError

if TYPE_CHECKING:
    from worker.groups import Lane


class Poison(MyFusionError):
    """The message can never be worked on, whoever receives it."""


@dataclass(eq=False, slots=True)
class Message:
    """One received message. ``received_at`` and ``visible_until`` are loop time, ``sent_at`` epoch seconds.

    ``lane`` is the group it waits in, ``claim`` the execution while this worker owns it, until ``lease_until``.
    """

    message_id: str
    handle: str
    group: str
    body: str
    sent_at: float
    receive_count: int
    received_at: float
    visible_until: float
    lane: Lane | None = field(default=None, repr=False)
    claim: Execution | None = field(default=None, repr=False)
    lease_until: float = math.inf

    @classmethod
    def received(cls, raw: Mapping[str, Any], *, now: float, visibility_seconds: float) -> Message:
        """From an entry of ReceiveMessage that arrived at ``now``."""
        attributes = raw["Attributes"]
        return cls(
            message_id=raw["MessageId"],
            handle=raw["ReceiptHandle"],
            group=attributes["MessageGroupId"],
            body=raw["Body"],
            sent_at=int(attributes["SentTimestamp"]) / 1000,
            receive_count=int(attributes["ApproximateReceiveCount"]),
            received_at=now,
            visible_until=now + visibility_seconds,
        )

    @property
    def safe_until(self) -> float:
        """Until when nobody else can get the message or its execution (loop time)."""
        return min(self.visible_until, self.lease_until)

    def adopt(self, again: Message) -> None:
        """Take over the handle of a later receive of this same message: the earlier one is worth nothing now."""
        self.handle = again.handle
        self.receive_count = again.receive_count
        self.received_at = again.received_at
        self.visible_until = again.visible_until


def execution_id_of(message: Message, helper_type: str) -> str:
    """The execution that the body asks for. Raises Poison: not JSON, no execution id, another helper's type."""
    try:
        body = json.loads(message.body)
    except ValueError as exc:
        raise Poison(f"the body is not JSON: {exc}") from None
    if not isinstance(body, dict):
        raise Poison(f"the body is a JSON {type(body).__name__}, not an object")
    execution_id = body.get("execution_id")
    if not isinstance(execution_id, str) or not execution_id:
        raise Poison("the body names no execution_id")
    if body.get("helper_type") != helper_type:
        raise Poison(f"helper_type is {body.get('helper_type')!r}, this queue serves {helper_type!r}")
    return execution_id
