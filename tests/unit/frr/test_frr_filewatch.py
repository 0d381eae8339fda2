"""Files that grow and appear, as the kernel announces them."""

from __future__ import annotations

from pathlib import Path

import pytest

from xcnet.frr.filewatch import FileWatch


def test_what_grew_and_what_is_new_is_told_once(tmp_path: Path) -> None:
    log = tmp_path / "bgpd.log"
    log.write_text("")
    watch = FileWatch()
    watch.growth_of(log)
    watch.new_in(tmp_path)
    assert watch.drain() == set()
    with log.open("a") as file:
        file.write("a line\n")
    (tmp_path / "bgpd.vty").touch()
    assert watch.drain() == {log, tmp_path / "bgpd.vty"}
    assert watch.drain() == set()
    watch.close()


def test_a_file_that_is_moved_into_place_is_new(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    watch = FileWatch()
    watch.new_in(folder)
    (tmp_path / "fresh").write_text("")
    (tmp_path / "fresh").rename(folder / "zserv.api")
    assert watch.drain() == {folder / "zserv.api"}
    watch.close()


def test_what_is_not_there_cannot_be_watched(tmp_path: Path) -> None:
    watch = FileWatch()
    for ask in (watch.growth_of, watch.new_in):
        with pytest.raises(FileNotFoundError):
            ask(tmp_path / "nothing")
    watch.close()
    watch.close()
