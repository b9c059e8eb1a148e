"""field_to_field: copy several fields in one run."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, Strict

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import FieldKey, Flag
from helpers.rules.effects import Effects
from helpers.rules.empty import is_empty
from helpers.rules.in_place import same_field
from helpers.rules.steps import once


class FieldMapping(HelperConfig):
    """One copy."""

    source: FieldKey = Field(description="Field to read.")
    target: FieldKey = Field(description="Field to write.")


class Config(HelperConfig):
    """The copies, executed in order."""

    mappings: Annotated[list[FieldMapping], Strict()] = Field(
        min_length=1, description="Copies in order; each sees what the earlier ones wrote."
    )
    overwrite: Flag = Field(default=True, description="false: skip targets that have a value.")


class FieldToField(Helper[Config]):
    """Strictly sequential: a->b, b->c is a chain, not a swap. Copying nothing at all is a failure.

    A mapping listed twice runs twice: between the two another one may have changed the source.
    """

    type = "field_to_field"
    name = "Field to Field"
    category = "contact"
    description = "Copy several fields in one run."
    example = Example(
        config={"mappings": [{"source": "phone", "target": "old_phone"}, {"source": "mobile", "target": "phone"}]},
        crm={"contact": {"id": "c1", "phone": "555-0100", "custom_fields": {"mobile": "555-0199"}}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        effects = Effects(ctx)
        for index, mapping in enumerate(ctx.config.mappings):
            await effects.attempt_all(f"copy {mapping.source} to {mapping.target}", self._copy(ctx, index))
        effects.raise_common_cause()
        if not effects.actions:
            return HelperOutput.failed("no field was copied")
        return HelperOutput.ok(
            f"copied {len(effects.actions)} of {len(ctx.config.mappings)} fields",
            modified_data=effects.written,
            actions=effects.actions,
        )

    async def _copy(self, ctx: HelperContext[Config], index: int) -> list[Action]:
        mapping, later = ctx.config.mappings[index], ctx.config.mappings[index + 1 :]

        async def read() -> dict[str, Any]:
            return {"value": await _to_copy(ctx, mapping)}

        # What a delivery that comes again would find changed by the first one: the target, where its value decides,
        # and a source that a later copy writes.
        if not ctx.config.overwrite or any(same_field(mapping.source, copy.target) for copy in later):
            value = (await once(ctx, f"copy {index}", read))["value"]
        else:
            value = await _to_copy(ctx, mapping)
        return [] if value is None else [await ctx.write(mapping.target, value)]


async def _to_copy(ctx: HelperContext[Config], mapping: FieldMapping) -> Any:
    """The value to copy, None where the copy is skipped."""
    value = await ctx.read(mapping.source)
    skipped = is_empty(value) or (not ctx.config.overwrite and not is_empty(await ctx.read(mapping.target)))
    return None if skipped else value
