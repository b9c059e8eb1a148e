"""chain_it: queue other helpers as child executions, with condition, delays and success or failure branches."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from helpers.contract import Action, Example, Helper, HelperContext, HelperOutput
from helpers.rules.children import HelperEntries, Parent, spawn_group
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import JsonWholeNumber, PickedFieldKey, blank_is_default, null_is_default, to_number
from helpers.rules.fields import STANDARD_NAMES, alias_of
from helpers.rules.text import to_text

LONGEST_DELAY_SECONDS = 366 * 86_400

_SCALAR_SCHEMA = {"type": ["string", "number", "boolean", "null"]}


def _scalar(value: Any) -> Any:
    if isinstance(value, dict | list):
        raise ValueError("write a text, number or boolean")  # noqa: TRY004  pydantic reports ValueError only
    return to_text(value)


def _bounded(value: Any) -> Any:
    if not 0 <= to_number(value) <= LONGEST_DELAY_SECONDS:
        raise ValueError(f"write 0 to {LONGEST_DELAY_SECONDS} seconds")
    return value


class Config(FormConfig):
    """The helpers, when they run and what follows."""

    helpers: HelperEntries = Field(min_length=1, description="Helpers in order: id, short key or {id, config}.")
    conditional_field: PickedFieldKey = Field(default=None, description="Field tested before anything is queued.")
    conditional_value: Annotated[str, BeforeValidator(_scalar), WithJsonSchema(_SCALAR_SCHEMA)] = Field(
        default="", description="Value to compare, as text."
    )
    conditional_operator: Annotated[
        Literal["equals", "not_equals", "contains", "not_contains", "exists", "not_exists"], blank_is_default
    ] = Field(default="equals", description="How to compare.")
    delay_seconds: Annotated[JsonWholeNumber, BeforeValidator(_bounded), null_is_default] = Field(
        default=0,
        description="Child i starts not before i times this.",
        json_schema_extra={"minimum": 0, "maximum": LONGEST_DELAY_SECONDS},
    )
    on_success_helpers: Annotated[HelperEntries, blank_is_default] = Field(
        default=[], description="Queued when all children succeeded."
    )
    on_failure_helpers: Annotated[HelperEntries, blank_is_default] = Field(
        default=[], description="Queued when at least one child failed."
    )


class ChainIt(Helper[Config]):
    """Queues the primary children only; the worker that ends the last of them queues a branch."""

    type = "chain_it"
    name = "Chain It"
    category = "automation"
    description = "Run other helpers as children, with condition, delays and success or failure branches."
    requires_crm = False
    example = Example(
        config={"helpers": ["tagger"], "conditional_field": "email", "conditional_operator": "exists"},
        crm={"contact": {"id": "c1", "email": "ann@example.com"}},
        stored_helpers=(
            {
                "helper_id": "helper:6f1d1f0a-0000-4000-8000-000000000001",
                "short_key": "tagger",
                "helper_type": "tag_it",
                "connection_id": "connection:1",
                "config": {"action": "apply", "tag_ids": ["77"]},
            },
        ),
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        if config.conditional_field is not None and not await _holds(ctx, config.conditional_field):
            nothing = {"skipped": True, "queued_count": 0, "execution_ids": [], "queued_helpers": []}
            return HelperOutput.ok("the condition does not hold", modified_data=nothing)
        spawned = await spawn_group(
            Parent.running(ctx),
            config.helpers,
            group="primary",
            now=ctx.clock.now(),
            delay_seconds=config.delay_seconds,
            directory=ctx.helpers,
            spawner=ctx.executions,
            max_depth=ctx.settings.chain_max_depth,
        )
        modified = {
            "execution_ids": [child.execution_id for child in spawned.queued],
            "queued_helpers": [child.identifier for child in spawned.queued],
            "queued_count": len(spawned.queued),
            "delay_seconds": config.delay_seconds,
            "skipped_helpers": [child.as_json() for child in spawned.refused],
            "skipped": False,
        }
        if not spawned.queued:
            return HelperOutput.failed("no helper could be queued", modified_data=modified)
        return HelperOutput.ok(
            f"queued {len(spawned.queued)} of {len(config.helpers)} helpers",
            modified_data=modified,
            actions=[
                Action(type="helper_chain", target=child.identifier, value=child.index) for child in spawned.queued
            ],
        )


async def _holds(ctx: HelperContext[Config], field: str) -> bool:
    value = to_text(await _value(ctx, field))
    wanted = ctx.config.conditional_value
    contains = bool(value) and bool(wanted) and wanted in value
    return {
        "equals": value == wanted,
        "not_equals": value != wanted,
        "contains": contains,
        "not_contains": not contains,
        "exists": value != "",
        "not_exists": value == "",
    }[ctx.config.conditional_operator]


async def _value(ctx: HelperContext[Config], field: str) -> Any:
    """From the contact, which is read now; without a connection or contact there is no value."""
    if not ctx.has_crm:
        return None
    contact = await ctx.load_contact()
    standard = alias_of(field)
    # A custom field goes before a CRM-style spelling, but not before a standard name itself (contact C2).
    custom = field in contact.custom_fields and field not in STANDARD_NAMES
    if standard is None or standard in {"id", "owner_id"} or custom:
        return contact.custom_fields.get(field)
    return getattr(contact, standard)
