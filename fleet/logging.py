"""Structured logs: one JSON object a line, ids bound once per execution, secrets and contact data redacted."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from fleet.settings import FleetSettings

REDACTED = "***"
# Keys whose values never reach a log, whatever they hold.
_SECRET_KEYS = re.compile(
    r"(token|secret|password|passwd|api_?key(?!_id)|authorization|credential|signature|cookie|jwt)", re.IGNORECASE
)
_CONTACT_KEYS = frozenset(
    {"contact", "config", "input", "query_params", "output", "body", "email", "phone", "first_name", "last_name"}
)
# Secrets inside free text: bearer tokens, key=value pairs of URLs, e-mail addresses.
_SECRET_TEXT = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), r"\1 " + REDACTED),
    (re.compile(r"(?i)([?&;\s](?:[a-z_]*(?:token|secret|password|api_?key))=)[^&\s\"']+"), r"\1" + REDACTED),
    (re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), "***@***"),
)


def redact_text(text: str) -> str:
    """The text without bearer tokens, secrets in query strings and e-mail addresses."""
    for pattern, replacement in _SECRET_TEXT:
        text = pattern.sub(replacement, text)
    return text


def _redact(key: str, value: Any) -> Any:
    if _SECRET_KEYS.search(key) or key in _CONTACT_KEYS:
        return REDACTED if value not in (None, "", {}, []) else value
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, dict):
        return {inner: _redact(str(inner), content) for inner, content in value.items()}
    if isinstance(value, list | tuple):
        return [_redact(key, content) for content in value]
    return value


def redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: redact every value of the event, tracebacks included."""
    for key, value in event.items():
        event[key] = _redact(key, value)
    return event


def configure_logging(settings: FleetSettings, service: str) -> None:
    """Send structlog and the standard library's loggers to standard error. Called once, at start."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact_event,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(default=str)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    level = getattr(logging, settings.log_level.upper())
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Libraries speak up only when something is wrong: httpx logs full URLs at info, credentials included.
    root.setLevel(max(level, logging.WARNING))
    structlog.contextvars.bind_contextvars(service=service, stage=settings.stage)
