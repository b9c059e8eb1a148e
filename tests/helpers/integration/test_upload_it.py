"""upload_it: a file as multipart form data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from helpers.rules.download import shown_url
from helpers.testing import HelperRun, run_helper

CONFIG = {
    "upload_url": "https://api.example.com/up?v=1&token=abc",
    "file_path": "https://files.example.com/a/offer.pdf?x=1",
}
SOURCE = {"match": {"method": "GET"}, "reply": {"status": 200, "text": "%PDF"}}


async def run(config: dict[str, Any] | None = None, reply: dict[str, Any] | None = None, **options: Any) -> HelperRun:
    sink = {"match": {"url_contains": "api.example.com"}, "reply": reply or {"status": 201, "json": {"id": 1}}}
    options.setdefault("http", [sink, SOURCE])
    return await run_helper("upload_it", {**CONFIG, **(config or {})}, **options)


@pytest.mark.parametrize(
    ("config", "valid"),
    [
        ({"upload_url": " "}, False),
        ({"file_path": ""}, False),
        ({"http_method": "GET"}, False),
        ({"additional_fields": []}, False),
        ({"additional_fields": "", "http_method": "", "file_field_name": None, "auth_header": ""}, True),
    ],
)
async def test_config(config: dict[str, Any], valid: bool) -> None:
    """Target and source are needed."""
    assert ((await run(config)).config_error is None) is valid


async def test_the_upload_and_what_it_reports() -> None:
    """Fields as text; credentials stay out of the results."""
    config = {
        "additional_fields": {"n": 2.0, "ok": True, "name": "x"},
        "auth_header": "Bearer s3cret",
        "http_method": "PUT",
        "file_field_name": "doc",
    }
    result = await run(config, {"status": 200, "json": {"echo": "Bearer s3cret"}}, ids={"execution_id": "exec:1"})

    request = result.requests[-1]
    assert request.method == "PUT"
    assert str(request.url) == CONFIG["upload_url"]
    assert request.headers["Authorization"] == "Bearer s3cret"
    assert request.headers["Idempotency-Key"] == "exec:1"
    assert request.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    body = request.content.decode()
    assert 'name="doc"; filename="offer.pdf"' in body
    assert "%PDF" in body
    assert 'name="n"\r\n\r\n2\r\n' in body
    assert 'name="ok"\r\n\r\ntrue\r\n' in body
    assert result.output is not None
    assert result.output.modified_data == {
        "upload_url": "https://api.example.com/up?v=1&token=***", "file_path": CONFIG["file_path"],
        "file_name": "offer.pdf", "file_size": 4, "http_status": 200, "response": {"echo": "***"},
    }  # fmt: skip
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("file_uploaded", "https://api.example.com/up?v=1&token=***", "offer.pdf")
    ]


@pytest.mark.parametrize("text", ["thanks", "[1]", "", '"x"'])
async def test_an_answer_that_is_no_object(text: str) -> None:
    """Is kept as text."""
    result = await run(reply={"status": 202, "text": text})

    assert result.output is not None
    assert result.output.modified_data["response"] == {"raw_response": text}


async def test_an_artifact_of_the_account() -> None:
    """A reference that another helper made; not one of another account."""
    ids = {"account_id": "acc", "execution_id": "e1"}
    made = await run_helper("email_attach_it", {"file_url": "https://x.de/a.txt"}, http=[SOURCE], ids=ids)
    reference = made.files[0].reference
    mine = await run({"file_path": reference}, ids={"account_id": "acc"}, state=made.state)
    theirs = await run({"file_path": reference}, ids={"account_id": "other"}, state=made.state)

    assert mine.output is not None
    assert mine.output.modified_data["file_name"] == "a.txt"
    assert theirs.error is not None
    assert theirs.requests == []


@pytest.mark.parametrize(
    "path", ["/proc/self/environ", "/etc/passwd", "file:///etc/passwd", "../../etc/passwd", "~/.ssh/id", "etc/passwd"]
)
async def test_local_paths_are_refused(path: str) -> None:
    """The worker's own files are nobody's business: final, no request."""
    result = await run({"file_path": path})

    assert result.error is not None
    assert not result.error.retryable
    assert result.requests == []


async def test_upload_roots(tmp_path: Path) -> None:
    """A folder that the operator opened; a link that leads out of it does not count as inside."""
    root, outside = tmp_path / "root", tmp_path / "secret.txt"
    root.mkdir()
    (root / "a.txt").write_text("hello")
    outside.write_text("secret")
    (root / "link.txt").symlink_to(outside)
    settings = {"upload_roots": (str(root),)}

    inside = await run({"file_path": str(root / "a.txt")}, settings=settings)
    assert inside.output is not None
    assert inside.output.modified_data["file_name"] == "a.txt"
    assert inside.output.modified_data["file_size"] == 5
    for path in (root / "link.txt", root / ".." / "secret.txt", outside, root, root / "missing"):
        refused = await run({"file_path": str(path)}, settings=settings)
        assert refused.error is not None
        assert not refused.error.retryable
        assert refused.requests == []


@pytest.mark.parametrize("key", ["upload_url", "file_path"])
async def test_refused_targets(key: str) -> None:
    """C6 holds for both URLs; nothing is sent."""
    result = await run({key: "http://169.254.169.254/x"})

    assert result.error is not None
    assert not result.error.retryable
    assert result.requests == []


@pytest.mark.parametrize(
    ("reply", "retryable"),
    [
        ({"status": 500}, True),
        ({"status": 400, "text": "s3cret"}, False),
        ({"status": 302}, False),
        ({"error": "timeout"}, True),
    ],
)
async def test_failures(reply: dict[str, Any], retryable: bool) -> None:
    """C3; a redirect of a POST is not followed."""
    result = await run({"auth_header": "Bearer s3cret"}, reply)

    assert result.error is not None
    assert result.error.retryable is retryable
    assert "s3cret" not in str(result.error)


async def test_a_source_beyond_25_mib_is_refused() -> None:
    """Nothing is uploaded."""
    big = {"match": {"method": "GET"}, "reply": {"status": 200, "text": "x" * (25 * 1024 * 1024 + 1)}}
    result = await run(http=[big])

    assert result.error is not None
    assert len(result.requests) == 1


async def test_of_a_long_answer_the_beginning_is_kept() -> None:
    """What is recorded of the step has to fit into a stored item."""
    result = await run(reply={"status": 200, "json": {"text": "\U0001f600" * 60_000}})

    assert result.output is not None
    kept = result.output.modified_data["response"]["raw_response"]
    assert kept.startswith('{"text"')
    assert len(json.dumps(kept)) < 400_000


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("author=bob&keyword=x&design=1", "author=bob&keyword=x&design=1"),
        ("X-Amz-Signature=s&AWSAccessKeyId=s&api_key=s", "X-Amz-Signature=***&AWSAccessKeyId=***&api_key=***"),
        ("sig=s&key=s&access_token=s&auth=s", "sig=***&key=***&access_token=***&auth=***"),
    ],
)
def test_only_credentials_of_a_url_are_masked(query: str, shown: str) -> None:
    assert shown_url(f"https://x.example/f?{query}") == f"https://x.example/f?{shown}"
