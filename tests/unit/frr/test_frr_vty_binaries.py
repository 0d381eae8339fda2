"""The vty client against a socket that plays a daemon; versions and places of programs."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from xcnet.errors import DeadlineError, RoutingError
from xcnet.frr import binaries
from xcnet.frr.lifecycle import DAEMONS, FrrDirs, daemon_specs
from xcnet.frr.vty import Vty, open_when_ready
from xcnet.waiting import Deadline

ANSWERS = {
    b"enable": b"\0\0\0\0",
    b"show version": b"FRRouting 8.4.4\n\0\0\0\0",
    b"broken json": b"{nope\0\0\0\0",
    b"bogus": b"% [BGP] Unknown command: bogus\n\0\0\0\x02",
    b"quit now": b"",
    b"long": b"x" * 100_000 + b"\0\0\0\0",
}


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "bgpd.vty"
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()

    def serve() -> None:
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            with peer:
                buffer = b""
                while chunk := peer.recv(4096):
                    buffer += chunk
                    while b"\0" in buffer:
                        command, buffer = buffer.split(b"\0", 1)
                        answer = ANSWERS.get(command, command.upper() + b"\0\0\0\0")
                        if not answer:
                            peer.close()
                            break
                        # In pieces, so that an answer never comes whole.
                        half = len(answer) // 2
                        peer.sendall(answer[:half])
                        peer.sendall(answer[half:])
                    else:
                        continue
                    break

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield path
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


def test_answers_come_back_in_order_however_they_are_cut(daemon: Path):
    with Vty(daemon) as vty:
        assert vty.run("show version") == "FRRouting 8.4.4\n"
        answers = vty.try_run([f"command {number}" for number in range(500)])
        assert [answer.text for answer in answers] == [f"COMMAND {number}" for number in range(500)]
        assert len(vty.run("long")) == 100_000


def test_a_refusal_names_the_line_and_the_daemons_words(daemon: Path):
    with Vty(daemon) as vty, pytest.raises(RoutingError) as caught:
        vty.run("bogus")
    assert "'bogus'" in caught.value.cause
    assert "Unknown command" in caught.value.cause
    assert caught.value.where == str(daemon)


def test_an_answer_that_is_no_json_is_an_error_of_routing(daemon: Path):
    with Vty(daemon) as vty, pytest.raises(RoutingError, match="no JSON"):
        vty.json("broken json")


def test_a_daemon_that_goes_away_is_an_error_of_routing(daemon: Path):
    with Vty(daemon) as vty, pytest.raises(RoutingError, match="closed the connection"):
        vty.run("quit now")


def test_nobody_listening_is_an_error_and_waiting_for_it_has_a_deadline(tmp_path: Path):
    with pytest.raises(RoutingError, match="does not answer"):
        Vty(tmp_path / "bgpd.vty")
    with pytest.raises(DeadlineError, match="bgpd to answer: not within"):
        open_when_ready(tmp_path / "bgpd.vty", Deadline(0.1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bgpd version 8.4.4\nCopyright", (8, 4, 4)),
        ("bgpd version 10.1-dev", (10, 1, 0)),
        ("bgpd version 9.0.2-1", (9, 0, 2)),
    ],
)
def test_versions_are_read(text: str, expected: tuple[int, int, int]):
    assert binaries.parse_version(text) == expected


def test_what_is_no_version_is_an_error():
    with pytest.raises(RoutingError, match="does not tell its version"):
        binaries.parse_version("segmentation fault")


def test_versions_from_8_4_to_10_are_supported():
    assert [binaries.supported(v) for v in ((8, 3, 1), (8, 4, 0), (9, 1, 0), (10, 4, 0), (11, 0, 0))] == [
        False,
        True,
        True,
        True,
        False,
    ]


@pytest.fixture(params=["8.4.4", "10.3"])
def frr(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """FRR as far as its daemons tell of themselves: the socket of bfdd's control program has gone from FRR 10."""
    option = "      --bfdctl       Specify bfdd control socket\n" if request.param == "8.4.4" else ""
    for name in DAEMONS:
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\ncat <<END\n  -h, --help\n{option if name == 'bfdd' else ''}END\n")
        program.chmod(0o755)
    monkeypatch.setattr(binaries, "FOLDERS", (tmp_path,))
    for cached in (binaries.find_program, binaries.has_option):
        cached.cache_clear()
    yield request.param
    for cached in (binaries.find_program, binaries.has_option):
        cached.cache_clear()


def test_a_daemon_is_given_no_option_that_it_does_not_know(frr: str, tmp_path: Path):
    bfdd = next(spec for spec in daemon_specs(FrrDirs.of(tmp_path / "edge", tmp_path / "logs")) if spec.name == "bfdd")
    assert ("--bfdctl" in bfdd.argv) == (frr == "8.4.4")


@pytest.mark.usefixtures("frr")
def test_daemons_are_started_apart_from_each_other_and_from_the_machines_own(tmp_path: Path):
    dirs = FrrDirs.of(tmp_path / "edge", tmp_path / "logs")
    specs = daemon_specs(dirs)
    assert tuple(spec.name for spec in specs) == DAEMONS
    for spec in specs:
        paths = [word for word in spec.argv[1:] if word.startswith("/")]
        assert paths and all(path.startswith(str(dirs.run)) for path in paths)
        assert spec.argv[spec.argv.index("-P") + 1] == "0"
        assert spec.realtime is (spec.name == "bfdd")
        assert spec.serves == ((dirs.zserv,) if spec.name == "zebra" else ())
        assert spec.ready.name == f"{spec.name}.vty"


def test_a_socket_path_that_is_too_long_is_refused(tmp_path: Path):
    with pytest.raises(RoutingError, match="too long"):
        FrrDirs.of(tmp_path / ("x" * 100), tmp_path).prepare()
