"""dropbox_it: a text file rendered from contact data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from helpers.testing import HelperRun, run_helper

CONTACT = {
    "id": "c1",
    "first_name": "Zoë",
    "last_name": "a/b\\c\n..",
    "email": "z@example.com",
    "phone": "+1",
    "company": "{first_name}",
    "job_title": "Dr",
    "custom_fields": {"Plan": 95.0, "dots": ".."},
}
UPLOADED = {"status": 200, "json": {"id": "id:1"}}


async def run(config: dict[str, Any] | None = None, reply: dict[str, Any] | None = None, **options: Any) -> HelperRun:
    stored = {"file_path": "/a.txt", "content_template": "Hi {first_name}", **(config or {})}
    options.setdefault("crm", {"contact": CONTACT, "tags": [{"id": "77", "name": "Filed"}]})
    options.setdefault("service_auths", {"dropbox": {"access_token": "token"}})
    http = [{"match": {"method": "POST"}, "reply": reply or UPLOADED}]
    return await run_helper("dropbox_it", stored, http=http, **options)


def argument(run: HelperRun) -> Any:
    return json.loads(run.requests[0].headers["Dropbox-API-Arg"])


async def test_an_upload_and_what_it_reports() -> None:
    """The size is in bytes."""
    result = await run({"file_path": "c/{first_name}.txt", "apply_tag": "77"}, ids={"execution_id": "exec:1"})

    (request,) = result.requests
    assert str(request.url) == "https://content.dropboxapi.com/2/files/upload"
    assert request.headers["Content-Type"] == "application/octet-stream"
    assert request.headers["Authorization"] == "Bearer token"
    assert request.headers["Idempotency-Key"] == "exec:1"
    assert request.content == "Hi Zoë".encode()
    assert "Zo\\u00eb" in request.headers["Dropbox-API-Arg"]
    assert ", " not in request.headers["Dropbox-API-Arg"]
    assert argument(result) == {"path": "/c/Zoë.txt", "mode": "add", "autorename": False, "mute": False}
    assert result.output is not None
    assert result.output.modified_data == {
        "file_path": "/c/Zoë.txt", "file_size": 7, "overwrite": False, "file_id": "id:1"
    }  # fmt: skip
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("file_uploaded", "/c/Zoë.txt", "id:1"),
        ("tag_applied", "c1", "77"),
    ]


@pytest.mark.parametrize(
    ("template", "content"),
    [
        ("{id} {first_name} {last_name} {email} {phone}", "c1 Zoë a/b\\c\n.. z@example.com +1"),
        ("{job_title} {full_name}", "Dr Zoë a/b\\c\n.."),
        ("{Plan} {nobody} {", "95 {nobody} {"),
        ("{company}", "{first_name}"),
    ],
)
async def test_content_is_merged_in_one_pass(template: str, content: str) -> None:
    """Unknown placeholders stay."""
    assert (await run({"content_template": template})).requests[0].content.decode() == content


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/x/{last_name}.txt", "/x/a_b_c_...txt"),
        ("notes", "/notes"),
        ("/x/{nobody}", "/x/{nobody}"),
        ("/a..b/..c", "/a..b/..c"),
    ],
)
async def test_values_bring_no_separators_into_the_path(template: str, path: str) -> None:
    """The template's own slashes stay."""
    assert argument(await run({"file_path": template}))["path"] == path


@pytest.mark.parametrize("template", ["/x/../y", "..", "/{dots}/y", "a\\..\\b"])
async def test_a_path_that_climbs_is_final(template: str) -> None:
    """Nothing is sent."""
    result = await run({"file_path": template})

    assert result.error is not None
    assert not result.error.retryable
    assert result.requests == []


@pytest.mark.parametrize(
    ("stored", "mode"), [(True, "overwrite"), ("true", "overwrite"), ("false", "add"), ("", "add")]
)
async def test_overwrite(stored: Any, mode: str) -> None:
    """Text for a boolean is accepted."""
    assert argument(await run({"overwrite": stored}))["mode"] == mode


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://api.dropboxapi.com/2", "https://content.dropboxapi.com/2/files/upload"),
        ("https://api.dropboxapi.com/2/", "https://content.dropboxapi.com/2/files/upload"),
        ("https://other.example/x", "https://other.example/x/files/upload"),
    ],
)
async def test_the_seeded_rpc_host_is_mapped_to_the_content_host(base_url: str, url: str) -> None:
    """Any other base is used as it is."""
    result = await run(service_auths={"dropbox": {"access_token": "token", "base_url": base_url}})

    assert str(result.requests[0].url) == url


@pytest.mark.parametrize(
    ("reply", "retryable"),
    [
        ({"status": 409, "json": {"error_summary": "path/conflict/file/.."}}, False),
        ({"status": 409, "json": {"error_summary": "too_many_write_operations/.."}}, True),
        ({"status": 409, "json": {"error_summary": "path/too_many_write_operations/"}}, True),
        ({"status": 409, "text": "conflict"}, False),
        ({"status": 429, "headers": {"Retry-After": "3"}}, True),
        ({"status": 400, "text": "Error in call"}, False),
    ],
)
async def test_outcomes(reply: dict[str, Any], retryable: bool) -> None:
    """A file that exists is final, a lock is not."""
    result = await run({"apply_tag": "77"}, reply)

    assert result.error is not None
    assert result.error.retryable is retryable
    assert result.crm.tags_of("c1") == set()


@pytest.mark.parametrize(
    "config", [{"file_path": ""}, {"content_template": " "}, {"overwrite": "yes"}, {"overwrite": 1}, {"file_path": 5}]
)
async def test_refused_configs(config: dict[str, Any]) -> None:
    """Two required strings and a boolean."""
    assert (await run(config)).config_error is not None
