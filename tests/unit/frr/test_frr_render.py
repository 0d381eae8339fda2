"""Configuration text from a desired state."""

from ipaddress import ip_address, ip_interface, ip_network

import pytest
from pydantic import ValidationError

from xcnet.errors import RoutingError
from xcnet.frr import diff
from xcnet.frr.render import bfd_profile, desired, startup
from xcnet.frr.tree import parse
from xcnet.model.desired import BfdTimers, BgpNeighbor, GracefulRestart, RouterState, Vrf, VrfInterface
from xcnet.secret import Secret

BFD = BfdTimers(transmit_ms=1000, receive_ms=300, multiplier=5)


def neighbor(address: str, **more: object) -> BgpNeighbor:
    fields = {"remote_asn": 65002, "interface": "ch1.1100", "keepalive": 20, "hold": 60, "bfd": BFD, **more}
    return BgpNeighbor(address=ip_address(address), **fields)


def state(*neighbors: BgpNeighbor, **more: object) -> RouterState:
    if not neighbors:
        neighbors = (neighbor("169.254.0.2", md5=Secret.from_text("s3cret")), neighbor("fd00::2", prefix_limit=1000))
    fields = {"networks": (ip_network("10.1.0.0/16"), ip_network("fd01::/32")), **more}
    vrf = Vrf(
        name="prod",
        connection="prod",
        table=1100,
        asn=65001,
        router_id="192.0.2.1",
        interfaces=(
            VrfInterface(
                name="ch1.1100",
                parent="ch1",
                vlan=1100,
                mtu=8500,
                addresses=(ip_interface("169.254.0.1/30"), ip_interface("fd00::1/126")),
            ),
        ),
        neighbors=neighbors,
        **fields,
    )
    return RouterState(node="aws-edge1", provider="aws", vrfs=(vrf,))


def bgp(state: RouterState) -> dict:
    return parse(desired(state)["bgpd"])["router bgp 65001 vrf prod"]


def test_the_start_up_configuration_holds_no_secret_and_no_neighbour():
    texts = startup(state())
    assert set(texts) == {"zebra", "bgpd", "bfdd"}
    assert not any("s3cret" in text or "password" in text for text in texts.values())
    assert "router bgp 65001 vrf prod" in texts["bgpd"]
    assert "neighbor" not in texts["bgpd"].replace("log-neighbor-changes", "")


def test_the_desired_configuration_holds_the_password():
    assert "neighbor 169.254.0.2 password s3cret" in bgp(state())


def test_each_session_carries_the_family_of_its_own_address():
    tree = bgp(state())
    assert "neighbor 169.254.0.2 activate" in tree["address-family ipv4 unicast"]
    assert "neighbor 169.254.0.2 activate" not in tree["address-family ipv6 unicast"]
    assert "neighbor fd00::2 activate" in tree["address-family ipv6 unicast"]
    assert "no bgp default ipv4-unicast" in tree
    assert "network 10.1.0.0/16" in tree["address-family ipv4 unicast"]
    assert "network fd01::/32" in tree["address-family ipv6 unicast"]


def test_what_is_accepted_from_outside_is_filtered_in_both_families():
    tree = parse(desired(state(accept_from_external=(ip_network("10.2.0.0/16"),)))["bgpd"])
    assert "ip prefix-list prod-in seq 5 permit 10.2.0.0/16 le 32" in tree
    # A list that names no IPv6 prefix accepts none.
    assert "ipv6 prefix-list prod-in seq 5 deny any" in tree
    families = tree["router bgp 65001 vrf prod"]
    assert "neighbor 169.254.0.2 route-map prod-external-ipv4 in" in families["address-family ipv4 unicast"]
    assert "neighbor fd00::2 route-map prod-external-ipv6 in" in families["address-family ipv6 unicast"]


def test_internal_sessions_are_not_filtered():
    inside = neighbor("10.0.0.2", remote_asn=65001, next_hop_self=True)
    tree = bgp(state(inside, accept_from_external=(ip_network("10.2.0.0/16"),)))["address-family ipv4 unicast"]
    assert "neighbor 10.0.0.2 next-hop-self" in tree
    assert not any("route-map" in line for line in tree)


def test_a_drained_neighbour_is_announced_to_with_the_community_and_heard_with_the_least_preference():
    drained, other = neighbor("169.254.0.2", drained=True), neighbor("169.254.0.6")
    for accept in ((), (ip_network("10.2.0.0/16"),)):
        tree = parse(desired(state(drained, other, accept_from_external=accept))["bgpd"])
        assert list(tree["route-map draining permit 10"]) == ["set community graceful-shutdown additive"]
        policy = list(tree["route-map prod-drained-ipv4 permit 10"])
        assert policy == [*(["match ip address prefix-list prod-in"] if accept else []), "set local-preference 0"]
        family = tree["router bgp 65001 vrf prod"]["address-family ipv4 unicast"]
        assert "neighbor 169.254.0.2 route-map prod-drained-ipv4 in" in family
        assert "neighbor 169.254.0.2 route-map draining out" in family
        outside = [line for line in family if line.startswith("neighbor 169.254.0.6 route-map")]
        assert outside == (["neighbor 169.254.0.6 route-map prod-external-ipv4 in"] if accept else [])
        assert not any("drained-ipv6" in line for line in tree)


def test_nothing_speaks_of_draining_where_nothing_is_drained():
    assert "drain" not in desired(state())["bgpd"]
    assert "graceful-shutdown" not in desired(state())["bgpd"]


