"""ip_notifications: locate an IP; tag and save when it lies in chosen countries or regions."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from helpers.contract import Example, Helper, HelperContext, HelperOutput
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import PickedFieldKey, PickedTagRef, RequiredText, blank_is_default
from helpers.rules.effects import Effects
from helpers.rules.geo import locate, visitor_address

Names = Annotated[list[str], blank_is_default]


class Config(FormConfig):
    """The address, the places and what follows."""

    ip_address: RequiredText = Field(description="IP literal, or the field that holds it.")
    match_countries: Names = Field(default=[], description="ISO codes of countries.")
    match_regions: Names = Field(default=[], description="Region names, or CC-REGION.")
    apply_tag: PickedTagRef = Field(default=None, description="Tag applied on a match.")
    save_location_to: PickedFieldKey = Field(default=None, description="Field for the location, match or not.")


class IpNotifications(Helper[Config]):
    """Without countries and regions every place matches."""

    type = "ip_notifications"
    name = "IP Notifications"
    category = "automation"
    description = "Locate an IP; tag or save when it lies in chosen countries or regions."
    reads_contact = False
    external = True
    example = Example(
        config={"ip_address": "8.8.8.8", "match_countries": ["US"], "save_location_to": "location"},
        crm={"contact": {"id": "c1"}},
        http=(
            {
                "match": {"url_contains": "ip-api.com"},
                "reply": {
                    "status": 200,
                    "json": {"status": "success", "country": "United States", "countryCode": "US", "city": "Ashburn"},
                },
            },
        ),
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        ip = await visitor_address(ctx, config.ip_address)
        place = await locate(ctx, ip)
        matches = (
            not (config.match_countries or config.match_regions)
            or any(place.in_country(code) for code in config.match_countries)
            or any(place.in_region(name) for name in config.match_regions)
        )
        effects = Effects(ctx)
        if config.save_location_to is not None:
            await effects.attempt("saving the location", ctx.write(config.save_location_to, place.text))
        if matches and config.apply_tag is not None:
            await effects.attempt(f"applying tag {config.apply_tag}", ctx.apply_tag(config.apply_tag))
        effects.raise_if_all_failed()
        return HelperOutput.ok(
            f"{place.text}: {'match' if matches else 'no match'}",
            modified_data={
                "ip_address": ip,
                "country": place.country,
                "country_code": place.country_code,
                "region": place.region_name,
                "city": place.city,
                "location_string": place.text,
                "location_matches": matches,
            },
            actions=effects.actions,
        )
