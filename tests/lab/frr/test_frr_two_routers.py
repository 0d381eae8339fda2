"""FRR between two routers, as their kernels and daemons show it. One pair for all tests; each leaves it as it was."""

import subprocess
import time
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface, ip_network
from pathlib import Path

import pytest
from two_routers import LINKS, PASSWORD, ROUTERS, TABLE, Pair, address, inside, router_state

from xcnet.errors import DeadlineError, RoutingError
from xcnet.frr import state as frr_state
from xcnet.frr.addresses import known
from xcnet.frr.apply import pending
from xcnet.frr.lifecycle import CRASH_LOGS, FrrDirs, remove_crash_logs
from xcnet.frr.logs import parse_log_line
from xcnet.frr.vty import Vty, refused
from xcnet.model.desired import BfdTimers, BgpNeighbor, GracefulRestart, Vrf

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    made = Pair(Path("/run/xcnet-frr-test"))
    made.build()
    try:
        made.start()
        for router in ROUTERS:
            made.apply(router, router_state(router, bfd=None))
        made.restore()
        yield made
    finally:
        made.stop()


def test_sessions_with_md5_and_bfd_stand_in_both_families(pair: Pair):
    for router in ROUTERS:
        found = pair.read(router)
        assert [session.md5 for session in found.sessions] == [True] * 4
        assert {session.peer.version for session in found.sessions} == {4, 6}
        for session in found.sessions:
            assert (session.keepalive, session.hold) == (3, 9)
            assert session.prefixes_received == 1
            watching = found.bfd_of(session)
            assert watching is not None and watching.up and watching.detection_ms == 900
    # Both listeners had the key before a segment came: none was refused.
    assert pair.tcp_counter("left", "TCPMD5Unexpected") == 0


def losses(routing: frr_state.RouterRouting) -> dict[IPv4Address | IPv6Address, int]:
    """How often each session has been lost since it was configured.

    Compared, never held against zero: both routers open connections at first, and where two collide, FRR may lose a
    session that had just been established.
    """
    return {session.peer: session.drops for session in routing.sessions}


def test_sessions_begin_from_addresses_that_bgpd_knows(pair: Pair):
    for router in ROUTERS:
        with Vty(pair.dirs[router].socket("bgpd")) as bgpd:
            held = known(bgpd.run("show bgp vrf prod martian next-hop"))
        assert {ip_address(address(router, link, version)) for link in LINKS for version in (4, 6)} <= held
    bare = router_state("left", links=())
    try:
        pair.apply("left", bare)
        assert pair.apply("left", router_state("left")).unknown == {}
    finally:
        pair.restore()


def test_an_address_that_bgpd_never_hears_of_is_waited_for_and_named(pair: Pair):
    plain = router_state("left")
    (vrf,) = plain.vrfs
    absent = vrf.interfaces[0].model_copy(
        update={"addresses": (*vrf.interfaces[0].addresses, ip_interface("192.0.2.1/30"))}
    )
    beyond = BgpNeighbor(address=ip_address("192.0.2.2"), remote_asn=64999, interface=absent.name, keepalive=3, hold=9)
    changed = vrf.model_copy(
        update={"interfaces": (absent, *vrf.interfaces[1:]), "neighbors": (*vrf.neighbors, beyond)}
    )
    try:
        applied = pair.apply("left", plain.model_copy(update={"vrfs": (changed,)}))
        assert applied.unknown == {"prod": {ip_address("192.0.2.1")}}
    finally:
        pair.restore()