def test_a_router_that_starts_drained_stays_drained():
    drained = neighbor("169.254.0.2", drained=True, bfd=None)
    assert "neighbor 169.254.0.2 route-map draining out" in startup(state(drained))["bgpd"]


def test_an_internal_neighbour_cannot_be_drained():
    with pytest.raises(ValidationError, match=r"10\.0\.0\.2 is internal"):
        state(neighbor("10.0.0.2", remote_asn=65001, drained=True))


def test_ipv6_routes_hang_on_no_link_local_address_where_none_is_handed_on():
    inside = neighbor("fd00::2", remote_asn=65001)
    tree = parse(desired(state(inside))["bgpd"])
    assert "set ipv6 next-hop prefer-global" in tree["route-map prod-any-ipv6 permit 10"]
    assert "prefer-global" not in desired(state(inside, neighbor("fd00::3")))["bgpd"]


def test_of_two_ends_one_opens_the_connection():
    # This router has 169.254.0.1 in the neighbours' network.
    assert "neighbor 169.254.0.2 passive" not in bgp(state(neighbor("169.254.0.2")))
    lower = state(neighbor("169.254.0.0"))
    assert "neighbor 169.254.0.0 passive" in bgp(lower)
    assert "neighbor 10.0.0.1 passive" not in bgp(state(neighbor("10.0.0.1")))


def test_of_hundreds_of_connections_the_later_ones_ask_again_more_seldom():
    one = state().vrfs[0]
    vrfs = tuple(one.model_copy(update={"name": f"vrf-c{n}", "table": 1100 + n}) for n in range(200))
    tree = parse(desired(state().model_copy(update={"vrfs": vrfs}))["bgpd"])
    pauses = [
        int(line.rsplit(" ", 1)[1])
        for number in (0, 7, 8, 199)
        for line in tree[f"router bgp 65001 vrf vrf-c{number}"]
        if line.startswith("neighbor fd00::2 timers connect ")
    ]
    assert pauses == [1, 1, 2, 25]


def test_limits_timers_and_multipath_are_said():
    tree = bgp(state(maximum_paths=8))
    assert "neighbor fd00::2 timers 20 60" in tree
    assert "neighbor fd00::2 timers connect 1" in tree
    assert "neighbor fd00::2 maximum-prefix 1000" in tree["address-family ipv6 unicast"]
    assert {"maximum-paths 8", "maximum-paths ibgp 8"} <= set(tree["address-family ipv4 unicast"])


def test_graceful_restart_is_an_option():
    assert not any("graceful" in line for line in bgp(state()))
    tree = bgp(state(graceful_restart=GracefulRestart(restart_time=100, stale_path_time=200)))
    assert {
        "bgp graceful-restart",
        "bgp graceful-restart restart-time 100",
        "bgp graceful-restart stalepath-time 200",
    } <= set(tree)


def test_graceful_restart_with_frrs_own_times_says_none_as_frr_shows_none():
    tree = bgp(state(graceful_restart=GracefulRestart(restart_time=120, stale_path_time=360)))
    assert [line for line in tree if "graceful" in line] == ["bgp graceful-restart"]


def test_bfd_profiles_are_named_by_their_timers_and_shared():
    assert bfd_profile(BFD) == "tx1000-rx300-x5"
    tree = parse(desired(state())["bfdd"])["bfd"]
    # 300 ms is FRR's own default, which it does not show.
    profile = {"detect-multiplier 5": {}, "transmit-interval 1000": {}}
    peers = {f"peer {each} vrf prod": {"profile tx1000-rx300-x5": {}} for each in ("169.254.0.2", "fd00::2")}
    assert tree == {"profile tx1000-rx300-x5": profile, **peers}


def test_a_session_without_bfd_has_no_word_of_it():
    assert not any("bfd" in line for line in bgp(state(neighbor("10.0.0.2", bfd=None))))


def test_a_description_cannot_become_a_second_line():
    tree = bgp(state(neighbor("10.0.0.2", description="one\nno router bgp 65001")))
    assert "neighbor 10.0.0.2 description one no router bgp 65001" in tree


@pytest.mark.parametrize("password", ["", "two words", "line\nbreak", "ü", "x" * 81])
def test_a_password_that_frr_cannot_take_is_refused_without_showing_it(password: str):
    with pytest.raises(RoutingError) as caught:
        desired(state(neighbor("10.0.0.2", md5=Secret.from_text(password))))
    assert "10.0.0.2" in caught.value.cause
    assert caught.value.remedy
    assert not password or password not in str(caught.value)


def test_a_session_starts_only_after_everything_about_it_is_said():
    lines = list(diff.bgpd({}, parse(desired(state())["bgpd"])))
    for peer in ("169.254.0.2", "fd00::2"):
        # A neighbour that only waits, to make bgpd listen, has not started.
        said = [line for line in lines if f"neighbor {peer} " in line and "shutdown" not in line]
        assert said[0] == f"neighbor {peer} remote-as 65002"
        bfd = said.index(f"neighbor {peer} bfd")
        assert said[bfd - 1] == f"neighbor {peer} activate"
        assert f"no neighbor {peer} shutdown" not in lines[: lines.index(f"neighbor {peer} activate")]
        assert said[bfd:] == [f"neighbor {peer} bfd", f"neighbor {peer} bfd profile tx1000-rx300-x5"]


def test_bfd_follows_each_new_session_by_itself():
    commands = diff.bgpd({}, parse(desired(state())["bgpd"]))
    assert set(commands.bfd) == {("prod", "169.254.0.2"), ("prod", "fd00::2")}
    assert not any(" bfd" in line for line in [*commands.first, *commands.then])
