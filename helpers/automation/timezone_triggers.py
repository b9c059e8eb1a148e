"""timezone_triggers: find the contact's time zone from the address; fire a goal at a local weekday and time."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from helpers.automation.local_time import ClockTime, WeekdayNames, next_occurrence, parse_days, parse_time
from helpers.automation.pending_goal import schedule_goal
from helpers.automation.postal_address import first_address
from helpers.contract import Action, Example, Helper, HelperContext, HelperOutput
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import OptionalTrimmedText, PickedFieldKey
from helpers.rules.effects import Effects
from helpers.rules.instants import instant_text
from helpers.services.google_maps import Place, find_place


class Config(FormConfig):
    """When, and what is filled and fired."""

    day: WeekdayNames = Field(description="Weekdays, comma-separated; weekdays, daily, any or every day.")
    time: ClockTime = Field(description="14:00, 9:00 AM, 9 AM.")
    save_time_zone: PickedFieldKey = Field(default=None, description="Field for the IANA time zone.")
    save_lat_lng: PickedFieldKey = Field(default=None, description="Field for latitude and longitude.")
    save_time_zone_offset: PickedFieldKey = Field(default=None, description="Field for the offset in hours.")
    trigger_goal: OptionalTrimmedText = Field(default=None, description="Goal fired at that time.")
    failed_goal: OptionalTrimmedText = Field(default=None, description="Goal without address or location.")


class TimezoneTriggers(Helper[Config]):
    """One pending child a contact: a newer run replaces it."""

    type = "timezone_triggers"
    name = "Timezone Triggers"
    category = "automation"
    description = "Find the contact's time zone from the address; fire a goal at a local weekday and time."
    external = True
    example = Example(
        config={"day": "weekdays", "time": "9:00 AM", "trigger_goal": "morning"},
        crm={"contact": {"id": "c1", "custom_fields": {"City": "New York", "Country": "US"}}},
        service_auths={"google_maps": {"api_key": "key"}},
        http=(
            {
                "match": {"url_contains": "/geocode/"},
                "reply": {
                    "status": 200,
                    "json": {"status": "OK", "results": [{"geometry": {"location": {"lat": 40.7, "lng": -74}}}]},
                },
            },
            {
                "match": {"url_contains": "/timezone/"},
                "reply": {
                    "status": 200,
                    "json": {"status": "OK", "timeZoneId": "America/New_York", "rawOffset": -18000, "dstOffset": 0},
                },
            },
        ),
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        address = await first_address(ctx)
        if not address:
            return await _without_place(ctx, {"address_found": False})
        place = await find_place(ctx, address)
        if place is None:
            return await _without_place(ctx, {"address": address, "address_found": True, "time_zone_found": False})
        return await _schedule(ctx, address, place)


def _request(ctx: HelperContext[Config]) -> dict[str, Any]:
    """What was asked for, as far as it is configured."""
    config = ctx.config
    fields = {
        "save_time_zone_field": config.save_time_zone,
        "save_lat_lng_field": config.save_lat_lng,
        "save_time_zone_offset_field": config.save_time_zone_offset,
        "trigger_goal": config.trigger_goal,
    }
    return {
        "day": config.day,
        "time": config.time,
        "contact_id": ctx.contact_id,
        "helper_id": ctx.helper_id,
        **{key: value for key, value in fields.items() if value is not None},
    }


async def _without_place(ctx: HelperContext[Config], modified: dict[str, Any]) -> HelperOutput:
    effects = Effects(ctx)
    if ctx.config.failed_goal is not None:
        await effects.attempt(f"goal {ctx.config.failed_goal}", ctx.achieve_goal(ctx.config.failed_goal))
        effects.raise_if_all_failed()
    return HelperOutput.ok("no location is known", modified_data={**_request(ctx), **modified}, actions=effects.actions)


async def _schedule(ctx: HelperContext[Config], address: str, place: Place) -> HelperOutput:
    config, now = ctx.config, ctx.clock.now()
    effects = Effects(ctx)
    for field, value in (
        (config.save_time_zone, place.time_zone),
        (config.save_lat_lng, place.lat_lng),
        (config.save_time_zone_offset, place.offset_text),
    ):
        if field is not None:
            await effects.attempt(f"saving {field}", ctx.write(field, value))
    due = next_occurrence(now, place.zone, parse_days(config.day), parse_time(config.time))
    modified = {
        **_request(ctx),
        "address": address,
        "address_found": True,
        "time_zone_found": True,
        "time_zone": place.time_zone,
        "lat_lng": place.lat_lng,
        "utc_offset": place.offset_text,
        "scheduled_for": instant_text(due),
    }
    if config.trigger_goal is not None:
        execution_id = await schedule_goal(ctx, config.trigger_goal, now, due)
        if execution_id is None:
            return HelperOutput.failed(
                "the goal cannot be scheduled: the chain is too deep or has used its executions",
                modified_data=modified,
                actions=effects.actions,
            )
        modified["scheduled_execution_id"] = execution_id
    scheduled = {key: modified[key] for key in ("address", "day", "time", "time_zone", "scheduled_for")}
    action = Action(type="timezone_trigger_scheduled", target=ctx.contact_id, value=scheduled)
    return HelperOutput.ok(
        f"scheduled for {modified['scheduled_for']}", modified_data=modified, actions=[*effects.actions, action]
    )
