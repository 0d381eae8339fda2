"""What routers are told of channels and attachments, without a topology in between."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from xcnet.model.attachments import Attachment, FeatureEnd, FeatureTerms, channel_rate
from xcnet.model.desired import Cak, RouterState
from xcnet.model.load import load_topology
from xcnet.model.network import ChannelState, ProviderNetwork
from xcnet.model.planner import make_plan
from xcnet.model.routers import render
from xcnet.secret import Secret

PLAN = make_plan(load_topology("two-interconnects"), bare=True)
NETWORK = PLAN.networks["aws"].network
KEY = Cak(ckn="0a0b", cak=Secret(b"\x5e" * 32))


def feature(channel: str, number: int, **changed: Any) -> FeatureEnd:
    return FeatureEnd.model_validate(
        {
            "channel": channel,
            "vlan": 2000,
            "mtu": 8500,
            "addresses": (f"169.254.7.{4 * number + 1}/30", f"fd00:7::{number}:1/126"),
            "peers": (f"169.254.7.{4 * number + 2}", f"fd00:7::{number}:2"),
            "peer_asn": 16550,
            "md5": Secret.from_text("open-sesame"),
            "rate": 500_000_000,
            **changed,
        }
    )


def attachment(*features: FeatureEnd, **changed: Any) -> Attachment:
    edges = sorted({NETWORK.channel(each.channel).edge for each in features})
    internal = {
        edge: ((ip_interface(f"100.64.9.{2 * index}/31"), ip_interface(f"100.64.9.{2 * index + 1}/31")),)
        for index, edge in enumerate(edges)
    }
    fields: dict[str, Any] = {
        "name": "acme",
        "vrf": "vrf-acme",
        "table": 1500,
        "internal_vlan": 3000,
        "mtu": 8500,
        "networks": (ip_network("10.1.0.0/16"),),
        "internal": internal,
        "features": features,
    }
    return Attachment.model_validate({**fields, **changed})


def states(*attachments: Attachment, network: ProviderNetwork = NETWORK, **channels: Any) -> dict[str, RouterState]:
    return render(network, [ChannelState(name=name, **fields) for name, fields in channels.items()], attachments)


def test_channels_share_of_a_bandwidth_leaves_room_for_one_that_fails() -> None:
    assert channel_rate(1_000_000_000, 4) == 333_333_334
    assert channel_rate(1_000_000_000, 2) == 1_000_000_000
    assert channel_rate(1_000_000_000, 1) == 1_000_000_000
    for wrong in ((0, 4), (1, 0)):
        with pytest.raises(ValueError, match="no share"):
            channel_rate(*wrong)


@given(st.integers(1, 10**13), st.integers(1, 64))
def test_channels_carry_the_whole_bandwidth_with_one_missing_and_hardly_more(bandwidth: int, channels: int) -> None:
    left = max(channels - 1, 1)
    assert bandwidth <= left * channel_rate(bandwidth, channels) < bandwidth + left


def test_routers_of_a_network_without_attachments_have_their_channels_and_ports_alone() -> None:
    routers = states(ch1={"keys": (KEY,)})
    assert list(routers) == ["aws-gw", "aws-edge1", "aws-edge2", "aws-edge3", "aws-edge4"]
    assert not any(router.vrfs for router in routers.values())
    first, fifth = routers["aws-edge1"].channels
    assert (first.name, first.keys, fifth.name, fifth.keys) == ("ch1", (KEY,), "ch5", ())


def test_tags_on_channels_and_inside_may_differ() -> None:
    routers = states(attachment(feature("ch2", 0)))
    (vrf,) = routers["aws-edge2"].vrfs
    assert [(i.name, i.parent, i.vlan) for i in vrf.interfaces] == [
        ("gw0.3000", "gw0", 3000),
        ("ch2.2000", "ch2.sec", 2000),
    ]
    assert [i.name for i in routers["aws-gw"].vrfs[0].interfaces] == ["edge2.3000", "vrf-acme"]


def test_rate_password_and_peers_stand_where_the_feature_is() -> None:
    (vrf,) = states(attachment(feature("ch2", 0)))["aws-edge2"].vrfs
    inside, outside = vrf.interfaces
    assert (inside.rate, outside.rate) == (None, 500_000_000)
    external = [each for each in vrf.neighbors if each.remote_asn == 16550]
    assert [str(each.address) for each in external] == ["169.254.7.2", "fd00:7::2"]
    assert {each.md5.reveal_text() for each in external if each.md5} == {"open-sesame"}
    assert {each.description for each in external} == {"ch2 gcp-edge2"}


def test_migrating_connection_has_features_of_two_interconnects_in_one_vrf() -> None:
    moving = attachment(feature("ch1", 0), feature("ch5", 1, vlan=2100), feature("ch6", 2))
    routers = states(moving)
    assert [i.name for i in routers["aws-edge1"].vrfs[0].interfaces] == ["gw0.3000", "ch1.2000", "ch5.2100"]
    assert [i.name for i in routers["aws-edge2"].vrfs[0].interfaces] == ["gw0.3000", "ch6.2000"]
    assert [i.name for i in routers["aws-gw"].vrfs[0].interfaces] == ["edge1.3000", "edge2.3000", "vrf-acme"]


def test_order_of_what_is_given_does_not_matter() -> None:
    one = attachment(feature("ch1", 0), feature("ch2", 1))
    other = attachment(
        feature("ch1", 2, vlan=2001),
        name="other",
        vrf="vrf-other",
        table=1400,
        internal_vlan=3001,
        networks=(ip_network("10.2.0.0/16"),),
    )
    turned = one.model_copy(
        update={"features": one.features[::-1], "internal": dict(reversed(list(one.internal.items())))}
    )
    assert states(one, other) == states(other, turned)
    assert [vrf.name for vrf in states(one, other)["aws-edge1"].vrfs] == ["vrf-other", "vrf-acme"]


def test_drained_channel_drains_the_sessions_over_it_and_no_others() -> None:
    both = attachment(feature("ch1", 0), feature("ch5", 1))
    (vrf,) = states(both, ch1={"drained": True})["aws-edge1"].vrfs
    assert {each.description: each.drained for each in vrf.neighbors} == {
        "gateway aws-gw": False,
        "ch1 gcp-edge1": True,
        "ch5 gcp-edge1": False,
    }


def test_drained_feature_drains_its_own_sessions() -> None:
    both = attachment(feature("ch1", 0, drained=True), feature("ch5", 1))
    (vrf,) = states(both)["aws-edge1"].vrfs
    assert {each.description for each in vrf.neighbors if each.drained} == {"ch1 gcp-edge1"}


def test_disabled_channel_stays_configured() -> None:
    channels = states(ch1={"keys": (KEY,), "enabled": False})["aws-edge1"].channels
    assert [(each.name, each.enabled) for each in channels] == [("ch1", False), ("ch5", True)]


def test_edge_without_a_feature_keeps_its_place_in_the_vrf() -> None:
    whole = attachment(feature("ch1", 0), feature("ch2", 1))
    reduced = whole.model_copy(update={"features": whole.features[:1]})
    routers = states(reduced)
    assert routers["aws-gw"] == states(whole)["aws-gw"]
    assert [i.name for i in routers["aws-edge2"].vrfs[0].interfaces] == ["gw0.3000"]


def test_own_as_number_of_an_attachment_is_that_of_its_vrf_and_internal_sessions() -> None:
    (vrf,) = states(attachment(feature("ch1", 0), asn=65001))["aws-edge1"].vrfs
    assert vrf.asn == 65001
    assert [each.remote_asn for each in vrf.neighbors] == [65001, 16550, 16550]


def test_host_port_takes_the_first_address_of_each_network() -> None:
    network = NETWORK.model_copy(update={"ports": {**NETWORK.ports, "aws-web": 9000}})
    with_host = attachment(feature("ch1", 0), port="aws-web")
    gateway = states(with_host, network=network)["aws-gw"]
    port = gateway.vrfs[0].interfaces[-1]
    assert (port.name, port.vlan, port.mtu, str(port.addresses[0])) == ("aws-web", None, 9000, "10.1.0.1/16")


@pytest.mark.parametrize(
    ("network", "own"),
    [
        ("10.1.0.0/16", "10.1.0.1/32"),
        ("10.1.0.0/31", "10.1.0.0/32"),
        ("10.1.0.9/32", "10.1.0.9/32"),
        ("fd00::/64", "fd00::1/128"),
        ("fd00::9/128", "fd00::9/128"),
    ],
)
def test_gateway_stands_for_a_host_with_a_single_address(network: str, own: str) -> None:
    alone = attachment(feature("ch1", 0), networks=(ip_network(network),))
    assert [str(a) for a in states(alone)["aws-gw"].vrfs[0].interfaces[-1].addresses] == [own]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: states(attachment(feature("ch1", 0), internal={})), "ch1 ends on edge1, which has no internal link"),
        (lambda: states(attachment(internal={"edge9": ()})), "has no edge edge9"),
        (lambda: states(attachment(port="aws-web")), "has no port aws-web"),
        (lambda: states(attachment(port="edge1")), "has no port edge1"),
        (lambda: states(ch9={}), "has no end of ch9"),
        (lambda: states(attachment(), attachment(table=1501)), "name acme is acme's already"),
        (lambda: states(attachment(), attachment(name="b", vrf="vrf-b")), "table 1500 is acme's already"),
        (lambda: states(attachment(), attachment(name="b", table=1501)), "VRF vrf-acme is acme's already"),
        (
            lambda: states(
                attachment(feature("ch1", 0)),
                attachment(feature("ch1", 1), name="b", vrf="vrf-b", table=1501, internal_vlan=3001),
            ),
            "VLAN on ch1 2000 is acme's already",
        ),
        (
            lambda: states(
                attachment(feature("ch1", 0)),
                attachment(feature("ch1", 1, vlan=2001), name="b", vrf="vrf-b", table=1501),
            ),
            "internal VLAN at edge1 3000 is acme's already",
        ),
    ],
)
def test_what_does_not_fit_is_refused(wrong: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        wrong()


def test_feature_of_an_unknown_channel_is_refused() -> None:
    known = attachment(feature("ch1", 0))
    unknown = known.model_copy(update={"features": (feature("ch9", 0),)})
    with pytest.raises(ValueError, match="has no end of ch9"):
        states(unknown)


def test_two_features_on_one_channel_are_refused() -> None:
    with pytest.raises(ValidationError, match="two features lie on one channel"):
        attachment(feature("ch1", 0), feature("ch1", 1))


TERMS = FeatureTerms(
    channel="ch1",
    vlan=2000,
    mtu=8500,
    subnets=(ip_network("169.254.7.0/30"), ip_network("fd00:7::/126")),
    hosts={
        "aws": (ip_address("169.254.7.1"), ip_address("fd00:7::1")),
        "gcp": (ip_address("169.254.7.2"), ip_address("fd00:7::2")),
    },
    asns={"aws": 64512, "gcp": 16550},
    md5=Secret.from_text("open-sesame"),
)


def test_both_sides_make_their_ends_of_the_same_terms() -> None:
    aws, gcp = TERMS.end("aws", rate=7), TERMS.end("gcp", drained=True)
    assert [str(each) for each in aws.addresses] == ["169.254.7.1/30", "fd00:7::1/126"]
    assert aws.peers == tuple(each.ip for each in gcp.addresses)
    assert gcp.peers == tuple(each.ip for each in aws.addresses)
    assert (aws.peer_asn, gcp.peer_asn, aws.rate, gcp.rate, aws.drained, gcp.drained) == (
        16550,
        64512,
        7,
        None,
        False,
        True,
    )
    assert aws.md5 == gcp.md5 == TERMS.md5
    with pytest.raises(KeyError):
        TERMS.end("azure")


@pytest.mark.parametrize(
    "changed",
    [
        {"hosts": {"aws": TERMS.hosts["aws"]}},
        {"asns": {"aws": 64512, "azure": 12076}},
        {"hosts": {**TERMS.hosts, "gcp": TERMS.hosts["gcp"][:1]}},
        {"hosts": {**TERMS.hosts, "gcp": (ip_address("169.254.8.2"), ip_address("fd00:7::2"))}},
        {"subnets": ()},
    ],
)
def test_terms_that_do_not_hold_together_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FeatureTerms.model_validate({**TERMS.model_dump(), **changed})


def test_ends_whose_peer_is_no_neighbour_are_refused() -> None:
    for changed in ({"peers": ("169.254.7.9", "fd00:7::0:2")}, {"peers": ("169.254.7.2",)}):
        with pytest.raises(ValidationError):
            feature("ch1", 0, **changed)


def test_attachments_show_their_passwords_only_where_they_are_revealed() -> None:
    whole = attachment(feature("ch1", 0))
    assert "open-sesame" not in whole.model_dump_json() and b"open-sesame".hex() not in whole.model_dump_json()
    assert Attachment.model_validate_json(whole.model_dump_json(context={"reveal": True})) == whole
    assert ProviderNetwork.model_validate_json(NETWORK.model_dump_json()) == NETWORK
