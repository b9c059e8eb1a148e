"""when_is_it: convert a date field between time zones and format it."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.errors import PermanentFailure
from helpers.rules.config_types import NonEmptyText, empty_is_default
from helpers.rules.dates import parse_date
from helpers.rules.empty import is_empty
from helpers.rules.go_layout import format_date
from helpers.rules.in_place import computed
from helpers.rules.instants import zone_named


def _zone(name: str) -> str:
    zone_named(name)
    return name


class Config(HelperConfig):
    """The fields, the zones and the format."""

    source_field: NonEmptyText = Field(description="Field with the date.")
    target_field: NonEmptyText = Field(description="Field that receives the text.")
    from_timezone: Annotated[NonEmptyText, AfterValidator(_zone), empty_is_default] = Field(
        default="UTC", description="IANA zone of values without an offset."
    )
    to_timezone: Annotated[NonEmptyText, AfterValidator(_zone)] = Field(description="IANA zone to convert to.")
    output_format: NonEmptyText = Field(description="Go layout, or strftime.")


class WhenIsIt(Helper[Config]):
    """A value with its own offset is that instant; the configured zone is for values without one."""

    type = "when_is_it"
    name = "When Is It"
    category = "data"
    description = "Convert a date field between time zones and format it."
    reads_contact = False
    example = Example(
        config={
            "source_field": "webinar_at",
            "target_field": "local_time",
            "to_timezone": "America/New_York",
            "output_format": "Mon Jan 2, 3:04 PM MST",
        },
        crm={"contact": {"id": "c1", "custom_fields": {"webinar_at": "2026-03-01T18:00:00Z"}}},
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        text = (await computed(ctx, [config.source_field], [config.target_field], lambda: _converted(ctx)))["text"]
        if text is None:
            return HelperOutput.no_op(f"{config.source_field} is empty")
        action = await ctx.write(config.target_field, text)
        return HelperOutput.ok(text, modified_data={config.target_field: text}, actions=[action])


async def _converted(ctx: HelperContext[Config]) -> dict[str, Any]:
    config = ctx.config
    value = await ctx.read(config.source_field)
    if is_empty(value):
        return {"text": None}
    moment = parse_date(value)
    if moment is None:
        raise PermanentFailure(f"{config.source_field} holds no date that can be read")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone_named(config.from_timezone))
    try:
        # By way of UTC: within one zone astimezone() would keep a wall clock that daylight saving time skips.
        local = moment.astimezone(UTC).astimezone(zone_named(config.to_timezone))
    except OverflowError as exc:
        raise PermanentFailure("the result is outside the years 1 to 9999") from exc
    return {"text": format_date(local, config.output_format)}
