"""email_attach_it: a file from a URL into the artifact store."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import HelperRun, run_helper

URL = "https://files.example.com/docs/offer.pdf"
MIB = 1024 * 1024


async def run(config: dict[str, Any] | None = None, reply: dict[str, Any] | None = None, **options: Any) -> HelperRun:
    pdf = {"status": 200, "text": "%PDF", "headers": {"Content-Type": "application/pdf"}}
    options.setdefault("http", [{"match": {"method": "GET"}, "reply": reply or pdf}])
    return await run_helper("email_attach_it", {"file_url": URL, **(config or {})}, **options)


@pytest.mark.parametrize(
    ("config", "valid"),
    [
        ({"file_url": ""}, False),
        ({"file_url": "https://{{host}}/x"}, False),
        ({"max_size_mb": "big"}, False),
        ({"max_size_mb": "2.5"}, True),
        ({"max_size_mb": ""}, True),
        ({"file_url": "http://127.0.0.1/"}, True),
    ],
)
async def test_config(config: dict[str, Any], valid: bool) -> None:
    """A private target is a run-time matter."""
    assert ((await run(config)).config_error is None) is valid


async def test_the_file_and_what_it_reports() -> None:
    """No CRM is needed."""
    result = await run(ids={"execution_id": "exec:1", "account_id": "acc"})

    assert result.output is not None
    (file,) = result.files
    assert (file.path, file.size, file.content_type) == ("acc/exec:1/offer.pdf", 4, "application/pdf")
    assert result.output.modified_data == {
        "file_url": URL, "filename": "offer.pdf", "temp_path": file.reference, "file_size": 4, "size_mb": 4 / MIB,
        "content_type": "application/pdf",
    }  # fmt: skip
    assert [(a.type, a.target, a.value) for a in result.output.actions] == [
        ("file_downloaded", "offer.pdf", file.reference)
    ]


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({"file_url": "https://x.de/a%20b.txt?sig=1#f"}, "a b.txt"),
        ({"file_url": "https://x.de/"}, "attachment"),
        ({"file_url": "https://x.de"}, "attachment"),
        ({"file_url": "https://x.de/a%2F..%2Fpasswd"}, "passwd"),
        ({"filename": "../../etc/passwd"}, "passwd"),
        ({"filename": "..\\x.exe"}, "x.exe"),
        ({"filename": ".."}, "attachment"),
        ({"filename": "a\n\x00b.txt"}, "ab.txt"),
        ({"filename": "dir/"}, "attachment"),
        ({"filename": ""}, "offer.pdf"),
    ],
)
async def test_the_name_stays_in_its_folder(config: dict[str, Any], name: str) -> None:
    """The base name only."""
    result = await run(config, ids={"execution_id": "e", "account_id": "acc"})

    assert result.output is not None
    assert result.output.modified_data["filename"] == name
    assert result.files[0].path == f"acc/e/{name}"


async def test_merge_fields_where_there_is_a_contact() -> None:
    """Percent-encoded; unknown ones and those of nobody are empty."""
    config = {"file_url": "https://x.de/{{ Company }}/{{nothing}}f.txt?k={{Email}}"}
    crm = {"contact": {"id": "c1", "company": "A/B", "email": "a@x.de"}}

    assert str((await run(config, crm=crm)).requests[0].url) == "https://x.de/A%2FB/f.txt?k=a%40x.de"
    assert str((await run(config)).requests[0].url) == "https://x.de//f.txt?k="


async def test_what_signs_a_url_is_not_reported() -> None:
    """C12; the request still has it."""
    url = "https://x.de/f.txt?v=1&X-Amz-Signature=abc&X-Amz-Security-Token=d"
    result = await run({"file_url": url})

    assert str(result.requests[0].url) == url
    assert result.output is not None
    assert (
        result.output.modified_data["file_url"] == "https://x.de/f.txt?v=1&X-Amz-Signature=***&X-Amz-Security-Token=***"
    )


@pytest.mark.parametrize(
    ("size", "limit", "passes"),
    [(MIB, 1, True), (MIB + 1, 1, False), (MIB + 1, 0, True), (MIB // 2 + 1, "0.5", False), (10 * MIB + 1, -1, False)],
)
@pytest.mark.parametrize("announced", [True, False])
async def test_the_size_limit(size: int, limit: Any, passes: bool, announced: bool) -> None:
    """By Content-Length, and while reading where it lies."""
    headers = {} if announced else {"Content-Length": "1"}
    result = await run({"max_size_mb": limit}, {"status": 200, "text": "x" * size, "headers": headers})

    assert (result.output is not None) is passes
    assert (result.error is None) is passes
    if result.error is not None:
        assert not result.error.retryable
        assert result.files == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/x", "https://localhost/x", "ftp://x.de/a", "https://u:p@x.de/a", "http://2130706433/"]
)
async def test_refused_targets(url: str) -> None:
    """C6, no request."""
    result = await run({"file_url": url})

    assert result.error is not None
    assert not result.error.retryable
    assert result.requests == []


def redirects(*locations: str) -> list[dict[str, Any]]:
    hops = [{"match": {}, "reply": {"status": 302, "headers": {"Location": location}}} for location in locations]
    return [*hops, {"match": {}, "reply": {"status": 200, "text": "end"}}]


async def test_three_redirects_are_followed() -> None:
    """Relative ones too; the name is that of the URL in the config."""
    result = await run(http=redirects("https://a.de/1", "/2", "https://b.de/3"))

    assert [str(request.url) for request in result.requests] == [
        URL,
        "https://a.de/1",
        "https://a.de/2",
        "https://b.de/3",
    ]
    assert result.output is not None
    assert result.output.modified_data["filename"] == "offer.pdf"


@pytest.mark.parametrize(
    ("locations", "requests"),
    [
        (("https://a.de/1", "https://a.de/2", "https://a.de/3", "https://a.de/4"), 4),
        (("http://169.254.169.254/latest",), 1),
        (("https://a.de/1", "file:///etc/passwd"), 2),
        (("http://0177.0.0.1/",), 1),
        (("https://a.de:99999/",), 1),
    ],
)
async def test_a_redirect_too_many_or_to_a_refused_target(locations: tuple[str, ...], requests: int) -> None:
    """Each hop is checked before it is requested."""
    result = await run(http=redirects(*locations))

    assert result.error is not None
    assert not result.error.retryable
    assert len(result.requests) == requests


@pytest.mark.parametrize(
    ("reply", "retryable"),
    [
        ({"status": 404}, False), ({"status": 204}, False), ({"status": 304}, False), ({"status": 500}, True),
        ({"status": 429, "headers": {"Retry-After": "5"}}, True), ({"error": "timeout"}, True),
        ({"error": "connect"}, True),
    ],
)  # fmt: skip
async def test_only_200_is_a_file(reply: dict[str, Any], retryable: bool) -> None:
    """The rest goes by C3."""
    result = await run(reply=reply)

    assert result.error is not None
    assert result.error.retryable is retryable
    assert result.files == []
