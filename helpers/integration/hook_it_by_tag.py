"""hook_it_by_tag: process an incoming event only if the contact's tags allow it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, Strict, model_validator

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.crm.models import Contact
from helpers.rules.config_types import OptionalText, Text, blank_is_default, empty_is_default, without_blanks
from helpers.rules.effects import best_effort

Tags = Annotated[
    list[Annotated[str, Strict()]] | None, Strict(), BeforeValidator(without_blanks), empty_is_default
]  # fmt: skip


class Config(HelperConfig):
    """Which tags count, and what happens."""

    required_tags: Tags = Field(default=None, description="Tags (id or name) the contact needs.")
    forbidden_tags: Tags = Field(default=None, description="Tags (id or name) the contact must not have.")
    match_mode: Annotated[Literal["all", "any"], blank_is_default] = Field(
        default="all", description="Whether every required tag is needed, or one of them."
    )
    goal_name: OptionalText = Field(default=None, description="Goal to achieve when the conditions hold.")
    integration: Annotated[Text, blank_is_default] = Field(default="myfusionhelper", description="Goal integration.")
    apply_tag_on_success: OptionalText = Field(default=None, description="Tag to apply when the conditions hold.")
    apply_tag_on_skip: OptionalText = Field(default=None, description="Tag to apply when they do not.")

    @model_validator(mode="after")
    def _has_condition(self) -> Self:
        if self.required_tags is None and self.forbidden_tags is None:
            raise ValueError("required_tags: write required_tags or forbidden_tags, an empty list imposes nothing")
        return self


class HookItByTag(Helper[Config]):
    """The goal comes before the tag: a tag that fails must not lead to a second goal."""

    type = "hook_it_by_tag"
    name = "Hook It By Tag (Conditional)"
    category = "integration"
    description = "Process an incoming event only if the contact's tags allow it."
    idempotent = False
    example = Example(
        config={"required_tags": ["VIP"], "forbidden_tags": ["78"], "goal_name": "vipform"},
        crm={
            "contact": {"id": "c1", "tags": [{"id": "77", "name": "VIP"}]},
            "tags": [{"id": "77", "name": "VIP"}, {"id": "78", "name": "Blocked"}],
        },
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        held = [tag.id for tag in ctx.contact.tags]
        skip = _reason_to_skip(ctx.contact, config)
        if skip:
            actions = await _apply(ctx, config.apply_tag_on_skip)
            return HelperOutput.ok(
                f"skipped: {skip['skip_reason']}",
                modified_data={"processed": False, **skip, "contact_tags": held},
                actions=actions,
            )
        goals = [await ctx.achieve_goal(config.goal_name, config.integration)] if config.goal_name else []
        return HelperOutput.ok(
            "the contact's tags allow the event",
            modified_data={"processed": True, "contact_tags": held},
            actions=[*goals, *await _apply(ctx, config.apply_tag_on_success)],
        )


def _reason_to_skip(contact: Contact, config: Config) -> dict[str, Any]:
    required = config.required_tags or []
    missing = [tag for tag in required if not contact.has_tag(tag.strip())]
    if config.match_mode == "all" and missing:
        return {"skip_reason": "missing_required_tag", "missing_tag": missing[0], "required_tags": required}
    if config.match_mode == "any" and required and len(missing) == len(required):
        return {"skip_reason": "missing_any_required_tag", "required_tags": required}
    for tag in config.forbidden_tags or []:
        if contact.has_tag(tag.strip()):
            return {"skip_reason": "has_forbidden_tag", "forbidden_tag": tag}
    return {}


async def _apply(ctx: HelperContext[Config], tag: str | None) -> list[Action]:
    return await best_effort(ctx, f"apply tag {tag!r}", ctx.apply_tag(tag)) if tag else []
