"""The kernel's MACsec messages, declared after pyroute2's manner (linux/if_link.h, linux/if_macsec.h).

pyroute2 has neither the link kind nor the generic netlink family. Importing this module registers the link kind.
"""

from __future__ import annotations

import struct

from pyroute2.netlink import NLA_F_NESTED, genlmsg, nla
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

FAMILY = "macsec"
VERSION = 1

GET_TXSC, ADD_RXSC, DEL_RXSC, UPD_RXSC, ADD_TXSA, DEL_TXSA, UPD_TXSA, ADD_RXSA, DEL_RXSA, UPD_RXSA = range(10)


class macsec_link(nla):  # type: ignore[misc]
    """IFLA_INFO_DATA of a link of kind ``macsec``."""

    prefix = "IFLA_"
    nla_map = (
        ("IFLA_MACSEC_UNSPEC", "none"),
        ("IFLA_MACSEC_SCI", "be64"),
        ("IFLA_MACSEC_PORT", "be16"),
        ("IFLA_MACSEC_ICV_LEN", "uint8"),
        ("IFLA_MACSEC_CIPHER_SUITE", "uint64"),
        ("IFLA_MACSEC_WINDOW", "uint32"),
        ("IFLA_MACSEC_ENCODING_SA", "uint8"),
        ("IFLA_MACSEC_ENCRYPT", "uint8"),
        ("IFLA_MACSEC_PROTECT", "uint8"),
        ("IFLA_MACSEC_INC_SCI", "uint8"),
        ("IFLA_MACSEC_ES", "uint8"),
        ("IFLA_MACSEC_SCB", "uint8"),
        ("IFLA_MACSEC_REPLAY_PROTECT", "uint8"),
        ("IFLA_MACSEC_VALIDATION", "uint8"),
        ("IFLA_MACSEC_PAD", "none"),
        ("IFLA_MACSEC_OFFLOAD", "uint8"),
    )


class _packet_number(nla):  # type: ignore[misc]
    """A packet number: four bytes, or eight where the cipher suite is an XPN one; host order."""

    fields = (("value", "s"),)

    def decode(self) -> None:
        nla.decode(self)
        raw = self.data[self.offset + 4 : self.offset + self.length]
        self.setvalue(struct.unpack("=Q" if len(raw) == 8 else "=I", raw)[0])


class _octets(nla):  # type: ignore[misc]
    """Bytes as they are: keys, salts, key identifiers."""

    fields = (("value", "s"),)

    def decode(self) -> None:
        nla.decode(self)
        self.setvalue(bytes(self.data[self.offset + 4 : self.offset + self.length]))


class _sa_stats(nla):  # type: ignore[misc]
    nla_map = (
        ("UNSPEC", "none"),
        ("InPktsOK", "uint32"),
        ("InPktsInvalid", "uint32"),
        ("InPktsNotValid", "uint32"),
        ("InPktsNotUsingSA", "uint32"),
        ("InPktsUnusedSA", "uint32"),
        ("OutPktsProtected", "uint32"),
        ("OutPktsEncrypted", "uint32"),
    )


class _rx_sc_stats(nla):  # type: ignore[misc]
    nla_map = (
        ("UNSPEC", "none"),
        ("InOctetsValidated", "uint64"),
        ("InOctetsDecrypted", "uint64"),
        ("InPktsUnchecked", "uint64"),
        ("InPktsDelayed", "uint64"),
        ("InPktsOK", "uint64"),
        ("InPktsInvalid", "uint64"),
        ("InPktsLate", "uint64"),
        ("InPktsNotValid", "uint64"),
        ("InPktsNotUsingSA", "uint64"),
        ("InPktsUnusedSA", "uint64"),
        ("PAD", "none"),
    )


class _tx_sc_stats(nla):  # type: ignore[misc]
    nla_map = (
        ("UNSPEC", "none"),
        ("OutPktsProtected", "uint64"),
        ("OutPktsEncrypted", "uint64"),
        ("OutOctetsProtected", "uint64"),
        ("OutOctetsEncrypted", "uint64"),
        ("PAD", "none"),
    )


class _secy_stats(nla):  # type: ignore[misc]
    nla_map = (
        ("UNSPEC", "none"),
        ("OutPktsUntagged", "uint64"),
        ("InPktsUntagged", "uint64"),
        ("OutPktsTooLong", "uint64"),
        ("InPktsNoTag", "uint64"),
        ("InPktsBadTag", "uint64"),
        ("InPktsUnknownSCI", "uint64"),
        ("InPktsNoSCI", "uint64"),
        ("InPktsOverrun", "uint64"),
        ("PAD", "none"),
    )


