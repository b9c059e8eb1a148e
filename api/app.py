"""The routes."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from botocore.exceptions import ClientError
from fastapi import FastAPI, Header, Query, Request
from fastapi.responses import JSONResponse

from api import problems, routing_links, timer, webhooks
from api.backend import MAX_IDENTIFIER_LENGTH, Backend, Caller, Identifier, Stores
from api.execution_request import build_execution, check_helper, read_request, same_request
from api.execution_view import decode_cursor, encode_cursor, view
from api.problems import Problem
from fleet.execution import Status
from fleet.operations.connections import check_connection
from helpers import registry
from helpers.crm.errors import CrmError, CrmErrorCode


def create_app(backend: Backend) -> FastAPI:
    """The application over these stores."""
    app = FastAPI(title="MyFusion helpers", version="1", docs_url="/docs", redoc_url=None)
    app.state.backend = backend
    problems.install(app)
    app.include_router(routing_links.router)
    app.include_router(timer.router)
    app.include_router(webhooks.router)

    @app.get("/healthz")
    async def healthz() -> dict[str, Any]:
        """Whether the API serves."""
        return {"service": "api", "healthy": True}

    @app.post("/helpers/{helper_id}/execute", status_code=202)
    async def execute(
        helper_id: Identifier,
        request: Request,
        stores: Stores,
        caller: Caller,
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> JSONResponse:
        """Accept an execution. The same Idempotency-Key answers with the same execution."""
        body = await read_request(request, stores.settings.api_max_body_bytes)
        helper = check_helper(await stores.helpers.find(helper_id, caller.account_id), helper_id)
        wanted = build_execution(helper, caller, body, dict(request.query_params), idempotency_key)
        stored, created = await stores.executions.create(wanted)
        if not created and not same_request(stored, wanted):
            raise Problem(
                422, "idempotency_key_reused", "this Idempotency-Key belongs to another request; use a new one"
            )
        answer = {"execution_id": stored.execution_id, "helper_id": stored.helper_id, "status": stored.status}
        return JSONResponse(answer, status_code=202, headers={"Location": f"/executions/{stored.execution_id}"})

    @app.get("/executions/{execution_id}")
    async def get_execution(execution_id: Identifier, stores: Stores, caller: Caller) -> dict[str, Any]:
        """One execution of the caller's account."""
        execution = await stores.executions.get(execution_id)
        if execution is None or execution.account_id != caller.account_id:
            raise Problem(404, "execution_not_found", f"your account has no execution {execution_id!r}")
        return view(execution)

    @app.get("/executions")
    async def list_executions(
        stores: Stores,
        caller: Caller,
        helper_id: Annotated[str | None, Query(max_length=MAX_IDENTIFIER_LENGTH)] = None,
        status: Status | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=2048)] = None,
    ) -> dict[str, Any]:
        """Executions of the caller's account, newest first."""
        try:
            found, following = await stores.index.list(
                account_id=caller.account_id,
                helper_id=helper_id,
                status=status,
                limit=limit,
                start=decode_cursor(cursor),
            )
        except ClientError as exc:
            if cursor and exc.response["Error"]["Code"] == "ValidationException":
                raise Problem(422, "invalid_cursor", "cursor: it belongs to another query; start without one") from exc
            raise
        return {"executions": [view(execution) for execution in found], "next_cursor": encode_cursor(following)}

    @app.get("/connections/{connection_id}/test")
    async def test_connection(connection_id: Identifier, stores: Stores, caller: Caller) -> dict[str, Any]:
        """Make the cheapest authenticated read of one of the caller's CRM connections."""
        try:
            runs = stores.runs
            return await check_connection(runs.connections, runs.connectors, connection_id, caller.account_id)
        except CrmError as exc:
            # A foreign connection looks like none at all.
            missing = exc.code in (CrmErrorCode.CONNECTION_NOT_FOUND, CrmErrorCode.FORBIDDEN)
            if missing and exc.platform == "connection":
                detail = f"your account has no connection {connection_id!r}"
                raise Problem(404, "connection_not_found", detail) from exc
            raise Problem(503 if exc.retryable else 409, "connection_failed", str(exc)) from exc

    @app.get("/helper-types")
    async def helper_types() -> dict[str, Any]:
        """Every helper type: its metadata and the JSON schema of its config."""
        return {"helper_types": await asyncio.to_thread(_published)}

    return app


def _published() -> list[dict[str, Any]]:
    return [helper.published() for helper in registry.load_all().values()]
