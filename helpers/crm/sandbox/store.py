"""The sandbox's tables: one SQLite connection per store.

Several processes may share one file: WAL lets them read while one writes, and a writer waits for the lock
instead of failing. Statements touch few rows, so running them on the event loop blocks it for microseconds
(up to BUSY_TIMEOUT_SECONDS when another process holds the write lock).
"""

from __future__ import annotations

import json
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helpers.errors import TransientFailure
from helpers.rules.text import to_text

BUSY_TIMEOUT_SECONDS = 10.0
_SCHEMA = Path(__file__).with_name("schema.sql")


class SandboxStore:
    """SQL of the sandbox. ``path`` is a file or ``:memory:``; values are stored as JSON, so they keep their type."""

    def __init__(self, path: str | Path = ":memory:") -> None:
        self._connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
        )
        weakref.finalize(self, self._connection.close)
        self._lock = threading.RLock()
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA.read_text())

    def close(self) -> None:
        """Close the database; the store is unusable afterwards."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside succeed or none does; holds the write lock from the start. May be nested."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._statement("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _statement(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        """Raises TransientFailure while another process keeps the file locked, as a CRM that does not answer."""
        try:
            return self._connection.execute(sql, parameters)
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            raise TransientFailure("the sandbox is locked by another process") from exc

    def execute(self, sql: str, *parameters: Any) -> int:
        """Run one writing statement and return the number of rows it changed."""
        with self._lock:
            return self._statement(sql, *parameters).rowcount

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._lock:
            return self._statement(sql, *parameters).fetchall()

    def scalar(self, sql: str, *parameters: Any) -> Any:
        """The first column of the first row, or None."""
        with self._lock:
            row = self._statement(sql, *parameters).fetchone()
        return None if row is None else row[0]

    def next_id(self, table: str) -> str:
        """A free decimal id of that table; call it inside the transaction that inserts."""
        # Only the names of the schema come here, and GLOB keeps ids that are no plain numbers out of the maximum.
        sql = f"SELECT max(CAST(id AS INTEGER)) FROM {table} WHERE id NOT GLOB '*[^0-9]*'"  # noqa: S608 - see above
        return str((self.scalar(sql) or 0) + 1)

    # contacts and their values --------------------------------------------------------------------------
    def contact_exists(self, contact_id: str) -> bool:
        """Whether there is such a contact."""
        return self.scalar("SELECT 1 FROM contacts WHERE id = ?", contact_id) is not None

    def values(self, contact_id: str) -> dict[str, Any]:
        """Every stored value of the contact, in the order in which they were first written."""
        sql = "SELECT field_key, value FROM field_values WHERE contact_id = ? ORDER BY rowid"
        found = self.rows(sql, contact_id)
        return {key: json.loads(value) for key, value in found}

    def value(self, contact_id: str, field_key: str) -> Any:
        """One value, None where there is none."""
        sql = "SELECT value FROM field_values WHERE contact_id = ? AND field_key = ?"
        stored = self.scalar(sql, contact_id, field_key)
        return None if stored is None else json.loads(stored)

    def set_value(self, contact_id: str, field_key: str, value: Any) -> None:
        """Store one value; it must be JSON."""
        self.execute(
            "INSERT INTO field_values VALUES (?, ?, ?) "
            "ON CONFLICT (contact_id, field_key) DO UPDATE SET value = excluded.value",
            contact_id, field_key, json.dumps(value, default=to_text),
        )  # fmt: skip

    def delete_contact(self, contact_id: str) -> None:
        """Remove the contact and all that hangs on it."""
        with self.transaction():
            for table in ("field_values", "contact_tags", "opportunities", "events"):
                self.execute(f"DELETE FROM {table} WHERE contact_id = ?", contact_id)  # noqa: S608 - fixed names
            self.execute("DELETE FROM contacts WHERE id = ?", contact_id)

    # definitions ----------------------------------------------------------------------------------------
    def definitions(self, table: str) -> list[dict[str, Any]]:
        """The definitions of ``tags`` or ``custom_fields``, in the order they were made."""
        return [json.loads(row[0]) for row in self.rows(f"SELECT definition FROM {table} ORDER BY seq")]  # noqa: S608 - fixed names

    def define(self, table: str, definition: dict[str, Any], *, replace: bool = False) -> None:
        """Add a definition of ``tags`` or ``custom_fields``; an existing one stays unless ``replace``."""
        action = "UPDATE SET definition = excluded.definition" if replace else "NOTHING"
        sql = f"INSERT INTO {table} (id, definition) VALUES (?, ?) ON CONFLICT (id) DO {action}"  # noqa: S608 - fixed names
        self.execute(sql, definition["id"], json.dumps(definition))

    # events ---------------------------------------------------------------------------------------------
    def record(self, contact_id: str, kind: str, detail: dict[str, Any]) -> int:
        """Note that something was done to the contact and return the number of the entry."""
        sql = "INSERT INTO events (contact_id, kind, detail) VALUES (?, ?, ?)"
        self.execute(sql, contact_id, kind, json.dumps(detail))
        return int(self.scalar("SELECT last_insert_rowid()"))

    def events(self, contact_id: str, kind: str) -> list[dict[str, Any]]:
        """What was done to the contact, oldest first."""
        sql = "SELECT detail FROM events WHERE contact_id = ? AND kind = ? ORDER BY seq"
        return [json.loads(row[0]) for row in self.rows(sql, contact_id, kind)]

    def raw_pages(self, resource: str) -> Sequence[list[dict[str, Any]]]:
        """The seeded export pages of that resource."""
        sql = "SELECT records FROM raw_pages WHERE resource = ? ORDER BY seq"
        return [json.loads(row[0]) for row in self.rows(sql, resource)]
