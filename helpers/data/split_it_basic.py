"""split_it_basic: an A/B toggle that remembers the group run last."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.errors import StateConflict
from helpers.rules.config_types import OptionalText
from helpers.rules.counters import count_once
from helpers.rules.effects import best_effort


class Config(HelperConfig):
    """The two groups; ``last_group`` is the seed of the first run."""

    split_type: Literal["tag_split", "goal_split"] = Field(description="Apply a tag or achieve a goal.")
    last_group: Literal["a", "b"] = Field(description="Group run last, before the first run of ours.")
    split_tag_a: OptionalText = Field(default=None, description="Tag of group a (tag_split).")
    split_tag_b: OptionalText = Field(default=None, description="Tag of group b (tag_split).")
    split_goal_a: OptionalText = Field(default=None, description="Goal of group a (goal_split).")
    split_goal_b: OptionalText = Field(default=None, description="Goal of group b (goal_split).")

    def effect_of(self, group: str) -> str | None:
        """The tag or goal of the group."""
        kind = "tag" if self.split_type == "tag_split" else "goal"
        value: str | None = getattr(self, f"split_{kind}_{group}")
        return value

    @model_validator(mode="after")
    def _both_groups(self) -> Self:
        kind = "tag" if self.split_type == "tag_split" else "goal"
        for group in ("a", "b"):
            if self.effect_of(group) is None:
                raise ValueError(f"split_{kind}_{group}: {self.split_type} needs it")
        return self


class SplitItBasic(Helper[Config]):
    """Alternates over all executions of the helper; an execution delivered twice stays in its group."""

    type = "split_it_basic"
    name = "Split It Basic"
    category = "data"
    description = "A/B toggle by helper-level state; tag or goal."
    reads_contact = False
    idempotent = False
    example = Example(
        config={"split_type": "tag_split", "last_group": "b", "split_tag_a": "101", "split_tag_b": "102"},
        crm={"contact": {"id": "c1"}, "tags": [{"id": "101", "name": "A"}, {"id": "102", "name": "B"}]},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        group = await _next_group(ctx)
        effect = str(config.effect_of(group))
        if config.split_type == "tag_split":
            # Removed first, so that automations that start on the tag start again.
            await best_effort(ctx, f"remove tag {effect}", ctx.remove_tag(effect))
            action = await ctx.apply_tag(effect)
        else:
            action = await ctx.achieve_goal(effect)
        return HelperOutput.ok(
            f"group {group}", modified_data={"run_group": group, "last_group": group}, actions=[action]
        )


async def _next_group(ctx: HelperContext[Config]) -> str:
    """The toggle as a counter on the seed of the first run: that one stays, whatever the config says later."""
    key = f"split_basic:{ctx.account_id}:{ctx.helper_id}"
    seed = await _seed(ctx, f"{key}:seed")
    if await count_once(ctx, key) % 2 == 0:
        return seed
    return "b" if seed == "a" else "a"


async def _seed(ctx: HelperContext[Config], key: str) -> str:
    stored = await ctx.state.get(key)
    if stored is None:
        try:
            stored = await ctx.state.put(key, {"last_group": ctx.config.last_group}, if_version=0)
        except StateConflict:
            return await _seed(ctx, key)
    return str(stored.value["last_group"])
