"""Errors as problem details (RFC 9457): every refusal names the field and the remedy."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from helpers.errors import FieldProblem

log = structlog.get_logger(__name__)


class Problem(Exception):
    """A refusal with a stable ``code``, an HTTP status and what the caller can do about it."""

    def __init__(self, status: int, code: str, detail: str, errors: list[FieldProblem] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors or []


def _answer(
    status: int, code: str, detail: str, errors: list[FieldProblem] | None = None, headers: dict[str, str] | None = None
) -> JSONResponse:
    body: dict[str, Any] = {
        "type": f"urn:mfh:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = [{"field": error.field, "remedy": error.remedy} for error in errors]
    return JSONResponse(body, status_code=status, media_type="application/problem+json", headers=headers)


def install(app: FastAPI) -> None:
    """Answer every error of the application as problem details."""

    async def problem(_request: Request, exc: Exception) -> JSONResponse:
        assert isinstance(exc, Problem)  # noqa: S101 - starlette dispatches by this type
        headers = {"WWW-Authenticate": 'ApiKey header="X-API-Key"'} if exc.status == 401 else None
        return _answer(exc.status, exc.code, exc.detail, exc.errors, headers)

    async def invalid(_request: Request, exc: Exception) -> JSONResponse:
        assert isinstance(exc, RequestValidationError)  # noqa: S101 - starlette dispatches by this type
        errors = [
            FieldProblem(".".join(map(str, error["loc"])), str(error["msg"]).removeprefix("Value error, "))
            for error in exc.errors()
        ]
        return _answer(422, "invalid_request", "; ".join(map(str, errors)), errors)

    async def http(_request: Request, exc: Exception) -> JSONResponse:
        assert isinstance(exc, HTTPException)  # noqa: S101 - starlette dispatches by this type
        code = {404: "not_found", 405: "method_not_allowed"}.get(exc.status_code, "http_error")
        return _answer(exc.status_code, code, str(exc.detail), headers=dict(exc.headers or {}))

    async def crash(request: Request, exc: Exception) -> JSONResponse:
        log.error("request_failed", path=request.url.path, exc_info=exc)
        return _answer(500, "internal_error", "the request failed on our side; it is safe to send it again")

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, crash)
