"""The signed countdown-timer link: what it carries, how it is signed and read (spec automation countdown_timer).

The helper signs, the API's ``GET /timer`` and self-hosted timer pages verify: HS256 only.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import jwt
import jwt.warnings
from pydantic import ConfigDict, ValidationError

from helpers.errors import MyFusionError
from helpers.record import Record

ALGORITHM = "HS256"
PATH = "/timer"
# A link stays verifiable for a week after its deadline: it then shows zeros.
GRACE_SECONDS = 604_800
BACKGROUND, DIGITS, LABELS = "#000000", "#FFFFFF", "#CCCCCC"


class TimerLinkRefused(MyFusionError):
    """The timer link is not signed by the key, or is no timer link."""


class TimerLinkExpired(TimerLinkRefused):
    """The timer link's deadline passed more than a week ago."""


class TimerClaims(Record):
    """What the link says. Instants are Unix seconds; ``exp`` is the deadline and the grace."""

    model_config = ConfigDict(extra="ignore")

    contact_id: str = ""
    account_id: str = ""
    helper_id: str = ""
    expires_at: int
    bg_color: str = BACKGROUND
    digit_color: str = DIGITS
    label_color: str = LABELS
    transparent_bg: bool = False
    iat: int = 0
    exp: int

    def sign(self, key: str) -> str:
        """The token."""
        with _any_key_length():
            return jwt.encode(self.model_dump(), key, algorithm=ALGORITHM)

    @classmethod
    def verified(cls, token: str, key: str) -> TimerClaims:
        """The claims of a token that this key signed. Raises TimerLinkExpired after ``exp``, else TimerLinkRefused."""
        if not key:
            raise TimerLinkRefused("there is no key to verify the timer link with")
        # iat is not looked at: the clock of the worker that signed may be ahead of ours.
        return cls._decoded(token, key, {"require": ["exp"], "verify_iat": False})

    @classmethod
    def unverified(cls, token: str) -> TimerClaims:
        """The claims as they stand there: good for finding the key, for nothing else. Raises TimerLinkRefused."""
        return cls._decoded(token, "", {"verify_signature": False})

    @classmethod
    def _decoded(cls, token: str, key: str, options: dict[str, object]) -> TimerClaims:
        try:
            with _any_key_length():
                return cls.model_validate(jwt.decode(token, key, algorithms=[ALGORITHM], options=options))  # type: ignore[arg-type] # the options are a total TypedDict in some releases
        except jwt.ExpiredSignatureError as exc:
            raise TimerLinkExpired from exc
        except (jwt.InvalidTokenError, ValidationError) as exc:
            raise TimerLinkRefused from exc


@contextmanager
def _any_key_length() -> Iterator[None]:
    """Self-hosted timer pages verify with the key they have, however short."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jwt.warnings.InsecureKeyLengthWarning)
        yield
