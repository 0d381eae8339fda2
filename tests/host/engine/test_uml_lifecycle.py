"""A user-mode kernel's life and every way that it may end, as this user and as an ordinary one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from engine_lab import ENTRY, MEMORY, ask, demo, processes_of

from plugins.ordinary_user import OrdinaryUser
from xcnet.engine.base import LaunchSpec
from xcnet.engine.rundir import RunDir
from xcnet.engine.uml import UmlEngine
from xcnet.errors import EngineError
from xcnet.waiting import Deadline, wait_until


def test_it_comes_up_answers_and_ends_cleanly_leaving_no_process(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    with demo(run_dir) as engine:
        assert engine.alive(run_dir)
        assert engine.kernel(run_dir)
        assert ask(run_dir, "rpc", "echo", "5") == (0, b"5")
        assert processes_of(run_dir)
        assert engine.stop(run_dir)
        assert not engine.alive(run_dir)
        assert processes_of(run_dir) == []
        assert not engine.stop(run_dir)


def test_nothing_of_a_run_is_readable_by_others_and_no_key_is_in_a_command_line(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    with demo(run_dir):
        assert run_dir.stat().st_mode & 0o077 == 0
        secrets = [RunDir(run_dir).host_key.read_text(), RunDir(run_dir).client_key.read_text()]
        shown = "\n".join(processes_of(run_dir))
        assert not any(line in shown for secret in secrets for line in secret.splitlines()[1:-1])


def gone(run_dir: Path) -> None:
    def seen() -> str | None:
        return "; ".join(processes_of(run_dir)) or None

    wait_until("every process of the run to end", seen, Deadline(10))


@pytest.mark.parametrize("victim", [0, 1], ids=["supervisor", "kernel"])
def test_killing_either_of_its_processes_ends_all_of_it(tmp_path: Path, victim: int) -> None:
    run_dir = tmp_path / "run"
    with demo(run_dir) as engine:
        record = RunDir(run_dir).read_record()
        assert record is not None
        os.kill(record.processes[victim].pid, signal.SIGKILL)
        gone(run_dir)
        assert not engine.alive(run_dir)
        with pytest.raises(EngineError) as caught:
            ask(run_dir, "rpc", "echo", "5")
        assert caught.value.remedy
        assert not engine.stop(run_dir)


def test_a_termination_signal_to_the_supervisor_ends_it_in_order(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    with demo(run_dir):
        record = RunDir(run_dir).read_record()
        assert record is not None
        os.kill(record.processes[0].pid, signal.SIGTERM)
        gone(run_dir)
        assert "Power down" in RunDir(run_dir).console.read_text()


def test_killing_the_warm_process_in_the_guest_powers_the_kernel_off(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    with demo(run_dir) as engine:
        with pytest.raises(EngineError):
            ask(run_dir, "exec", "sh", "-c", "kill -9 $PPID")
        gone(run_dir)
        assert not engine.alive(run_dir)
        assert "ended with status -9" in RunDir(run_dir).console.read_text()


def test_two_run_side_by_side_and_ending_one_leaves_the_other(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "one-more"
    with demo(one, "one") as engine, demo(other, "other"):
        assert ask(one, "exec", "hostname") == (0, b"one\n")
        engine.kill(one)
        assert processes_of(one / "") == [] or engine.alive(other)
        assert ask(other, "exec", "hostname") == (0, b"other\n")


def test_a_run_may_lie_deep_and_under_a_folder_that_the_guest_has_of_its_own() -> None:
    base = Path("/dev/shm") / f"xcnet test {os.getpid()}"
    run_dir = base / ("deep" * 30) / "run"
    try:
        with demo(run_dir) as engine:
            assert ask(run_dir, "exec", "cat", str(run_dir / "launch.json"))[0] == 0
            assert engine.stop(run_dir)
    finally:
        shutil.rmtree(base, ignore_errors=True)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("no.such.module:application", "No module named"),
        ("xcnet.engine.demo:nothing", "nothing"),
        ("xcnet.engine.links:raise_loopback", "takes 0 positional"),
    ],
)
def test_an_entry_that_does_not_work_is_told_and_leaves_nothing(tmp_path: Path, entry: str, said: str) -> None:
    run_dir = tmp_path / "run"
    with pytest.raises(EngineError, match=said):
        UmlEngine().start(LaunchSpec("demo", run_dir, entry, memory=MEMORY), lambda _text: None)
    assert processes_of(run_dir) == []


def test_a_kernel_that_ends_on_the_way_up_is_told_at_once_with_its_last_words(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    spec = LaunchSpec("demo", run_dir, ENTRY, memory=MEMORY, path=("/nowhere",))
    started = time.monotonic()
    with pytest.raises(EngineError) as caught:
        UmlEngine().start(spec, lambda _text: None)
    assert time.monotonic() - started < 20
    assert "ended while it was coming up" in caught.value.cause
    assert "No module named" in caught.value.where
    assert processes_of(run_dir) == []


def test_a_starter_that_is_killed_leaves_no_kernel_behind(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    code = (
        "import sys; from pathlib import Path; from xcnet.engine.uml import UmlEngine; "
        "from xcnet.engine.base import LaunchSpec; "
        f"UmlEngine().start(LaunchSpec('demo', Path(sys.argv[1]), {ENTRY!r}, memory={MEMORY}), lambda t: print(t, flush=True))"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(run_dir)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"booting a user-mode kernel\n"
        wait_until("a kernel to be started", lambda: None if RunDir(run_dir).read_record() else "none", Deadline(20))
        process.kill()
    gone(run_dir)


def test_an_ordinary_user_gets_a_kernel_of_his_own_and_is_root_in_it(ordinary_user: OrdinaryUser) -> None:
    code = (
        "import sys, os; from pathlib import Path; from xcnet.engine.uml import UmlEngine; "
        "from xcnet.engine.client import LabClient; from xcnet.engine.base import LaunchSpec\n"
        f"run = Path(sys.argv[1]) / 'run'; engine = UmlEngine()\n"
        f"engine.start(LaunchSpec('demo', run, {ENTRY!r}, memory={MEMORY}), lambda t: None)\n"
        "with LabClient(run) as lab: lab.stream(['exec', 'sh', '-c', 'id -u; ip link add d0 type dummy && echo made'], "
        "lambda d: os.write(1, d))\n"
        "print(os.geteuid(), engine.stop(run))"
    )
    environment = {"PATH": os.environ["PATH"], "HOME": str(ordinary_user.home), "LANG": "C.UTF-8"}
    # The user fetches a kernel into a cache of his own, as on a fresh machine.
    answer = subprocess.run(
        [ordinary_user.python, "-c", code, str(ordinary_user.home)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        **ordinary_user.become,
    )
    assert answer.stderr == ""
    assert answer.stdout.split("\n") == ["0", "made", f"{ordinary_user.uid} True", ""]
