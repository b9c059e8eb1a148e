"""company_link: attach the contact to a company named in one of its fields."""

from __future__ import annotations

from pydantic import Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import FieldKey
from helpers.rules.text import filled_text


class Config(HelperConfig):
    """Where the company's name stands."""

    company_field: FieldKey = Field(description="Field that holds the company name.")


class CompanyLink(Helper[Config]):
    """Writing ``company`` makes the connector find or create the company record and attach the contact to it."""

    type = "company_link"
    name = "Company Link"
    category = "contact"
    description = "Attach the contact to a company named in one of its fields."
    supported_crms = ("keap",)
    example = Example(
        config={"company_field": "employer"},
        crm={"contact": {"id": "c1", "custom_fields": {"employer": "Acme Inc."}}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        name = filled_text(await ctx.read(ctx.config.company_field)).strip()
        if not name:
            return HelperOutput.no_op(f"{ctx.config.company_field} is empty")
        await ctx.crm.set_field_value(ctx.contact_id, "company", name)
        return HelperOutput.ok(
            f"linked to {name}",
            modified_data={"company": name},
            actions=[Action(type="company_linked", target=ctx.contact_id, value=name)],
        )
