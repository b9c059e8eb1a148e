"""Delays between attempts."""

from __future__ import annotations

from worker.backoff import LONGEST_DELAY_SECONDS, full_jitter, retry_delay


def top(_low: float, high: float) -> float:
    return high


def bottom(low: float, _high: float) -> float:
    return low


def test_the_upper_bound_doubles_up_to_the_cap() -> None:
    """2, 4, 8, ... and never more than the cap, however many attempts."""
    assert [full_jitter(attempt, 2, 30, uniform=top) for attempt in (1, 2, 3, 4, 5, 5000)] == [2, 4, 8, 16, 30, 30]


def test_full_jitter_goes_down_to_zero() -> None:
    """The whole interval is used, so that failed groups spread out."""
    assert full_jitter(5, 2, 30, uniform=bottom) == 0


def test_a_delay_is_whole_seconds_and_never_zero() -> None:
    """SQS counts visibility in seconds, and 0 would be at once."""
    assert retry_delay(1, 2, 30, None, uniform=bottom) == 1
    assert retry_delay(1, 0.5, 30, None, uniform=lambda _low, _high: 1.2) == 2


def test_retry_after_is_never_undercut() -> None:
    """Not even by the cap, which is ours."""
    assert retry_delay(1, 2, 30, 12.2, uniform=bottom) == 13
    assert retry_delay(1, 2, 30, 3600, uniform=top) == 3600


def test_a_retry_after_of_any_size_is_a_delay() -> None:
    """A service may write 400 digits, which read as infinity."""
    assert retry_delay(1, 2, 30, float("9" * 400), uniform=bottom) == LONGEST_DELAY_SECONDS
