"""One call of a helper: bounded in time, cancellable, and unable to take the process down with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from botocore.exceptions import BotoCoreError, ClientError
from pydantic_core import PydanticSerializationError

from helpers.contract import HelperOutput
from helpers.errors import HelperCrashed, HelperError, MyFusionError
from worker.groups import Lane
from worker.outcomes import Failed, Interrupted, Outcome, RetryLater, Succeeded, of_error

log = structlog.get_logger(__name__)


class HelperRunsAway(MyFusionError):
    """A helper went on after it was cancelled; only the end of the process stops it."""


async def attempt(
    run: Callable[[], Awaitable[HelperOutput]], lane: Lane, *, timeout_seconds: float, grace_seconds: float
) -> Outcome:
    """Run the helper as a task of its own, so that an interruption cancels it and nothing else.

    Raises HelperRunsAway when a cancelled helper has not ended after ``grace_seconds``.
    """
    if lane.interruption is not None:
        return Interrupted(lane.interruption)
    task = asyncio.create_task(_contained(run), name="helper")
    lane.handler = task
    try:
        done, _ = await asyncio.wait({task}, timeout=timeout_seconds)
        timed_out = not done
        if not done:
            task.cancel()
            done, _ = await asyncio.wait({task}, timeout=grace_seconds)
        if not done:
            raise HelperRunsAway
    finally:
        lane.handler = None
    if task.cancelled():
        # An interruption that comes while a helper that had all its time is being cancelled changes nothing about it.
        if timed_out:
            return RetryLater("HelperTimeout", f"the helper was cancelled after {timeout_seconds:g} s")
        if lane.interruption is not None:
            return Interrupted(lane.interruption)
        return Failed("HelperCrashed", "the helper cancelled itself")
    return task.result()


async def _contained(run: Callable[[], Awaitable[HelperOutput]]) -> Outcome:
    try:
        output = await run()
        try:
            result = output.model_dump(mode="json")
        except (PydanticSerializationError, ValueError, RecursionError) as exc:
            raise HelperCrashed(f"the helper's result is not JSON: {exc}") from exc
    except HelperCrashed as exc:
        if isinstance(exc.__cause__, BotoCoreError | ClientError):
            # A port of ours met an outage of AWS inside the helper: neither its bug nor for good.
            return RetryLater(type(exc.__cause__).__name__, str(exc))
        return of_error(exc)
    except HelperError as exc:
        return of_error(exc)
    except asyncio.CancelledError:
        raise
    except Exception:
        # Not the helper's: what the run needs around it (connection, state, files) failed in an unforeseen way.
        log.exception("attempt_failed")
        return RetryLater("WorkerError", "the worker could not run the helper; see its log")
    except BaseException as exc:  # noqa: BLE001 - a helper's SystemExit must not end the worker
        return Failed("HelperCrashed", f"the helper raised {type(exc).__name__}: {exc}")
    if not output.success:
        return Failed("HelperFailed", output.message, result)
    return Succeeded(result)
