"""What somebody who watches a router is told of it, as it happens. One pair for all tests; each leaves it as it was."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from routed_pair import RoutedPair, RoutedRouter, build, interface_name, link_address, network, new_key, vrf_state

from xcnet.frr.vty import Vty
from xcnet.model.desired import RouterState
from xcnet.model.observed import RouterObservation
from xcnet.waiting import Deadline, wait_until

pytestmark = pytest.mark.lab

CHANNELS = (1, 2)
KEYS = {1: new_key(), 2: new_key()}
Holds = Callable[[RouterObservation], bool]


ALONE = {number: (key,) for number, key in KEYS.items()}


def ordinary(router: RoutedRouter, *, connections: int = 1) -> RouterState:
    return router.state(ALONE, [vrf_state(number, router.end, CHANNELS) for number in range(connections)])


def restore(pair: RoutedPair) -> None:
    pair.apply(ordinary)
    for router in pair.both():
        with router.watched() as watched:
            watched.until("everything up", whole, 40)


@pytest.fixture(scope="module")
def pair() -> Iterator[RoutedPair]:
    made = build(Path("/run/xcnet-watch-test"), CHANNELS)
    try:
        restore(made)
        yield made
    finally:
        made.close()


def whole(seen: RouterObservation) -> bool:
    return all(carries(number)(seen) for number in CHANNELS)


def carries(channel: int) -> Holds:
    """The channel is secured with its key, its sessions are up and watched, and both families lead through it."""

    def holds(seen: RouterObservation) -> bool:
        own, vrf = seen.channel(f"ch{channel}"), seen.vrfs.get("vrf-0")
        if own is None or vrf is None or not own.ready or own.ckn != KEYS[channel].ckn:
            return False
        through = interface_name(0, channel)
        sessions = [each for each in vrf.sessions if each.interface == through]
        return (
            len(sessions) == 2
            and all(each.established and each.bfd for each in sessions)
            and all(vrf.through(through, version) == 1 for version in (4, 6))
        )

    return holds


def silent(channel: int) -> Holds:
    """Nothing of the channel is left: neither keys nor sessions nor routes."""

    def holds(seen: RouterObservation) -> bool:
        own, vrf = seen.channel(f"ch{channel}"), seen.vrfs["vrf-0"]
        through = interface_name(0, channel)
        return (
            own is not None
            and not own.carrier
            and not own.ready
            and own.ckn is None
            and not any(each.established or each.bfd for each in vrf.sessions if each.interface == through)
            and not any(vrf.through(through, version) for version in (4, 6))
        )

    return holds


def test_the_first_thing_told_is_everything_at_once(pair: RoutedPair) -> None:
    for router in pair.both():
        with router.watched() as watched:
            seen = watched.until("anything", lambda _seen: True, 5)
        assert whole(seen)
        assert seen.node == router.folder.name and seen.running
        assert seen.channels[0].live == (KEYS[1].ckn,) and seen.channels[0].settled
        vrf = seen.vrfs["vrf-0"]
        assert {each.peer for each in vrf.sessions} == {
            link_address(0, number, 3 - router.end, version) for number in CHANNELS for version in (4, 6)
        }
        through = tuple(interface_name(0, number) for number in CHANNELS)
        assert [(each.prefix, each.interfaces) for each in vrf.routes] == [
            (network(0, 3 - router.end, version), through) for version in (4, 6)
        ]


def test_nothing_is_told_while_nothing_happens(pair: RoutedPair) -> None:
    with pair.left.watched() as watched:
        watched.until("everything", whole, 5)
        # Longer than two hellos of key agreement, keepalives of BGP and control packets of BFD.
        with pytest.raises(AssertionError, match="not within"):
            watched.until("anything more", lambda _seen: True, 5, since=1)


def test_a_cut_and_a_mended_channel_are_seen_at_both_ends(pair: RoutedPair) -> None:
    with pair.left.watched() as left, pair.right.watched() as right:
        for watched in (left, right):
            watched.until("everything", whole)
        marks = [len(left.seen), len(right.seen)]
        pair.left.set_link("ch1", up=False)
        for watched, mark in zip((left, right), marks, strict=True):
            seen = watched.until("channel 1 gone", silent(1), since=mark)
            assert carries(2)(seen)
        pair.left.set_link("ch1", up=True)
        for watched, mark in zip((left, right), marks, strict=True):
            watched.until("everything again", whole, 40, since=mark + 1)


def test_a_session_that_is_shut_down_is_seen_at_both_ends_and_back(pair: RoutedPair) -> None:
    left_asn, peer = 64513, link_address(0, 2, 2, 4)
    through = interface_name(0, 2)

    def lacking(address: object, version: int) -> Holds:
        def holds(seen: RouterObservation) -> bool:
            vrf = seen.vrfs["vrf-0"]
            return [each.peer for each in vrf.sessions if not each.established] == [address] and not vrf.through(
                through, version
            )

        return holds

    with pair.left.watched() as left, pair.right.watched() as right:
        for watched in (left, right):
            watched.until("everything", whole)
        marks = [len(left.seen), len(right.seen)]
        with Vty(pair.left.dirs.socket("bgpd")) as bgpd:
            bgpd.try_run(["configure terminal", f"router bgp {left_asn} vrf vrf-0", f"neighbor {peer} shutdown", "end"])
            left.until("the session down", lacking(peer, 4), since=marks[0])
            right.until("the session down", lacking(link_address(0, 2, 1, 4), 4), since=marks[1])
            bgpd.try_run(
                ["configure terminal", f"router bgp {left_asn} vrf vrf-0", f"no neighbor {peer} shutdown", "end"]
            )
        for watched, mark in zip((left, right), marks, strict=True):
            watched.until("the session up", whole, 40, since=mark + 1)


def test_a_change_of_keys_is_seen_from_the_new_ones_presence_to_the_old_ones_end(pair: RoutedPair) -> None:
    new = new_key()
    with pair.left.watched() as watched:
        watched.until("everything", whole)
        mark = len(watched.seen)
        old_waits = KEYS[1].model_copy(update={"preferred": False})
        for keys in ((KEYS[1], new.model_copy(update={"preferred": False})), (old_waits, new), (new,)):
            pair.apply(
                lambda router, keys=keys: router.state({1: keys, 2: (KEYS[2],)}, [vrf_state(0, router.end, CHANNELS)])
            )
            if len(keys) == 2 and not keys[1].preferred:
                both = tuple(sorted((KEYS[1].ckn, new.ckn)))
                seen = watched.until(
                    "both keys live", lambda seen, both=both: seen.channels[0].live == both, since=mark
                )
                assert seen.channels[0].ckn == KEYS[1].ckn
            if len(keys) == 2 and keys[1].preferred:
                watched.until("the new key in use", lambda seen: seen.channels[0].ckn == new.ckn, since=mark)
        watched.until(
            "the old key gone",
            lambda seen: seen.channels[0].live == (new.ckn,) and seen.channels[0].settled,
            since=mark,
        )
        assert all(seen.channels[0].ready for seen in watched.seen)
    restore(pair)


def test_a_withdrawn_network_and_its_return_are_seen(pair: RoutedPair) -> None:
    with pair.left.watched() as watched:
        watched.until("everything", whole)
        mark = len(watched.seen)
        pair.right.apply(pair.right.state(ALONE, [vrf_state(0, 2, CHANNELS, announce=False)]))
        seen = watched.until("no routes", lambda seen: seen.vrfs["vrf-0"].routes == (), since=mark)
        assert all(each.up for each in seen.vrfs["vrf-0"].sessions)
        restore(pair)
        watched.until("the routes", whole, since=mark + 1)


def test_connections_come_and_go_and_what_stays_is_not_told_again(pair: RoutedPair) -> None:
    with pair.left.watched() as watched:
        watched.until("everything", whole)
        mark = len(watched.seen)
        pair.apply(lambda router: ordinary(router, connections=2))
        seen = watched.until(
            "the second connection",
            lambda seen: (
                "vrf-1" in seen.vrfs
                and all(each.up for each in seen.vrfs["vrf-1"].sessions)
                and len(seen.vrfs["vrf-1"].routes) == 2
            ),
            40,
            since=mark,
        )
        assert seen.vrfs["vrf-0"] is watched.seen[0].vrfs["vrf-0"]
        pair.apply(ordinary)
        gone = watched.until("it gone", lambda seen: set(seen.vrfs) == {"vrf-0"}, since=len(watched.seen) - 1)
        assert gone.vrfs["vrf-0"] is seen.vrfs["vrf-0"]
        # What stood in it must not be remembered: made again, it begins with nothing.
        mark = len(watched.seen)
        pair.left.apply(ordinary(pair.left, connections=2))
        again = watched.until("it again", lambda seen: "vrf-1" in seen.vrfs, since=mark)
        assert not any(each.established or each.bfd for each in again.vrfs["vrf-1"].sessions)
        assert again.vrfs["vrf-1"].routes == ()
    restore(pair)


def test_a_daemon_that_dies_takes_its_sessions_with_it_and_brings_them_back(pair: RoutedPair) -> None:
    router = pair.left
    with router.watched() as watched:
        watched.until("everything", whole)
        mark = len(watched.seen)
        router.kill("bgpd")
        watched.until(
            "no session", lambda seen: not any(e.established for e in seen.vrfs["vrf-0"].sessions), 2, since=mark
        )
        router.spawn(router.specs(ordinary(router))["bgpd"])
        router.apply(ordinary(router))
        watched.until("everything again", whole, 40, since=mark + 1)


def test_the_routers_daemon_may_be_started_again_under_a_watcher(pair: RoutedPair) -> None:
    router = pair.left
    with router.watched() as watched:
        watched.until("everything", whole)
        mark = len(watched.seen)
        router.kill("edged")
        gone = watched.until("nobody", lambda seen: not seen.running, 2, since=mark)
        assert gone.channels == () and gone.vrfs == {}
        router.start_edged()
        watched.until("it back", lambda seen: seen.running, since=mark + 1)
        router.apply(ordinary(router))
        watched.until("everything again", whole, 40, since=mark + 1)


def test_a_watcher_that_does_not_read_holds_up_nobody_and_gets_the_newest(pair: RoutedPair) -> None:
    lazy = socket.socket(socket.AF_UNIX)
    lazy.connect(str(pair.left.client.socket))
    lazy.sendall(b'{"op": "watch"}\n')
    with pair.left.watched() as watched:
        watched.until("everything", whole)
        # The other router has none of these sessions, so that BFD would be waited for.
        more = [vrf_state(number, 1, CHANNELS, bfd=None) for number in range(1, 40)]
        for count in (40, 1) * 5:
            mark = len(watched.seen)
            pair.left.apply(pair.left.state(ALONE, [vrf_state(0, 1, CHANNELS), *more[: count - 1]]))
            watched.until(f"{count} connections", lambda seen, count=count: len(seen.vrfs) == count, since=mark - 1)
    lazy.settimeout(5)
    lines: list[dict[str, object]] = []
    vrfs: set[str] = set()
    rest = b""

    def caught_up() -> str | None:
        nonlocal rest
        *whole_lines, rest = (rest + lazy.recv(1 << 20)).split(b"\n")
        for line in whole_lines:
            change = json.loads(line)
            lines.append(change)
            for vrf in change.get("vrfs", ()):
                vrfs.add(vrf["name"])
            vrfs.difference_update(change.get("gone", ()))
        return None if vrfs == {"vrf-0"} and len(lines) > 1 else f"{len(lines)} lines, {len(vrfs)} VRFs"

    wait_until("the lazy one to be told the rest", caught_up, Deadline(10))
    assert len(lines) < len(watched.seen)
    lazy.close()
    restore(pair)
