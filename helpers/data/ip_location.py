"""ip_location: geolocate an IP held in a field; store city, state, country, zip."""

from __future__ import annotations

from pydantic import Field

from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.rules.config_types import NonEmptyText, OptionalText
from helpers.rules.effects import Effects
from helpers.rules.empty import is_blank
from helpers.rules.geo import locate
from helpers.rules.text import to_text

TIMEOUT_SECONDS = 10.0


class Config(HelperConfig):
    """The address and the destinations."""

    ip_field: NonEmptyText = Field(description="Field with the IP address.")
    city_field: OptionalText = Field(default=None, description="Field for the city.")
    state_field: OptionalText = Field(default=None, description="Field for the name of the region.")
    country_field: OptionalText = Field(default=None, description="Field for the name of the country.")
    zip_field: OptionalText = Field(default=None, description="Field for the postal code.")


class IpLocation(Helper[Config]):
    """What is not an address, or not a public one, is never looked up."""

    type = "ip_location"
    name = "IP Location"
    category = "data"
    description = "Geolocate an IP held in a field; store city, state, country and zip."
    reads_contact = False
    external = True
    example = Example(
        config={"ip_field": "ip", "city_field": "city", "country_field": "country"},
        crm={"contact": {"id": "c1", "custom_fields": {"ip": "8.8.8.8"}}},
        http=(
            {
                "match": {"url_contains": "ip-api.com/json/8.8.8.8"},
                "reply": {
                    "status": 200,
                    "json": {"status": "success", "country": "United States", "countryCode": "US", "city": "Ashburn"},
                },
            },
        ),
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        value = await ctx.read(config.ip_field)
        if is_blank(value):
            return HelperOutput.no_op(f"{config.ip_field} is empty")
        ip = to_text(value).strip()
        place = await locate(ctx, ip, fields="", timeout_seconds=TIMEOUT_SECONDS)
        effects = Effects(ctx, transient_stops=True)
        for field, text in (
            (config.city_field, place.city),
            (config.state_field, place.region_name),
            (config.country_field, place.country),
            (config.zip_field, place.zip),
        ):
            if field is not None and text:
                await effects.attempt(f"saving {field}", ctx.write(field, text))
        modified = {
            "ip_address": ip,
            "city": place.city,
            "state": place.region_name,
            "country": place.country,
            "country_code": place.country_code,
            "zip": place.zip,
            "latitude": place.latitude,
            "longitude": place.longitude,
            "timezone": place.timezone,
            "isp": place.isp,
        }
        if effects.all_failed:
            return HelperOutput.failed("no part of the location could be saved", modified_data=modified)
        return HelperOutput.ok(place.text or "located", modified_data=modified, actions=effects.actions)
