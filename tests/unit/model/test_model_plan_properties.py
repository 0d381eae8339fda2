"""What holds for the plan of any valid topology."""

from collections import Counter
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from topology_strategy import topologies

from xcnet.lab.wire import plan_from_wire, plan_to_wire
from xcnet.model.desired import RouterState
from xcnet.model.graph import to_mermaid
from xcnet.model.graph_layout import lay_out
from xcnet.model.graph_svg import to_svg
from xcnet.model.load import parse_topology
from xcnet.model.plan import NodeKind, Plan
from xcnet.model.planner import make_plan
from xcnet.model.routers import render
from xcnet.secret import Secret

properties = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def plan_of(text: str) -> Plan:
    return make_plan(parse_topology(text))


def interfaces_of(plan: Plan) -> Counter[tuple[str, str]]:
    """Every interface the lab will have, by node."""
    found: Counter[tuple[str, str]] = Counter()
    for link in plan.links:
        found.update([link.a, link.b])
    for name, router in plan.routers.items():
        found.update((name, channel.device) for channel in router.channels)
        for vrf in router.vrfs:
            found.update([(name, vrf.name)])
            found.update((name, interface.name) for interface in vrf.interfaces if interface.vlan is not None)
    return found


@properties
@given(topologies())
def test_names_are_unique_and_fit_the_kernel(text: str) -> None:
    plan = plan_of(text)
    assert len({node.name for node in plan.nodes}) == len(plan.nodes)
    interfaces = interfaces_of(plan)
    assert max(interfaces.values()) == 1
    assert all(len(name) <= 15 for _, name in interfaces)
    macs = [mac for link in plan.links for mac in link.mac]
    assert len(set(macs)) == len(macs)
    assert all(int(mac[:2], 16) & 3 == 2 for mac in macs), "locally administered, unicast"


@properties
@given(topologies())
def test_links_join_nodes_that_exist_and_ports_the_routers_know(text: str) -> None:
    plan = plan_of(text)
    nodes = {node.name for node in plan.nodes}
    assert {end[0] for link in plan.links for end in (link.a, link.b)} <= nodes
    ends = {end: link.mtu for link in plan.links for end in (link.a, link.b)}
    for name, router in plan.routers.items():
        ports = dict(router.ports) | {channel.port: channel.port_mtu for channel in router.channels}
        assert ports == {port: mtu for (node, port), mtu in ends.items() if node == name}
        parents = {*ports, *(channel.device for channel in router.channels)}
        for vrf in router.vrfs:
            assert {interface.parent for interface in vrf.interfaces} <= parents | {vrf.name}


@properties
@given(topologies())
def test_no_address_is_there_twice_in_a_connection(text: str) -> None:
    plan = plan_of(text)
    for connection in plan.connections:
        addresses = [
            address.ip
            for router in plan.routers.values()
            for vrf in router.vrfs
            if vrf.connection == connection.name
            for interface in vrf.interfaces
            for address in interface.addresses
        ]
        addresses += [a.ip for host in plan.hosts if host.connection == connection.name for a in host.addresses]
        assert len(set(addresses)) == len(addresses)


@properties
@given(topologies())
def test_subnets_of_one_router_do_not_overlap(text: str) -> None:
    plan = plan_of(text)
    for router in plan.routers.values():
        for vrf in router.vrfs:
            networks = sorted(
                (a.network for i in vrf.interfaces for a in i.addresses),
                key=lambda network: (network.version, int(network.network_address)),
            )
            assert not any(a.version == b.version and a.overlaps(b) for a, b in pairwise(networks))


@properties
@given(topologies())
def test_both_ends_of_a_channel_share_key_and_cipher(text: str) -> None:
    plan = plan_of(text)
    keys = set()
    for channel in plan.channels:
        ends = [c for end in channel.ends for c in plan.routers[end.node].channels if c.name == channel.name]
        assert len(ends) == 2
        first, second = ends
        assert first.keys == second.keys
        assert first.keys[0].cak.reveal() == second.keys[0].cak.reveal()
        assert first.macsec.cipher_suite == second.macsec.cipher_suite
        assert len(first.keys[0].cak) == first.macsec.cipher_suite.key_length
        keys.add(first.keys[0].ckn)
    assert len(keys) == len(plan.channels)


