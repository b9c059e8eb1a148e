"""Logs hold facts and no secrets."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from fleet.logging import REDACTED, configure_logging, redact_event, redact_text
from fleet.settings import FleetSettings


@pytest.fixture
def _restore_logging() -> object:
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    yield None
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)


@pytest.mark.parametrize(
    "key",
    ["access_token", "refresh_token", "api_key", "apiKey", "password", "client_secret", "Authorization", "jwt_secret"],
)
def test_values_of_secret_keys_are_redacted(key: str) -> None:
    """Whatever they hold, at any depth."""
    event = redact_event(None, "info", {"event": "x", "auth": {key: "s3cret-value"}, key: ["s3cret-value"]})

    assert "s3cret" not in str(event)


@pytest.mark.parametrize("key", ["contact", "config", "input", "query_params", "output", "body", "email", "phone"])
def test_contact_data_is_redacted(key: str) -> None:
    """People's data has no place in logs."""
    assert redact_event(None, "info", {key: {"name": "Ann Lee"}})[key] == REDACTED


def test_ids_stay_readable() -> None:
    """api_key_id and execution_id are what an operator searches for."""
    event = {"api_key_id": "key:1", "execution_id": "exec:1", "account_id": "a"}

    assert redact_event(None, "info", dict(event)) == event


@pytest.mark.parametrize(
    ("text", "leaked"),
    [
        ("GET https://x/y?api_key=abcdef123&z=1 failed", "abcdef123"),
        ("Authorization: Bearer abc.def-ghi_jkl", "abc.def-ghi_jkl"),
        ("Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
        ("no contact ann.lee+x@example.co.uk found", "ann.lee"),
    ],
)
def test_secrets_inside_texts_are_redacted(text: str, leaked: str) -> None:
    """Errors of third parties quote requests."""
    assert leaked not in redact_text(text)


@pytest.mark.usefixtures("_restore_logging")
def test_a_line_is_one_json_object_with_bound_ids(capsys: pytest.CaptureFixture[str]) -> None:
    """Service and stage are on every line, tracebacks too, also of the standard library's loggers."""
    configure_logging(FleetSettings(stage="dev"), "worker")
    structlog.contextvars.bind_contextvars(execution_id="exec:1")

    structlog.get_logger("x").info("execution_completed", token="abc")
    logging.getLogger("library").error("it broke", exc_info=RuntimeError("Bearer abcdefghijk"))

    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert first["event"] == "execution_completed"
    assert (first["service"], first["stage"], first["execution_id"]) == ("worker", "dev", "exec:1")
    assert first["token"] == REDACTED
    assert "RuntimeError" in second["exception"]
    assert "abcdefghijk" not in str(second)
