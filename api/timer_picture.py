"""The picture of a countdown: an animated GIF that plays one minute and stops, or one frame of zeros.

Everything is bounded: the size follows from the digits, the frames from SECONDS_PLAYED, the font is the one that
Pillow brings along. Mail programs that do not play GIFs show the first frame, which is right when it is fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from io import BytesIO

from PIL import Image, ImageColor, ImageDraw, ImageFont

from helpers.rules.timer_link import BACKGROUND, DIGITS, LABELS

MEDIA_TYPE = "image/gif"
SECONDS_PLAYED = 60
LONGEST_DAYS = 99_999

_UNITS = ("DAYS", "HOURS", "MINUTES", "SECONDS")
_DIGIT_SIZE, _LABEL_SIZE = 48, 12
_GROUP_WIDTH, _DIGIT_WIDTH, _MARGIN, _HEIGHT = 90, 30, 20, 96
_DIGIT_BASELINE, _LABEL_BASELINE = 58, 82

# One palette for all frames: the background, then the shades of each text from background to its colour.
_SHADES = 15
_FIRST_DIGIT_SHADE, _FIRST_LABEL_SHADE = 1, 1 + _SHADES

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Look:
    """The colours of a timer as configured; what is no colour is the default."""

    background: str = BACKGROUND
    digits: str = DIGITS
    labels: str = LABELS
    transparent: bool = False


def draw(seconds_left: int, look: Look) -> bytes:
    """The GIF of so many seconds left and the following ones; a countdown that is over is one frame of zeros."""
    left = min(max(seconds_left, 0), LONGEST_DAYS * 86_400)
    first, *others = [_frame(seconds, left, look) for seconds in range(left, max(left - SECONDS_PLAYED, -1), -1)]
    palette = _palette(look)
    for frame in (first, *others):
        frame.putpalette(palette)
    written = BytesIO()
    # Without `loop` it plays once: a second round would show a time that has passed.
    animation = {"save_all": True, "append_images": others, "duration": 1000} if others else {}
    # Each frame replaces the whole one before it, or digits would pile up on a transparent background.
    transparency = {"transparency": 0, "disposal": 2} if look.transparent else {}
    first.save(written, format="GIF", optimize=False, **animation, **transparency)
    return written.getvalue()


def _frame(seconds: int, longest: int, look: Look) -> Image.Image:
    """One frame of palette indices; ``longest`` decides the width, which all frames share."""
    days, hours, minutes = seconds // 86_400, seconds // 3600 % 24, seconds // 60 % 60
    texts = [f"{value:02d}" for value in (days, hours, minutes, seconds % 60)]
    days_width = max(_GROUP_WIDTH, _DIGIT_WIDTH * len(str(longest // 86_400)) + _MARGIN)
    centres = [_MARGIN + days_width / 2] + [_MARGIN + days_width + _GROUP_WIDTH * (i + 0.5) for i in range(3)]
    image = Image.new("P", (round(2 * _MARGIN + days_width + 3 * _GROUP_WIDTH), _HEIGHT), 0)
    for centre, text, unit in zip(centres, texts, _UNITS, strict=True):
        _write(image, centre, _DIGIT_BASELINE, text, _DIGIT_SIZE, _FIRST_DIGIT_SHADE, look.transparent)
        _write(image, centre, _LABEL_BASELINE, unit, _LABEL_SIZE, _FIRST_LABEL_SHADE, look.transparent)
    return image


def _write(
    image: Image.Image, centre: float, baseline: int, text: str, size: int, first_shade: int, hard: bool
) -> None:
    """Put the text's shades where it covers the background; ``hard`` edges have none, as a GIF is not half clear."""
    coverage = _coverage(text, size)
    table = [0] + [first_shade + (_SHADES - 1 if hard else value * (_SHADES - 1) // 255) for value in range(1, 256)]
    mask = coverage.point([255 if value >= (128 if hard else 1) else 0 for value in range(256)])
    image.paste(coverage.point(table), (round(centre - coverage.width / 2), baseline - size), mask)


@lru_cache(maxsize=256)
def _coverage(text: str, size: int) -> Image.Image:
    """How much of each pixel the text covers. The 100 two-digit numbers and the labels soon are all that is asked."""
    font = _font(size)
    picture = Image.new("L", (max(1, round(font.getlength(text))), size + size // 4), 0)
    ImageDraw.Draw(picture).text((0, size), text, fill=255, font=font, anchor="ls")
    return picture


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # noqa: S101 - the wheels of Pillow have FreeType
    return font


def _palette(look: Look) -> list[int]:
    background = _colour(look.background, BACKGROUND)
    shades = [background]
    for colour in (_colour(look.digits, DIGITS), _colour(look.labels, LABELS)):
        for step in range(_SHADES):
            share = step / (_SHADES - 1)
            shades.append(
                (
                    round(background[0] + (colour[0] - background[0]) * share),
                    round(background[1] + (colour[1] - background[1]) * share),
                    round(background[2] + (colour[2] - background[2]) * share),
                )
            )
    return [part for shade in shades for part in shade]


def _colour(written: str, default: str) -> Colour:
    """The colour as CSS writes it (#fff, #ffffff, a name); its transparency does not count."""
    try:
        red, green, blue, *_alpha = ImageColor.getrgb(written.strip())
    except ValueError:
        return _colour(default, default)
    return red, green, blue
