"""email_attach_it: download a file from a URL so that it can be attached to an e-mail."""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from typing import Annotated

from pydantic import AfterValidator, Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import Number, OptionalText, RequiredText, blank_is_default
from helpers.rules.download import base_name, download, name_in_url, shown_url
from helpers.rules.templates import has_placeholder_before_path, merge_fields, merge_url

DEFAULT_SIZE_MB = 10.0
MIB = 1024 * 1024
# What is larger waits on disk: the limit is the tenant's, the worker's memory is everybody's.
IN_MEMORY_BYTES = 4 * MIB


def _fixed_host(url: str) -> str:
    if has_placeholder_before_path(url):
        raise ValueError("{{...}} may stand after the host only, never in scheme, host or port")
    return url


class Config(HelperConfig):
    """The file, and how large it may be."""

    file_url: Annotated[RequiredText, AfterValidator(_fixed_host)] = Field(
        description="File to download; {{key}} inserts contact data after the host."
    )
    filename: OptionalText = Field(default=None, description="Name of the attachment; unset = as in the URL.")
    max_size_mb: Annotated[
        Number, AfterValidator(lambda size: size if size > 0 else DEFAULT_SIZE_MB), blank_is_default
    ] = Field(default=DEFAULT_SIZE_MB, description="Largest size in MiB; 0 and less mean 10.")  # fmt: skip


class EmailAttachIt(Helper[Config]):
    """The file goes into the artifact store, under a name that cannot leave the execution's folder."""

    type = "email_attach_it"
    name = "Email Attach It"
    category = "integration"
    description = "Download a file from a URL so that it can be attached to an e-mail."
    requires_crm = False
    external = True
    # The download may take 30 s, the artifact store its time for a large file.
    timeout_seconds = 120.0
    example = Example(
        config={"file_url": "https://files.example.com/offers/offer.pdf"},
        http=(
            {
                "match": {"method": "GET"},
                "reply": {"status": 200, "text": "%PDF-1.7", "headers": {"Content-Type": "application/pdf"}},
            },
        ),
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        fields = merge_fields(await ctx.load_contact()) if "{{" in config.file_url and ctx.has_crm else {}
        url = merge_url(config.file_url, fields)
        with SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as file:
            content_type = await download(ctx, url, into=file, limit_bytes=int(config.max_size_mb * MIB))
            filename = base_name(config.filename or name_in_url(url))
            stored = await ctx.files.put(f"{ctx.account_id}/{ctx.execution_id}/{filename}", file, content_type)
        return HelperOutput.ok(
            f"downloaded {filename}",
            modified_data={
                "file_url": shown_url(url),
                "filename": filename,
                "temp_path": stored.reference,
                "file_size": stored.size,
                "size_mb": stored.size / MIB,
                "content_type": content_type,
            },
            actions=[Action(type="file_downloaded", target=filename, value=stored.reference)],
        )
