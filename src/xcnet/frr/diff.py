"""What to tell a daemon so that what it holds becomes what it should hold. Pure: two trees in, command lines out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from xcnet.frr.tree import Tree

_SINGLE = re.compile(
    r"""
    neighbor\ (?P<peer>\S+)\ (?:
        remote-as | description | password | update-source | bfd\ profile | timers\ connect | timers(?=\ \d) | maximum-prefix
        | route-map(?=\ \S+\ (?P<direction>in|out)$)
    )
    | bgp\ router-id
    | bgp\ graceful-restart\ (?:restart-time | stalepath-time)
    | bgp\ route-map\ delay-timer
    | coalesce-time
    | maximum-paths\ ibgp
    | maximum-paths(?=\ \d)
    | set\ (?:ipv6\ next-hop | local-preference | community)
    | profile
    | match\ (?:ip|ipv6)\ address\ prefix-list
    """,
    re.VERBOSE,
)
"""Settings of which there is one: a new value replaces the old, which need not be taken away first."""

_NEIGHBOR = re.compile(r"neighbor (\S+) ")
_PASSWORD = re.compile(r"^((?:no )?neighbor \S+ password) .+$")
_ROUTER = re.compile(r"^router bgp \d+(?: vrf (\S+))?$")
_BFD_PEER = re.compile(r"^peer (\S+) vrf (\S+)$")
_PREFIX_LIST = re.compile(r"^(?:ip|ipv6) prefix-list ")


@dataclass
class Commands:
    """Command lines for one daemon, in configuration mode.

    :param first: policies, instances and removals, and what makes bgpd listen: nothing that needs a listener.
    :param then: neighbours, then what nothing refers to any more.
    :param bfd: (VRF, neighbour) -> what puts BFD on a session that has none yet; for bfdd: what makes a new session.
    :param passwords_in: VRFs in which ``then`` sets a password: their listeners must be open before it.
    :param begun_in: VRFs in which ``then`` begins a session: bgpd must know its addresses there before it.
    """

    first: list[str] = field(default_factory=list)
    then: list[str] = field(default_factory=list)
    bfd: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    passwords_in: set[str] = field(default_factory=set)
    begun_in: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.first or self.then or self.bfd)

    def __iter__(self) -> Iterator[str]:
        yield from self.first
        yield from self.then
        for lines in self.bfd.values():
            yield from lines


def bgpd(running: Tree, desired: Tree) -> Commands:
    """Commands for bgpd. Contexts that this program does not manage are left alone."""
    commands = Commands()
    _globals(running, desired, commands)
    _prefix_lists(running, desired, commands)
    _route_maps(running, desired, commands)
    for header in _headers(running, _ROUTER):
        if header not in desired:
            commands.first.append(f"no {header}")
    for header in _headers(desired, _ROUTER):
        # Most of hundreds are as they should be; to find that out line by line takes a hundred times as long.
        if running.get(header) != desired[header]:
            _instance(header, running.get(header), desired[header], commands)
    # Last, as a prefix list or route map is only free to go when no neighbour refers to it.
    for header in _headers(running, re.compile(r"^route-map ")):
        if header not in desired:
            commands.then.append(f"no {header}")
    wanted = _entries(desired)
    for line in _headers(running, _PREFIX_LIST):
        if line not in desired and _entry(line) not in wanted:
            commands.then.append(f"no {line}")
    return commands


def bfdd(running: Tree, desired: Tree) -> Commands:
    """Commands for bfdd: profiles, and the sessions that use them; new sessions each by itself."""
    commands = Commands()
    if "debug bfd peer" in desired and not any(line.startswith("debug bfd peer") for line in running):
        commands.first.append("debug bfd peer")
    have = running.get("bfd", {})
    want = desired.get("bfd", {})
    lines: list[str] = []
    for context, settings in want.items():
        held = have.get(context)
        if held == settings:
            continue
        if held is None and (peer := _BFD_PEER.match(context)):
            commands.bfd[peer[2], peer[1]] = ["bfd", context, *settings, "exit", "exit"]
        elif context.startswith("profile "):
            if held is not None:
                lines.append(f"no {context}")
            lines += [context, *settings, "exit"]
        else:
            lines += [context, *_changes(held or {}, settings), "exit"]
    # Sessions before their profiles; bgpd has let go of what goes by then.
    gone = [
        f"no {context}"
        for kind in ("peer ", "profile ")
        for context in have
        if context.startswith(kind) and context not in want
    ]
    if lines:
        commands.first += ["bfd", *lines, "exit"]
    if gone:
        commands.then += ["bfd", *gone, "exit"]
    return commands


def masked(line: str) -> str:
    """The line with its secret, if it holds one, replaced."""
    return _PASSWORD.sub(r"\1 <secret>", line)


def _globals(running: Tree, desired: Tree, commands: Commands) -> None:
    for line in desired:
        if line.startswith("bgp ") and line not in running:
            commands.first.append(line)


def _prefix_lists(running: Tree, desired: Tree, commands: Commands) -> None:
    held = _entries(running)
    for line in _headers(desired, _PREFIX_LIST):
        if line in running:
            continue
        replaced = held.get(_entry(line))
        if replaced:
            commands.first.append(f"no {replaced}")
        commands.first.append(line)


def _entry(line: str) -> str:
    """A prefix list and a sequence number in it, of which there is one entry."""
    return line.split(" permit ")[0].split(" deny ")[0]


def _entries(tree: Tree) -> dict[str, str]:
    return {_entry(line): line for line in _headers(tree, _PREFIX_LIST)}


def _route_maps(running: Tree, desired: Tree, commands: Commands) -> None:
    for header in _headers(desired, re.compile(r"^route-map ")):
        lines = _changes(running.get(header, {}), desired[header])
        if lines or header not in running:
            commands.first += [header, *lines, "exit"]


def _instance(header: str, running: Tree | None, desired: Tree, commands: Commands) -> None:
    """One ``router bgp``: what it is before its neighbours, then they."""
    have: Tree = running or {}
    gone = _peers(have) - _peers(desired)
    own = _changes(_without_peers(have), _without_peers(desired))
    own = [*(f"no neighbor {peer}" for peer in sorted(gone)), *own]
    peers = _changes(_only_peers(have, gone), _only_peers(desired))
    vrf = _vrf(header)
    if _peers(desired) - _peers(have):
        commands.begun_in.add(vrf)
    for peer in sorted(_peers(desired)):
        start = f"neighbor {peer} bfd"
        if start in peers:
            its_bfd = [line for line in peers if line == start or line.startswith(f"{start} ")]
            peers = [line for line in peers if line not in its_bfd]
            commands.bfd[vrf, peer] = [header, *its_bfd, "exit"]
    families: list[str] = []
    for name, lines in desired.items():
        if name.startswith("address-family "):
            family = _changes(_kept(have.get(name, {}), gone), lines)
            if family:
                families += [name, *family, "exit-address-family"]
    for name, lines in have.items():
        if name.startswith("address-family ") and name not in desired:
            family = _changes(_kept(lines, gone), {})
            if family:
                families += [name, *family, "exit-address-family"]
    opened: list[str] = []
    if any(_PASSWORD.match(line) and not line.startswith("no ") for line in peers):
        commands.passwords_in.add(vrf)
        if not _peers(have) - gone:
            # FRR 10 listens in a VRF only when it has a neighbour there: one that waits, until its password is set.
            remote = next(line for line in peers if " remote-as " in line)
            waits = f"{remote.partition(' remote-as ')[0]} shutdown"
            own += [remote, waits]
            opened = [f"no {waits}"]
    if own or running is None:
        commands.first += [header, *own, "exit"]
    if peers or families:
        commands.then += [header, *peers, *families, *opened, "exit"]


def _vrf(header: str) -> str:
    match = _ROUTER.match(header)
    return (match and match[1]) or "default"


def _changes(have: Iterable[str], want: Iterable[str]) -> list[str]:
    """Lines to send in one context: what goes, then what comes."""
    wanted = list(want)
    replaced = {key for line in wanted if (key := _setting(line))}
    present = set(have)
    # Backwards: what was said last may depend on what was said first (a profile on BFD, a limit on the activation).
    # Thousands of networks are compared here: by hash, not line by line.
    kept = frozenset(wanted)
    goes = [_negated(line) for line in reversed(list(have)) if line not in kept and _setting(line) not in replaced]
    return goes + [line for line in wanted if line not in present]


def _setting(line: str) -> str | None:
    match = _SINGLE.match(line)
    # A neighbour has one route map for each direction.
    return f"{match[0]} {match['direction'] or ''}" if match else None


def _negated(line: str) -> str:
    if line.startswith("no "):
        return line[3:]
    password = _PASSWORD.match(line)
    return f"no {password[1] if password else line}"


def _headers(tree: Tree, pattern: re.Pattern[str]) -> list[str]:
    return [line for line in tree if pattern.match(line)]


def _peers(tree: Tree) -> set[str]:
    return {match[1] for line in tree if (match := _NEIGHBOR.match(line))}


def _is_peers(line: str) -> bool:
    return line.startswith(("neighbor ", "no neighbor "))


def _without_peers(tree: Tree) -> list[str]:
    return [line for line in tree if not _is_peers(line) and not line.startswith("address-family ")]


def _only_peers(tree: Tree, without: Iterable[str] = ()) -> list[str]:
    return [line for line in _kept(tree, without) if _is_peers(line)]


def _kept(tree: Iterable[str], gone: Iterable[str]) -> list[str]:
    """The lines, without those of neighbours that go as a whole."""
    prefixes = tuple(f"{no}neighbor {peer} " for peer in gone for no in ("", "no "))
    return [line for line in tree if not (prefixes and line.startswith(prefixes))]


__all__ = ["Commands", "bfdd", "bgpd", "masked"]
