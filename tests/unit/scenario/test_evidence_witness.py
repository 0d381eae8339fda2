"""The routers are looked at before, while each fault stands and after; nothing waits for that, and what fails is told."""

from __future__ import annotations

import threading
import time

import pytest
from scenario_world import Clock, PlayedStage, scenario

from xcnet.errors import InputError, LabError
from xcnet.lab.capture_mode import Capture
from xcnet.lab.recording import Looked
from xcnet.model.problems import TopologyError
from xcnet.scenario.evidence.options import EvidenceOptions
from xcnet.scenario.evidence.witness import Witnessed

CHECK = "{check: verified}"


class Camera:
    """:param stage: what stands is noted. :param slow: held until it is set."""

    def __init__(self, stage: PlayedStage, slow: threading.Event | None = None) -> None:
        self.taken: list[tuple[str, tuple[str, ...]]] = []
        self.began = threading.Event()
        self._stage = stage
        self._slow = slow

    def look(self, moment: str) -> Looked:
        standing = tuple(sorted(self._stage.standing))
        self.began.set()
        if self._slow is not None:
            self._slow.wait(10)
        self.taken.append((moment, standing))
        return Looked(snapshot=moment, began=0, seconds=0, problems=("bgpd does not answer",) if standing else ())


def world(steps: str, slow: threading.Event | None = None) -> tuple[Witnessed, Camera]:
    stage = PlayedStage(Clock())
    camera = Camera(stage, slow)
    return Witnessed(stage, scenario(steps, CHECK), camera), camera


def faults_of(witnessed: Witnessed) -> list[object]:
    return [step.fault for step in witnessed.scenario.steps]


def test_each_fault_is_looked_at_while_it_stands() -> None:
    witnessed, camera = world("{name: 'The Cut!', at: 3s, fault: cut, on: ch2, for: 0.2s}")
    (fault,) = faults_of(witnessed)
    standing = witnessed.begin_fault(fault)
    assert camera.began.wait(5)
    witnessed.end_fault(standing)
    witnessed.close()
    assert camera.taken == [("1-the-cut", ("cut",))]
    (look,) = witnessed.looks
    assert (look.folder, look.text, look.problems) == ("1-the-cut", "while The Cut! stands", ("bgpd does not answer",))


def test_a_fault_to_the_end_of_the_run_is_looked_at_before_it_is_taken_away() -> None:
    witnessed, camera = world("{name: dark, at: 3s, fault: blackhole, on: ch2}")
    (fault,) = faults_of(witnessed)
    standing = witnessed.begin_fault(fault)
    assert camera.taken == []
    witnessed.end_fault(standing)
    assert camera.taken == [("1-dark", ("blackhole",))]


def test_a_fault_that_ends_before_its_time_is_not_looked_at_when_it_is_gone() -> None:
    witnessed, camera = world("{name: cut, at: 3s, fault: cut, on: ch2, for: 0.5s}")
    (fault,) = faults_of(witnessed)
    witnessed.end_fault(witnessed.begin_fault(fault))
    time.sleep(0.5)
    witnessed.close()
    assert camera.taken == []


def test_a_faults_end_does_not_wait_for_a_slow_look() -> None:
    slow = threading.Event()
    witnessed, camera = world("{name: cut, at: 3s, fault: cut, on: ch2, for: 0.1s}", slow)
    (fault,) = faults_of(witnessed)
    standing = witnessed.begin_fault(fault)
    assert camera.began.wait(5)
    witnessed.end_fault(standing)  # would wait ten seconds
    assert camera.taken == []
    slow.set()
    witnessed.close()
    assert len(camera.taken) == 1


def test_a_look_that_went_on_after_its_fault_is_told_of() -> None:
    witnessed, camera = world("{name: cut, at: 3s, fault: cut, on: ch2, for: 0.1s}")

    def late(moment: str) -> Looked:
        camera.began.set()
        return Looked(snapshot=moment, began=witnessed.clock(), seconds=2.5, problems=())

    camera.look = late  # type: ignore[method-assign]
    (fault,) = faults_of(witnessed)
    standing = witnessed.begin_fault(fault)
    assert camera.began.wait(5)
    witnessed.end_fault(standing)
    witnessed.close()
    witnessed.close()
    assert witnessed.problems == ["routers' states while cut stands: some of them are of 2.5 s after that"]


def test_of_many_faults_only_the_first_are_looked_at() -> None:
    steps = ", ".join(f"{{name: cut {n}, at: {n}s, fault: cut, on: ch2}}" for n in range(1, 10))
    witnessed, camera = world(steps)
    for fault in faults_of(witnessed):
        witnessed.end_fault(witnessed.begin_fault(fault))
    assert [moment for moment, _ in camera.taken] == [f"{n}-cut-{n}" for n in range(1, 7)]


def test_a_camera_that_fails_is_told_of_and_breaks_nothing() -> None:
    witnessed, camera = world("{name: cut, at: 3s, fault: cut, on: ch2, for: 5s}")

    def broken(_moment: str) -> Looked:
        raise LabError("the recorder ended early")

    camera.look = broken  # type: ignore[method-assign]
    witnessed.look("before", "before the run")
    assert witnessed.looks == []
    assert witnessed.problems == ["routers' states before the run: the recorder ended early"]


def test_the_moment_that_times_count_from_is_that_of_measuring_or_else_the_first() -> None:
    witnessed, _ = world("{name: cut, at: 3s, fault: cut, on: ch2, for: 5s}")
    began = witnessed.start_traffic(witnessed.scenario.traffic)
    witnessed.clock()
    assert witnessed.began == began
    witnessed, _ = world("{name: cut, at: 3s, fault: cut, on: ch2, for: 5s}")
    first = witnessed.clock()
    assert witnessed.began == first


@pytest.mark.parametrize(
    ("wanted", "written", "used"),
    [
        (EvidenceOptions(), "full", Capture.FULL),
        (EvidenceOptions(), "none", Capture.NONE),
        (EvidenceOptions(Capture.NONE), "full", Capture.NONE),
        (EvidenceOptions(keys=True), "none", Capture.FULL),
        (EvidenceOptions(Capture.FULL, keys=True), "headers", Capture.FULL),
    ],
)
def test_the_command_line_outweighs_the_file_and_keys_need_whole_frames(
    wanted: EvidenceOptions, written: str, used: Capture
) -> None:
    of = scenario("{name: cut, at: 3s, fault: cut, on: ch2, for: 5s}", CHECK, capture=written)
    assert wanted.of(of) is used
    assert scenario("{name: cut, at: 3s, fault: cut, on: ch2, for: 5s}", CHECK).capture is Capture.HEADERS


@pytest.mark.parametrize("capture", [Capture.NONE, Capture.HEADERS])
def test_keys_for_frames_that_are_not_whole_are_refused(capture: Capture) -> None:
    with pytest.raises(InputError, match="keys decrypt nothing"):
        EvidenceOptions(capture, keys=True)


def test_a_file_with_an_unknown_capture_is_refused() -> None:
    with pytest.raises(TopologyError) as refused:
        scenario("{name: cut, at: 3s, fault: cut, on: ch2, for: 5s}", CHECK, capture="some")
    assert "known here: none, headers, full" in str(refused.value)