def test_of_many_new_bfd_sessions_each_is_made_once_its_bgp_session_stands(pair: Pair, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("xcnet.frr.apply._FEW_SESSIONS", 0)
    pair.apply("left", router_state("left", links=()))
    try:
        sent = pair.apply("left", router_state("left")).sent
        assert sum(line.startswith("peer ") for line in sent["bfdd"]) == 4
        assert pending(router_state("left"), pair.dirs["left"]) == {"bgpd": [], "bfdd": []}
    finally:
        pair.restore()


def test_applying_again_sends_nothing(pair: Pair):
    for router in ROUTERS:
        assert not pair.apply(router, router_state(router))
        assert pending(router_state(router), pair.dirs[router]) == {"bgpd": [], "bfdd": []}


def test_graceful_restart_is_taken_and_taken_back(pair: Pair):
    plain = router_state("left")
    for times in (GracefulRestart(), GracefulRestart(restart_time=100, stale_path_time=360)):
        vrf = plain.vrfs[0].model_copy(update={"graceful_restart": times})
        state = plain.model_copy(update={"vrfs": (vrf,)})
        assert pair.apply("left", state)
        assert not pair.apply("left", state)
    pair.restore()


def test_routes_are_in_the_vrf_alone_over_both_links(pair: Pair):
    for version, prefix in ((4, "10.2.0.0/16"), (6, "fd00:2::/32")):
        routes = pair.kernel_routes("left", TABLE, version)
        assert prefix in routes
        for link in (1, 2):
            assert f"dev l{link}.1100" in routes
        assert routes.count("nexthop via") == 2
        assert prefix not in pair.kernel_routes("left", "main", version)
    with pair.vty("left", "zebra") as zebra:
        learned = [route for route in frr_state.routes(zebra, "prod") if route.protocol == "bgp"]
    assert {route.prefix for route in learned} == {ip_network("10.2.0.0/16"), ip_network("fd00:2::/32")}
    assert all(route.installed and len(route.next_hops) == 2 and route.table == TABLE for route in learned)


def test_no_secret_is_in_a_file_or_on_a_command_line(pair: Pair):
    for router in ROUTERS:
        for path in (*pair.dirs[router].run.glob("*.conf"), *pair.dirs[router].logs.iterdir()):
            assert PASSWORD not in path.read_text()
    for pid in pair.pids.values():
        assert PASSWORD.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_changed_timers_are_taken_without_touching_the_sessions(pair: Pair):
    slower = BfdTimers(transmit_ms=400, receive_ms=500, multiplier=4)
    before = losses(pair.read("left"))
    sent = pair.apply("left", router_state("left", bfd=slower)).sent
    assert "profile tx400-rx500-x4" in sent["bfdd"]
    # left hears the right's three packets 300 ms apart, but asked for no more than two a second.
    found = pair.until("left", lambda f: all(p.up and p.detection_ms == 1500 for p in f.bfd_peers))
    assert losses(found).items() <= before.items() and all(session.established for session in found.sessions)
    pair.until("right", lambda f: all(p.detection_ms == 4 * 400 for p in f.bfd_peers))
    pair.restore()
    with pair.vty("left", "bfdd") as bfdd:
        assert "tx400" not in bfdd.run("show running-config")


def test_a_silent_link_is_found_by_bfd_and_leaves_the_other(pair: Pair):
    lines_before = len(pair.log("left", "bfdd"))
    with inside("left"):
        subprocess.run(["tc", "qdisc", "add", "dev", "l1", "root", "netem", "loss", "100%"], check=True)
    started = time.monotonic()
    try:
        lost = {ip_address(address("right", 1, version)) for version in (4, 6)}
        pair.until("right", lambda f: sum(s.established for s in f.sessions) == 2, 4)
        seconds = time.monotonic() - started
        pair.until("left", lambda f: {s.peer for s in f.sessions if not s.established} == lost)
        # Detection takes three missed packets 300 ms apart; without BFD it would be the hold time of 9 s.
        assert seconds < 3
        assert "dev l1.1100" not in next(
            line for line in pair.kernel_routes("left", TABLE).splitlines() if "10.2." in line
        )
        events = [parse_log_line(line, source="t", wall_minus_monotonic=0) for line in pair.log("right", "bfdd")]
        downs = [event for event in events if event is not None and event.kind == "bfd.down"]
        assert downs and downs[-1].data["reason"] == "control-expired"
        assert ip_address(downs[-1].data["peer"]) in {ip_address(address("left", 1, version)) for version in (4, 6)}
        bgp = [parse_log_line(line, source="t", wall_minus_monotonic=0) for line in pair.log("right", "bgpd")]
        assert any(event is not None and event.kind == "bgp.down" for event in bgp)
    finally:
        with inside("left"):
            subprocess.run(["tc", "qdisc", "del", "dev", "l1", "root"], check=True)
    pair.settled()
    assert len(pair.log("left", "bfdd")) > lines_before


def test_sessions_with_different_passwords_stay_down(pair: Pair):
    before = pair.tcp_counter("right", "TCPMD5Failure")
    pair.apply("left", router_state("left", password="another", links=(1,)), 20)  # noqa: S106
    pair.until("left", lambda f: len(f.sessions) == 2 and not any(s.established for s in f.sessions))
    pair.until("left", lambda _: pair.tcp_counter("right", "TCPMD5Failure") > before)
    assert not any(session.established for session in pair.read("left").sessions)
    pair.restore()


def test_a_removed_neighbour_goes_and_the_others_are_left_in_peace(pair: Pair):
    before = losses(pair.read("left"))
    pair.apply("left", router_state("left", links=(2,)))
    found = pair.until("left", lambda f: len(f.sessions) == 2 and len(f.bfd_peers) == 2)
    assert losses(found).items() <= before.items() and all(session.established for session in found.sessions)
    assert not pair.apply("left", router_state("left", links=(2,)))
    pair.restore()


def test_a_prefix_limit_takes_the_session_down(pair: Pair):
    pair.apply("left", router_state("left", prefix_limit=5))
    many = tuple(f"10.2.{number}.0/24" for number in range(12))
    pair.apply("right", router_state("right", networks=many))
    pair.until("left", lambda f: not any(s.established for s in f.sessions if s.peer.version == 4))
    assert all(s.established for s in pair.read("left").sessions if s.peer.version == 6)
    events = [parse_log_line(line, source="t", wall_minus_monotonic=0) for line in pair.log("left", "bgpd")]
    exceeded = [event for event in events if event is not None and event.kind == "bgp.prefix_limit_exceeded"]
    assert exceeded and exceeded[-1].data["limit"] == 5
    pair.apply("right", router_state("right"))
    with pair.vty("left") as bgpd:
        bgpd.run("clear bgp vrf prod *")
    pair.restore()


def test_only_accepted_prefixes_are_taken(pair: Pair):
    state = router_state("left")
    vrf = state.vrfs[0].model_copy(update={"accept_from_external": (ip_network("10.2.4.0/22"),)})
    pair.apply("right", router_state("right", networks=("10.2.5.0/24", "10.3.0.0/16", "fd00:2::/32")))
    pair.apply("left", state.model_copy(update={"vrfs": (vrf,)}))
    pair.until("left", lambda f: {(s.peer.version, s.prefixes_received) for s in f.sessions} == {(4, 1), (6, 0)})
    assert "10.2.5.0/24" in pair.kernel_routes("left", TABLE)
    assert not pair.apply("left", state.model_copy(update={"vrfs": (vrf,)}))
    pair.restore()


def test_a_killed_daemon_comes_back_with_its_passwords(pair: Pair):
    pair.kill("left", "bgpd")
    pair.spawn("left", "bgpd")
    pair.apply("left", router_state("left"))
    pair.settled()
    assert not pair.apply("left", router_state("left"))


def test_a_vrf_goes_with_everything_in_it_and_comes_back(pair: Pair):
    empty = router_state("left").model_copy(update={"vrfs": ()})
    pair.apply("left", empty)
    with pair.vty("left") as bgpd, pair.vty("left", "bfdd") as bfdd:
        left = bgpd.run("show running-config") + bfdd.run("show running-config")
    for word in ("router bgp", "route-map ", "prefix-list", "profile tx"):
        assert word not in left.replace("bgp route-map delay-timer", "")
    assert not pair.apply("left", empty)
    pair.until("right", lambda f: not any(session.established for session in f.sessions))
    pair.restore()


def test_a_vrf_that_the_kernel_lacks_is_named_when_time_is_up(pair: Pair):
    state = router_state("left")
    vrf = state.vrfs[0].model_copy(update={"name": "ghost", "table": 2000})
    with pytest.raises(
        DeadlineError, match=r"bgpd to listen in its VRFs: not within .*not in ghost; it listens in prod"
    ):
        pair.apply("left", state.model_copy(update={"vrfs": (*state.vrfs, vrf)}), 1.0)
    pair.restore()


def test_a_refused_line_is_shown_with_the_daemons_words(pair: Pair):
    state = router_state("left")
    own = BgpNeighbor(address=ip_address(address("left", 1, 4)), remote_asn=64999, interface="l1.1100")
    vrf: Vrf = state.vrfs[0].model_copy(update={"neighbors": (*state.vrfs[0].neighbors, own)})
    with pytest.raises(RoutingError) as caught:
        pair.apply("left", state.model_copy(update={"vrfs": (vrf,)}))
    assert f"neighbor {address('left', 1, 4)} remote-as 64999" in caught.value.cause
    assert "local system" in caught.value.cause
    pair.restore()


def test_a_refused_password_is_not_shown(pair: Pair):
    with pair.vty("left") as bgpd:
        (_, _, answer, _) = bgpd.try_run(
            ["configure terminal", "router bgp 64901 vrf prod", "neighbor 10.99.0.1 password topsecret", "end"]
        )
        assert answer.status != 0
        error = refused(answer, bgpd.path, "neighbor 10.99.0.1 password <secret>")
    assert "topsecret" not in str(error)


def test_folders_that_frr_cannot_pass_are_named(tmp_path: Path):
    closed = Path("/run/xcnet-closed")
    closed.mkdir(mode=0o700, exist_ok=True)
    with pytest.raises(RoutingError) as caught:
        FrrDirs.of(closed, tmp_path / "logs").prepare()
    assert str(closed) in caught.value.cause
    assert caught.value.remedy == f"chmod o+x {closed}"


def test_what_a_killed_daemon_leaves_is_removed(pair: Pair):
    pid = pair.pids["right", "bfdd"]
    pair.kill("right", "bfdd")
    assert (CRASH_LOGS / f"bfdd.{pid}").exists()
    remove_crash_logs("bfdd", pid)
    assert not (CRASH_LOGS / f"bfdd.{pid}").exists()
    pair.spawn("right", "bfdd")
    pair.apply("right", router_state("right"))
    pair.until("right", lambda f: len(f.bfd_peers) == 4 and all(p.up for p in f.bfd_peers))
