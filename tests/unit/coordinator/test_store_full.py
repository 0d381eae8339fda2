"""A store that takes no more: nothing is half done, and everything is done when it takes again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from xcnet.coordinator.store.database import Database, StoreFullError


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    held = Database(tmp_path / "store.db", ["fill", "small"])
    yield held
    held.close()


def _fill(database: Database) -> None:
    """No further page: SQLite then says what it says on a full disk."""
    (pages,) = database.one("PRAGMA page_count") or (0,)
    database.one(f"PRAGMA max_page_count = {pages}")


def _large() -> str:
    return random.Random(1).randbytes(40_000).hex()


def test_what_finds_no_room_is_undone_as_a_whole_and_may_be_done_again(database: Database) -> None:
    undone: list[str] = []
    told: list[str] = []
    database.after_rollback(lambda: undone.append("undone"))
    _fill(database)

    def put() -> None:
        with database.transaction("fill"):
            database.after_commit(lambda: told.append("committed"))
            database.execute("INSERT INTO meta (name, value) VALUES ('small', 'x')")
            database.execute("INSERT INTO meta (name, value) VALUES ('large', ?)", _large())

    with pytest.raises(StoreFullError) as failure:
        put()
    assert "cannot be written" in failure.value.cause
    assert (undone, told) == (["undone"], [])
    assert database.all("SELECT * FROM meta") == []
    database.one("PRAGMA max_page_count = 1073741823")
    put()
    assert told == ["committed"]
    assert len(database.all("SELECT * FROM meta")) == 2


def test_a_mistake_is_no_lack_of_room(database: Database) -> None:
    import sqlite3

    with pytest.raises(sqlite3.OperationalError), database.transaction("small"):
        database.execute("INSERT INTO nowhere VALUES (1)")
    with database.transaction("small"):
        database.execute("INSERT INTO meta (name, value) VALUES ('a', 'b')")
