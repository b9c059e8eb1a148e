"""tag_it: apply or remove tags."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import TagRefs
from helpers.rules.effects import Effects


class Config(HelperConfig):
    """Which tags, and what to do with them."""

    action: Literal["apply", "remove"] = Field(description="apply or remove.")
    tag_ids: TagRefs = Field(min_length=1, description="Tag ids or names, in the order to work through.")


class TagIt(Helper[Config]):
    """A tag that is there already, or gone already, counts as done."""

    type = "tag_it"
    name = "Tag It"
    category = "tagging"
    description = "Apply or remove tags."
    # Nothing of the contact is needed, and every call counts against the vendor's rate limit.
    reads_contact = False
    example = Example(
        config={"action": "apply", "tag_ids": ["77", "newsletter"]},
        crm={"contact": {"id": "c1"}, "tags": [{"id": "77", "name": "VIP"}, {"id": "78", "name": "Newsletter"}]},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        action = ctx.config.action
        change = ctx.apply_tag if action == "apply" else ctx.remove_tag
        effects = Effects(ctx)
        for tag in ctx.config.tag_ids:
            await effects.attempt(f"{action} tag {tag!r}", change(tag))
        effects.raise_common_cause()
        if effects.all_failed:
            return HelperOutput.failed(f"no tag could be changed ({action})")
        return HelperOutput.ok(
            f"{action}: {len(effects.actions)} of {len(ctx.config.tag_ids)} tags", actions=effects.actions
        )
