"""Steps that happen once for an execution: integration spec C5."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from helpers.errors import PermanentFailure, TransientFailure
from helpers.rules.steps import idempotency_headers, once
from helpers.testing.ports import FakeClock, RunState


class Effect:
    """Counts how often it happened; fails as often as it is told to."""

    def __init__(self, *failures: BaseException) -> None:
        self.failures = list(failures)
        self.happened = 0

    async def __call__(self) -> dict[str, Any]:
        self.happened += 1
        if self.failures:
            raise self.failures.pop(0)
        return {"n": self.happened}


def delivery(state: RunState, execution_id: str = "exec:1", account_id: str = "acc") -> Any:
    """What a step sees of one delivery."""
    state.clock = FakeClock()
    return SimpleNamespace(state=state, execution_id=execution_id, account_id=account_id, log=lambda _line: None)


@pytest.mark.parametrize("repeatable", [True, False])
async def test_a_later_delivery_gets_the_recorded_result(repeatable: bool) -> None:
    """Another execution, account or step has a record of its own."""
    state, effect = RunState(), Effect()

    assert await once(delivery(state), "call", effect, repeatable=repeatable) == {"n": 1}
    assert await once(delivery(state), "call", effect, repeatable=repeatable) == {"n": 1}
    assert await once(delivery(state, "exec:2"), "call", effect, repeatable=repeatable) == {"n": 2}
    assert await once(delivery(state, account_id="b"), "call", effect, repeatable=repeatable) == {"n": 3}
    assert await once(delivery(state), "other", effect, repeatable=repeatable) == {"n": 4}


@pytest.mark.parametrize("repeatable", [True, False])
async def test_a_step_that_failed_is_made_again(repeatable: bool) -> None:
    """It left no record."""
    state, effect = RunState(), Effect(TransientFailure("busy"))

    with pytest.raises(TransientFailure):
        await once(delivery(state), "call", effect, repeatable=repeatable)

    assert await once(delivery(state), "call", effect, repeatable=repeatable) == {"n": 2}


async def test_an_unrepeatable_step_that_was_cut_short_is_never_made_again() -> None:
    """The worker died in mid-call: nobody knows whether it happened."""
    state, effect = RunState(), Effect(KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt):
        await once(delivery(state), "order", effect, repeatable=False)
    with pytest.raises(PermanentFailure, match="unknown outcome"):
        await once(delivery(state), "order", effect, repeatable=False)

    assert effect.happened == 1


def test_idempotency_headers() -> None:
    """Stable for the execution; one key for each of several calls."""
    ctx = delivery(RunState())

    assert idempotency_headers(ctx) == {"Idempotency-Key": "exec:1", "X-Execution-Id": "exec:1"}
    assert idempotency_headers(ctx, 3) == {"Idempotency-Key": "exec:1:3", "X-Execution-Id": "exec:1"}
