"""Tables on wide, narrow and very narrow terminals: whole columns or none, and never a silent loss."""

import io

import pytest
from rich.console import Console

from xcnet.cli.tables import Column, NarrowingTable


def _table() -> NarrowingTable:
    table = NarrowingTable(
        "Channels",
        [Column("channel"), Column("facility", spare=2), Column("cipher", spare=1), Column("dropped", number=True)],
    )
    table.add_row("ch1", "fac-a", "GCM-AES-256", "0")
    return table


def _shown(width: int) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=width, soft_wrap=True).print(_table())
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_everything_is_shown_where_there_is_room() -> None:
    assert _shown(60) == [
        "Channels",
        "channel  facility  cipher       dropped",
        "ch1      fac-a     GCM-AES-256        0",
    ]


def test_the_gaps_go_before_any_column() -> None:
    assert _shown(36)[1:] == ["channel facility cipher      dropped", "ch1     fac-a    GCM-AES-256       0"]


def test_the_least_needed_column_goes_first_and_is_named() -> None:
    assert _shown(35)[1:] == [
        "channel cipher      dropped",
        "ch1     GCM-AES-256       0",
        "no room for facility: widen the terminal, or --json",
    ]


def test_columns_that_must_stay_do() -> None:
    lines = _shown(15)
    assert lines[1] == "channel dropped"
    assert "no room for facility, cipher" in lines[3]


@pytest.mark.parametrize("width", range(15, 60))
def test_no_word_is_ever_cut(width: int) -> None:
    shown = " ".join(_shown(width)[1:3]).split()
    assert set(shown) <= {"channel", "facility", "cipher", "dropped", "ch1", "fac-a", "GCM-AES-256", "0"}


def test_a_row_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="a row of 1 cells in a table of 4 columns"):
        _table().add_row("ch1")
