"""Two processes renew one connection, and both are killed now and then."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import sys
from collections import Counter
from pathlib import Path

from tests.helpers.crm.renewal_process import SCHEMA

ROUNDS = 200


async def keep_running(path: Path, worker: int) -> int:
    """Start the process anew whenever it was killed; the number of times it was."""
    for deaths in itertools.count():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.helpers.crm.renewal_process", str(path), str(worker),
            str(worker * 1000 + deaths), str(ROUNDS), cwd=Path(__file__).parents[3],
        )  # fmt: skip
        code = await process.wait()
        if code == 0:
            return deaths
        assert code == 9, f"worker {worker} ended with {code}"
    raise AssertionError


async def test_two_processes_with_crashes_never_lose_the_newest_refresh_token(tmp_path: Path) -> None:
    """200 rounds, kills before the lease and with the lease in hand, failing writes, cancelled callers.

    A kill between the vendor's answer and the write is left out: those tokens existed in the dead process alone.
    """
    path = tmp_path / "shared.db"
    with sqlite3.connect(path) as db:
        db.executescript("PRAGMA journal_mode = WAL;" + SCHEMA)

    deaths = await asyncio.gather(*(keep_running(path, worker) for worker in (1, 2)))

    (refresh,) = db.execute("SELECT refresh FROM row").fetchone()
    live, issued = db.execute("SELECT live, issued FROM vendor").fetchone()
    outcomes = Counter(row[0] for row in db.execute("SELECT outcome FROM rounds"))
    db.close()
    assert refresh == live
    assert issued >= ROUNDS / 4
    assert sum(outcomes.values()) >= ROUNDS
    assert sum(deaths) > 0
