"""Where an IP address is: spec automation C11, and data `ip_location`, whose request differs in timeout and fields.

Sources in this order: the platform's GeoLite2 database, ip-api.com with the platform's key, the free ip-api.com.
"""

from __future__ import annotations

import ipaddress
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

import httpx

from helpers.contract import HelperContext
from helpers.errors import PermanentFailure, TransientFailure
from helpers.rules.characters import read_json
from helpers.rules.config_keys import country_key, region_key
from helpers.rules.egress import is_globally_routable
from helpers.rules.http_outcomes import retry_after_seconds, send
from helpers.rules.text import to_text

FREE_SERVICE = "http://ip-api.com/json/"
KEYED_SERVICE = "https://pro.ip-api.com/json/"
ROUTING_FIELDS = "status,message,country,countryCode,region,regionName,city,lat,lon,timezone"
CACHE_SECONDS = 24 * 3600

_FREE_QUOTA_KEY = "geo:ip-api:wait-until"
# The free service counts per minute; this is the wait when it does not say how long.
_FREE_QUOTA_WINDOW_SECONDS = 60.0


class LocationUnknown(PermanentFailure):
    """The IP address cannot be located."""


@dataclass(frozen=True, slots=True)
class GeoLocation:
    """Where an address is. ``region`` is the short code, ``region_name`` its name; unknown parts are "" or None."""

    country: str = ""
    country_code: str = ""
    region: str = ""
    region_name: str = ""
    city: str = ""
    zip: str = ""
    latitude: float | None = None
    longitude: float | None = None
    timezone: str = ""
    isp: str = ""

    @property
    def text(self) -> str:
        """City, region name and country, as far as known, joined with ``, ``."""
        return ", ".join(part for part in (self.city, self.region_name, self.country) if part)

    def in_country(self, key: str) -> bool:
        """Whether a configured country code (also as the web client stored it) is this country."""
        return bool(self.country_code) and country_key(key) == country_key(self.country_code)

    def in_region(self, key: str) -> bool:
        """Whether a configured region name or ``CC-REGION`` code (also as stored) is this region."""
        known = {region_key(self.region_name)} if self.region_name else set()
        if self.country_code and self.region:
            known.add(region_key(f"{self.country_code}-{self.region}"))
        return region_key(key) in known


def public_address(text: str) -> str:
    """The trimmed IPv4 or IPv6 literal. Raises LocationUnknown for other text and for addresses without a place."""
    literal = text.strip()
    if not literal:
        raise LocationUnknown("there is no IP address to look up")
    address = _parsed(literal)
    if address is None:
        raise LocationUnknown(f"{literal[:100]!r} is no IP address")
    if not is_globally_routable(address):
        raise LocationUnknown(f"{literal} is a private or reserved IP address")
    return literal


def is_address(text: str) -> bool:
    """Whether the trimmed text is an IPv4 or IPv6 literal, of any range."""
    return _parsed(text.strip()) is not None


