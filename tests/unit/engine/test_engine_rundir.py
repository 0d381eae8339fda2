"""The files of a run: private, whole or absent, and reachable however deep they lie."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from xcnet.engine.keys import make_keys, read_keys
from xcnet.engine.processes import ProcessMark
from xcnet.engine.rundir import RunDir, RunRecord, tail
from xcnet.errors import EngineError


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    run = RunDir(tmp_path / "state" / "labs" / "one")
    run.make()
    return run


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folder_and_the_keys_are_their_owners_alone(run: RunDir) -> None:
    make_keys(run)
    assert mode(run.path) == 0o700
    assert mode(run.host_key) == mode(run.client_key) == 0o600
    host, client = read_keys(run)
    assert host.get_algorithm() == client.get_algorithm() == "ssh-ed25519"
    assert host != client


def test_a_folder_that_was_open_to_others_is_closed_to_them(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    RunDir(tmp_path).make()
    assert mode(tmp_path) == 0o700


def test_each_run_has_keys_of_its_own(run: RunDir) -> None:
    make_keys(run)
    first = run.client_key.read_text()
    make_keys(run)
    assert run.client_key.read_text() != first


def test_a_record_comes_back_as_it_was_written(run: RunDir) -> None:
    record = RunRecord("uml", "7.2.7", (ProcessMark(12, 345),), {"binary": "/x"})
    run.write_record(record)
    assert run.read_record() == record
    assert mode(run.record_file) == 0o600


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"engine": "uml"}', '{"engine":1,"kernel":2,"processes":[{"pid":1}]}']
)
def test_a_damaged_record_reads_as_none_and_the_run_as_gone(run: RunDir, text: str) -> None:
    run.record_file.write_text(text)
    assert run.read_record() is None
    assert not run.alive


def test_a_socket_works_where_the_path_is_longer_than_an_address_may_be(tmp_path: Path) -> None:
    run = RunDir(tmp_path / ("d" * 100) / ("e" * 100))
    run.make()
    with run.listen() as listener, run.connect() as client:
        server, _ = listener.accept()
        with server:
            client.sendall(b"word")
            assert server.recv(16) == b"word"


def test_a_socket_that_a_dead_run_left_is_replaced(run: RunDir) -> None:
    run.listen().close()
    with pytest.raises(ConnectionRefusedError):
        run.connect()
    with run.listen(), run.connect():
        pass


def test_connecting_to_what_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no such run"):
        RunDir(tmp_path / "none").connect()


def test_the_tail_of_a_log_leaves_out_empty_lines_and_survives_odd_bytes(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"one\n\n\xff two\n   \nthree\n")
    assert tail(log, 2) == "\ufffd two\nthree"
    assert tail(tmp_path / "none") == ""
