"""Processes are known by id and start time, so that nobody else's is ever touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from xcnet.engine.leftovers import end_leftovers, tagged_processes
from xcnet.engine.processes import ProcessMark, end_processes
from xcnet.waiting import Deadline


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def mark_of(pid: int) -> ProcessMark:
    mark = ProcessMark.of(pid)
    assert mark is not None
    return mark


def test_a_running_process_is_alive_and_a_buried_one_is_not(sleeper: subprocess.Popen) -> None:
    mark = mark_of(sleeper.pid)
    assert mark.alive
    sleeper.kill()
    sleeper.wait()
    assert not mark.alive
    assert ProcessMark.of(sleeper.pid) is None


def test_a_process_that_nobody_has_buried_yet_counts_as_gone(sleeper: subprocess.Popen) -> None:
    mark = mark_of(sleeper.pid)
    sleeper.kill()
    assert mark.wait_gone(Deadline(5))
    assert not mark.alive


def test_another_process_with_the_same_id_is_never_signalled(sleeper: subprocess.Popen) -> None:
    earlier = ProcessMark(sleeper.pid, mark_of(sleeper.pid).start_time - 1)
    assert not earlier.alive
    assert not earlier.signal(signal.SIGKILL)
    assert end_processes([earlier], Deadline(1)) == []
    assert sleeper.poll() is None


def test_a_name_with_brackets_and_spaces_does_not_confuse_it(tmp_path: Path) -> None:
    program = tmp_path / "a) R (b c"
    program.symlink_to("/bin/sleep")
    process = subprocess.Popen([program, "60"])
    try:
        assert mark_of(process.pid).alive
    finally:
        process.kill()
        process.wait()


def test_waiting_for_a_process_that_stays_ends_at_the_deadline(sleeper: subprocess.Popen) -> None:
    assert not mark_of(sleeper.pid).wait_gone(Deadline(0.05))


def test_leftovers_are_found_by_their_tag_and_only_they_are_ended(tmp_path: Path, sleeper: subprocess.Popen) -> None:
    tag = {**os.environ, "XCNET_RUN": str(tmp_path)}
    longer_name = {**os.environ, "XCNET_RUN": str(tmp_path) + "2"}
    # The first starts another, which init inherits when its parent is killed.
    code = "import subprocess,time; subprocess.Popen(['sleep','61']); print('up', flush=True); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", code], env=tag, stdout=subprocess.PIPE)
    other = subprocess.Popen(["sleep", "60"], env=longer_name)
    try:
        assert parent.stdout is not None
        parent.stdout.readline()
        assert len(tagged_processes(tmp_path)) == 2
        assert len(end_leftovers(tmp_path)) == 2
        assert tagged_processes(tmp_path) == []
        assert other.poll() is None
        assert sleeper.poll() is None
    finally:
        for process in (parent, other):
            process.kill()
            process.communicate()


def test_there_being_none_is_no_error(tmp_path: Path) -> None:
    assert end_leftovers(tmp_path) == []
