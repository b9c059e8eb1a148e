"""Queues that write down what was sent, with the failures a send can have."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import ReadTimeoutError

from fleet.testing.streams.faults import client_error
from router.outbox import MAX_BYTES

# throttled: refused as a whole. entries: every second entry fails. lost: the call never arrived.
# unanswered: everything was sent, and the answer was lost. unanswered_half: so for the first half.
SendFault = Literal["throttled", "entries", "lost", "unanswered", "unanswered_half"]


@dataclass(frozen=True, slots=True)
class Sent:
    """One message as a queue took it, at ``at`` seconds of the loop."""

    queue_url: str
    group_id: str
    deduplication_id: str
    body: str
    at: float


class RecordingSqs:
    """``sent`` holds every send, ``delivered`` what FIFO deduplication lets through."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.delivered: list[Sent] = []
        self.dead_letters: list[Mapping[str, Any]] = []
        self.faults: deque[SendFault] = deque()
        self.missing: set[str] = set()
        self.refused_bodies: set[str] = set()
        self.latency_seconds = 0.0
        self._seen: defaultdict[str, set[str]] = defaultdict(set)

    async def send_message_batch(self, **request: Any) -> dict[str, Any]:
        """SendMessageBatch with the next scripted fault."""
        await asyncio.sleep(self.latency_seconds)
        url, entries = request["QueueUrl"], request["Entries"]
        groups = [entry["MessageGroupId"] for entry in entries]
        assert len(set(groups)) == len(groups), "a group appears at most once in a call"  # noqa: S101 - the double's job
        if url in self.missing:
            raise client_error("SendMessageBatch", "QueueDoesNotExist")
        fault = self.faults.popleft() if self.faults else None
        if fault == "throttled":
            raise client_error("SendMessageBatch", "RequestThrottled")
        if fault == "lost":
            raise ReadTimeoutError(endpoint_url=url)
        answer: dict[str, Any] = {"Successful": [], "Failed": []}
        for number, entry in enumerate(entries):
            if entry["MessageBody"] in self.refused_bodies:
                answer["Failed"].append({"Id": entry["Id"], "Code": "InvalidMessageContents", "SenderFault": True})
            elif fault == "entries" and number % 2 == 0:
                answer["Failed"].append({"Id": entry["Id"], "Code": "InternalError", "SenderFault": False})
            elif fault == "unanswered_half" and number >= max(1, len(entries) // 2):
                break
            else:
                self._take(url, entry)
                answer["Successful"].append({"Id": entry["Id"], "MessageId": str(len(self.sent))})
        if fault in {"unanswered", "unanswered_half"}:
            raise ReadTimeoutError(endpoint_url=url)
        return answer

    async def send_message(self, **request: Any) -> dict[str, Any]:
        """SendMessage: the dead letters of the router."""
        await asyncio.sleep(self.latency_seconds)
        texts = [attribute["StringValue"] for attribute in request.get("MessageAttributes", {}).values()]
        size = sum(len(text.encode()) for text in (request["MessageBody"], *texts))
        if size > MAX_BYTES or not all(text.isprintable() for text in texts):
            raise client_error("SendMessage", "InvalidParameterValue")
        self.dead_letters.append(request)
        return {"MessageId": str(len(self.dead_letters))}

    def _take(self, url: str, entry: Mapping[str, str]) -> None:
        sent = Sent(
            url,
            entry["MessageGroupId"],
            entry["MessageDeduplicationId"],
            entry["MessageBody"],
            asyncio.get_running_loop().time(),
        )
        self.sent.append(sent)
        if sent.deduplication_id not in self._seen[url]:
            self._seen[url].add(sent.deduplication_id)
            self.delivered.append(sent)
