"""Result to outcome: integration spec C3."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from helpers.errors import PermanentFailure, TransientFailure
from helpers.rules.http_outcomes import (
    DATA,
    NoAnswer,
    failure_of,
    json_object,
    json_of,
    retry_after_seconds,
    transport_failure,
)
from helpers.services.exchange import UnreadableRedirect

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
REQUEST = httpx.Request("POST", "https://x.de", headers={"Authorization": "Bearer t0ken"})


def answer(status: int, text: str = "", **headers: str) -> httpx.Response:
    """An answer to REQUEST; ``_`` in header names stands for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, text=text, headers=named, request=REQUEST)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 507, 599])
def test_retryable_statuses(status: int) -> None:
    """Every 5xx, and three of the 4xx."""
    assert failure_of(answer(status), "X", now=NOW).retryable


@pytest.mark.parametrize("status", [300, 301, 302, 304, 400, 401, 402, 403, 404, 409, 410, 422, 451])
def test_permanent_statuses(status: int) -> None:
    """Every other 4xx and every 3xx."""
    assert not failure_of(answer(status), "X", now=NOW).retryable


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(408, False), (425, False), (429, True), (404, False), (302, False), (500, True), (599, True)],
)
def test_data_d10_knows_one_retryable_4xx(status: int, retryable: bool) -> None:
    """And it has no longest wait: a daily quota is transient too."""
    failure = failure_of(answer(status, Retry_After="3600"), "X", now=NOW, rule=DATA)

    assert failure.retryable is retryable
    assert failure.retry_after == (3600.0 if retryable else None)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5.0), ("0", 0.0), ("2.5", 2.5), ("Sun, 01 Mar 2026 12:01:00 GMT", 60.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0), ("soon", None), ("", None), ("-5", None),
    ],
)  # fmt: skip
def test_retry_after(value: str, seconds: float | None) -> None:
    """Seconds or an HTTP date; a past date means now."""
    assert retry_after_seconds({"Retry-After": value}, NOW) == seconds


@pytest.mark.parametrize(
    ("value", "retryable", "after"), [("900", True, 900.0), ("901", False, None), ("", True, None)]
)
def test_a_wait_beyond_15_minutes_is_a_daily_quota(value: str, retryable: bool, after: float | None) -> None:
    """And permanent."""
    failure = failure_of(answer(429, Retry_After=value), "X", now=NOW)

    assert failure.retryable is retryable
    assert failure.retry_after == after


def test_error_texts_are_short_and_hold_no_credentials() -> None:
    """500 characters of the body; what was masked cannot be cut in half."""
    text = "x" * 495 + "s3cretkey" + "y" * 100 + "t0ken"
    message = str(failure_of(answer(400, text), "Service", now=NOW, secrets=["s3cretkey"]))

    assert message.startswith("Service answered 400: xxx")
    assert len(message) <= len("Service answered 400: ") + 500
    assert "s3c" not in message
    assert "t0ken" not in str(failure_of(answer(400, "got Bearer t0ken"), "X", now=NOW))


@pytest.mark.parametrize(
    ("error", "retryable", "received"),
    [
        (httpx.ConnectError("refused"), True, False),
        (httpx.ConnectTimeout("slow"), True, False),
        (httpx.PoolTimeout("busy"), True, False),
        (httpx.ReadTimeout("slow"), True, True),
        (httpx.ReadError("reset"), True, True),
        (httpx.RemoteProtocolError("garbage"), True, True),
        (httpx.DecodingError("bad gzip"), True, True),
        (httpx.UnsupportedProtocol("ftp"), False, None),
        (httpx.LocalProtocolError("bad header"), False, None),
        (UnreadableRedirect("a redirect to no valid URL"), False, None),
        (httpx.InvalidURL("bad"), False, None),
    ],
)
def test_transport_failures(error: Exception, retryable: bool, received: bool | None) -> None:
    """No answer is retryable; a request that can never be sent is not."""
    failure = transport_failure(error, "X")

    assert failure.retryable is retryable
    assert getattr(failure, "maybe_received", None) is received
    assert isinstance(failure, NoAnswer if retryable else PermanentFailure)
    assert isinstance(failure, TransientFailure) is retryable


@pytest.mark.parametrize("text", ["", "<html>", "{"])
def test_a_body_that_should_be_json(text: str) -> None:
    """Permanent."""
    with pytest.raises(PermanentFailure):
        json_of(answer(200, text), "X")


@pytest.mark.parametrize("text", ["[1]", "null", "7"])
def test_a_body_that_should_be_an_object(text: str) -> None:
    """Permanent."""
    assert json_of(answer(200, text), "X") is not ...
    with pytest.raises(PermanentFailure):
        json_object(answer(200, text), "X")
