"""timezone_triggers: find the contact's time zone from the address; fire a goal at a local weekday and time."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from helpers.automation.local_time import next_occurrence, parse_days, parse_time
from helpers.contract import Action, Example, Helper, HelperContext, HelperOutput
from helpers.errors import StateConflict
from helpers.ports import StoredHelper
from helpers.rules.children import Parent, child_item
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import OptionalTrimmedText, PickedFieldKey, RequiredText
from helpers.rules.effects import Effects
from helpers.rules.instants import instant_text
from helpers.rules.text import to_text
from helpers.services.google_maps import Place, find_place

_FIRST = ("StreetAddress1", "StreetAddress2", "City", "State", "PostalCode", "Country")
_SECOND = ("Address2Street1", "Address2Street2", "City2", "State2", "PostalCode2", "Country2")
_THIRD = ("Address3Street1", "Address3Street2", "City3", "State3", "PostalCode3", "Country3")
_STANDARD = ("address1", "address2", "city", "state", "zip", "country")


def _days(text: str) -> str:
    parse_days(text)
    return text


def _time(text: str) -> str:
    parse_time(text)
    return text


class Config(FormConfig):
    """When, and what is filled and fired."""

    day: Annotated[RequiredText, AfterValidator(_days)] = Field(
        description="Weekdays, comma-separated; weekdays, daily, any or every day."
    )
    time: Annotated[RequiredText, AfterValidator(_time)] = Field(description="14:00, 9:00 AM, 9 AM.")
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
        address = await _address(ctx)
        if not address:
            return await _without_place(ctx, {"address_found": False})
        place = await find_place(ctx, address)
        if place is None:
            return await _without_place(ctx, {"address": address, "address_found": True, "time_zone_found": False})
        return await _schedule(ctx, address, place)


async def _address(ctx: HelperContext[Config]) -> str:
    """The first address that has a part: among the custom fields, else among the attributes the CRM has for it."""
    fields = ctx.contact.custom_fields
    for names in (_FIRST, _SECOND, _THIRD, _STANDARD):
        if address := _joined([fields.get(name) for name in names]):
            return address
    # A CRM's own address is no custom field; the standard names are its first one. Read from the loaded contact.
    for names in (_STANDARD, _SECOND, _THIRD):
        if address := _joined([await ctx.read(name) for name in names]):
            return address
    return ""


def _joined(parts: list[Any]) -> str:
    texts = [to_text(part).strip() for part in parts]
    return " ".join(text for text in texts if text)


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
        execution_id = await _spawn_goal(ctx, config.trigger_goal, now, due)
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


async def _spawn_goal(ctx: HelperContext[Config], goal: str, now: datetime, due: datetime) -> str | None:
    """The id of the child that fires the goal, None where a guard refuses it."""
    if ctx.depth >= ctx.settings.chain_max_depth:
        return None
    goal_it = StoredHelper(
        helper_id=ctx.helper_id,
        helper_type="goal_it",
        account_id=ctx.account_id,
        connection_id=ctx.connection_id,
        config={"goal_name": goal, "integration": "myfusionhelper"},
    )
    child = child_item(Parent.running(ctx), goal_it, goal_it.config, group="primary", index=0, now=now, not_before=due)
    execution_id = str(child["execution_id"])
    if not await ctx.executions.spawn(child):
        return None
    await _replace_pending(ctx, execution_id)
    return execution_id


async def _replace_pending(ctx: HelperContext[Config], execution_id: str) -> None:
    """Remember this child as the contact's pending one and cancel the one before it."""
    key = f"timezone_trigger:{ctx.account_id}:{ctx.helper_id}:{ctx.contact_id}"
    while True:
        stored = await ctx.state.get(key)
        previous = stored.value["execution_id"] if stored else ""
        if previous == execution_id:
            return
        try:
            await ctx.state.put(key, {"execution_id": execution_id}, if_version=stored.version if stored else 0)
        except StateConflict:
            continue  # another run of this contact: look again
        if previous:
            await ctx.executions.cancel(previous)
        return
