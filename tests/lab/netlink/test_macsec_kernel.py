"""What the kernel's MACsec does: the facts that key agreement and its safety stand on."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from xcnet.errors import KernelError
from xcnet.model.desired import CipherSuite
from xcnet.netlink import link_kinds, links
from xcnet.netlink import macsec_messages as messages
from xcnet.netlink.macsec_changes import (
    Change,
    add_rx_sa,
    add_rx_sc,
    add_tx_sa,
    delete_rx_sa,
    delete_rx_sc,
    delete_tx_sa,
    set_rx_pn,
    update_rx_sa,
    update_rx_sc,
    update_tx_sa,
)
from xcnet.netlink.macsec_types import Validation
from xcnet.netlink.request import NLM_F_CREATE, NLM_F_EXCL, Request

pytestmark = pytest.mark.lab

XPN_256 = CipherSuite.GCM_AES_XPN_256


@pytest.mark.parametrize("cipher", list(CipherSuite))
def test_every_cipher_suite_carries_traffic_that_cannot_be_read_on_the_wire(pair: Any, cipher: CipherSuite) -> None:
    pair.secure(cipher)
    wire, inside = pair.a.tap("p0"), pair.b.tap("ch1")
    pair.a.tap("ch1").send(pair.frame(b"known plaintext"))
    (sealed,) = wire.received(outgoing=True)
    assert sealed[12:14] == bytes.fromhex("88e5")
    assert b"known plaintext" not in sealed
    assert inside.received() == [pair.frame(b"known plaintext")]
    assert pair.b.state().cipher is cipher
    assert pair.b.state().rx_scs[pair.a.sci].stats["InPktsOK"] == 1
    assert pair.a.state().tx_stats["OutPktsEncrypted"] == 1


def test_a_new_device_has_exactly_what_was_asked(pair: Any) -> None:
    link = pair.a.macsec.create("ch1", pair.a.port.index, pair.a.sci, XPN_256, replay_window=64)
    assert link.macsec.encrypt
    assert link.macsec.protect
    assert link.macsec.include_sci
    assert link.macsec.replay_protect
    assert link.macsec.window == 64
    assert link.macsec.validation is Validation.STRICT
    assert link.macsec.sci == pair.a.sci


def test_the_kernels_own_defaults_neither_encrypt_nor_refuse_replays(pair: Any) -> None:
    message = ifinfmsg()
    message["attrs"] = [
        ("IFLA_IFNAME", "bare"),
        ("IFLA_LINK", pair.a.port.index),
        ("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_KIND", "macsec")]}),
    ]
    pair.a.netlink.submit([Request(message, 16, "make a MACsec device with defaults", NLM_F_CREATE | NLM_F_EXCL)])
    held = pair.a.link("bare").macsec
    assert (held.encrypt, held.replay_protect) == (False, False)
    assert (held.protect, held.include_sci, held.validation) == (True, True, Validation.STRICT)
    assert held.cipher is CipherSuite.GCM_AES_128


def test_mtu_follows_the_parent_down_but_never_up(pair: Any) -> None:
    pair.make_secy()
    assert pair.a.link("ch1").mtu == 9100 - 32
    pair.a.netlink.submit([links.change("p0", mtu=1500)])
    assert pair.a.link("ch1").mtu == 1500 - 32
    pair.a.netlink.submit([links.change("p0", mtu=9100)])
    assert pair.a.link("ch1").mtu == 1500 - 32


def test_a_vlan_on_macsec_has_room_for_its_tag_taken_off_and_the_tag_is_encrypted(pair: Any) -> None:
    pair.secure()
    for station in (pair.a, pair.b):
        station.netlink.submit([link_kinds.vlan("v1100", station.index, 1100, up=True)])
    assert pair.a.await_up("v1100").mtu == 9100 - 32 - 4
    assert pair.a.link("v1100").vlan == 1100
    wire, inside = pair.a.tap("p0"), pair.b.tap("v1100")
    pair.a.tap("v1100").send(pair.frame(b"tagged"))
    (sealed,) = wire.received(outgoing=True)
    assert sealed[12:14] == bytes.fromhex("88e5")
    assert bytes.fromhex("8100044c") not in sealed
    assert inside.received() == [pair.frame(b"tagged")]


def test_window_zero_refuses_a_replay(pair: Any) -> None:
    pair.secure(window=0)
    wire, inside = pair.a.tap("p0"), pair.b.tap("ch1")
    pair.a.tap("ch1").send(pair.frame())
    (sealed,) = wire.received(outgoing=True)
    assert len(inside.received()) == 1
    wire.send(sealed)
    assert inside.received(deadline=0.2) == []
    assert pair.b.state().rx_scs[pair.a.sci].stats["InPktsLate"] == 1


def test_a_duplicate_inside_the_window_passes(pair: Any) -> None:
    pair.secure(window=64)
    wire, inside = pair.a.tap("p0"), pair.b.tap("ch1")
    pair.a.tap("ch1").send(pair.frame())
    (sealed,) = wire.received(outgoing=True)
    assert len(inside.received()) == 1
    wire.send(sealed)
    assert len(inside.received()) == 1


def test_a_flipped_bit_is_counted_as_not_valid_and_not_delivered(pair: Any) -> None:
    pair.secure()
    wire, inside = pair.a.tap("p0"), pair.b.tap("ch1")
    pair.a.tap("ch1").send(pair.frame())
    (sealed,) = wire.received(outgoing=True)
    inside.received()
    wire.send(_with_pn(sealed, 2)[:-1] + bytes([sealed[-1] ^ 1]))
    assert inside.received(deadline=0.2) == []
    assert pair.b.state().rx_scs[pair.a.sci].stats["InPktsNotValid"] == 1


def test_an_association_number_without_association_is_counted(pair: Any) -> None:
    pair.secure()
    wire, inside = pair.a.tap("p0"), pair.b.tap("ch1")
    pair.a.tap("ch1").send(pair.frame())
    (sealed,) = wire.received(outgoing=True)
    inside.received()
    wire.send(sealed[:14] + bytes([sealed[14] ^ 0b11]) + sealed[15:])
    assert inside.received(deadline=0.2) == []
    assert pair.b.state().rx_scs[pair.a.sci].stats["InPktsNotUsingSA"] == 1


def test_a_foreign_sci_is_counted(pair: Any) -> None:
    pair.secure()
    wire, inside = pair.a.tap("p0"), pair.b.tap("ch1")
    pair.a.tap("ch1").send(pair.frame())
    (sealed,) = wire.received(outgoing=True)
    inside.received()
    # Another port of the same address. (An SCI of zero is invalid, and counted nowhere.)
    wire.send(sealed[:26] + bytes.fromhex("0002") + sealed[28:])
    assert inside.received(deadline=0.2) == []
    assert pair.b.state().stats["InPktsNoSCI"] == 1


def test_every_key_agreement_frame_is_counted_as_having_no_tag(pair: Any) -> None:
    pair.secure()
    before = pair.b.state().stats["InPktsNoTag"]
    port = pair.b.tap("p1")
    pair.a.tap("p0").send(bytes.fromhex("0180c2000003") + pair.frame(ethertype=0x888E)[6:])
    assert len(port.received()) == 1
    assert pair.b.state().stats["InPktsNoTag"] == before + 1


def test_without_an_active_association_nothing_leaves_and_the_carrier_stays(pair: Any) -> None:
    pair.secure()
    pair.a.macsec.apply(update_tx_sa(pair.a.index, 0, active=False))
    wire = pair.a.tap("p0")
    pair.a.tap("ch1").send(pair.frame())
    assert wire.received(outgoing=True, deadline=0.2) == []
    link = pair.a.link("ch1")
    assert (link.up, link.carrier, link.operstate) == (True, True, "UP")
    assert not pair.a.state().operational


def test_an_exhausted_packet_number_stops_transmission_and_the_carrier_stays(pair: Any) -> None:
    pair.secure(CipherSuite.GCM_AES_128)
    pair.a.macsec.raise_tx_pn(pair.a.index, 0, 2**32 - 1)
    wire, sender = pair.a.tap("p0"), pair.a.tap("ch1")
    sender.send(pair.frame())
    assert len(wire.received(outgoing=True)) == 1
    sender.send(pair.frame())
    assert wire.received(outgoing=True, deadline=0.2) == []
    assert pair.a.link("ch1").carrier


def test_the_encoding_association_changes_while_the_link_is_up(pair: Any) -> None:
    pair.secure()
    second = pair.key(XPN_256, 2)
    pair.a.macsec.apply(add_tx_sa(pair.a.index, 1, second))
    pair.b.macsec.apply(add_rx_sa(pair.b.index, pair.a.sci, 1, second))
    wire, inside, sender = pair.a.tap("p0"), pair.b.tap("ch1"), pair.a.tap("ch1")
    sender.send(pair.frame(b"first"))
    pair.a.macsec.set_encoding_sa("ch1", 1)
    sender.send(pair.frame(b"second"))
    assert [frame[14] & 3 for frame in wire.received(2, outgoing=True)] == [0, 1]
    assert inside.received(2) == [pair.frame(b"first"), pair.frame(b"second")]


def test_untagged_frames_reach_the_parents_own_stack_but_not_the_device(pair: Any) -> None:
    pair.secure()
    bare, inside = pair.b.tap("p1"), pair.b.tap("ch1")
    pair.a.tap("p0").send(pair.frame(b"clear"))
    assert bare.received() == [pair.frame(b"clear")]
    assert inside.received(deadline=0.1) == []


def test_a_receive_packet_number_is_never_lowered(pair: Any) -> None:
    pair.secure()
    pair.b.macsec.raise_rx_pn(pair.b.index, pair.a.sci, 0, 2**33 + 5)
    assert pair.b.state().rx_sa(pair.a.sci, 0).pn == 2**33 + 5
    assert pair.b.macsec.raise_rx_pn(pair.b.index, pair.a.sci, 0, 7).rx_sa(pair.a.sci, 0).pn == 2**33 + 5


def test_an_active_association_can_be_neither_deleted_nor_overwritten(pair: Any) -> None:
    pair.secure()
    bare = Change(
        messages.DEL_TXSA,
        (("MACSEC_ATTR_SA_CONFIG", {"attrs": [("MACSEC_SA_ATTR_AN", 0)]}),),
        pair.a.index,
        "delete an active association",
        lambda _secy: None,
    )
    for change in (bare, add_tx_sa(pair.a.index, 0, pair.key(XPN_256, 2))):
        with pytest.raises(KernelError) as refused:
            pair.a.macsec.apply(change)
        assert refused.value.errno == errno.EBUSY
    assert 0 not in pair.a.macsec.apply(*delete_tx_sa(pair.a.index, 0))[pair.a.index].tx_sas
    assert pair.b.macsec.apply(*delete_rx_sa(pair.b.index, pair.a.sci, 0))[pair.b.index].rx_sa(pair.a.sci, 0) is None


def test_an_update_takes_nothing_but_number_packet_number_and_activity(pair: Any) -> None:
    pair.secure()
    attributes = [("MACSEC_SA_ATTR_AN", 0), ("MACSEC_SA_ATTR_KEY", bytes(32))]
    change = Change(
        messages.UPD_TXSA,
        (("MACSEC_ATTR_SA_CONFIG", {"attrs": attributes}),),
        pair.a.index,
        "change a key",
        lambda _secy: None,
    )
    with pytest.raises(KernelError) as refused:
        pair.a.macsec.apply(change)
    assert refused.value.errno == errno.EINVAL


def test_deleting_an_association_loses_its_counters(pair: Any) -> None:
    pair.secure()
    inside = pair.b.tap("ch1")
    pair.a.tap("ch1").send(pair.frame())
    inside.received()
    assert pair.b.state().rx_sa(pair.a.sci, 0).stats["InPktsOK"] == 1
    key = pair.key(XPN_256)
    pair.b.macsec.apply(*delete_rx_sa(pair.b.index, pair.a.sci, 0))
    pair.b.macsec.apply(add_rx_sa(pair.b.index, pair.a.sci, 0, key))
    assert pair.b.state().rx_sa(pair.a.sci, 0).stats["InPktsOK"] == 0


def test_channels_and_associations_go_through_all_their_states(pair: Any) -> None:
    pair.make_secy()
    index, sci, key = pair.a.index, pair.b.sci, pair.key(XPN_256)
    held = pair.a.macsec.apply(
        add_rx_sc(index, sci, active=False),
        add_rx_sa(index, sci, 3, key, pn=17, active=False),
        add_tx_sa(index, 3, key, pn=2**40, active=False),
    )[index]
    assert not held.rx_scs[sci].active
    assert held.rx_sa(sci, 3).pn == 17
    assert held.tx_sas[3].pn == 2**40
    assert held.tx_sas[3].key_id == key.key_id
    assert held.tx_sas[3].ssci == 1
    held = pair.a.macsec.apply(
        update_rx_sc(index, sci, active=True),
        update_rx_sa(index, sci, 3, active=True),
        update_tx_sa(index, 3, active=True),
    )[index]
    assert held.rx_scs[sci].active
    assert held.rx_sa(sci, 3).active
    assert held.tx_sas[3].active
    assert pair.a.macsec.apply(delete_rx_sc(index, sci))[index].rx_scs == {}


def test_a_write_that_others_undo_is_reported(pair: Any) -> None:
    pair.secure()
    index, sci = pair.b.index, pair.a.sci
    undone = set_rx_pn(index, sci, 0, 1, xpn=True)
    with pytest.raises(KernelError, match="holds something else: its packet number is 1, below 1000"):
        pair.b.macsec.apply(set_rx_pn(index, sci, 0, 1000, xpn=True), undone)


def test_replay_protection_wants_its_window_beside_it(pair: Any) -> None:
    pair.make_secy(window=None)
    message = links.addressed("ch1")
    data = {"attrs": [("IFLA_MACSEC_REPLAY_PROTECT", 1)]}
    message["attrs"].append(("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_KIND", "macsec"), ("IFLA_INFO_DATA", data)]}))
    with pytest.raises(KernelError) as refused:
        pair.a.netlink.submit([Request(message, 16, "protect against replay without a window")])
    assert refused.value.errno == errno.EINVAL
    pair.a.macsec.set_replay("ch1", 0)
    assert pair.a.state().replay_protect


@pytest.mark.parametrize(
    "attribute", [("IFLA_MACSEC_CIPHER_SUITE", CipherSuite.GCM_AES_256.identifier), ("IFLA_MACSEC_SCI", 5)]
)
def test_cipher_and_sci_of_a_device_cannot_change(pair: Any, attribute: tuple[str, int]) -> None:
    pair.make_secy()
    message = links.addressed("ch1")
    info = [("IFLA_INFO_KIND", "macsec"), ("IFLA_INFO_DATA", {"attrs": [attribute]})]
    message["attrs"].append(("IFLA_LINKINFO", {"attrs": info}))
    with pytest.raises(KernelError):
        pair.a.netlink.submit([Request(message, 16, "change what cannot change")])


def test_one_dump_shows_every_device_of_the_namespace(pair: Any) -> None:
    for port in (1, 2, 3):
        pair.a.macsec.create(f"m{port}", pair.a.port.index, pair.a.sci + port, XPN_256, replay_window=0)
    assert sorted(secy.sci for secy in pair.a.macsec.dump().values()) == [pair.a.sci + port for port in (1, 2, 3)]
    assert pair.b.macsec.dump() == {}


def _with_pn(sealed: bytes, pn: int) -> bytes:
    """The same frame with another packet number in its SecTAG (bytes 16 to 19 of the frame)."""
    return sealed[:16] + pn.to_bytes(4, "big") + sealed[20:]
