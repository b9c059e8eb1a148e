"""note_it: add a note, with placeholders, to the contact."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.crm.errors import Unsupported
from helpers.crm.models import Contact
from helpers.rules.config_types import RequiredText, TrimmedText, blank_is_default
from helpers.rules.steps import once
from helpers.rules.templates import merge
from helpers.rules.text import filled_text

_PLACEHOLDERS = (
    "{{contact_id}} {{first_name}} {{last_name}} {{full_name}} {{email}} {{phone}} {{company}} {{job_title}} and "
    "{{<custom field key>}} are replaced."
)


class Config(HelperConfig):
    """The note."""

    subject: RequiredText = Field(description=f"Title of the note; {_PLACEHOLDERS}")
    body: RequiredText = Field(description=f"Text of the note; {_PLACEHOLDERS}")
    note_type: Annotated[TrimmedText, blank_is_default] = Field(
        default="general", description="Kind of note: general, call, email, fax, letter, other or a kind of the CRM."
    )


class NoteIt(Helper[Config]):
    """A CRM without notes is a failure that no retry mends."""

    type = "note_it"
    name = "Note It"
    category = "contact"
    description = "Add a note, with placeholders, to the contact."
    idempotent = False
    example = Example(
        config={"subject": "Call {{first_name}}", "body": "{{full_name}} asked about {{plan}}.", "note_type": "call"},
        crm={"contact": {"id": "c1", "first_name": "Ada", "custom_fields": {"plan": "Gold"}}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        fields = note_fields(ctx.contact)
        subject, body = merge(ctx.config.subject, fields), merge(ctx.config.body, fields)
        note_type = ctx.config.note_type

        async def create() -> dict[str, Any]:
            return {"note_id": await ctx.crm.create_note(ctx.contact_id, subject, body, note_type)}

        try:
            note_id = (await once(ctx, "note", create))["note_id"]
        except Unsupported as exc:
            return HelperOutput.failed(str(exc))
        data = {"subject": subject, "body": body, "note_type": note_type, "contact_id": ctx.contact_id}
        if note_id:
            data["note_id"] = note_id
        created = Action(type="note_created", target=ctx.contact_id, value=data)
        return HelperOutput.ok("note added", modified_data=data, actions=[created])


def note_fields(contact: Contact) -> dict[str, str]:
    """Placeholder -> text; a custom field of the same name wins."""
    standard = {
        "contact_id": contact.id,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "full_name": contact.full_name,
        "email": contact.email,
        "phone": contact.phone,
        "company": contact.company,
        "job_title": contact.job_title,
    }
    return {**standard, **{key: filled_text(value) for key, value in contact.custom_fields.items()}}
