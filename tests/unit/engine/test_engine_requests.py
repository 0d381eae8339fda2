"""A warm process and its callers, over a Unix socket in one event loop: programs, terminals, signals, errors, hang-ups."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from xcnet.engine.client import LabConnection
from xcnet.engine.engine_requests import request_hello, request_start
from xcnet.engine.keys import make_keys
from xcnet.engine.launch import Launch
from xcnet.engine.rundir import RunDir
from xcnet.engine.spawn import Terminal
from xcnet.engine.ssh_client import open_request
from xcnet.engine.warm import WarmProcess
from xcnet.errors import EngineError, InputError, KernelError
from xcnet.waiting import Deadline, wait_until_async

Body = Callable[[LabConnection], Awaitable[None]]


@asynccontextmanager
async def warm(tmp_path: Path, entry: str = "requests_application:application") -> AsyncIterator[RunDir]:
    run = RunDir(tmp_path / "run")
    run.make()
    make_keys(run)
    launch = Launch("unit", "native", str(run.path), entry, [])
    process = WarmProcess(launch, tmp_path / "runtime")
    serving = asyncio.create_task(process.run(connection=None, listener=run.listen()))
    try:
        yield run
    finally:
        process.terminate()
        await asyncio.wait_for(serving, 10)


@pytest.fixture
def talk(tmp_path: Path) -> Callable[[Body], None]:
    """Run a coroutine with a connection to a started application."""

    def run_it(body: Body) -> None:
        async def go() -> None:
            async with warm(tmp_path) as run, LabConnection(run.path) as lab:
                await request_start(lab.ssh, lambda _text: None)
                await asyncio.wait_for(body(lab), 30)

        asyncio.run(go())

    return run_it


async def until(name: str, true: Callable[[], bool]) -> None:
    async def seen() -> str | None:
        return None if true() else "not yet"

    await wait_until_async(name, seen, Deadline(10), interval=0.01)


async def output(lab: LabConnection, *argv: str, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
    out: list[bytes] = []
    err: list[bytes] = []
    status = await lab.stream(argv, out.append, stdin=stdin, stderr=err.append)
    return status, b"".join(out), b"".join(err)


def test_a_programs_output_and_error_output_arrive_apart(talk) -> None:
    async def body(lab: LabConnection) -> None:
        assert await output(lab, "exec", "sh", "-c", "echo out; echo err >&2") == (0, b"out\n", b"err\n")

    talk(body)


@pytest.mark.parametrize(
    ("script", "status"), [("exit 0", 0), ("exit 3", 3), ("exit 255", 255), ("kill -9 $$", 137), ("kill $$", 143)]
)
def test_exit_statuses_and_signals_come_back_as_a_shell_gives_them(talk, script: str, status: int) -> None:
    async def body(lab: LabConnection) -> None:
        assert (await output(lab, "exec", "sh", "-c", script))[0] == status

    talk(body)


def test_arguments_arrive_byte_for_byte(talk) -> None:
    words = ["a b", "", "'quoted' \"twice\"", "$HOME *", "ünï", "new\nline", "-x"]

    async def body(lab: LabConnection) -> None:
        _, out, _ = await output(lab, "exec", "printf", r"%s\0", *words)
        assert out.decode().split("\0")[:-1] == words

    talk(body)


def test_input_of_any_size_goes_through_to_its_end(talk) -> None:
    text = os.urandom(3_000_000)

    async def body(lab: LabConnection) -> None:
        assert await output(lab, "exec", "cat", stdin=text) == (0, text, b"")

    talk(body)


def test_a_program_that_does_not_read_its_input_is_no_trouble(talk) -> None:
    async def body(lab: LabConnection) -> None:
        assert (await output(lab, "exec", "true", stdin=bytes(3_000_000)))[0] == 0

    talk(body)


def test_what_a_program_leaves_running_does_not_hold_the_request(talk) -> None:
    async def body(lab: LabConnection) -> None:
        status, out, _ = await asyncio.wait_for(output(lab, "exec", "sh", "-c", "sleep 5 & echo up"), 3)
        assert (status, out) == (0, b"up\n")

    talk(body)


def test_a_call_answers_with_its_value(talk) -> None:
    async def body(lab: LabConnection) -> None:
        assert await lab.call("echo", {"list": [1, None, "ü"]}) == {"list": [1, None, "ü"]}

    talk(body)


def test_errors_arrive_as_the_class_that_was_raised(talk) -> None:
    async def body(lab: LabConnection) -> None:
        with pytest.raises(InputError, match="knows no request") as caught:
            await output(lab, "nonsense")
        assert caught.value.remedy
        with pytest.raises(KernelError, match="from the child"):
            await output(lab, "fork", "raise")
        with pytest.raises(EngineError, match="no program 'no-such-program'"):
            await output(lab, "exec", "no-such-program")
        with pytest.raises(EngineError, match="cannot be started"):
            await output(lab, "exec", "/etc/passwd")

    talk(body)


def test_a_defect_in_a_request_is_told_and_ends_only_that_request(talk) -> None:
    async def body(lab: LabConnection) -> None:
        with pytest.raises(EngineError, match="ZeroDivisionError"):
            await output(lab, "defect")
        assert await lab.call("echo", 1) == 1

    talk(body)


def test_a_forked_function_has_the_warm_modules_and_none_of_the_descriptors(talk) -> None:
    async def body(lab: LabConnection) -> None:
        status, out, err = await output(lab, "fork", "look", stdin=b"question")
        seen = json.loads(out)
        assert (status, err) == (7, b"to stderr\n")
        assert seen == {"stdin": "question", "warm": True, "descriptors": [0, 1, 2], "loop": False}

    talk(body)


def test_a_terminal_is_one_with_the_callers_kind_and_size_and_its_changes(talk) -> None:
    script = "tty >&2; echo $TERM; stty size; read line; echo got $line; stty size"

    async def body(lab: LabConnection) -> None:
        out: list[bytes] = []
        request = await open_request(
            lab.ssh, ["exec", "sh", "-c", script], stdout=out.append, terminal=Terminal("xterm", 91, 33)
        )
        await until("the size", lambda: b"33 91" in b"".join(out))
        request.channel.change_terminal_size(100, 40)
        await request.send(b"word\r")
        assert await request.result() == 0
        text = b"".join(out).decode()
        assert text.startswith("/dev/pts/")
        assert "xterm\r\n33 91\r\n" in text
        assert "got word\r\n40 100\r\n" in text

    talk(body)


def test_the_interrupt_key_and_the_end_of_input_work_in_a_terminal(talk) -> None:
    async def body(lab: LabConnection) -> None:
        kind = Terminal("xterm", 80, 24)
        out: list[bytes] = []
        request = await open_request(
            lab.ssh, ["exec", "sh", "-c", "echo up; sleep 60"], stdout=out.append, terminal=kind
        )
        await until("the first word", lambda: bool(out))
        await request.send(b"\x03")
        assert await request.result() == 130
        request = await open_request(lab.ssh, ["exec", "cat"], terminal=kind)
        request.end_input()
        assert await request.result() == 0

    talk(body)


@pytest.mark.parametrize(("name", "status"), [("INT", 130), ("TERM", 143), ("KILL", 137)])
def test_signals_reach_the_program_and_what_it_started(talk, name: str, status: int) -> None:
    async def body(lab: LabConnection) -> None:
        out: list[bytes] = []
        request = await open_request(lab.ssh, ["exec", "sh", "-c", "echo up; sleep 60"], stdout=out.append)
        await until("the first word", lambda: bool(out))
        request.channel.send_signal(name)
        assert await asyncio.wait_for(request.result(), 5) == status

    talk(body)


def running(marker: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if marker.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


@pytest.mark.parametrize("stubborn", [False, True], ids=["willing", "ignoring signals"])
@pytest.mark.parametrize("terminal", [None, Terminal("xterm", 80, 24)], ids=["pipes", "terminal"])
def test_a_caller_that_goes_away_takes_its_program_along(tmp_path: Path, stubborn: bool, terminal) -> None:
    marker = f"61.{os.getpid()}{int(stubborn)}{int(terminal is not None)}"
    trap = "trap '' HUP TERM INT; " if stubborn else ""

    async def go() -> None:
        async with warm(tmp_path) as run:
            async with LabConnection(run.path) as lab:
                await request_start(lab.ssh, lambda _text: None)
                out: list[bytes] = []
                await open_request(
                    lab.ssh,
                    ["exec", "sh", "-c", f"{trap}echo up; sleep {marker}"],
                    stdout=out.append,
                    terminal=terminal,
                )
                await until("the first word", lambda: bool(out))
                lab.ssh.abort()
            await until("its end", lambda: not running(f"sleep\0{marker}"))

    asyncio.run(go())


def test_many_sessions_run_at_a_time(tmp_path: Path) -> None:
    async def one(run: RunDir, number: int) -> bytes:
        async with LabConnection(run.path) as lab:
            return (await output(lab, "exec", "sh", "-c", f"sleep 0.3; echo {number}"))[1]

    async def go() -> None:
        async with warm(tmp_path) as run:
            async with LabConnection(run.path) as lab:
                await request_start(lab.ssh, lambda _text: None)
            answers = await asyncio.wait_for(asyncio.gather(*(one(run, number) for number in range(16))), 20)
            assert answers == [f"{number}\n".encode() for number in range(16)]

    asyncio.run(go())


def test_a_slow_reader_holds_the_writer_back_instead_of_filling_memory(talk) -> None:
    async def body(lab: LabConnection) -> None:
        request = await open_request(lab.ssh, ["flood"])
        request.channel.pause_reading()
        await asyncio.sleep(0.5)
        written = await lab.call("flooded")
        assert 0 < written < 16_000_000
        request.channel.abort()

    talk(body)


def test_nothing_is_served_before_the_start_and_the_start_tells_its_progress(tmp_path: Path) -> None:
    async def go() -> None:
        async with warm(tmp_path) as run, LabConnection(run.path) as lab:
            assert (await request_hello(lab.ssh))["kernel"] == os.uname().release
            with pytest.raises(EngineError, match="not ready"):
                await lab.call("echo", 1)
            words: list[str] = []
            await request_start(lab.ssh, words.append)
            assert words[-1] == "ready in unit"
            await request_start(lab.ssh, words.append)
            assert words.count("ready in unit") == 1

    asyncio.run(go())


@pytest.mark.parametrize(
    ("entry", "said"),
    [("requests_application:broken", "the start failed"), ("requests_application:wrong", "did not return")],
)
def test_an_application_that_does_not_start_says_why(tmp_path: Path, entry: str, said: str) -> None:
    async def go() -> None:
        async with warm(tmp_path, entry) as run, LabConnection(run.path) as lab:
            with pytest.raises(EngineError, match=said):
                await request_start(lab.ssh, lambda _text: None)

    asyncio.run(go())


@pytest.mark.parametrize("file", ["client_key", "host_key"])
def test_a_caller_with_another_key_and_a_server_with_another_are_refused(tmp_path: Path, file: str) -> None:
    async def go() -> None:
        async with warm(tmp_path) as run:
            async with LabConnection(run.path):
                pass
            served = (run.path / file).read_text()
            other = RunDir(tmp_path / "other")
            other.make()
            make_keys(other)
            (run.path / file).write_text((other.path / file).read_text())
            with pytest.raises(EngineError, match="does not answer"):
                async with LabConnection(run.path):
                    pass
            (run.path / file).write_text(served)
            async with LabConnection(run.path):
                pass

    asyncio.run(go())


@pytest.mark.parametrize("state", ["no folder", "no socket", "dead socket"])
def test_a_lab_that_is_not_there_is_said_so_plainly(tmp_path: Path, state: str) -> None:
    run = RunDir(tmp_path / "run")
    if state != "no folder":
        run.make()
        make_keys(run)
    if state == "dead socket":
        run.listen().close()

    async def go() -> None:
        async with LabConnection(run.path):
            pass

    with pytest.raises(EngineError) as caught:
        asyncio.run(go())
    assert caught.value.remedy
    assert "Errno" not in str(caught.value)


def test_ports_and_sockets_are_forwarded(talk) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read(100)).upper())
        await writer.drain()
        writer.close()

    async def body(lab: LabConnection) -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        for host in ("127.0.0.1", "localhost", "named-by-the-application"):
            reader, writer = await lab.ssh.open_connection(host, port, encoding=None)
            writer.write(b"hello")
            assert await reader.read() == b"HELLO"
            writer.close()
        with pytest.raises(Exception, match="not an IP address"):
            await lab.ssh.open_connection("example.org", port)
        server.close()

    talk(body)


def test_signals_sent_to_a_request_without_a_program_end_it(talk) -> None:
    async def body(lab: LabConnection) -> None:
        request = await open_request(lab.ssh, ["wait"])
        await lab.call("echo", 1)
        request.channel.send_signal(signal.Signals.SIGINT.name[3:])
        assert await asyncio.wait_for(request.result(), 5) == 130

    talk(body)
