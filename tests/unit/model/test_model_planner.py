"""The plan of the shipped topologies: the picture in numbers, names and addresses."""

import json
from xml.etree import ElementTree

import pytest

from xcnet.model.desired import BfdTimers, CipherSuite
from xcnet.model.export import plan_links
from xcnet.model.graph import to_mermaid
from xcnet.model.graph_svg import to_svg
from xcnet.model.load import load_topology, parse_topology, read_shipped, shipped_topologies
from xcnet.model.plan import NodeKind, Plan
from xcnet.model.planner import make_plan
from xcnet.secret import Secret


@pytest.fixture(scope="module")
def lab() -> Plan:
    return make_plan(load_topology("aws-google"))


def test_nodes_stand_from_left_to_right(lab: Plan) -> None:
    aws = ["aws-app", "aws-gw", "aws-edge1", "aws-edge2", "aws-edge3", "aws-edge4"]
    gcp = ["gcp-edge1", "gcp-edge2", "gcp-edge3", "gcp-edge4", "gcp-gw", "gcp-app"]
    assert [node.name for node in lab.nodes] == [*aws, "fac-a", "fac-b", *gcp, "aws-coord", "gcp-coord"]


def test_channels_are_spread_over_two_facilities(lab: Plan) -> None:
    assert {c.name: c.facility for c in lab.channels} == {
        "ch1": "fac-a",
        "ch2": "fac-a",
        "ch3": "fac-b",
        "ch4": "fac-b",
    }


def test_interfaces_of_an_edge(lab: Plan) -> None:
    edge = lab.routers["aws-edge2"]
    assert [(c.port, c.device, c.port_mtu) for c in edge.channels] == [("ch2", "ch2.sec", 9100)]
    vrf = edge.vrfs[0]
    assert (vrf.name, vrf.table, vrf.asn) == ("vrf-prod", 1001, 64512)
    assert [(i.name, i.parent, i.vlan, i.mtu) for i in vrf.interfaces] == [
        ("gw0.1100", "gw0", 1100, 8500),
        ("ch2.1100", "ch2.sec", 1100, 8500),
    ]


def test_gateway_has_a_port_for_each_edge_and_host(lab: Plan) -> None:
    gateway = lab.routers["gcp-gw"]
    assert gateway.ports == {"edge1": 9100, "edge2": 9100, "edge3": 9100, "edge4": 9100, "gcp-app": 9000}
    assert [str(network) for network in gateway.vrfs[0].networks] == ["10.20.0.0/24", "fd00:10:20::/64"]
    assert not gateway.channels


def test_each_side_keeps_its_own_timers_and_limits(lab: Plan) -> None:
    aws = next(n for n in lab.routers["aws-edge1"].vrfs[0].neighbors if n.remote_asn == 16550)
    gcp = next(n for n in lab.routers["gcp-edge1"].vrfs[0].neighbors if n.remote_asn == 64512)
    assert (aws.keepalive, aws.hold, aws.prefix_limit) == (30, 90, 1000)
    assert aws.bfd == BfdTimers(transmit_ms=300, receive_ms=300, multiplier=3)
    assert (gcp.keepalive, gcp.hold, gcp.prefix_limit) == (20, 60, 5000)
    assert gcp.bfd == BfdTimers(transmit_ms=1000, receive_ms=1000, multiplier=5)


@pytest.mark.parametrize("topology", ["aws-google", "minimal"])
def test_fast_timers_are_the_same_at_both_sides(topology: str) -> None:
    plan = make_plan(load_topology(topology), fast=True)
    for node in ("aws-edge1", "gcp-edge1"):
        session = plan.routers[node].vrfs[0].neighbors[-1]
        assert (session.keepalive, session.hold) == (3, 9)
        assert session.bfd == BfdTimers(transmit_ms=300, receive_ms=300, multiplier=3)


def test_topology_alone_can_ask_for_fast_timers() -> None:
    assert make_plan(load_topology("minimal")).routers["aws-edge1"].vrfs[0].neighbors[-1].hold == 9


