"""default_to_field: write fixed text, a date macro or merge text into a field."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.crm.models import Contact
from helpers.rules.config_types import FieldKey, RequiredText
from helpers.rules.in_place import computed
from helpers.rules.templates import merge_at_tokens
from helpers.rules.text import filled_text


class Config(HelperConfig):
    """The text and the field."""

    default: RequiredText = Field(
        description="Template: @date_now, @date_today, @FirstName @LastName @Email @Phone1 @Company @JobTitle @Id and "
        "@<custom field key>; just now or today is the current time or date (UTC)."
    )
    to_field: FieldKey = Field(description="Field to write; an existing value is overwritten.")


class DefaultToField(Helper[Config]):
    """An empty result leaves the field alone; a template of blanks only is refused as any required text (C1)."""

    type = "default_to_field"
    name = "Default To Field"
    category = "contact"
    description = "Write fixed text, date macro or merge text into a field."
    example = Example(
        config={"default": "Welcome @FirstName, joined @date_today", "to_field": "greeting"},
        crm={"contact": {"id": "c1", "first_name": "Ada"}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        field = ctx.config.to_field
        text = (await computed(ctx, _tokens_in(ctx.config.default, ctx.contact), [field], lambda: _text(ctx)))["text"]
        if not text:
            return HelperOutput.no_op("the text is empty for this contact")
        action = await ctx.write(field, text)
        return HelperOutput.ok(f"wrote {field}", modified_data={field: text}, actions=[action])


def fill_in(template: str, contact: Contact, now: datetime) -> str:
    """The template with its tokens replaced, in one pass: an inserted value is never scanned again.

    At each place the longest known token wins (a custom field CompanySize over @Company). Unknown tokens stay as
    written, so help@acme.com survives.
    """
    now = now.astimezone(UTC)
    date_now, date_today = now.strftime("%Y-%m-%d %H:%M:%S"), now.strftime("%Y-%m-%d")
    whole = template.replace('"', "").strip().lower()
    if whole in {"now", "today"}:
        return date_now if whole == "now" else date_today
    return merge_at_tokens(template, {**_field_tokens(contact), "date_now": date_now, "date_today": date_today})


def _field_tokens(contact: Contact) -> dict[str, str]:
    return {
        "FirstName": contact.first_name,
        "LastName": contact.last_name,
        "Email": contact.email,
        "Phone1": contact.phone,
        "Company": contact.company,
        "JobTitle": contact.job_title,
        "Id": contact.id,
        **{key: filled_text(value) for key, value in contact.custom_fields.items()},
    }


def _tokens_in(template: str, contact: Contact) -> list[str]:
    """The fields that the template may draw on."""
    return [key for key in _field_tokens(contact) if f"@{key}" in template]


async def _text(ctx: HelperContext[Config]) -> dict[str, Any]:
    return {"text": fill_in(ctx.config.default, ctx.contact, ctx.clock.now())}
