"""GET /timer: the pictures of countdown links."""

from __future__ import annotations

import io
import itertools
import time
from typing import Any

import httpx
import pytest
from PIL import Image, ImageChops

from api.timer import MAX_TOKEN_LENGTH
from api.timer_picture import LONGEST_DAYS, SECONDS_PLAYED, Look, draw
from helpers.ports import StoredHelper
from helpers.rules.timer_link import GRACE_SECONDS, TimerClaims
from helpers.testing import run_helper
from tests.api.conftest import JWT_SECRET, problem

DAY = 86_400


# the picture --------------------------------------------------------------------------------------------------
def frames(gif: bytes) -> list[Image.Image]:
    """Every frame as it is shown."""
    image = Image.open(io.BytesIO(gif))
    assert image.format == "GIF"
    shown = []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        shown.append(image.convert("RGBA"))
    return shown


def same(left: Image.Image, right: Image.Image) -> bool:
    return left.size == right.size and ImageChops.difference(left, right).getbbox(alpha_only=False) is None


def colours(frame: Image.Image) -> set[Any]:
    return {colour for _count, colour in frame.getcolors(frame.width * frame.height) or ()}


def test_it_counts_for_a_minute_and_plays_once() -> None:
    """One frame a second, each what a picture of that second starts with."""
    gif = draw(3 * DAY + 61, Look())
    played = frames(gif)

    assert len(played) == SECONDS_PLAYED
    assert same(played[1], frames(draw(3 * DAY + 60, Look()))[0])
    assert not any(same(left, right) for left, right in itertools.pairwise(played))
    image = Image.open(io.BytesIO(gif))
    assert (image.info["duration"], image.info.get("loop")) == (1000, None)


def test_the_last_seconds_end_in_zeros() -> None:
    """Two seconds left are three frames, the last one that of a countdown that is over."""
    played = frames(draw(2, Look()))

    assert len(played) == 3
    assert same(played[-1], frames(draw(0, Look()))[0])


@pytest.mark.parametrize("seconds", [0, -1, -GRACE_SECONDS])
def test_a_countdown_that_is_over_is_one_frame(seconds: int) -> None:
    """Zeros, whenever it ended."""
    assert draw(seconds, Look()) == draw(0, Look())
    assert len(frames(draw(seconds, Look()))) == 1


def test_colours_are_those_of_the_link() -> None:
    """Background, digits and labels; names and short forms too."""
    shown = colours(frames(draw(90, Look("#102030", "red", "#0f0")))[0])

    assert {(0x10, 0x20, 0x30, 255), (255, 0, 0, 255), (0, 255, 0, 255)} <= shown


@pytest.mark.parametrize("colour", ["", "nocolour", "#12", "x" * 5000, "rgb(1,2)"])
def test_what_is_no_colour_is_the_default(colour: str) -> None:
    """A link is drawn as far as it can be."""
    assert draw(0, Look(colour, colour, colour)) == draw(0, Look())


def test_a_transparent_background_is_clear_in_every_frame() -> None:
    """Without half-covered pixels, which a GIF cannot have, and without rests of the frame before."""
    played = frames(draw(2, Look(transparent=True)))

    for frame in played:
        assert frame.getpixel((0, 0))[3] == 0  # type: ignore[index] # RGBA
        assert {colour for colour in colours(frame) if colour[3]} == {(255, 255, 255, 255), (0xCC, 0xCC, 0xCC, 255)}
    assert same(played[-1], frames(draw(0, Look(transparent=True)))[0])


def test_the_size_is_bounded() -> None:
    """However far the deadline is away."""
    near, far, farther = (frames(draw(days * DAY, Look()))[0].size for days in (1, LONGEST_DAYS, 10**12))

    assert near == (400, 96)
    assert far == farther
    assert far[0] < 600
    assert len(draw(10**15, Look(transparent=True))) < 200_000


# the endpoint -------------------------------------------------------------------------------------------------
async def link(api: Any, config: dict[str, Any], **options: Any) -> httpx.Response:
    """Fetch what the helper's URL leads to, as a mail program does."""
    settings = {"jwt_secret": JWT_SECRET, "app_url": "http://api"}
    run = await run_helper("countdown_timer", config, now=time_text(), settings=settings, **options)
    assert run.output is not None
    answer: httpx.Response = await api.client.get(run.output.modified_data["timer_url"], headers={"X-API-Key": ""})
    return answer


def time_text(ago: float = 0) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago))


@pytest.mark.stack
@pytest.mark.parametrize("mode_key", ["timer_type", "timer_mode"])
async def test_the_url_of_the_helper_is_answered(api: Any, mode_key: str) -> None:
    """Dialect A sends t, dialect B token; no key, no cache."""
    answer = await link(api, {mode_key: "dynamic", "duration_hours": 48, "background_color": "#102030"})

    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert answer.headers["cache-control"] == "no-store"
    played = frames(answer.content)
    assert len(played) == SECONDS_PLAYED
    assert any(same(played[0], frames(draw(2 * DAY - late, Look("#102030")))[0]) for late in range(10))


@pytest.mark.stack
async def test_a_deadline_that_has_passed_is_zeros(api: Any) -> None:
    """For a week."""
    answer = await link(api, {"timer_type": "standard", "end_time": time_text(ago=3600), "transparent_bg": True})

    assert answer.content == draw(0, Look(transparent=True))


@pytest.mark.stack
async def test_a_link_that_the_account_signs_is_verified_with_its_key(api: Any) -> None:
    """The helper named in the link has the key in its config; another helper's key is no key."""
    config = {"timerType": "dynamic", "durationHours": 1, "jwtSecret": "my-own"}
    ids = {"helper_id": "helper:own", "account_id": "account:1"}
    await api.backend.helpers.put(
        StoredHelper(helper_id="helper:own", helper_type="countdown_timer", account_id="account:1", config=config)
    )

    own = await link(api, config, ids=ids)
    foreign = await link(api, config, ids={**ids, "account_id": "account:2"})
    other_key = await link(api, {**config, "jwtSecret": "other"}, ids=ids)
    no_timer = await link(api, config, ids={**ids, "helper_id": "helper:chain"})

    assert own.status_code == 200
    for answer in (foreign, other_key, no_timer):
        problem(answer, 400, "timer_link_refused")


@pytest.mark.stack
async def test_what_is_no_link_is_refused(api: Any) -> None:
    """Each with what is wrong."""
    expired = TimerClaims(expires_at=0, exp=GRACE_SECONDS).sign(JWT_SECRET)

    problem(await api.get("/timer"), 400, "timer_link_missing")
    problem(await api.get("/timer", t=""), 400, "timer_link_missing")
    problem(await api.get("/timer", t="x.y.z"), 400, "timer_link_refused")
    problem(await api.get("/timer", token=expired + "x"), 400, "timer_link_refused")
    problem(await api.get("/timer", token=expired), 410, "timer_link_expired")
    problem(await api.get("/timer", t="x" * (MAX_TOKEN_LENGTH + 1)), 422, "invalid_request")