def test_sessions_carry_both_families_and_md5_towards_the_other_side_only(lab: Plan) -> None:
    neighbors = lab.routers["aws-edge1"].vrfs[0].neighbors
    assert [(n.address.version, n.remote_asn, n.md5 is not None, n.next_hop_self) for n in neighbors] == [
        (4, 64512, False, True),
        (6, 64512, False, True),
        (4, 16550, True, False),
        (6, 16550, True, False),
    ]


def test_keys_and_passwords_differ_between_channels_and_starts() -> None:
    plans = [make_plan(load_topology("aws-google")) for _ in range(2)]
    edges = [p.routers[f"aws-edge{number}"] for p in plans for number in (1, 2, 3, 4)]
    assert len({edge.channels[0].keys[0].cak for edge in edges}) == 8
    assert len({edge.vrfs[0].neighbors[-1].md5 for edge in edges}) == 8


def test_hardware_addresses_are_the_same_in_every_run() -> None:
    first, second = (make_plan(load_topology("aws-google")) for _ in range(2))
    assert [link.mac for link in first.links] == [link.mac for link in second.links]


def test_default_cipher_is_the_best_of_both_profiles(lab: Plan) -> None:
    suites = {channel.macsec.cipher_suite for router in lab.routers.values() for channel in router.channels}
    assert suites == {CipherSuite.GCM_AES_XPN_256}
    assert lab.routers["gcp-edge1"].channels[0].macsec.key_server_priority == 15


def test_two_interconnects_share_edges_but_no_vrf() -> None:
    plan = make_plan(load_topology("two-interconnects"))
    edge = plan.routers["aws-edge1"]
    assert [channel.name for channel in edge.channels] == ["ch1", "ch5"]
    assert [(vrf.name, vrf.table) for vrf in edge.vrfs] == [("vrf-red", 1001), ("vrf-blue", 1002)]
    assert plan.routers["aws-gw"].vrfs[0].networks == plan.routers["aws-gw"].vrfs[1].networks
    assert [c.hosts for c in plan.connections] == [
        {"aws": "aws-red", "gcp": "gcp-red"},
        {"aws": "aws-blue", "gcp": "gcp-blue"},
    ]


def test_side_without_host_has_its_subnet_announced_all_the_same() -> None:
    text = read_shipped("minimal").replace("gcp: {host: app, ipv4: 10.20", "gcp: {ipv4: 10.20")
    plan = make_plan(parse_topology(text))
    assert [node.name for node in plan.nodes if node.kind is NodeKind.HOST] == ["aws-app"]
    assert plan.connections[0].hosts == {"aws": "aws-app"}
    vrf = plan.routers["gcp-gw"].vrfs[0]
    assert len(vrf.networks) == 2
    own = vrf.interfaces[-1]
    assert (own.name, own.parent, own.vlan) == ("vrf-prod", "vrf-prod", None)
    assert [str(address) for address in own.addresses] == ["10.20.0.1/32", "fd00:10:20::1/128"]


def test_family_of_one_side_alone_is_left_out() -> None:
    text = read_shipped("minimal").replace(', ipv6: "fd00:10:20::/64"', "")
    plan = make_plan(parse_topology(text))
    for router in plan.routers.values():
        assert all(n.address.version == 4 for vrf in router.vrfs for n in vrf.neighbors)
    assert all(address.version == 4 for host in plan.hosts for address in host.addresses)


def test_long_host_names_get_ports_that_fit_and_differ() -> None:
    text = (
        read_shipped("two-interconnects")
        .replace("host: red", "host: application-red")
        .replace("host: blue", "host: application-blu")
    )
    ports = [link.b[1] for link in make_plan(parse_topology(text)).links if link.kind == "access"]
    assert len(ports) == 4 and all(len(port) <= 15 for port in ports)
    assert len(set(ports[:2])) == 2


def test_side_mtu_lowers_that_of_the_connection() -> None:
    text = read_shipped("minimal").replace("gcp: {host: app,", "gcp: {host: app, mtu: 1500,")
    assert make_plan(parse_topology(text)).connections[0].mtu == 1500


