"""dropbox_it: write a text file rendered from contact data to Dropbox."""

from __future__ import annotations

import re

from pydantic import Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.errors import PermanentFailure
from helpers.rules.config_types import LooseFlag, OptionalText, RequiredText
from helpers.rules.effects import best_effort
from helpers.rules.service_connections import ServiceConnections
from helpers.rules.steps import idempotency_headers
from helpers.rules.templates import merge_fields, merge_single_braces
from helpers.rules.text import to_text
from helpers.services.dropbox import Dropbox

# What a contact's value may not bring into a path: separators and control characters.
_NOT_IN_A_NAME = re.compile(r"[/\\\x00-\x1f\x7f-\x9f]")


class Config(HelperConfig):
    """The file, and how the contact is marked afterwards."""

    file_path: RequiredText = Field(description="Dropbox path, with {first_name} and other contact fields.")
    content_template: RequiredText = Field(description="Text of the file, with the same placeholders.")
    overwrite: LooseFlag = Field(default=False, description="Replace a file that exists.")
    apply_tag: OptionalText = Field(default=None, description="Tag id or name, applied after the upload.")
    service_connection_ids: ServiceConnections


class DropboxIt(Helper[Config]):
    """Repeating an upload is harmless: Dropbox takes identical content in add mode for the same file."""

    type = "dropbox_it"
    name = "Dropbox It"
    category = "integration"
    description = "Write a text file rendered from contact data to Dropbox."
    external = True
    # The call, a renewal of the token and the call once more, each up to 30 s.
    timeout_seconds = 120.0
    example = Example(
        config={"file_path": "/contacts/{id}.txt", "content_template": "{full_name} <{email}>"},
        crm={"contact": {"id": "c1", "first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"}},
        http=(
            {
                "match": {"method": "POST", "url_contains": "/2/files/upload"},
                "reply": {"status": 200, "json": {"id": "id:abc", "path_display": "/contacts/c1.txt"}},
            },
        ),
        service_auths={"dropbox": {"access_token": "example-token"}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config, dropbox = ctx.config, Dropbox(ctx)
        fields = merge_fields(ctx.contact)
        path = _path(merge_single_braces(config.file_path, fields, escape=_as_file_name))
        content = merge_single_braces(config.content_template, fields).encode()
        answer = await dropbox.upload(path, content, overwrite=config.overwrite, headers=idempotency_headers(ctx))
        file_id = to_text(answer.get("id"))
        tag = config.apply_tag
        tagged = await best_effort(ctx, f"apply tag {tag!r}", ctx.apply_tag(tag)) if tag else []
        return HelperOutput.ok(
            f"wrote {path}",
            modified_data={
                "file_path": path,
                "file_size": len(content),
                "overwrite": config.overwrite,
                "file_id": file_id,
            },
            actions=[Action(type="file_uploaded", target=path, value=file_id), *tagged],
        )


def _as_file_name(value: str) -> str:
    return _NOT_IN_A_NAME.sub("_", value)


def _path(rendered: str) -> str:
    """The absolute Dropbox path. Raises PermanentFailure for one that climbs out of its folder."""
    if ".." in re.split(r"[/\\]", rendered):
        raise PermanentFailure("the Dropbox path may not hold a '..' segment")
    return rendered if rendered.startswith("/") else f"/{rendered}"