def _parsed(literal: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(literal)
    except ValueError:
        return None
    return None if getattr(address, "scope_id", None) else address


async def visitor_address(ctx: HelperContext[Any], configured: str) -> str:
    """The address a routing helper looks at, trimmed and unchecked; "" where nothing names one.

    ``configured`` is an IP literal, or the contact field that the web form stored; then the address of the visit
    (``input.ip_address``, ``query_params.ip_address``, ``query_params.ip``) goes before the field.
    """
    if is_address(configured):
        return configured.strip()
    visit = (ctx.input.get("ip_address"), ctx.query_params.get("ip_address"), ctx.query_params.get("ip"))
    for value in visit:
        if text := to_text(value).strip():
            return text
    return to_text(await ctx.read(configured)).strip() if ctx.has_crm else ""


async def locate(
    ctx: HelperContext[Any], ip: str, *, fields: str = ROUTING_FIELDS, timeout_seconds: float = 5.0
) -> GeoLocation:
    """Locate a public address. ``fields=""`` asks ip-api for its full reply, with zip and ISP.

    Raises LocationUnknown (permanent) or TransientFailure (429, 5xx, timeout, free quota used up).
    """
    ip = public_address(ip)
    cache_key = f"geo:{'routing' if fields else 'full'}:{ip}"
    if cached := await ctx.state.get(cache_key):
        return GeoLocation(**cached.value)
    if ctx.settings.geoip_database:
        location = _look_up_database(ctx.settings.geoip_database, ip)
    else:
        location = await _ask_ip_api(ctx, ip, fields, timeout_seconds)
    await ctx.state.put(cache_key, asdict(location), ttl_seconds=CACHE_SECONDS)
    return location


def _look_up_database(path: str, ip: str) -> GeoLocation:
    import geoip2.database  # only workers with a database need it
    import geoip2.errors

    try:
        with geoip2.database.Reader(path) as reader:
            found = reader.city(ip)
    except geoip2.errors.AddressNotFoundError:
        raise LocationUnknown(f"{ip} is not in the GeoIP database") from None
    region = found.subdivisions.most_specific
    return GeoLocation(
        country=found.country.name or "",
        country_code=found.country.iso_code or "",
        region=region.iso_code or "",
        region_name=region.name or "",
        city=found.city.name or "",
        zip=found.postal.code or "",
        latitude=found.location.latitude,
        longitude=found.location.longitude,
        timezone=found.location.time_zone or "",
    )


async def _ask_ip_api(ctx: HelperContext[Any], ip: str, fields: str, timeout_seconds: float) -> GeoLocation:
    key = ctx.settings.ip_api_key
    if not key:
        await _respect_free_quota(ctx)
    # The field list goes out with plain commas, as ip-api documents it.
    query = "&".join(part for part in (key and f"key={quote(key, safe='')}", fields and f"fields={fields}") if part)
    url = (KEYED_SERVICE if key else FREE_SERVICE) + ip + (query and f"?{query}")
    response = await send(ctx, "GET", url, service="ip-api.com", secrets=[key], total_seconds=timeout_seconds)
    if not key:
        await _note_free_quota(ctx, response)
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS or status >= 500:
        wait = _seconds(response, "X-Ttl") or retry_after_seconds(response.headers, ctx.clock.now())
        raise TransientFailure(f"ip-api.com answered HTTP {status}", retry_after=wait)
    if status != httpx.codes.OK:
        raise LocationUnknown(f"ip-api.com answered HTTP {status}")
    return _read_reply(response.content, ip)


def _read_reply(body: bytes, ip: str) -> GeoLocation:
    try:
        reply = read_json(body)
    except ValueError:
        raise LocationUnknown("the reply of ip-api.com is no JSON") from None
    if not isinstance(reply, dict) or reply.get("status") != "success":
        reason = reply.get("message") if isinstance(reply, dict) else None
        raise LocationUnknown(f"{ip} cannot be located: {reason or 'no reason given'}")

    def text(name: str) -> str:
        return to_text(reply.get(name)).strip()

    def degrees(name: str) -> float | None:
        value = reply.get(name)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    return GeoLocation(
        country=text("country"),
        country_code=text("countryCode"),
        region=text("region"),
        region_name=text("regionName"),
        city=text("city"),
        zip=text("zip"),
        latitude=degrees("lat"),
        longitude=degrees("lon"),
        timezone=text("timezone"),
        isp=text("isp"),
    )


# The free service bans callers that ignore its quota, and all workers behind one address share it. ---------------
async def _respect_free_quota(ctx: HelperContext[Any]) -> None:
    entry = await ctx.state.get(_FREE_QUOTA_KEY)
    left = entry.value["until"] - ctx.clock.now().timestamp() if entry else 0
    if left > 0:
        raise TransientFailure("the free quota of ip-api.com is used up", retry_after=left)


async def _note_free_quota(ctx: HelperContext[Any], response: httpx.Response) -> None:
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.headers.get("X-Rl") == "0":
        wait = _seconds(response, "X-Ttl") or _FREE_QUOTA_WINDOW_SECONDS
        until = ctx.clock.now().timestamp() + wait
        await ctx.state.put(_FREE_QUOTA_KEY, {"until": until}, ttl_seconds=wait)


def _seconds(response: httpx.Response, header: str) -> float | None:
    value = response.headers.get(header, "")
    return float(value) if value.isdecimal() else None
