"""From an HTTP request to the execution item: every check before anything is stored."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from api.problems import Problem
from fleet.api_keys import ApiKey
from fleet.clock import instant_text
from fleet.execution import RETENTION, Execution, new_execution_id
from fleet.marshalling import Unstorable, check_storable
from helpers import registry
from helpers.errors import FieldProblem, UnknownHelperType
from helpers.ports import StoredHelper

# Less than an item may have: an error message (4,000 characters of up to 4 bytes) and a short result fit beside it.
MAX_REQUESTED_BYTES = 390_000
MAX_IDEMPOTENCY_KEY_LENGTH = 255
MAX_CONTACT_ID_LENGTH = 512
_IDEMPOTENCY_NAMESPACE = uuid.UUID("5e1f6f0e-6a0b-4c5e-9d0e-6d66682d6964")


class ExecuteRequest(BaseModel):
    """The body of POST /helpers/{helper_id}/execute; both keys are optional, others are refused."""

    model_config = ConfigDict(extra="forbid")

    contact_id: str = Field(
        default="", max_length=MAX_CONTACT_ID_LENGTH, description="The contact to work on; also as a query parameter."
    )
    input: dict[str, Any] = Field(default_factory=dict, description="Data of this run, for helpers that take some.")

    @field_validator("contact_id", mode="before")
    @classmethod
    def _contact_id(cls, value: object) -> object:
        if value is None:
            return ""
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return value.strip() if isinstance(value, str) else value

    @field_validator("input", mode="before")
    @classmethod
    def _input(cls, value: object) -> object:
        return {} if value is None else value


async def read_body(request: Request, max_body_bytes: int) -> bytes:
    """The bytes of the body, within the limit. Raises Problem 413."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > max_body_bytes:
            raise Problem(413, "body_too_large", f"the body may have {max_body_bytes} bytes; send less input")
        chunks.append(chunk)
    return b"".join(chunks)


def parse_body(text: bytes) -> dict[str, Any]:
    """The body as an object; an empty one is {}. Raises Problem 400 or 422."""
    try:
        body = json.loads(text, parse_constant=_refuse_constant) if text.strip() else {}
    except (ValueError, RecursionError) as exc:
        raise Problem(400, "bad_json", f"the body is no valid JSON: {exc}") from exc
    if not isinstance(body, dict):
        raise Problem(422, "invalid_request", 'the body has to be an object: {"contact_id": ..., "input": {...}}')
    return body


async def read_request(request: Request, max_body_bytes: int) -> ExecuteRequest:
    """Read and check the body, within its size limit. Raises Problem 400, 413 or 422."""
    body = parse_body(await read_body(request, max_body_bytes))
    try:
        parsed = ExecuteRequest.model_validate(body)
    except ValidationError as exc:
        errors = [
            FieldProblem(".".join(map(str, error["loc"])), error["msg"])
            for error in exc.errors(include_url=False, include_input=False)
        ]
        raise Problem(422, "invalid_request", "; ".join(map(str, errors)), errors) from exc
    if not parsed.contact_id:
        parsed = parsed.model_copy(update={"contact_id": contact_of_query(request)})
    return parsed


def contact_of_query(request: Request) -> str:
    """The query parameter contact_id, or "". Raises Problem 422."""
    contact_id = request.query_params.get("contact_id", "").strip()
    if len(contact_id) > MAX_CONTACT_ID_LENGTH:
        raise Problem(422, "invalid_request", f"contact_id: at most {MAX_CONTACT_ID_LENGTH} characters")
    return contact_id


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


def check_helper(helper: StoredHelper | None, identifier: str) -> StoredHelper:
    """The helper, if it may run. Another account's helper is as unknown as none at all."""
    if helper is None or helper.status != "active":
        raise Problem(404, "helper_not_found", f"your account has no helper {identifier!r}")
    if not helper.enabled:
        raise Problem(409, "helper_disabled", f"helper {helper.helper_id} is switched off; enable it to run it")
    return helper


def build_execution(
    helper: StoredHelper,
    caller: ApiKey,
    request: ExecuteRequest,
    query_params: Mapping[str, str],
    idempotency_key: str | None,
    *,
    now: datetime | None = None,
    trigger_type: str = "api",
    contact_optional: bool = False,
) -> Execution:
    """The item to store: config frozen, id fixed by the Idempotency-Key where there is one.

    ``contact_optional``: an event may come without a contact, which the helper then finds itself or reports.

    Raises Problem 409 (type no longer exists), 413 (too large to store) or 422 (contact, input, query or key).
    """
    try:
        kind = registry.load(helper.helper_type)
    except UnknownHelperType as exc:
        raise Problem(409, "helper_type_unknown", f"type {helper.helper_type!r} of this helper does not exist") from exc
    if kind.requires_contact and not request.contact_id and not contact_optional:
        raise Problem(
            422,
            "contact_missing",
            f"{helper.helper_type} works on a contact: send contact_id",
            [FieldProblem("contact_id", "the id of the contact in your CRM")],
        )
    query = {key: value for key, value in query_params.items() if key != "contact_id"}
    try:
        check_storable(request.input, "input")
        check_storable(query, "query_params")
    except Unstorable as exc:
        raise Problem(
            422, "invalid_request", f"{exc}; send it as text or leave it out", [FieldProblem(exc.field, exc.reason)]
        ) from exc
    moment = now or datetime.now(UTC)
    execution_id = new_execution_id()
    if idempotency_key is not None:
        if not 1 <= len(idempotency_key) <= MAX_IDEMPOTENCY_KEY_LENGTH:
            raise Problem(
                422, "invalid_idempotency_key", f"Idempotency-Key: 1 to {MAX_IDEMPOTENCY_KEY_LENGTH} characters"
            )
        execution_id = f"exec:{uuid.uuid5(_IDEMPOTENCY_NAMESPACE, f'{caller.account_id}/{idempotency_key}')}"
    execution = Execution(
        execution_id=execution_id,
        helper_id=helper.helper_id,
        helper_type=helper.helper_type,
        account_id=caller.account_id,
        user_id=caller.user_id,
        api_key_id=caller.key_id,
        connection_id=helper.connection_id,
        contact_id=request.contact_id,
        config=helper.config,
        input=request.input,
        query_params=query,
        trigger_type=trigger_type,
        status="queued",
        created_at=instant_text(moment),
        ttl=int((moment + RETENTION).timestamp()),
        root_execution_id=execution_id,
    )
    size = execution.stored_bytes()
    if size > MAX_REQUESTED_BYTES:
        raise Problem(
            413, "execution_too_large", f"config and input together have {size} bytes; at most {MAX_REQUESTED_BYTES}"
        )
    return execution


def same_request(stored: Execution, wanted: Execution) -> bool:
    """Whether a stored execution answers this request: the same helper, contact and input."""
    return (stored.helper_id, stored.contact_id, stored.input, stored.query_params) == (
        wanted.helper_id,
        wanted.contact_id,
        wanted.input,
        wanted.query_params,
    )
