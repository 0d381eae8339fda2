"""SQLite with named transactions. Each name is a commit point: the process may end right before or right after it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from xcnet.coordinator.store.schema import MIGRATIONS
from xcnet.errors import LabError

Row = Mapping[str, Any]

BEFORE, AFTER = "before", "after"

CrashHook = Callable[[str, str], None]
"""Told of each commit point with :data:`BEFORE` or :data:`AFTER`. Tests end the process there."""


class StoreFullError(LabError):
    """Nothing was committed, as the store's file system takes no more; the same may be tried again."""


def _unwritable(error: sqlite3.OperationalError) -> bool:
    # The lower eight bits are the kind of the error, those above say more of it.
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


class Database:
    """One coordinator's store. Used by one thread.

    :param path: the file, on a file system that can map memory; None for one in memory.
    :param points: the commit points there are; a transaction of another name is a defect.
    :raises LabError: the file was written by a newer version, or cannot be opened.
    """

    def __init__(self, path: Path | None, points: Collection[str], crash: CrashHook | None = None) -> None:
        self._points = frozenset(points)
        self._crash = crash
        self._name: str | None = None
        self._after: list[Callable[[], None]] = []
        self._undone: list[Callable[[], None]] = []
        try:
            self._connection = sqlite3.connect(str(path or ":memory:"), isolation_level=None)
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA foreign_keys = ON")
            if path is not None:
                self._connection.execute("PRAGMA journal_mode = WAL")
                # A kill -9 loses nothing that was committed; only a machine that loses its power would.
                self._connection.execute("PRAGMA synchronous = NORMAL")
            self._migrate()
        except sqlite3.Error as error:
            raise LabError(
                f"the coordinator's store cannot be opened: {error}",
                where=str(path or "memory"),
                remedy="see whether its folder is writable and has room",
            ) from None

    def close(self) -> None:
        self._connection.close()

    def _migrate(self) -> None:
        (held,) = self._connection.execute("PRAGMA user_version").fetchone()
        if held > len(MIGRATIONS):
            raise LabError(
                f"the store has schema {held}, this version knows {len(MIGRATIONS)}",
                remedy="use the version of xcnet that wrote it, or bring the lab down and up again",
            )
        for number in range(held, len(MIGRATIONS)):
            script = f"BEGIN IMMEDIATE; {MIGRATIONS[number]} PRAGMA user_version = {number + 1}; COMMIT;"
            self._connection.executescript(script)

    @contextlib.contextmanager
    def transaction(self, name: str) -> Iterator[None]:
        """All or nothing. Inside another one it is part of that.

        :param name: the commit point's. :raises StoreFullError: nothing, as there is no room for it.
        """
        if self._name is not None:
            yield
            return
        if name not in self._points:
            raise AssertionError(f"{name} is not in the list of commit points")
        self._name = name
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            if self._crash is not None:
                self._crash(name, BEFORE)
            self._connection.execute("COMMIT")
        except BaseException as error:
            self._after.clear()
            # SQLite itself undoes some of what it cannot write.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            for forget in self._undone:
                forget()
            if isinstance(error, sqlite3.OperationalError) and _unwritable(error):
                raise StoreFullError(
                    f"the store cannot be written: {error}",
                    where=f"transaction {name}",
                    remedy="make room on its file system: what could not be committed is tried again then",
                ) from error
            raise
        finally:
            self._name = None
        if self._crash is not None:
            self._crash(name, AFTER)
        told, self._after = self._after, []
        for tell in told:
            tell()

    def after_commit(self, tell: Callable[[], None]) -> None:
        """Call it once what is being done now is certain; at once outside a transaction, never if it comes to nothing."""
        if self._name is None:
            tell()
        else:
            self._after.append(tell)

    def after_rollback(self, forget: Callable[[], None]) -> None:
        """Call it each time that a transaction came to nothing."""
        self._undone.append(forget)

    # -- statements

    def execute(self, statement: str, *values: Any) -> int:
        """Run a statement that changes something. Returns the number of rows it touched."""
        return self._connection.execute(statement, values).rowcount

    def insert(self, table: str, **values: Any) -> int:
        """Add a row. Returns its row number. :raises sqlite3.IntegrityError: it breaks a rule of the table."""
        columns = ", ".join(values)
        marks = ", ".join("?" * len(values))
        cursor = self._connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(values.values()))
        return cursor.lastrowid or 0

    def all(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        return self._connection.execute(statement, values).fetchall()

    def one(self, statement: str, *values: Any) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._connection.execute(statement, values).fetchone()
        return row

    def value(self, statement: str, *values: Any) -> Any:
        """The first column of the first row; None where there is none."""
        row = self.one(statement, *values)
        return row[0] if row is not None else None

    @property
    def changes(self) -> int:
        """Rows changed since the store was opened: equal before and after what changed nothing."""
        return self._connection.total_changes


__all__ = ["AFTER", "BEFORE", "CrashHook", "Database", "Row", "StoreFullError"]
