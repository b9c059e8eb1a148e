"""A worker process whose one helper type is a probe: it writes down when each of its runs starts and ends.

Journal lines (appended, one write each, so that lines of several processes never mix):
``begin <execution> <contact> <pid> <attempt-unique id> <ns>`` and ``end ...``. The config decides what a run does.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
import uuid
from pathlib import Path

from pydantic import Field

from fleet.service import run_service
from helpers import registry
from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.errors import PermanentFailure, TransientFailure

JOURNAL = os.open(os.environ["PROBE_JOURNAL"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


class ProbeConfig(HelperConfig):
    """What a run does: ``seconds`` of work, then the effect."""

    seconds: float = 0.0
    effect: str = Field(default="succeed", pattern="^(succeed|fail|retry|exit|block|nonsense|eat)$")


class Probe(Helper[ProbeConfig]):
    """Writes a line when it begins and one when it ends."""

    type = "copy_it"
    name = "Probe"
    category = "contact"
    description = "Records its runs."
    requires_crm = False
    example = Example(config={})

    async def execute(self, ctx: HelperContext[ProbeConfig]) -> HelperOutput:
        run = uuid.uuid4().hex
        note("begin", ctx, run)
        if ctx.config.effect == "block":
            time.sleep(ctx.config.seconds)  # noqa: ASYNC251 - blocking the loop is what this probe is for
        elif ctx.config.seconds:
            await asyncio.sleep(ctx.config.seconds)
        match ctx.config.effect:
            case "fail":
                raise PermanentFailure("told to fail")
            case "retry":
                raise TransientFailure("told to try again", retry_after=1)
            case "exit":
                sys.exit(3)
            case "eat":
                _written = b"x" * 2**30
            case "nonsense":
                return "nonsense"  # type: ignore[return-value]
        note("end", ctx, run)
        return HelperOutput.ok("done")


def note(event: str, ctx: HelperContext[ProbeConfig], run: str) -> None:
    line = f"{event} {ctx.execution_id} {ctx.contact_id} {os.getpid()} {run} {time.monotonic_ns()}\n"
    os.write(JOURNAL, line.encode())


def main() -> None:
    registry.load.cache_clear()
    registry.load = lambda _helper_type: Probe  # type: ignore[assignment]
    from worker.service import serve
    from worker.settings import WorkerSettings

    assert Path(os.environ["PROBE_JOURNAL"]).exists()
    run_service("worker", WorkerSettings, serve)


if __name__ == "__main__":
    main()
