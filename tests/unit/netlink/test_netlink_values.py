"""Values that go to and come from the kernel: MACsec messages, netem settings, SCIs; nothing secret is shown."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from xcnet.errors import KernelError
from xcnet.model.desired import CipherSuite
from xcnet.netlink import filters, link_kinds, links, macsec_changes, macsec_types, qdisc
from xcnet.netlink import macsec_messages as messages
from xcnet.netlink.macsec_changes import SaKey
from xcnet.netlink.macsec_types import Sa, parse_secy, sci_of, sci_text
from xcnet.netlink.qdisc import Netem
from xcnet.netlink.request import Request
from xcnet.netlink.socket import decode
from xcnet.netlink.tc_messages import tc_message
from xcnet.secret import Secret

KEY = SaKey(Secret(b"\x5a" * 32), b"i" * 16, 1, b"s" * 12)


def _encoded(change: macsec_changes.Change) -> bytes:
    message = messages.macsec_message()
    message["cmd"] = change.command
    message["version"] = 1
    message["attrs"] = [("MACSEC_ATTR_IFINDEX", change.index), *change.attributes]
    return Request(message, 30, change.what).encode(1)


def test_the_numbers_of_link_attributes_are_the_kernels() -> None:
    names = [name for name, _kind in messages.macsec_link.nla_map]
    assert names.index("IFLA_MACSEC_SCI") == 1
    assert names.index("IFLA_MACSEC_ENCRYPT") == 7
    assert names.index("IFLA_MACSEC_VALIDATION") == 13
    assert names.index("IFLA_MACSEC_OFFLOAD") == 15


def test_an_sci_goes_out_in_network_order_and_an_xpn_in_eight_host_bytes() -> None:
    data = _encoded(macsec_changes.add_rx_sa(5, 0x0200000000AA0001, 2, KEY, pn=2**40))
    assert bytes.fromhex("0200000000aa0001") in data
    assert struct.pack("=HHQ", 12, 3, 2**40) in data
    short = SaKey(Secret(bytes(16)), bytes(16))
    assert struct.pack("=HHI", 8, 3, 9) in _encoded(macsec_changes.add_tx_sa(5, 2, short, pn=9))


def test_an_update_carries_neither_key_nor_salt() -> None:
    change = macsec_changes.update_tx_sa(5, 1, active=False)
    assert change.attributes[0][1]["attrs"] == [("MACSEC_SA_ATTR_AN", 1), ("MACSEC_SA_ATTR_ACTIVE", 0)]


def test_a_key_is_not_shown_by_what_describes_it() -> None:
    change = macsec_changes.add_tx_sa(5, 0, KEY)
    assert "5a5a" not in repr(KEY)
    assert "5a5a" not in change.what
    assert "Z" * 32 not in repr(KEY)


@pytest.mark.parametrize(
    "broken",
    [
        {"key": Secret(bytes(15))},
        {"key_id": bytes(15)},
        {"ssci": None},
        {"salt": None},
        {"salt": bytes(11)},
    ],
)
def test_an_impossible_key_is_refused_before_the_kernel_sees_it(broken: dict[str, object]) -> None:
    whole: dict[str, object] = {"key": Secret(bytes(32)), "key_id": bytes(16), "ssci": 1, "salt": bytes(12)}
    with pytest.raises(ValueError, match=r"has|have|belong"):
        SaKey(**(whole | broken))  # type: ignore[arg-type]


def test_a_secy_is_read_whole() -> None:
    message = messages.macsec_message()
    sa = {
        "attrs": [
            ("MACSEC_SA_ATTR_AN", 1),
            ("MACSEC_SA_ATTR_ACTIVE", 1),
            ("MACSEC_SA_ATTR_PN", struct.pack("=Q", 2**35)),
        ]
    }
    sa["attrs"] += [("MACSEC_SA_ATTR_KEYID", b"k" * 16), ("MACSEC_SA_ATTR_SSCI", 2)]
    stats = {"attrs": [("InPktsOK", 3), ("InPktsLate", 2**40)]}
    channel = [("MACSEC_RXSC_ATTR_SCI", 7), ("MACSEC_RXSC_ATTR_ACTIVE", 1), ("MACSEC_RXSC_ATTR_SA_LIST", [sa])]
    secy = [
        ("MACSEC_SECY_ATTR_SCI", 0x0200000000AA0001),
        ("MACSEC_SECY_ATTR_CIPHER_SUITE", CipherSuite.GCM_AES_XPN_256.identifier),
        ("MACSEC_SECY_ATTR_VALIDATE", 2),
        ("MACSEC_SECY_ATTR_ENCRYPT", 1),
    ]
    message["attrs"] = [
        ("MACSEC_ATTR_IFINDEX", 5),
        ("MACSEC_ATTR_SECY", {"attrs": secy}),
        ("MACSEC_ATTR_TXSA_LIST", [sa]),
        ("MACSEC_ATTR_RXSC_LIST", [{"attrs": [*channel, ("MACSEC_RXSC_ATTR_STATS", stats)]}]),
        ("MACSEC_ATTR_SECY_STATS", {"attrs": [("InPktsNoTag", 11)]}),
    ]
    read = parse_secy(decode(messages.macsec_message, Request(message, 30, "").encode(1)))
    expected = Sa(1, True, 2**35, b"k" * 16, 2)
    assert read.tx_sas == {1: expected}
    assert read.rx_sa(7, 1) == expected
    assert read.rx_sa(7, 0) is None
    assert read.rx_sa(8, 1) is None
    assert read.rx_scs[7].stats == {"InPktsOK": 3, "InPktsLate": 2**40}
    assert read.stats == {"InPktsNoTag": 11}
    assert (read.encrypt, read.replay_protect, read.cipher) == (True, False, CipherSuite.GCM_AES_XPN_256)


def test_both_spellings_of_the_first_suite_are_known_and_others_refused() -> None:
    assert macsec_types.cipher_of(0x0080020001000001) is CipherSuite.GCM_AES_128
    assert [macsec_types.cipher_of(suite.identifier) for suite in CipherSuite] == list(CipherSuite)
    with pytest.raises(KernelError, match="0x0000000000000001"):
        macsec_types.cipher_of(1)


@given(st.binary(min_size=6, max_size=6), st.integers(1, 0xFFFF))
def test_an_sci_is_the_address_and_the_port(address: bytes, port: int) -> None:
    assert sci_text(sci_of(address.hex(":"), port)) == address.hex() + f"{port:04x}"


@pytest.mark.parametrize("field", ["loss", "duplicate", "reorder", "corrupt"])
def test_shares_are_between_none_and_all(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        Netem(delay=1, **{field: 1.01})
    assert not Netem(delay=1, **{field: 1.0}).idle


def test_reordering_wants_a_delay_and_times_are_not_negative() -> None:
    with pytest.raises(ValueError, match="reordered"):
        Netem(reorder=0.1)
    with pytest.raises(ValueError, match="negative"):
        Netem(delay=-1)


def test_the_limit_holds_what_is_in_flight() -> None:
    assert Netem().idle
    assert Netem().frames == 1000
    assert Netem(delay=0.001, limit=7).frames == 7
    assert Netem(delay=0.1, rate=10_000_000_000).frames * 512 * 8 >= 0.15 * 10_000_000_000
    assert Netem(delay=1000).frames == 1_000_000


def test_netem_goes_out_in_nanoseconds_and_with_rates_beyond_32_bits() -> None:
    request = qdisc.netem(5, Netem(delay=0.0105, rate=400_000_000_000))
    options = decode(tc_message, request.encode(1)).get_attr("TCA_OPTIONS")
    assert options.get_attr("TCA_NETEM_LATENCY64") == 10_500_000
    assert options.get_attr("TCA_NETEM_RATE64") == 50_000_000_000


def test_a_gate_passes_two_ethertypes_and_drops_the_rest_last() -> None:
    made = [decode(tc_message, request.encode(1)) for request in filters.gate(5)][1:]
    order = [(m["parent"], m["info"] >> 16, (m["info"] & 0xFFFF).to_bytes(2, "little").hex()) for m in made]
    for parent, rest in ((0xFFFFFFF2, order[:3]), (0xFFFFFFF3, order[3:])):
        assert rest == [(parent, 1, "88e5"), (parent, 2, "888e"), (parent, 3, "0003")]


def test_a_link_is_asked_for_by_name_or_number() -> None:
    by_name = decode(ifinfmsg, links.change("ch1", up=True, mtu=9000).encode(1))
    assert (by_name["index"], by_name.get_attr("IFLA_IFNAME")) == (0, "ch1")
    assert (by_name["flags"], by_name["change"], by_name.get_attr("IFLA_MTU")) == (1, 1, 9000)
    by_number = decode(ifinfmsg, links.change(7, up=False).encode(1))
    assert (by_number["index"], by_number["flags"], by_number["change"]) == (7, 0, 1)


def test_a_macsec_device_is_asked_for_with_every_setting() -> None:
    request = link_kinds.macsec("ch1.sec", 3, 5, CipherSuite.GCM_AES_256, replay_window=64)
    link = links.parse(request.encode(1))
    assert link.macsec is not None
    assert (link.macsec.encrypt, link.macsec.protect, link.macsec.replay_protect) == (True, True, True)
    assert (link.macsec.sci, link.macsec.window, link.parent) == (5, 64, 3)