class _sa(nla):  # type: ignore[misc]
    nla_flags = NLA_F_NESTED
    nla_map = (
        ("MACSEC_SA_ATTR_UNSPEC", "none"),
        ("MACSEC_SA_ATTR_AN", "uint8"),
        ("MACSEC_SA_ATTR_ACTIVE", "uint8"),
        ("MACSEC_SA_ATTR_PN", "packet_number"),
        ("MACSEC_SA_ATTR_KEY", "octets"),
        ("MACSEC_SA_ATTR_KEYID", "octets"),
        ("MACSEC_SA_ATTR_STATS", "stats"),
        ("MACSEC_SA_ATTR_PAD", "none"),
        ("MACSEC_SA_ATTR_SSCI", "be32"),
        ("MACSEC_SA_ATTR_SALT", "octets"),
    )
    packet_number = _packet_number
    octets = _octets
    stats = _sa_stats


class _rx_sc(nla):  # type: ignore[misc]
    nla_flags = NLA_F_NESTED
    nla_map = (
        ("MACSEC_RXSC_ATTR_UNSPEC", "none"),
        ("MACSEC_RXSC_ATTR_SCI", "be64"),
        ("MACSEC_RXSC_ATTR_ACTIVE", "uint8"),
        ("MACSEC_RXSC_ATTR_SA_LIST", "*sa"),
        ("MACSEC_RXSC_ATTR_STATS", "stats"),
        ("MACSEC_RXSC_ATTR_PAD", "none"),
    )
    sa = _sa
    stats = _rx_sc_stats


class macsec_message(genlmsg):  # type: ignore[misc]
    """A message of the generic netlink family ``macsec``."""

    nla_map = (
        ("MACSEC_ATTR_UNSPEC", "none"),
        ("MACSEC_ATTR_IFINDEX", "uint32"),
        ("MACSEC_ATTR_RXSC_CONFIG", "rx_sc"),
        ("MACSEC_ATTR_SA_CONFIG", "sa"),
        ("MACSEC_ATTR_SECY", "secy"),
        ("MACSEC_ATTR_TXSA_LIST", "*sa"),
        ("MACSEC_ATTR_RXSC_LIST", "*rx_sc"),
        ("MACSEC_ATTR_TXSC_STATS", "tx_sc_stats"),
        ("MACSEC_ATTR_SECY_STATS", "secy_stats"),
        ("MACSEC_ATTR_OFFLOAD", "hex"),
    )
    sa = _sa
    rx_sc = _rx_sc
    tx_sc_stats = _tx_sc_stats
    secy_stats = _secy_stats

    class secy(nla):  # type: ignore[misc]
        nla_map = (
            ("MACSEC_SECY_ATTR_UNSPEC", "none"),
            ("MACSEC_SECY_ATTR_SCI", "be64"),
            ("MACSEC_SECY_ATTR_ENCODING_SA", "uint8"),
            ("MACSEC_SECY_ATTR_WINDOW", "uint32"),
            ("MACSEC_SECY_ATTR_CIPHER_SUITE", "uint64"),
            ("MACSEC_SECY_ATTR_ICV_LEN", "uint8"),
            ("MACSEC_SECY_ATTR_PROTECT", "uint8"),
            ("MACSEC_SECY_ATTR_REPLAY", "uint8"),
            ("MACSEC_SECY_ATTR_OPER", "uint8"),
            ("MACSEC_SECY_ATTR_VALIDATE", "uint8"),
            ("MACSEC_SECY_ATTR_ENCRYPT", "uint8"),
            ("MACSEC_SECY_ATTR_INC_SCI", "uint8"),
            ("MACSEC_SECY_ATTR_ES", "uint8"),
            ("MACSEC_SECY_ATTR_SCB", "uint8"),
            ("MACSEC_SECY_ATTR_PAD", "none"),
        )


ifinfmsg.ifinfo.register_link_kind(module={"macsec": macsec_link})

__all__ = [
    "ADD_RXSA",
    "ADD_RXSC",
    "ADD_TXSA",
    "DEL_RXSA",
    "DEL_RXSC",
    "DEL_TXSA",
    "FAMILY",
    "GET_TXSC",
    "UPD_RXSA",
    "UPD_RXSC",
    "UPD_TXSA",
    "VERSION",
    "macsec_link",
    "macsec_message",
]