@properties
@given(topologies())
def test_each_session_has_its_other_end(text: str) -> None:
    plan = plan_of(text)
    owners = {
        (vrf.connection, address.ip): (name, vrf)
        for name, router in plan.routers.items()
        for vrf in router.vrfs
        for interface in vrf.interfaces
        for address in interface.addresses
    }
    for name, router in plan.routers.items():
        for vrf in router.vrfs:
            for neighbor in vrf.neighbors:
                other, other_vrf = owners[vrf.connection, neighbor.address]
                assert other != name
                assert neighbor.remote_asn == other_vrf.asn
                interface = next(i for i in vrf.interfaces if i.name == neighbor.interface)
                own = next(a for a in interface.addresses if neighbor.address in a.network)
                back = next(n for n in other_vrf.neighbors if n.address == own.ip)
                assert back.remote_asn == vrf.asn
                assert (back.md5 is None) == (neighbor.md5 is None)
                if neighbor.md5 is not None and back.md5 is not None:
                    assert back.md5.reveal() == neighbor.md5.reveal()


@properties
@given(topologies())
def test_mtu_is_one_for_a_connection_and_fits_what_carries_it(text: str) -> None:
    plan = plan_of(text)
    for connection in plan.connections:
        for router in plan.routers.values():
            devices = {channel.device: channel.port_mtu - 32 for channel in router.channels} | dict(router.ports)
            for vrf in router.vrfs:
                for interface in vrf.interfaces:
                    if vrf.connection == connection.name and interface.vlan is not None:
                        assert interface.mtu == connection.mtu
                        assert interface.mtu + 4 <= devices[interface.parent]


@properties
@given(topologies())
def test_tables_and_router_ids_are_unique_where_they_must_be(text: str) -> None:
    plan = plan_of(text)
    for router in plan.routers.values():
        assert len({vrf.table for vrf in router.vrfs}) == len(router.vrfs)
    ids: dict[str, set[str]] = {}
    for name, router in plan.routers.items():
        for vrf in router.vrfs:
            ids.setdefault(str(vrf.router_id), set()).add(name)
    assert all(len(names) == 1 for names in ids.values())


@properties
@given(topologies())
def test_every_channel_is_spliced_once_in_its_facility(text: str) -> None:
    plan = plan_of(text)
    fibres = {link.b: link.channel for link in plan.links if link.kind == "fibre"}
    assert [splice.channel for splice in plan.splices] == [channel.name for channel in plan.channels]
    for splice in plan.splices:
        assert [fibres[splice.facility, port] for port in splice.ports] == [splice.channel, splice.channel]


@properties
@given(topologies())
def test_the_same_topology_gives_the_same_plan(text: str) -> None:
    def zeros(length: int) -> Secret:
        return Secret(bytes(length))

    loaded = parse_topology(text)
    assert make_plan(loaded, key_source=zeros) == make_plan(loaded, key_source=zeros)


@properties
@given(topologies())
def test_state_survives_the_wire(text: str) -> None:
    for router in plan_of(text).routers.values():
        assert RouterState.model_validate_json(router.reveal_json()) == router


@properties
@given(topologies(), st.booleans())
def test_plan_survives_the_way_to_the_lab(text: str, bare: bool) -> None:
    plan = make_plan(parse_topology(text), bare=bare)
    assert plan_from_wire(plan_to_wire(plan)) == plan


@properties
@given(topologies())
def test_routers_are_what_their_providers_attachments_make_of_them(text: str) -> None:
    plan = plan_of(text)
    rendered: dict[str, RouterState] = {}
    for start in plan.networks.values():
        rendered |= render(start.network, reversed(start.channels), reversed(start.attachments))
    assert rendered == plan.routers
    assert list(rendered) == list(plan.routers)


