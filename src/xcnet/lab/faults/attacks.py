"""Attacks on MACsec at the facility: old frames sent again, and frames that no router has sent."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from xcnet.errors import DeadlineError, InputError, XcnetError
from xcnet.lab.faults.base import Standing, absent, called_off
from xcnet.lab.faults.targets import Line, Port
from xcnet.model.faults import Forge, Replay
from xcnet.model.plan import ChannelEnd, PlannedChannel
from xcnet.proof.attacks import Recording, Tally, altered, in_clear, of_nobody, refusals
from xcnet.proof.tap import Tap
from xcnet.waiting import Deadline, wait_until_async

if TYPE_CHECKING:
    from xcnet.lab.running import RunningLab

_FIRST_SECONDS = 15.0
"""For a protected frame to pass, from which others are made: BFD alone sends one each second."""
_COUNTED_SECONDS = 2.0
"""For the receiver to have counted what was sent just now; it takes milliseconds."""
_TURN = 0.02
"""Seconds between two turns; at a low rate there is nothing to send in most of them."""
_COUNT_EVERY = 1.0

_MAKERS: dict[str, tuple[Callable[[bytes], bytes], ...]] = {
    "icv": (altered,),
    "sci": (of_nobody,),
    "plain": (in_clear,),
    "mixed": (altered, of_nobody, in_clear),
}


class _Attack:
    """On one end of one channel. What the other end sends is heard where it comes in: what another attack puts in here is none of it.

    :param pick: the next frame to be sent, from what was recorded; None while there is none.
    """

    def __init__(
        self, lab: RunningLab, channel: PlannedChannel, end: ChannelEnd, pick: Callable[[Recording], bytes | None]
    ) -> None:
        self.end = end
        self.port = Port(channel.facility, end.facility_port)
        self._netns = lab.fabric.netns(end.node)
        self._pick = pick
        (state,) = (each for each in lab.states[end.node].channels if each.name == channel.name)
        self.recording = Recording(state.macsec.replay_window)
        (far,) = (each for each in channel.ends if each.facility_port != end.facility_port)
        facility = lab.fabric.netns(channel.facility)
        with contextlib.ExitStack() as opened:
            self.ear = opened.enter_context(Tap(facility, far.facility_port))
            self._mouth = opened.enter_context(Tap(facility, end.facility_port))
            self._tally = Tally(self._counters())
            self._open = opened.pop_all()
        self.sent = 0

    def close(self) -> None:
        self._open.close()

    def listen(self) -> None:
        with contextlib.suppress(OSError):  # told once that the port has gone down
            for frame in self.ear.available():
                if not frame.outgoing:
                    self.recording.take(frame.data)

    def send(self) -> bool:
        """One frame, if there is one to be sent."""
        frame = self._pick(self.recording)
        if frame is None:
            return False
        with contextlib.suppress(OSError):  # the port is down: nobody gets in
            self._mouth.send(frame)
            self.sent += 1
        return True

    def _counters(self) -> dict[str, int]:
        return refusals(self._netns, self.end.port, self.end.device)

    def count(self) -> int:
        """What the end has refused since the attack began."""
        self._tally.take(self._counters())
        return sum(self._tally.total.values())

    def told(self) -> str:
        refused = self.count()
        counters = ", ".join(f"{name} {value}" for name, value in sorted(self._tally.total.items())) or "none counted"
        fate = f"{self.end.node} refused {refused} ({counters})"
        if refused < self.sent:
            return f"{fate}; {self.sent - refused} unaccounted for"
        return f"{fate}, and accepted none" if self.sent else fate


class Attacking(Standing):
    """Runs by itself until it is ended; frames are sent at absolute times, those that are late together."""

    def __init__(self, fault: Replay | Forge, lines: tuple[Line, ...], lab: RunningLab) -> None:
        """:raises InputError: the link carries no protected frames."""
        super().__init__(fault.on, tuple(dict.fromkeys(each for line in lines for each in line.channels)))
        if not all(line.fibre for line in lines):
            raise InputError(f"there is no MACsec on {fault.on}", where="on", remedy="name a channel, or a facility")
        self._fault = fault
        self._lab = lab
        self._places = [
            (channel, end)
            for line in lines
            for port in line.ways(fault.direction)
            for channel in (lab.plan.channel(line.name),)
            for end in channel.ends
            if end.facility_port == port.name
        ]
        self._attacks: list[_Attack] = []
        self._task: asyncio.Task[None] | None = None
        self._paused = False

    async def begin(self) -> None:
        try:
            for channel, end in self._places:
                self._attacks.append(_Attack(self._lab, channel, end, self._picker()))
            loop = asyncio.get_running_loop()
            for attack in self._attacks:
                loop.add_reader(attack.ear.fileno(), attack.listen)
            await self._recorded()
        except BaseException:
            self._close()
            raise
        self.mark()
        self._task = asyncio.ensure_future(self._run(self.changed))

    async def end(self) -> None:
        self.mark()
        await self.forget()

    async def forget(self) -> None:
        await called_off(self._task)
        self._task = None
        self._close()

    def _close(self) -> None:
        loop = asyncio.get_running_loop()
        for attack in self._attacks:
            loop.remove_reader(attack.ear.fileno())
            attack.close()
        self._attacks.clear()

    async def artifact(self) -> str:
        if self._task is None or self._task.done():
            failure = self._task.exception() if self._task is not None and not self._task.cancelled() else None
            raise absent(f"the attack ended by itself: {failure}", self.target)
        words = []
        self._paused = True
        try:
            for attack in self._attacks:
                await self._counted(attack)
                done = f"forged ({self._fault.frames})" if isinstance(self._fault, Forge) else "sent again"
                young = isinstance(self._fault, Replay) and attack.recording.late() is None
                waits = ", as none that passed is old enough yet" if young else ""
                words.append(f"{attack.sent} frames {done} at {attack.port}{waits}; {attack.told()}")
        finally:
            self._paused = False
        return "; ".join(words)

    def _picker(self) -> Callable[[Recording], bytes | None]:
        if isinstance(self._fault, Replay):
            return Recording.late
        makers: Iterator[Callable[[bytes], bytes]] = itertools.cycle(_MAKERS[self._fault.frames])

        def make(recording: Recording) -> bytes | None:
            return next(makers)(recording.newest) if recording.newest is not None else None

        return make

    async def _recorded(self) -> None:
        """:raises LabError: no protected frame passes there."""

        async def seen() -> str | None:
            silent = [str(attack.port) for attack in self._attacks if attack.recording.newest is None]
            return f"none by {', '.join(silent)}" if silent else None

        await wait_until_async(
            "a protected frame to pass",
            seen,
            Deadline(_FIRST_SECONDS),
            where=self.target,
            remedy="see with 'xcnet status' whether the channel is secured and its sessions are up",
        )

    async def _counted(self, attack: _Attack) -> None:
        async def seen() -> str | None:
            left = attack.sent - attack.count()
            return f"{left} are not counted" if left > 0 else None

        # What is not counted by then is said to be unaccounted for.
        with contextlib.suppress(DeadlineError):
            await wait_until_async("all frames to be counted", seen, Deadline(_COUNTED_SECONDS), interval=_TURN)

    async def _run(self, start: float) -> None:
        due = {id(attack): start for attack in self._attacks}
        pause = 1.0 / self._fault.rate
        counted = start
        while True:
            await asyncio.sleep(_TURN)
            now = time.monotonic()
            for attack in self._attacks:
                # What cannot be sent now is not made up for.
                if self._paused or now - due[id(attack)] > _COUNT_EVERY:
                    due[id(attack)] = now
                while not self._paused and due[id(attack)] <= now and attack.send():
                    due[id(attack)] += pause
            if now - counted >= _COUNT_EVERY:
                counted = now
                for attack in self._attacks:
                    # Before an SC that goes takes its counters with it.
                    with contextlib.suppress(XcnetError):
                        attack.count()


__all__ = ["Attacking"]
