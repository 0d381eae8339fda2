"""The native engine, in a kernel that can do what it asks for; and what only such a kernel can show of requests."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from xcnet.engine.base import LaunchSpec
from xcnet.engine.client import LabConnection
from xcnet.engine.kernel_features import kernel_shortcomings
from xcnet.engine.leftovers import tagged_processes
from xcnet.engine.native import NativeEngine
from xcnet.engine.native_process import RUNTIME
from xcnet.engine.rundir import RunDir
from xcnet.engine.select import choose_engine
from xcnet.engine.spawn import inside, start_program
from xcnet.errors import EngineError
from xcnet.netlink import netns
from xcnet.waiting import Deadline, wait_until

pytestmark = pytest.mark.lab

ENTRY = "xcnet.engine.demo:application"


@pytest.fixture
def run_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "run"
    yield folder
    NativeEngine().kill(folder)


def start(run_dir: Path, entry: str = ENTRY) -> NativeEngine:
    engine = NativeEngine()
    engine.start(LaunchSpec("native", run_dir, entry), lambda _text: None)
    return engine


def ask(run_dir: Path, *argv: str) -> tuple[int, bytes]:
    async def go() -> tuple[int, bytes]:
        chunks: list[bytes] = []
        async with LabConnection(run_dir) as lab:
            status = await lab.stream(argv, chunks.append)
        return status, b"".join(chunks)

    return asyncio.run(asyncio.wait_for(go(), 60))


def test_this_kernel_lacks_nothing_and_so_the_native_engine_is_chosen() -> None:
    assert kernel_shortcomings() == {}
    assert choose_engine("auto", progress=lambda _text: None).name == "native"


def test_trying_leaves_no_trace() -> None:
    before = sorted(entry.name for entry in Path("/sys/class/net").iterdir()), netns.names()
    kernel_shortcomings()
    assert (sorted(entry.name for entry in Path("/sys/class/net").iterdir()), netns.names()) == before


def test_it_starts_answers_and_ends_leaving_nothing(run_dir: Path) -> None:
    before = sorted(RUNTIME.glob("*"))
    engine = start(run_dir)
    assert engine.alive(run_dir)
    assert engine.kernel(run_dir) == os.uname().release
    assert ask(run_dir, "exec", "sh", "-c", "echo out; exit 4") == (4, b"out\n")
    assert sorted(RUNTIME.glob("*")) != before
    assert engine.stop(run_dir)
    assert not engine.alive(run_dir)
    assert sorted(RUNTIME.glob("*")) == before
    assert tagged_processes(run_dir) == []


def test_after_a_kill_its_children_are_found_and_ended_and_nobody_elses(run_dir: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    start(run_dir)
    start(other)
    try:
        ask(run_dir, "exec", "sh", "-c", "sleep 100 & sleep 101 & true")
        record = RunDir(run_dir).read_record()
        assert record is not None
        os.kill(record.processes[0].pid, signal.SIGKILL)
        assert len(tagged_processes(run_dir)) >= 2
        assert not NativeEngine().stop(run_dir)
        assert tagged_processes(run_dir) == []
        assert ask(other, "exec", "echo", "here") == (0, b"here\n")
    finally:
        NativeEngine().kill(other)


def test_an_entry_that_fails_is_told_and_leaves_nothing(run_dir: Path) -> None:
    with pytest.raises(EngineError, match="No module named"):
        start(run_dir, "no.such:entry")
    assert tagged_processes(run_dir) == []


@pytest.fixture
def namespace() -> Iterator[netns.Netns]:
    made = netns.create("engine-test")
    yield made
    made.close()
    netns.delete("engine-test")


def finished(argv: list[str], **options) -> tuple[int, bytes]:
    child = start_program(argv, env=os.environ, **options)
    output = b""
    try:

        def seen() -> str | None:
            nonlocal output
            try:
                while data := os.read(child.outputs[0], 65536):
                    output += data
            except BlockingIOError:
                return "still writing"
            return None

        wait_until("its output to end", seen, Deadline(10), interval=0.005)
        return child.reap(), output
    finally:
        child.close()


def test_a_program_starts_inside_a_namespace_and_this_process_stays_outside(namespace: netns.Netns) -> None:
    before = Path("/proc/self/ns/net").readlink()
    status, output = finished(["readlink", "/proc/self/ns/net"], netns_fd=namespace.fd)
    assert (status, output.decode().strip()) == (0, f"net:[{namespace.inode}]")
    assert Path("/proc/self/ns/net").readlink() == before


def test_a_failed_start_inside_a_namespace_leaves_this_process_outside(namespace: netns.Netns) -> None:
    before = Path("/proc/self/ns/net").readlink(), Path.cwd()
    with pytest.raises(EngineError):
        start_program(["/etc/passwd"], env={}, netns_fd=namespace.fd, cwd="/usr")
    assert (Path("/proc/self/ns/net").readlink(), Path.cwd()) == before


def test_a_program_can_be_given_real_time_priority() -> None:
    status, output = finished(["chrt", "-p", "0"], realtime=20)
    assert status == 0
    assert "SCHED_RR" in output.decode()
    assert "20" in output.decode()


def test_a_forwarded_connection_is_opened_inside_the_namespace(namespace: netns.Netns) -> None:
    from xcnet.engine.forwarding import connect_tcp
    from xcnet.engine.links import raise_loopback

    async def go() -> bytes:
        with inside(namespace.fd, None):
            raise_loopback()
            server = await asyncio.start_server(
                lambda _reader, writer: (writer.write(b"in"), writer.close()), "127.0.0.1", 7
            )
        with pytest.raises(OSError):
            await connect_tcp("127.0.0.1", 7, None)
        connection = await connect_tcp("127.0.0.1", 7, namespace.fd)
        reader, writer = await asyncio.open_connection(sock=connection)
        answer = await reader.read()
        writer.close()
        server.close()
        return answer

    assert asyncio.run(asyncio.wait_for(go(), 20)) == b"in"


def test_orphans_are_buried() -> None:
    """Whoever is init here, a process that nobody waits for does not stay."""
    ask_shell = "sh -c 'sleep 0.05 & echo $!'"
    status, output = finished(["sh", "-c", ask_shell])
    assert status == 0
    pid = int(output)
    wait_until(
        "the orphan to be buried", lambda: "still there" if Path(f"/proc/{pid}").exists() else None, Deadline(10)
    )


def test_macsecs_cipher_stands_ready_before_anybody_asks_for_it() -> None:
    assert "name         : gcm(aes)" in Path("/proc/crypto").read_text()
