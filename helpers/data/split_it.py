"""split_it: a 2- to 5-way split by contact state or by a shared counter."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import OptionalText, WholeNumber, Within, empty_is_default
from helpers.rules.counters import count_once
from helpers.rules.effects import soft
from helpers.rules.steps import once
from helpers.rules.text import to_text

LABELS = "ABCDE"


class Config(HelperConfig):
    """What each way does and how the way is chosen."""

    mode: Literal["tag", "goal"] = Field(description="Apply a tag or achieve a goal.")
    split_method: Annotated[Literal["state_field", "counter"], empty_is_default] = Field(
        default="state_field", description="Per contact (state_field) or per helper (counter)."
    )
    split_count: Annotated[WholeNumber, Within(2, 5), empty_is_default] = Field(
        default=2, description="Number of ways."
    )
    option_a: OptionalText = Field(default=None, description="Tag id or goal name of way A.")
    option_b: OptionalText = Field(default=None, description="Tag id or goal name of way B.")
    option_c: OptionalText = Field(default=None, description="Tag id or goal name of way C.")
    option_d: OptionalText = Field(default=None, description="Tag id or goal name of way D.")
    option_e: OptionalText = Field(default=None, description="Tag id or goal name of way E.")
    state_field: OptionalText = Field(default=None, description="Contact field with the last label (state_field).")

    @property
    def options(self) -> list[str | None]:
        """The options of the ways in use."""
        every = [self.option_a, self.option_b, self.option_c, self.option_d, self.option_e]
        return every[: self.split_count]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for label, option in zip(LABELS, self.options, strict=False):
            if option is None:
                raise ValueError(f"option_{label.lower()}: a {self.split_count}-way split needs it")
        if self.split_method == "state_field" and self.state_field is None:
            raise ValueError("state_field: the method state_field needs the field that holds the last label")
        return self


class SplitIt(Helper[Config]):
    """state_field alternates per contact, so every new contact gets A; a split of the population needs counter."""

    type = "split_it"
    name = "Split It"
    category = "data"
    description = "2- to 5-way split by contact state or by a shared counter; apply a tag or achieve a goal."
    reads_contact = False
    idempotent = False
    example = Example(
        config={"mode": "tag", "option_a": "101", "option_b": "102", "state_field": "split_state"},
        crm={
            "contact": {"id": "c1", "custom_fields": {"split_state": "A"}},
            "tags": [{"id": "101", "name": "Offer A"}, {"id": "102", "name": "Offer B"}],
        },
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        index = await self._choose(ctx)
        label, option = LABELS[index], str(config.options[index])
        actions: list[Action] = [
            await (ctx.apply_tag(option) if config.mode == "tag" else ctx.achieve_goal(option, "mfh"))
        ]
        modified = {"split_choice": label, "split_option": option}
        if config.split_method == "state_field" and config.state_field:
            saved = await soft(ctx, "saving the label", ctx.write(config.state_field, label))
            actions += saved
            modified = {**{action.target: label for action in saved}, **modified}
        return HelperOutput.ok(f"way {label}", modified_data=modified, actions=actions)

    async def _choose(self, ctx: HelperContext[Config]) -> int:
        config = ctx.config
        if config.split_method == "counter":
            return (await count_once(ctx, f"split:{ctx.helper_id}") - 1) % config.split_count
        # Remembered before anything is done: a delivery that comes again must not read its own label and go on to
        # the next way.
        chosen = await once(ctx, "way", lambda: _next_way(ctx))
        return int(chosen["index"])


async def _next_way(ctx: HelperContext[Config]) -> dict[str, int]:
    last = to_text(await ctx.read(str(ctx.config.state_field))).strip().upper()
    known = list(LABELS[: ctx.config.split_count])
    return {"index": (known.index(last) + 1) % len(known) if last in known else 0}
