"""What is kept of a router's daemons: their answers as JSON, no password, and a word about those that do not answer."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from xcnet.frr.lifecycle import FrrDirs
from xcnet.frr.snapshot import redacted, take
from xcnet.secret import Secret

TWO_VRFS = """{
}
{
  "10.0.0.0/8":[{"prefix":"10.0.0.0/8","vrfName":"red"}]
}
{
  "10.0.0.0/8":[{"prefix":"10.0.0.0/8","vrfName":"blue"}]
}
"""
CONFIGURATION = """Building configuration...

Current configuration:
!
frr version 8.4.4
!
!
router bgp 64512 vrf red
 neighbor 169.254.0.1 password hunter2hunter2
 neighbor 169.254.0.1 timers 3 9
exit
!
end
"""

Play = Callable[[str, dict[str, str]], None]


@pytest.fixture
def dirs(tmp_path: Path) -> FrrDirs:
    return FrrDirs(tmp_path, tmp_path)


@pytest.fixture
def play(dirs: FrrDirs) -> Iterator[Play]:
    """Have a daemon answer commands with texts, others with nothing."""
    servers: list[socket.socket] = []

    def begin(daemon: str, answers: dict[str, str]) -> None:
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(dirs.socket(daemon)))
        server.listen()
        servers.append(server)

        def serve() -> None:
            peer, _ = server.accept()
            with peer:
                rest = b""
                while chunk := peer.recv(4096):
                    *commands, rest = (rest + chunk).split(b"\0")
                    for command in commands:
                        peer.sendall(answers.get(command.decode(), "").encode() + b"\0\0\0\0")

        threading.Thread(target=serve, daemon=True).start()

    yield begin
    for server in servers:
        server.close()


def test_tables_are_json_and_those_of_several_vrfs_have_their_names(dirs: FrrDirs, play: Play) -> None:
    play("zebra", {"show ip route vrf all json": TWO_VRFS, "show ipv6 route vrf all json": '{"red": {}}'})
    play("bfdd", {"show bfd peers json": "[]"})
    play("bgpd", {"show bgp vrf all summary json": "% no BGP here"})
    found = take(dirs)
    assert found.problems == ()
    assert found.tables == {
        "show ip route vrf all json": {
            "red": {"10.0.0.0/8": [{"prefix": "10.0.0.0/8", "vrfName": "red"}]},
            "blue": {"10.0.0.0/8": [{"prefix": "10.0.0.0/8", "vrfName": "blue"}]},
        },
        "show ipv6 route vrf all json": {"red": {}},
        "show bfd peers json": [],
        "show bgp vrf all summary json": "% no BGP here",
    }
    assert json.loads(found.to_json())["tables"] == found.tables


def test_a_configuration_is_kept_without_passwords_and_empty_lines(dirs: FrrDirs, play: Play) -> None:
    for daemon in ("zebra", "bfdd"):
        play(daemon, {})
    play("bgpd", {"show running-config": CONFIGURATION})
    assert take(dirs).configuration.partition("! bgpd\n")[2] == (
        "frr version 8.4.4\nrouter bgp 64512 vrf red\n neighbor 169.254.0.1 password <secret>\n"
        " neighbor 169.254.0.1 timers 3 9\nexit\nend\n"
    )


def test_a_daemon_that_is_not_there_is_said_and_the_others_are_kept(dirs: FrrDirs, play: Play) -> None:
    play("zebra", {"show ip route vrf all json": "{}"})
    play("bgpd", {})
    found = take(dirs)
    assert found.problems == ("bfdd does not answer: No such file or directory",)
    assert "show ip route vrf all json" in found.tables and "show bfd peers json" not in found.tables


def test_a_daemon_that_stands_still_is_not_waited_for_long(dirs: FrrDirs) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(dirs.socket("zebra")))
        silent.listen()
        found = take(dirs, patience=0.1)
    assert found.problems[0].startswith("zebra stopped answering")
    assert len(found.problems) == 3


@pytest.mark.parametrize(
    ("line", "left"),
    [
        (" neighbor 1.2.3.4 password s3cr3t", " neighbor 1.2.3.4 password <secret>"),
        (" neighbor 1.2.3.4 password 8 s3cr3t", " neighbor 1.2.3.4 password <secret>"),
        ("enable password s3cr3t", "enable password <secret>"),
        ("password  s3cr3t  ", "password  <secret>"),
        (" description the s3cr3t word", " description the <secret> word"),
        (" neighbor 1.2.3.4 passive", " neighbor 1.2.3.4 passive"),
    ],
)
def test_passwords_and_known_secrets_are_taken_out(line: str, left: str) -> None:
    assert redacted(f"a\n{line}\nb", [Secret.from_text("s3cr3t").reveal_text()]) == f"a\n{left}\nb"
