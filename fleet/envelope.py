"""From an execution item to an SQS message: which items are sent, under which group, with which body."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

MAX_GROUP_LENGTH = 128
MAX_DEDUPLICATION_LENGTH = 128

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
_REFUSED_CHARACTERS = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# Terraform makes queues that take 256 KiB; the attributes of a dead letter come on top of the body.
MAX_BODY_BYTES = 250_000

# What is told of an execution; anything else of the item stays in the table.
BODY_FIELDS = (
    "execution_id", "helper_id", "helper_type", "account_id", "user_id", "connection_id", "contact_id",
    "config", "input", "query_params",
)  # fmt: skip
PAYLOAD = frozenset({"config", "input", "query_params"})


def is_dispatchable(event_name: str, image: Mapping[str, Any]) -> bool:
    """Whether a stream record asks for a message.

    A new item that is queued; or a scheduled item that fell due: now queued, with a ``not_before`` and never
    claimed. Every result and retry write of ours comes back on the stream too and is dropped here.
    ``first_attempt_at`` and not ``attempts`` tells "never claimed": an attempt given back at shutdown counts down.
    """
    if image.get("status") != "queued":
        return False
    if event_name == "INSERT":
        return True
    return event_name == "MODIFY" and bool(image.get("not_before")) and not image.get("first_attempt_at")


def message_group_id(image: Mapping[str, Any]) -> str:
    """Work on one contact of one account is serial; without a contact every execution is its own group."""
    contact_id = str(image.get("contact_id") or "")
    group = f"{image.get('account_id', '')}:{contact_id}" if contact_id else str(image["execution_id"])
    # SQS allows alphanumerics and ASCII punctuation, 128 characters.
    if len(group) <= MAX_GROUP_LENGTH and re.fullmatch(r"[!-~]+", group):
        return group
    return hashlib.sha256(group.encode()).hexdigest()


def deduplication_id(execution_id: str) -> str:
    """The execution id in the alphabet that every SQS implementation accepts: ``exec:…`` -> ``exec-…``."""
    safe = re.sub(r"[^A-Za-z0-9\-_.]", "-", execution_id)
    return safe if len(safe) <= MAX_DEDUPLICATION_LENGTH else hashlib.sha256(execution_id.encode()).hexdigest()


def message_body(image: Mapping[str, Any]) -> str:
    """The message body: compact ASCII JSON of :data:`BODY_FIELDS`; absent attributes are left out.

    ASCII because SQS refuses some characters (U+FFFE, control characters) that a contact's text may hold. Where it
    would not fit into a message :data:`PAYLOAD` is left out as well: the worker has it from the execution it claims.
    """
    body = _json({name: image[name] for name in BODY_FIELDS if name in image})
    if len(body) <= MAX_BODY_BYTES:
        return body
    return _json({name: image[name] for name in BODY_FIELDS if name in image and name not in PAYLOAD})


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, separators=(",", ":"))


def attribute_text(text: str) -> str:
    """The text as a message attribute may hold it: at most 1,000 characters, "?" for those that SQS refuses."""
    return _REFUSED_CHARACTERS.sub("?", text)[:1000]
