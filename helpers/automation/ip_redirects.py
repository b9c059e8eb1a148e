"""ip_redirects: choose a URL by the country of an IP."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from helpers.contract import Action, Example, Helper, HelperContext, HelperOutput
from helpers.errors import HelperError, PermanentFailure
from helpers.rules.config_keys import FormConfig
from helpers.rules.config_types import PickedFieldKey, RequiredText
from helpers.rules.geo import GeoLocation, is_address, locate, visitor_address
from helpers.rules.routing import OptionalUrl, OptionalUrlMap, route_tail


class Config(FormConfig):
    """The address and its URLs."""

    ip_address: RequiredText = Field(description="IP literal, or the field that holds it.")
    country_urls: OptionalUrlMap = Field(default={}, description="Country code -> URL.")
    default_url: OptionalUrl = Field(default=None, description="URL without a match or when the look-up fails.")
    save_redirect_to: PickedFieldKey = Field(default=None, description="Contact field for the URL.")


class IpRedirects(Helper[Config]):
    """A failed look-up of any kind sends the visitor to the default URL where there is one."""

    type = "ip_redirects"
    name = "IP Redirects"
    category = "automation"
    description = "Choose a URL by the country of an IP."
    routes_visitors = True
    requires_crm = False
    external = True
    example = Example(
        config={"ip_address": "8.8.8.8", "country_urls": {"US": "https://example.com/us"}},
        http=(
            {
                "match": {"url_contains": "ip-api.com"},
                "reply": {
                    "status": 200,
                    "json": {"status": "success", "country": "United States", "countryCode": "US"},
                },
            },
        ),
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config = ctx.config
        ip = ""
        try:
            ip = await visitor_address(ctx, config.ip_address)
            place = await locate(ctx, ip)
        except HelperError as exc:
            if config.default_url is None:
                raise
            ctx.log(f"the address could not be located: {exc}")
            data: dict[str, Any] = {"reason": "geolocation_failed", "match_reason": "geolocation_failed"}
            if is_address(ip):
                data["ip_address"] = ip
            return await _redirect(ctx, config.default_url, "", data)
        url, reason = _choose(config, place)
        data = {
            "ip_address": ip,
            "country": place.country,
            "country_code": place.country_code,
            "match_reason": reason,
        }
        return await _redirect(ctx, url, place.country_code, data)


def _choose(config: Config, place: GeoLocation) -> tuple[str, str]:
    for key, url in config.country_urls.items():
        if place.in_country(key):
            return url, f"country_match:{place.country_code}"
    if config.default_url is None:
        raise PermanentFailure(f"there is no URL for {place.country_code or 'this place'} and no default_url")
    return config.default_url, "default"


async def _redirect(ctx: HelperContext[Config], url: str, country_code: str, data: dict[str, Any]) -> HelperOutput:
    actions = await route_tail(ctx, url, url_field=ctx.config.save_redirect_to)
    return HelperOutput.ok(
        f"redirect to {url}",
        modified_data={"redirect_url": url, **data},
        actions=[*actions, Action(type="redirect_determined", target=country_code, value=url)],
    )