def test_graceful_restart_is_a_profile_option() -> None:
    text = read_shipped("minimal").replace(
        "{profile: gcp, edges: 1}", "{profile: gcp, edges: 1, overrides: {graceful_restart: {enabled: true}}}"
    )
    plan = make_plan(parse_topology(text))
    assert plan.routers["aws-edge1"].vrfs[0].graceful_restart is None
    restart = plan.routers["gcp-edge1"].vrfs[0].graceful_restart
    assert restart is not None and (restart.restart_time, restart.stale_path_time) == (120, 300)


def test_connection_can_bring_its_own_channel_addresses() -> None:
    text = read_shipped("minimal").replace(
        "bandwidth", "addressing: {ipv4: 192.168.7.0/24, ipv4_length: 29}\n    bandwidth"
    )
    interface = make_plan(parse_topology(text)).routers["gcp-edge1"].vrfs[0].interfaces[1]
    assert str(interface.addresses[0]) == "192.168.7.2/29"


def test_export_has_no_secret_and_every_link() -> None:
    marker = Secret(b"\x5e" * 32)
    plan = make_plan(load_topology("aws-google"), key_source=lambda length: Secret(marker.reveal()[:length]))
    text = json.dumps(plan_links(plan))
    assert "5e5e5e5e" not in text
    assert len(json.loads(text)["links"]) == len(plan.links) == 19


def test_export_routes_lead_over_all_channels() -> None:
    routes = plan_links(make_plan(load_topology("aws-google")))["routing"]["routes"]
    by_prefix = {route["to"]: route["via"] for route in routes["aws-gw"]}
    assert len(by_prefix["10.20.0.0/24"]) == len(by_prefix["fd00:10:20::/64"]) == 4
    assert "10.10.0.0/24" not in by_prefix
    assert routes["gcp-app"] == [{"to": "0.0.0.0/0", "via": ["10.20.0.1"]}, {"to": "::/0", "via": ["fd00:10:20::1"]}]


def test_export_has_the_coordinators_addresses() -> None:
    addresses = plan_links(make_plan(load_topology("minimal")))["routing"]["addresses"]
    assert addresses["aws-coord"] == {"to-gcp": ["198.19.0.0/31"]}
    assert addresses["gcp-coord"] == {"to-aws": ["198.19.0.1/31"]}


def test_export_has_a_gateways_own_addresses_on_its_loopback() -> None:
    text = read_shipped("minimal").replace("gcp: {host: app, ipv4: 10.20", "gcp: {ipv4: 10.20")
    addresses = plan_links(make_plan(parse_topology(text)))["routing"]["addresses"]
    assert addresses["gcp-gw"]["lo"] == ["10.20.0.1/32", "fd00:10:20::1/128"]


def test_export_leaves_out_what_one_table_cannot_hold() -> None:
    routing = plan_links(make_plan(load_topology("two-interconnects")))["routing"]
    assert routing["left_out"] == ["blue"]
    assert "aws-blue" not in routing["addresses"] and "aws-red" in routing["addresses"]


@pytest.mark.parametrize("name", sorted(shipped_topologies()))
def test_picture_is_well_formed_and_stands_alone(name: str) -> None:
    plan = make_plan(load_topology(name))
    picture = to_svg(plan)
    root = ElementTree.fromstring(picture)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "<script" not in picture and "href" not in picture and "url(" not in picture
    words = "".join(root.itertext())
    for part in ("AWS", "AS 64512", "Google Cloud", "AS 16550", "AES-XPN-256", *(c.name for c in plan.channels)):
        assert part in words
    assert picture.count('class="lock"') == len(plan.channels)


def test_picture_shows_text_as_text() -> None:
    text = read_shipped("minimal").replace(
        "{profile: aws, edges: 1}", '{profile: aws, edges: 1, overrides: {display_name: "<b>&\\""}}'
    )
    plan = make_plan(parse_topology(text))
    assert '<b>&"' in "".join(ElementTree.fromstring(to_svg(plan)).itertext())
    assert "#quot;" in to_mermaid(plan)


def test_mermaid_has_every_channel_through_its_facility(lab: Plan) -> None:
    chart = to_mermaid(lab)
    assert chart.startswith("flowchart LR\n")
    assert chart.count("===|") == 8
    assert "n_aws_coord -.- n_gcp_coord" in chart
    assert 'n_aws_edge1 ===|"ch1 · GCM-AES-XPN-256"| n_fac_a' in chart
