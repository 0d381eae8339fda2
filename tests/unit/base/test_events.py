"""Events survive the file, and a half-written line harms nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from xcnet.clock import FakeClock
from xcnet.events import Event, EventWriter, parse_lines


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    clock = FakeClock(monotonic=5.5, wall=7.25)
    writer = EventWriter(tmp_path / "a.jsonl", "edge1.edged", clock)
    written = writer.emit("macsec.secured", "ch1", an=2)
    writer.close()
    with (tmp_path / "a.jsonl").open() as file:
        assert list(parse_lines(iter(file))) == [written]
    assert written == Event(5.5, 7.25, "edge1.edged", "macsec.secured", "ch1", {"an": 2})


def test_two_writers_append_to_one_file_in_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    writers = [EventWriter(path, name) for name in ("one", "two")]
    for number in range(50):
        writers[number % 2].emit("x.y", str(number))
    with path.open() as file:
        assert [event.subject for event in parse_lines(iter(file))] == [str(number) for number in range(50)]


def test_a_half_written_last_line_is_passed_over() -> None:
    whole = Event(1.0, 2.0, "s", "k", "x").to_json()
    assert len(list(parse_lines(iter([whole + "\n", whole[:20]])))) == 1


def test_a_line_that_is_no_event_is_an_error() -> None:
    with pytest.raises(ValueError, match="not an event"):
        Event.from_json('{"monotonic": 1}')
    with pytest.raises(ValueError):
        Event.from_json("nonsense")


def test_a_writer_without_a_file_drops_everything() -> None:
    assert EventWriter(None, "s").emit("k.x", "y").kind == "k.x"
