"""The signed countdown-timer link."""

from __future__ import annotations

import time

import jwt
import pytest

from helpers.rules.timer_link import GRACE_SECONDS, TimerClaims, TimerLinkExpired, TimerLinkRefused

KEY = "k" * 32
NOW = int(time.time())
CLAIMS = TimerClaims(contact_id="c1", expires_at=NOW, iat=NOW + 3600, exp=NOW + GRACE_SECONDS)


@pytest.mark.parametrize("key", [KEY, "short"])
def test_what_is_signed_is_verified(key: str) -> None:
    """With keys of any length, and though the clock of the signer is ahead."""
    assert TimerClaims.verified(CLAIMS.sign(key), key) == CLAIMS


def test_further_claims_are_ignored() -> None:
    """A self-hosted signer may add its own."""
    token = jwt.encode({**CLAIMS.model_dump(), "iss": "us"}, KEY, algorithm="HS256")

    assert TimerClaims.verified(token, KEY) == CLAIMS


@pytest.mark.parametrize(
    "token",
    [
        "",
        "no token",
        CLAIMS.sign("o" * 32),
        CLAIMS.sign(KEY)[:-4],
        jwt.encode(CLAIMS.model_dump(), "", algorithm="none"),
        jwt.encode(CLAIMS.model_dump(), "k" * 64, algorithm="HS512"),
        jwt.encode({"expires_at": NOW}, KEY, algorithm="HS256"),
        jwt.encode({"exp": NOW + 60}, KEY, algorithm="HS256"),
        jwt.encode({"exp": NOW + 60, "expires_at": "soon"}, KEY, algorithm="HS256"),
    ],
    ids=["empty", "text", "another key", "cut", "unsigned", "another algorithm", "no exp", "no deadline", "no number"],
)
def test_anything_else_is_refused(token: str) -> None:
    """HS256 with this key only, with a deadline and an end."""
    with pytest.raises(TimerLinkRefused):
        TimerClaims.verified(token, KEY)


def test_no_key_verifies_nothing() -> None:
    """Anybody can sign with an empty key."""
    token = jwt.encode(CLAIMS.model_dump(), "", algorithm="none")

    with pytest.raises(TimerLinkRefused):
        TimerClaims.verified(token, "")


def test_the_end_of_a_link_is_its_own_refusal() -> None:
    """A week after the deadline."""
    token = CLAIMS.model_copy(update={"exp": NOW - 1}).sign(KEY)

    with pytest.raises(TimerLinkExpired):
        TimerClaims.verified(token, KEY)


def test_the_claims_can_be_read_to_find_the_key() -> None:
    """Without a signature they still have to be claims."""
    assert TimerClaims.unverified(CLAIMS.sign("any")).contact_id == "c1"
    with pytest.raises(TimerLinkRefused):
        TimerClaims.unverified("no token")
