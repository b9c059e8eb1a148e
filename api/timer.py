"""``GET /timer?t=`` or ``?token=``: the picture of a signed countdown link, for mails and pages.

The link is public and says everything itself; only its signature is believed.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api import timer_picture
from api.backend import Backend, Stores
from api.problems import Problem
from helpers import registry
from helpers.errors import HelperError
from helpers.invocation import parse_config
from helpers.rules.timer_link import PATH, TimerClaims, TimerLinkExpired, TimerLinkRefused

# A contact id, three colours and the ids in base64 stay far below.
MAX_TOKEN_LENGTH = 4096
# Drawing is CPU work: the rest of the API keeps its threads, however many mails are opened at once.
_drawing = ThreadPoolExecutor(max_workers=2, thread_name_prefix="timer")

router = APIRouter()

Token = Annotated[str, Query(max_length=MAX_TOKEN_LENGTH)]


@router.get(PATH, response_class=Response, responses={200: {"content": {timer_picture.MEDIA_TYPE: {}}}})
async def show(stores: Stores, t: Token = "", token: Token = "") -> Response:
    """Draw the countdown as it stands now: the links of both dialects, zeros from the deadline on."""
    claims = await _verified(stores, t or token)
    look = timer_picture.Look(claims.bg_color, claims.digit_color, claims.label_color, claims.transparent_bg)
    seconds_left = claims.expires_at - int(stores.runs.clock.now().timestamp())
    picture = await asyncio.get_running_loop().run_in_executor(_drawing, timer_picture.draw, seconds_left, look)
    return Response(picture, media_type=timer_picture.MEDIA_TYPE, headers={"Cache-Control": "no-store"})


async def _verified(stores: Backend, token: str) -> TimerClaims:
    """The claims, signed with the platform's key or with the one in the helper's config. Raises Problem 400 or 410."""
    if not token:
        raise Problem(400, "timer_link_missing", "t: the link of a countdown timer has its token here, or in token")
    try:
        try:
            return TimerClaims.verified(token, stores.runs.helper_settings.jwt_secret)
        except TimerLinkExpired:
            raise
        except TimerLinkRefused:
            return TimerClaims.verified(token, await _key_of_helper(stores, TimerClaims.unverified(token)))
    except TimerLinkExpired as exc:
        raise Problem(410, "timer_link_expired", "the timer of this link ended more than a week ago") from exc
    except TimerLinkRefused as exc:
        raise Problem(400, "timer_link_refused", "this is no link of a countdown timer; copy it unchanged") from exc


async def _key_of_helper(stores: Backend, claims: TimerClaims) -> str:
    """The signing key that the helper named in the link has in its config; "" without one."""
    helper = await stores.helpers.find(claims.helper_id, claims.account_id) if claims.helper_id else None
    kind = await asyncio.to_thread(registry.load, "countdown_timer")
    if helper is None or helper.helper_type != kind.type:
        return ""
    try:
        return str(getattr(parse_config(kind, helper.config), "jwt_secret", None) or "")
    except HelperError:
        return ""
