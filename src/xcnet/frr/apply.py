"""Makes the running daemons hold the desired state, without restarting them: read, compare, tell, read back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from xcnet.errors import RoutingError
from xcnet.frr import diff
from xcnet.frr.addresses import Address, session_addresses, wait_for_addresses
from xcnet.frr.lifecycle import FrrDirs
from xcnet.frr.render import desired, startup
from xcnet.frr.state import established
from xcnet.frr.tree import Tree, parse
from xcnet.frr.vty import Vty, open_when_ready, refused
from xcnet.model.desired import RouterState
from xcnet.waiting import Deadline, wait_until

APPLY_SECONDS = 60.0
"""Deadline where the caller gives none: daemons that are just starting on a busy machine included."""

ANSWER_SECONDS = 60.0
"""For each of a daemon's answers: one that works off hundreds of sessions on a busy machine takes its time, and what it was told
already would be told again."""

BFD_PATIENCE = 10.0
"""Seconds in which no further session is established before BFD is put on the rest all the same."""

_FEW_SESSIONS = 64
"""So many new BFD sessions are made at once, and are up by the time that BGP is. Of more each is made when its BGP session stands: until
the far end has it too it says hello once a second, for each of which bfdd looks at all of its sockets, six for each VRF."""

_FIRST_LOOK, _LAST_LOOK = 0.1, 0.5
"""Seconds between two looks at sessions: every look costs bgpd as much as it has sessions."""
_SHOWN = 6


@dataclass
class Applied:
    """What was done. No lines: nothing had to change.

    :param sent: daemon -> configuration lines, secrets replaced. :param waited: seconds spent waiting for sessions.
    :param unknown: VRF -> own addresses that bgpd had not heard of when its sessions from there began.
    """

    sent: dict[str, list[str]] = field(default_factory=dict)
    waited: float = 0.0
    unknown: dict[str, set[Address]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(self.sent.values())


def apply(
    state: RouterState,
    dirs: FrrDirs,
    deadline: Deadline | None = None,
    *,
    bfd_patience: float = BFD_PATIENCE,
    hurry: Callable[[], bool] = lambda: False,
) -> Applied:
    """Make bgpd and bfdd of one router hold ``state``; what it does not name is taken away.

    Safe to repeat, and after a crash at any point. Sessions whose settings do not change are left in peace. The start-up
    configuration is kept in step, so that a daemon that is started again comes back with it. Blocks: call it from a
    thread of its own. The kernel's VRFs must be there, or appear before the deadline.

    BFD is put on a new session when it is established. bgpd asks bfdd for a session before it knows its own address, and
    again when it does: bfdd then takes the session down for a moment, even one that it has in its own configuration, and
    the far end drops the BGP session that has just come up.

    :param bfd_patience: seconds without one more established session until the rest gets BFD all the same.
    :param hurry: whether another state is to be applied after this one: sessions that are still without BFD are left to it.
    :raises DeadlineError: a daemon does not answer, or a VRF's BGP listener does not open.
    :raises RoutingError: a daemon refuses a line, or does not hold what it accepted.
    """
    deadline = deadline or Deadline(APPLY_SECONDS)
    texts = desired(state)
    dirs.write(startup(state))
    applied = Applied({"bgpd": [], "bfdd": []})
    want = {daemon: parse(text) for daemon, text in texts.items()}
    with _patient("bgpd", dirs, deadline) as bgpd, _patient("bfdd", dirs, deadline) as bfdd:
        profiles = diff.bfdd(_running(bfdd), want["bfdd"])
        commands = diff.bgpd(_running(bgpd), want["bgpd"])
        # New profiles before the sessions that use them, old ones away after the sessions that used them.
        applied.sent["bfdd"] += _configure(bfdd, profiles.first)
        made = dict(profiles.bfd)
        if len(made) <= _FEW_SESSIONS:
            applied.sent["bfdd"] += _configure(bfdd, [line for lines in made.values() for line in lines])
            made.clear()
        applied.sent["bgpd"] += _configure(bgpd, commands.first)
        wait_for_listeners(bgpd, commands.passwords_in, deadline)
        applied.unknown = wait_for_addresses(bgpd, session_addresses(state, commands.begun_in), deadline)
        applied.sent["bgpd"] += _configure(bgpd, commands.then)
        left = dict(commands.bfd)
        began = time.monotonic()

        def put_on(sessions: Collection[tuple[str, str]]) -> None:
            first = [line for session in sessions for line in made.pop(session, ())]
            applied.sent["bfdd"] += _configure(bfdd, first)
            applied.sent["bgpd"] += _configure(bgpd, [line for session in sessions for line in left.pop(session)])

        _put_bfd_on(bgpd, left, put_on, bfd_patience, deadline, hurry)
        if not left:
            # Those whose BGP sessions hold their BFD already: bfdd was started anew.
            applied.sent["bfdd"] += _configure(bfdd, [line for lines in made.values() for line in lines])
            made.clear()
        applied.waited = time.monotonic() - began
        applied.sent["bfdd"] += _configure(bfdd, profiles.then)
        if commands and not left:
            _read_back(bgpd, diff.bgpd, want["bgpd"])
        if profiles and not made:
            _read_back(bfdd, diff.bfdd, want["bfdd"])
    return applied


def _patient(daemon: str, dirs: FrrDirs, deadline: Deadline) -> Vty:
    return open_when_ready(dirs.socket(daemon), deadline, timeout=ANSWER_SECONDS)


def pending(state: RouterState, dirs: FrrDirs) -> dict[str, list[str]]:
    """What :func:`apply` would send now, secrets replaced; nothing is changed.

    :raises RoutingError: a daemon does not answer.
    """
    texts = desired(state)
    result: dict[str, list[str]] = {}
    for daemon, compare in (("bgpd", diff.bgpd), ("bfdd", diff.bfdd)):
        with Vty(dirs.socket(daemon)) as vty:
            commands = compare(_running(vty), parse(texts[daemon]))
        result[daemon] = [diff.masked(line) for line in commands]
    return result


def wait_for_listeners(bgpd: Vty, vrfs: Collection[str], deadline: Deadline) -> None:
    """Wait until bgpd listens in the VRFs, IPv4 and IPv6: a TCP MD5 key set before that never reaches the listener.

    :raises DeadlineError: it does not; the error names the VRFs.
    """

    def seen() -> str | None:
        listeners = [line.split() for line in bgpd.run("show bgp listeners").splitlines()]
        found = Counter(words[0] for words in listeners if len(words) == 3 and words[1].isdigit())
        missing = sorted(vrf for vrf in vrfs if found[vrf] < 2)
        if not missing:
            return None
        return f"not in {_some(missing)}; it listens in {_some(sorted(found)) or 'none'}"

    if vrfs:
        wait_until(
            "bgpd to listen in its VRFs",
            seen,
            deadline,
            where=str(bgpd.path),
            remedy="see whether the VRFs' devices are there and up, and zebra runs",
            interval=0.02,
        )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if names[_SHOWN:] else "")


def _put_bfd_on(
    bgpd: Vty,
    waiting: Collection[tuple[str, str]],
    put_on: Callable[[Collection[tuple[str, str]]], None],
    patience: float,
    deadline: Deadline,
    hurry: Callable[[], bool],
) -> None:
    """:param waiting: sessions without BFD; left in it are those that somebody in a hurry cut off, those that stand already were
    served before. :param put_on: gives them BFD, and takes them out.
    """
    last, look = Deadline(min(patience, deadline.remaining)), _FIRST_LOOK
    while waiting:
        up = {(vrf, str(peer)) for vrf, peer in established(bgpd, {vrf for vrf, _peer in waiting})}
        ready = sorted(up.intersection(waiting))
        if ready:
            last, look = Deadline(min(patience, deadline.remaining)), _FIRST_LOOK
        elif last.expired:
            ready = sorted(waiting)
        put_on(ready)
        if hurry():
            break
        if waiting:
            time.sleep(min(look, last.remaining))
            look = min(2 * look, _LAST_LOOK)


def _running(vty: Vty) -> Tree:
    return parse(vty.run("show running-config"))


def _configure(vty: Vty, lines: Sequence[str]) -> list[str]:
    """Send configuration lines; returns them with their secrets replaced.

    :raises RoutingError: the first line that the daemon refuses. The next apply repairs what that leaves behind.
    """
    if not lines:
        return []
    vty.run("configure terminal")
    try:
        for answer in vty.try_run(lines):
            # A warning without a complaint is advice ("reset all peers to take effect").
            if answer.status > 1 or (answer.status == 1 and answer.text.lstrip().startswith("%")):
                shown = diff.masked(answer.command)
                raise refused(answer, vty.path, None if shown == answer.command else shown)
    finally:
        vty.run("end")
    return [diff.masked(line) for line in lines]


def _read_back(vty: Vty, compare: Callable[[Tree, Tree], diff.Commands], want: Tree) -> None:
    left = [diff.masked(line) for line in compare(_running(vty), want)]
    if left:
        shown = "; ".join(left[:_SHOWN]) + (f"; and {len(left) - _SHOWN} more" if left[_SHOWN:] else "")
        raise RoutingError(
            f"{vty.daemon} took its configuration but holds something else; it still lacks: {shown}",
            where=str(vty.path),
            remedy="use FRR 8.4 to 10.x; if it is one of these, this is a defect: please report it with the daemon's log",
        )


__all__ = ["APPLY_SECONDS", "BFD_PATIENCE", "Applied", "apply", "pending", "wait_for_listeners"]
