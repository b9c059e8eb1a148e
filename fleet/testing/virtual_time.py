"""An asyncio loop on virtual time: waiting costs nothing and happens in an exact order.

    result = virtual_time.run(scenario())        # hours of back-off in milliseconds

Code under test keeps its ordinary ``asyncio.sleep`` and timeouts. When every task waits, the clock jumps to the
next timer; when there is no timer either, the run is a deadlock and says so.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

# Virtual instant 0. Loop time starts at zero, not at an epoch, so that adding delays keeps its precision.
EPOCH = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)


class Deadlock(RuntimeError):
    """Every task waits for something that no timer and no other task will bring."""


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting for ``timeout`` seconds it moves the loop's clock by as much."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if events or timeout == 0:
            return events
        if timeout is None:
            raise Deadlock((Deadlock.__doc__ or "").strip())
        self.now += timeout
        return events


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Its ``time()`` is the virtual clock. No sockets, no threads: nothing outside the loop takes part."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._jumping.now


class LoopClock:
    """`helpers.ports.Clock` and the services' clock on the running loop: virtual in a virtual loop."""

    def now(self) -> datetime:
        """The instant that loop time stands for, UTC."""
        return EPOCH + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Loop time."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Wait on the loop."""
        await asyncio.sleep(seconds)


def run(scenario: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a fresh virtual loop; what it left running is cancelled."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(scenario)
