from __future__ import annotations

from typing import Any, cast

import pytest

from helpers.contract import Action, HelperContext
from helpers.errors import HelperError, PermanentFailure, TransientFailure
from helpers.rules.effects import Effects, best_effort, soft


class Log:
    """The part of a context that effects use."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, message: str) -> None:
        self.lines.append(message)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def ctx(log: Log) -> HelperContext[Any]:
    return cast("HelperContext[Any]", log)


async def done(tag: str = "77") -> Action:
    return Action.tag_applied("c1", tag)


async def fails(error: HelperError) -> Action:
    raise error


async def test_a_failed_step_is_logged_and_the_others_count(ctx: HelperContext[Any], log: Log) -> None:
    """One failure among successes leaves a log line and no error."""
    effects = Effects(ctx)
    assert not await effects.attempt("apply tag 1", fails(PermanentFailure("no such tag")))
    assert await effects.attempt("apply tag 2", done("2"))

    effects.raise_common_cause()
    effects.raise_if_all_failed()
    assert [action.value for action in effects.actions] == ["2"]
    assert log.lines == ["apply tag 1 failed: no such tag"]
    assert not effects.all_failed


async def test_written_holds_the_written_fields_only(ctx: HelperContext[Any]) -> None:
    """Tag and goal actions are no part of modified_data."""

    async def write() -> Action:
        return Action.field_updated("plan", 5)

    effects = Effects(ctx)
    await effects.attempt("write", write())
    await effects.attempt("tag", done())

    assert effects.written == {"plan": 5}


async def test_nothing_done_and_one_cause_transient_is_raised_as_that_cause(ctx: HelperContext[Any]) -> None:
    """C6, T4: a retry may help, so the run is retried, after the wait that the vendor asked for."""
    effects = Effects(ctx)
    await effects.attempt("a", fails(PermanentFailure("gone")))
    await effects.attempt("b", fails(TransientFailure("busy", retry_after=7)))

    with pytest.raises(TransientFailure) as caught:
        effects.raise_common_cause()
    assert caught.value.retry_after == 7


async def test_nothing_done_for_permanent_causes_is_left_to_the_helper(ctx: HelperContext[Any]) -> None:
    """C6: the helper answers success=false."""
    effects = Effects(ctx)
    await effects.attempt("a", fails(PermanentFailure("gone")))

    effects.raise_common_cause()
    assert effects.all_failed


async def test_a_transient_cause_never_repeats_what_was_done(ctx: HelperContext[Any]) -> None:
    """With one step done the run is a success."""
    effects = Effects(ctx)
    await effects.attempt("a", fails(TransientFailure("busy")))
    await effects.attempt("b", done())

    effects.raise_common_cause()


async def test_all_failed_is_retryable_only_when_all_causes_are(ctx: HelperContext[Any]) -> None:
    """Automation C9: one permanent cause makes the run permanent."""
    mixed, transient = Effects(ctx), Effects(ctx)
    await mixed.attempt("a", fails(TransientFailure("busy")))
    await mixed.attempt("b", fails(PermanentFailure("gone")))
    await transient.attempt("a", fails(TransientFailure("busy", retry_after=3)))
    await transient.attempt("b", fails(TransientFailure("busy", retry_after=9)))

    with pytest.raises(PermanentFailure, match="busy; gone"):
        mixed.raise_if_all_failed()
    with pytest.raises(TransientFailure) as caught:
        transient.raise_if_all_failed()
    assert caught.value.retry_after == 9


async def test_no_step_is_no_failure(ctx: HelperContext[Any]) -> None:
    """Nothing attempted means nothing to report."""
    effects = Effects(ctx)
    effects.raise_if_all_failed()

    assert not effects.all_failed


async def test_transient_failures_can_stop_the_run_at_once(ctx: HelperContext[Any], log: Log) -> None:
    """Data D11: a transient failure propagates, a permanent one is counted."""
    effects = Effects(ctx, transient_stops=True)
    await effects.attempt("a", fails(PermanentFailure("gone")))

    with pytest.raises(TransientFailure):
        await effects.attempt("b", fails(TransientFailure("busy")))
    assert log.lines == ["a failed: gone"]


async def test_soft_steps_log_permanent_failures_only(ctx: HelperContext[Any], log: Log) -> None:
    """C6: a step that can be retried is retried."""
    assert [action.value for action in await soft(ctx, "tag", done())] == ["77"]
    assert await soft(ctx, "tag", fails(PermanentFailure("gone"))) == []
    with pytest.raises(TransientFailure):
        await soft(ctx, "tag", fails(TransientFailure("busy")))
    assert log.lines == ["tag failed: gone"]


async def test_best_effort_steps_never_fail_the_run(ctx: HelperContext[Any], log: Log) -> None:
    """Integration C5: after an external effect nothing may cause a repetition."""
    assert await best_effort(ctx, "tag", fails(TransientFailure("busy"))) == []
    assert len(await best_effort(ctx, "tag", done())) == 1
    assert log.lines == ["tag failed: busy"]


async def test_bugs_are_not_swallowed(ctx: HelperContext[Any]) -> None:
    """Only helper errors are outcomes; anything else is a crash."""

    async def bug() -> Action:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await best_effort(ctx, "tag", bug())


async def test_a_step_may_do_several_things_or_none(ctx: HelperContext[Any]) -> None:
    """A step that had nothing to do is neither done nor failed."""

    async def several() -> list[Action]:
        return [Action.field_updated("a", 1), Action.field_updated("b", 2)]

    async def nothing() -> list[Action]:
        return []

    effects = Effects(ctx)
    assert await effects.attempt_all("nothing", nothing())
    assert not effects.all_failed
    assert await effects.attempt_all("several", several())

    assert effects.written == {"a": 1, "b": 2}