@properties
@given(topologies())
def test_one_attachment_less_takes_its_own_parts_away_and_moves_no_others(text: str) -> None:
    for start in plan_of(text).networks.values():
        whole = render(start.network, start.channels, start.attachments)
        for gone in start.attachments:
            rest = [each for each in start.attachments if each is not gone]
            for node, state in render(start.network, start.channels, rest).items():
                assert state.vrfs == tuple(vrf for vrf in whole[node].vrfs if vrf.connection != gone.name)
                assert (state.channels, state.ports) == (whole[node].channels, whole[node].ports)


@properties
@given(topologies())
def test_bare_lab_differs_in_keys_and_connections_alone(text: str) -> None:
    loaded = parse_topology(text)
    plan, bare = make_plan(loaded), make_plan(loaded, bare=True)
    assert bare.connections == ()
    for same in (
        "nodes",
        "links",
        "splices",
        "hosts",
        "channels",
        "coordinators",
        "orders",
        "environments",
        "customers",
    ):
        assert getattr(bare, same) == getattr(plan, same)
    for name, router in bare.routers.items():
        assert not router.vrfs
        assert router.ports == plan.routers[name].ports
        assert not any(channel.keys for channel in router.channels)
        keyless = [channel.model_copy(update={"keys": ()}) for channel in plan.routers[name].channels]
        assert list(router.channels) == keyless


@properties
@given(topologies())
def test_coordinators_reach_those_they_share_an_interconnect_with(text: str) -> None:
    plan = plan_of(text)
    wanted = {frozenset(end.provider for end in channel.ends) for channel in plan.channels}
    links = {(link.a, link.b) for link in plan.links if link.kind == "management"}
    assert len(links) == len(wanted)
    taken = []
    for key, coordinator in plan.coordinators.items():
        assert {frozenset((key, peer)) for peer in coordinator.peers} == {pair for pair in wanted if key in pair}
        for peer, own in coordinator.peers.items():
            back = plan.coordinators[peer].peers[key]
            assert (back.address.ip, back.peer) == (own.peer, own.address.ip)
            assert back.address.network == own.address.network
            ends = ((coordinator.node, own.interface), (plan.coordinators[peer].node, back.interface))
            assert ends in links or ends[::-1] in links
            taken.append(own.address.ip)
    assert len(set(taken)) == len(taken)


@properties
@given(topologies())
def test_macsec_managers_share_the_burden_between_two_providers(text: str) -> None:
    plan = plan_of(text)
    pairs: dict[frozenset[str], Counter[str]] = {}
    for channel in plan.channels:
        pair = frozenset(end.provider for end in channel.ends)
        pairs.setdefault(pair, Counter(dict.fromkeys(pair, 0)))[channel.macsec_manager] += 1
        assert {channel.macsec_manager, channel.cross_connect_manager} == pair
    for burden in pairs.values():
        assert max(burden.values()) - min(burden.values()) <= 1


@properties
@given(topologies())
def test_drawing_holds_every_node_apart_from_the_others(text: str) -> None:
    plan = plan_of(text)
    layout = lay_out(plan)
    boxes = list(layout.nodes.values())
    assert set(layout.nodes) == {node.name for node in plan.nodes}
    for index, a in enumerate(boxes):
        for b in boxes[index + 1 :]:
            assert a.right <= b.x or b.right <= a.x or a.bottom <= b.y or b.bottom <= a.y
        assert a.x >= 0 and a.y >= 0 and a.right <= layout.width and a.bottom <= layout.height
    picture, chart = to_svg(plan), to_mermaid(plan)
    for node in plan.nodes:
        assert node.name in picture and node.name in chart
    assert sum(node.kind is NodeKind.FACILITY for node in plan.nodes) == picture.count('class="wall"')
