"""hook_it_v3: copy incoming payload fields to CRM fields."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Field, Strict

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import LooseFlag, Text, empty_is_default
from helpers.rules.effects import Effects
from helpers.rules.event_data import MISSING, payload, value_at
from helpers.rules.text import to_text


class Config(HelperConfig):
    """What is copied where."""

    field_mappings: dict[str, Annotated[str, Strict()]] = Field(
        min_length=1, description="Payload path -> CRM field, in the order of writing."
    )
    nested_separator: Annotated[Text, empty_is_default] = Field(
        default=".", description="What separates the parts of a path; may be several characters."
    )
    skip_null_values: LooseFlag = Field(default=True, description='Ignore null and "".')


class HookItV3(Helper[Config]):
    """All writes may be repeated, so one that a retry can help fails the run at the end, after the others."""

    type = "hook_it_v3"
    name = "Hook It V3 (Field Mapper)"
    category = "integration"
    description = "Copy incoming payload fields to CRM fields."
    example = Example(
        config={"field_mappings": {"customer.company": "Company", "order.total": "LastTotal"}},
        crm={"contact": {"id": "c1"}},
        input={"customer": {"company": "Acme"}, "order": {"total": 12.5}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config, data, effects = ctx.config, payload(ctx), Effects(ctx)
        for path, field in config.field_mappings.items():
            value = value_at(data, path, separator=config.nested_separator)
            unwanted = config.skip_null_values and value in (None, "")
            if value is MISSING or unwanted or not field.strip():
                continue
            await effects.attempt(f"writing {field}", _write(ctx, field, value))
        for failure in effects.failures:
            if failure.retryable:
                raise failure
        updated = len(effects.actions)
        build = HelperOutput.ok if updated else HelperOutput.failed
        return build(
            f"{updated} of {len(config.field_mappings)} fields updated",
            modified_data={"fields_updated": updated, "fields_attempted": len(config.field_mappings)},
            actions=effects.actions,
        )


async def _write(ctx: HelperContext[Config], field: str, value: Any) -> Action:
    stored = json.dumps(value, separators=(",", ":"), ensure_ascii=False) if isinstance(value, dict | list) else value
    await ctx.write(field, stored)
    return Action(type="field_updated", target=ctx.contact_id, value=f"{field}={to_text(stored)}")
