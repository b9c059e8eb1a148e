"""Google Maps: where an address is, and its time zone. Spec automation timezone_triggers rule 4."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from helpers.contract import HelperContext
from helpers.errors import PermanentFailure, ServiceAuthRequired, TransientFailure
from helpers.rules.http_outcomes import call, json_object
from helpers.rules.instants import zone_named
from helpers.rules.numbers import parse_number
from helpers.rules.text import to_text

BASE_URL = "https://maps.googleapis.com/maps/api"
CACHE_SECONDS = 30 * 86_400
_PASSING = frozenset({"OVER_QUERY_LIMIT", "UNKNOWN_ERROR"})


@dataclass(frozen=True, slots=True)
class Place:
    """A located address. ``offset_seconds`` includes daylight saving as of the look-up."""

    latitude: float
    longitude: float
    time_zone: str
    offset_seconds: int

    @property
    def zone(self) -> ZoneInfo:
        """The time zone's rules. Raises PermanentFailure for a name that is not known here."""
        try:
            return zone_named(self.time_zone)
        except ValueError as exc:
            raise PermanentFailure(str(exc)) from exc

    @property
    def lat_lng(self) -> str:
        """``40.7,-74``."""
        return f"{to_text(self.latitude)},{to_text(self.longitude)}"

    @property
    def offset_text(self) -> str:
        """Hours without trailing zeros: ``-8``, ``5.5``."""
        return to_text(float(Fraction(self.offset_seconds, 3600)))


async def find_place(ctx: HelperContext[Any], address: str) -> Place | None:
    """Where the address is; None when Google knows no such place.

    Location and zone are cached by address. Their offset follows from the zone's rules then: it changes with the date.
    """
    key = ctx.service_auths.get("google_maps").api_key or ctx.settings.google_maps_api_key
    if not key:
        raise ServiceAuthRequired("google_maps: there is no API key for geocoding")
    cache_key = f"google_maps:place:{address.casefold()}"
    cached = await ctx.state.get(cache_key)
    if cached is not None:
        return _as_of_now(ctx, cached.value["location"], cached.value["time_zone"])
    found = await _ask(ctx, "geocode", key, {"address": address})
    if found is None:
        return None
    location = _location(found)
    parameters = {
        "location": f"{to_text(location['lat'])},{to_text(location['lng'])}",
        "timestamp": str(int(ctx.clock.now().timestamp())),
    }
    zone = await _ask(ctx, "timezone", key, parameters)
    if zone is None:
        return None
    place = Place(location["lat"], location["lng"], str(zone.get("timeZoneId") or ""), _offset(zone))
    await ctx.state.put(cache_key, {"location": location, "time_zone": place.zone.key}, ttl_seconds=CACHE_SECONDS)
    return place


def _as_of_now(ctx: HelperContext[Any], location: dict[str, float], time_zone: str) -> Place:
    offset = ctx.clock.now().astimezone(zone_named(time_zone)).utcoffset() or timedelta()
    return Place(location["lat"], location["lng"], time_zone, int(offset.total_seconds()))


async def _ask(ctx: HelperContext[Any], api: str, key: str, parameters: dict[str, str]) -> dict[str, Any] | None:
    base = ctx.service_auths.get("google_maps").base_url.rstrip("/") or BASE_URL
    response = await call(
        ctx, "GET", f"{base}/{api}/json", service="Google Maps", params={**parameters, "key": key}, secrets=[key]
    )
    answer = json_object(response, "Google Maps")
    status = str(answer.get("status") or "")
    if status == "ZERO_RESULTS":
        return None
    if status in _PASSING:
        raise TransientFailure(f"Google Maps answered {status}")
    if status != "OK":
        raise PermanentFailure(f"Google Maps answered {status or 'without a status'}")
    return answer


def _location(answer: dict[str, Any]) -> dict[str, float]:
    try:
        location = answer["results"][0]["geometry"]["location"]
        return {"lat": float(location["lat"]), "lng": float(location["lng"])}
    except (KeyError, IndexError, TypeError, ValueError) as exc:
        raise PermanentFailure("Google Maps answered without a location") from exc


def _offset(zone: dict[str, Any]) -> int:
    """Seconds east of UTC, daylight saving included. Raises PermanentFailure for what is no number."""
    parts = (parse_number(zone.get(name) or 0) for name in ("rawOffset", "dstOffset"))
    seconds = [part for part in parts if part is not None]
    if len(seconds) < 2:
        raise PermanentFailure("Google Maps answered a time zone without a readable offset")
    return int(sum(seconds))
