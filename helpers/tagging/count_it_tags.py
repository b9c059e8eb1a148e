"""count_it_tags: count all contacts that carry a tag; threshold tags; position of this contact."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from helpers.contract import Action, Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.crm.models import ContactQuery
from helpers.rules.config_types import (
    JsonWholeNumber,
    OptionalFieldKey,
    TagRef,
    blank_is_default,
    default_when,
)
from helpers.rules.effects import soft


def _no_tag(value: Any) -> bool:
    return isinstance(value, str) and value.strip() == "no_tag"


ThresholdTag = Annotated[TagRef | None, blank_is_default, default_when(_no_tag)]


class Config(HelperConfig):
    """Whose carriers are counted, and what follows from the count."""

    tag_id: TagRef = Field(description="Tag id or name to count.")
    threshold: Annotated[JsonWholeNumber | None, blank_is_default] = Field(
        default=None, description="Count from which on threshold_met_tag applies; active only above 0."
    )
    threshold_met_tag: ThresholdTag = Field(
        default=None, description="Tag for this contact when count >= threshold; no_tag = none."
    )
    threshold_not_met_tag: ThresholdTag = Field(
        default=None, description="Tag for this contact when count < threshold; no_tag = none."
    )
    save_count_to: OptionalFieldKey = Field(default=None, description="Field for the count as text.")
    save_position_to: OptionalFieldKey = Field(
        default=None, description="Field for the position as text; written only when the contact carries the tag."
    )


class CountItTags(Helper[Config]):
    """The count is taken before any tag is applied in this run. A threshold below 1 is cut to 0, so it is inactive."""

    type = "count_it_tags"
    name = "Count It Tags"
    category = "tagging"
    description = "Count all contacts that carry a tag; tag by threshold; note the position of this contact."
    timeout_seconds = 600.0
    example = Example(
        config={"tag_id": "5", "threshold": 2, "threshold_met_tag": "Full house", "save_position_to": "seat"},
        crm={
            "contact": {"id": "c1", "tags": [{"id": "5", "name": "Workshop"}]},
            "extra_contacts": [{"id": "c2", "tags": [{"id": "5", "name": "Workshop"}]}],
            "tags": [{"id": "5", "name": "Workshop"}, {"id": "6", "name": "Full house"}],
        },
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        total, position = await self._count(ctx)
        actions: list[Action] = []
        if config.threshold is not None and config.threshold > 0:
            tag = config.threshold_met_tag if total >= config.threshold else config.threshold_not_met_tag
            if tag is not None:
                actions += await soft(ctx, f"apply tag {tag!r}", ctx.apply_tag(tag))
        if config.save_count_to is not None:
            actions += await soft(ctx, f"write {config.save_count_to}", ctx.write(config.save_count_to, str(total)))
        if config.save_position_to is not None and position > 0:
            step = ctx.write(config.save_position_to, str(position))
            actions += await soft(ctx, f"write {config.save_position_to}", step)
        return HelperOutput.ok(
            f"{total} contacts carry the tag",
            modified_data={"total_count": total, "position": position},
            actions=actions,
        )

    async def _count(self, ctx: HelperContext[Config]) -> tuple[int, int]:
        """How many contacts carry the tag, and the 1-based place of this one among them (0 = it does not)."""
        # An insertion-ordered set: a contact that slips to the next page while we read counts once.
        places: dict[str, int] = {}
        query = ContactQuery(tag_id=ctx.config.tag_id, limit=1000, brief=True)
        while True:
            page = await ctx.crm.get_contacts(query)
            for contact in page.contacts:
                places.setdefault(contact.id, len(places) + 1)
            position = places.get(ctx.contact_id, 0)
            if page.total is not None and position:
                return page.total, position
            if not page.has_more or page.next_cursor is None or page.next_cursor == query.cursor:
                return len(places), position
            query = query.model_copy(update={"cursor": page.next_cursor})
