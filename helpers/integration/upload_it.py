"""upload_it: send a file as multipart form data to a URL."""

from __future__ import annotations

import asyncio
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.errors import PermanentFailure
from helpers.rules.characters import read_json
from helpers.rules.config_types import OptionalText, RequiredText, blank_is_default, empty_is_default
from helpers.rules.download import base_name, download, name_in_url, shown_url
from helpers.rules.egress import check_url
from helpers.rules.http_outcomes import call
from helpers.rules.steps import idempotency_headers, once
from helpers.rules.text import to_text
from helpers.services.redaction import redact

LARGEST_BYTES = 25 * 1024 * 1024
# Of the answer: the record of the step has to fit into an item of 400 KB, with every character escaped.
LONGEST_RESPONSE_CHARACTERS = 30_000


class Config(HelperConfig):
    """The file and where it goes."""

    upload_url: RequiredText = Field(description="Target.")
    file_path: RequiredText = Field(description="http(s) URL, or the temp_path or file_ref of another helper.")
    file_field_name: Annotated[str, blank_is_default] = Field(default="file", description="Form field of the file.")
    additional_fields: Annotated[dict[str, Any], empty_is_default] = Field(
        default={}, description="More form fields; values are sent as text."
    )
    http_method: Annotated[Literal["POST", "PUT"], blank_is_default] = Field(default="POST", description="HTTP method.")
    auth_header: OptionalText = Field(
        default=None, description="Whole Authorization value.", json_schema_extra={"writeOnly": True}
    )


class UploadIt(Helper[Config]):
    """A path of the worker's own file system is no source, except below a folder that the operator has opened."""

    type = "upload_it"
    name = "Upload It"
    category = "integration"
    description = "Send a file as multipart form data to a URL."
    requires_crm = False
    external = True
    # Download and upload, each up to 30 s, and the artifact store.
    timeout_seconds = 120.0
    idempotent = False
    example = Example(
        config={"upload_url": "https://api.example.com/files", "file_path": "https://files.example.com/offer.pdf"},
        http=(
            {"match": {"method": "GET"}, "reply": {"status": 200, "text": "%PDF-1.7"}},
            {"match": {"method": "POST"}, "reply": {"status": 201, "json": {"id": 1}}},
        ),
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        target = check_url(config.upload_url, ctx.settings)
        name, content = await _file(ctx)
        authorization = {"Authorization": config.auth_header.strip().encode()} if config.auth_header else {}
        auth_header = (config.auth_header or "").strip()
        secrets = [auth_header, auth_header.partition(" ")[2]]

        async def upload() -> dict[str, Any]:
            response = await call(
                ctx,
                config.http_method,
                target,
                service="the upload's target",
                secrets=secrets,
                headers={**idempotency_headers(ctx), **authorization},
                files={config.file_field_name: (name, content)},
                data={key: to_text(value, separator=", ") for key, value in config.additional_fields.items()},
            )
            return {"status": response.status_code, "response": _shown(redact(response.text, secrets))}

        done = await once(ctx, "upload", upload)
        url = shown_url(config.upload_url)
        return HelperOutput.ok(
            f"uploaded {name}",
            modified_data={
                "upload_url": url,
                "file_path": shown_url(config.file_path),
                "file_name": name,
                "file_size": len(content),
                "http_status": done["status"],
                "response": done["response"],
            },
            actions=[Action(type="file_uploaded", target=url, value=name)],
        )


def _shown(text: str) -> dict[str, Any]:
    """The JSON object of the answer, or its text; of a longer answer the beginning as text."""
    if len(text) > LONGEST_RESPONSE_CHARACTERS:
        return {"raw_response": text[:LONGEST_RESPONSE_CHARACTERS]}
    try:
        answer = read_json(text)
    except ValueError:
        answer = None
    return answer if isinstance(answer, dict) else {"raw_response": text}


async def _file(ctx: HelperContext[Config]) -> tuple[str, bytes]:
    """Name and content of the source. Raises PermanentFailure for one that may not be read."""
    source = ctx.config.file_path.strip()
    if source.lower().startswith(("http://", "https://")):
        file = BytesIO()
        await download(ctx, source, into=file, limit_bytes=LARGEST_BYTES)
        return base_name(name_in_url(source)), file.getvalue()
    path = _local_path(source)
    if path is None:
        return base_name(source), await ctx.files.open(source)
    # Symbolic links are followed before the comparison, or a link inside a root would lead out of it.
    real = await asyncio.to_thread(path.resolve)
    roots = [await asyncio.to_thread(Path(root).resolve) for root in ctx.settings.upload_roots]
    if not any(real.is_relative_to(root) for root in roots) or not await asyncio.to_thread(real.is_file):
        raise PermanentFailure(
            "file_path: a path of the worker's file system is not allowed; write a URL or a reference"
        )
    return real.name, await asyncio.to_thread(real.read_bytes)


def _local_path(source: str) -> Path | None:
    """The path in the worker's file system that the source means; None for an artifact reference."""
    if source.lower().startswith("file://"):
        return Path(source[len("file://") :])
    if source.startswith(("/", "~", "\\")) or ".." in source.replace("\\", "/").split("/"):
        return Path(source)
    return None
