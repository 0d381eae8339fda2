"""A user-mode kernel as callers see it: quick, faithful to every byte, many at a time."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from engine_lab import ask

from xcnet.engine.client import LabClient, LabConnection
from xcnet.engine.ssh_client import open_request
from xcnet.waiting import Deadline, wait_until

SCRIPT = """
import sys
from pathlib import Path
from xcnet.engine.client import LabClient
with LabClient(Path(sys.argv[1])) as lab:
    sys.exit(lab.run(["exec", *sys.argv[3:]], terminal=sys.argv[2] == "tty"))
"""


def command(run_dir: Path, *argv: str, terminal: bool = False) -> list[str]:
    return [sys.executable, "-c", SCRIPT, str(run_dir), "tty" if terminal else "no", *argv]


def test_the_guest_is_root_in_a_kernel_of_its_own_with_the_hosts_files(shared_run: Path) -> None:
    script = "id -u; hostname; uname -r; cat " + __file__
    status, out = ask(shared_run, "exec", "sh", "-c", script)
    user, name, release, *text = out.decode().split("\n")
    assert (status, user, name) == (0, "0", "shared")
    assert release != os.uname().release
    assert "\n".join(text) == Path(__file__).read_text()


def test_hundreds_of_connections_find_room_in_the_neighbour_table(shared_run: Path) -> None:
    paths = [f"/proc/sys/net/{family}/neigh/default/gc_thresh3" for family in ("ipv4", "ipv6")]
    _status, out = ask(shared_run, "exec", "cat", *paths)
    assert all(int(entries) >= 65536 for entries in out.split())


def test_a_trivial_command_from_a_new_process_answers_within_a_second(shared_run: Path) -> None:
    seconds = []
    for _ in range(5):
        started = time.monotonic()
        answer = subprocess.run(command(shared_run, "echo", "hi"), capture_output=True, check=True, timeout=30)
        seconds.append(time.monotonic() - started)
        assert answer.stdout == b"hi\n"
    assert sorted(seconds)[2] <= 1.0


def test_bulk_in_both_directions_arrives_unharmed_and_the_line_still_works(shared_run: Path) -> None:
    text = os.urandom(2_000_000)
    assert ask(shared_run, "exec", "cat", stdin=text) == (0, text)
    assert ask(shared_run, "exec", "sha256sum", stdin=text)[1].split()[0].decode() == hashlib.sha256(text).hexdigest()
    status, out = ask(shared_run, "exec", "head", "-c", "20000000", "/dev/zero")
    assert (status, len(out), out.strip(b"\0")) == (0, 20_000_000, b"")
    assert ask(shared_run, "exec", "echo", "still here") == (0, b"still here\n")


def test_a_dozen_sessions_at_a_time_each_get_their_own_answer(shared_run: Path) -> None:
    async def one(number: int) -> bytes:
        chunks: list[bytes] = []
        async with LabConnection(shared_run) as lab:
            await lab.stream(
                ["exec", "sh", "-c", f"read x; sleep 0.5; echo $x {number}"], chunks.append, stdin=b"for\n"
            )
        return b"".join(chunks)

    async def go() -> list[bytes]:
        return await asyncio.wait_for(asyncio.gather(*(one(number) for number in range(12))), 60)

    assert asyncio.run(go()) == [f"for {number}\n".encode() for number in range(12)]


def in_guest(run_dir: Path, marker: str) -> int:
    return int(ask(run_dir, "exec", "sh", "-c", f"grep -lz {marker} /proc/[0-9]*/environ 2>/dev/null | wc -l")[1])


def test_a_command_that_is_killed_takes_its_program_in_the_guest_along(shared_run: Path) -> None:
    marker = f"MARK{os.getpid()}"
    script = f"trap '' HUP TERM; export MARK={marker}; echo up; sleep 100 & wait"
    with subprocess.Popen(command(shared_run, "sh", "-c", script), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        assert in_guest(shared_run, f"={marker}") == 1
        process.kill()
    deadline = time.monotonic() + 10
    while in_guest(shared_run, f"={marker}"):
        assert time.monotonic() < deadline


def test_a_request_that_takes_too_long_ends_and_the_line_still_works(shared_run: Path) -> None:
    with LabClient(shared_run) as client:
        said: list[bytes] = []
        with pytest.raises(TimeoutError):
            client.stream(["exec", "sh", "-c", "echo begun; exec sleep 1000"], said.append, seconds=1.0)
        assert b"".join(said) == b"begun\n"
        assert client.call("echo", "there") == "there"
        # Its program in the guest has gone along.
        wait_until(
            "the program's end",
            lambda: (client.stream(["exec", "pgrep", "-f", "^sleep 1000"], lambda _: None) == 0 and "it runs") or None,
            Deadline(5),
        )


def test_an_interrupted_command_ends_with_130_and_its_last_words(shared_run: Path) -> None:
    script = "trap 'echo bye; exit 5' INT; echo up; while :; do sleep 0.1; done"
    with subprocess.Popen(command(shared_run, "sh", "-c", script), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.send_signal(2)
        assert process.communicate(timeout=10)[0] == b"bye\n"
        assert process.returncode == 130


def test_a_closed_pipe_ends_the_command(shared_run: Path) -> None:
    with subprocess.Popen(command(shared_run, "yes"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.read(100)
        process.stdout.close()
        assert process.wait(10) != 0


def test_a_terminal_of_this_machine_is_one_in_the_guest(shared_run: Path) -> None:
    import pty
    import struct
    import termios
    from fcntl import ioctl

    master, slave = pty.openpty()
    ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 31, 97, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        command(shared_run, "sh", "-c", "stty size; read -r x; echo got $x; exit 9", terminal=True),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**environment, "TERM": "xterm"},
        start_new_session=True,
    )
    before = termios.tcgetattr(slave)
    out = b""
    while b"31 97" not in out:
        out += os.read(master, 1000)
    os.write(master, b"a word\r")
    while b"got a word" not in out:
        out += os.read(master, 1000)
    assert process.wait(10) == 9
    # Whether the terminal was put back cannot be seen before the command has ended.
    assert termios.tcgetattr(slave)[3] & (termios.ECHO | termios.ICANON) == before[3] & (termios.ECHO | termios.ICANON)
    os.close(master)
    os.close(slave)


def test_ports_of_the_guest_are_reached_from_here(shared_run: Path) -> None:
    server = "import socket; s=socket.create_server(('127.0.0.1', 8080)); print('up', flush=True); c=s.accept()[0]; c.sendall(c.recv(9).upper())"

    async def go() -> bytes:
        up = asyncio.Event()
        async with LabConnection(shared_run) as lab:
            await open_request(lab.ssh, ["exec", sys.executable, "-c", server], stdout=lambda _data: up.set())
            await asyncio.wait_for(up.wait(), 20)
            listener = await lab.ssh.forward_local_port("127.0.0.1", 0, "127.0.0.1", 8080)
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.get_port())
            writer.write(b"hello")
            answer = await asyncio.wait_for(reader.read(), 10)
            writer.close()
            return answer

    assert asyncio.run(go()) == b"HELLO"


@pytest.mark.parametrize("folder", ["/run", "/var/tmp", "/dev/shm"])
def test_folders_for_sockets_and_state_are_the_guests_own(shared_run: Path, folder: str) -> None:
    name = f"{folder}/xcnet-test-{os.getpid()}"
    status, _ = ask(
        shared_run, "exec", sys.executable, "-c", f"import socket; socket.socket(socket.AF_UNIX).bind({name!r})"
    )
    assert status == 0
    assert not Path(name).exists()
