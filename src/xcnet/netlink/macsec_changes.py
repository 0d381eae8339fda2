"""Writes to the macsec family, each with how to tell from what is read back that it happened.

They are carried out by :meth:`xcnet.netlink.macsec.Macsec.apply`, several in one exchange.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from xcnet.netlink import macsec_messages as messages
from xcnet.netlink.macsec_types import Sa, SecY, sci_text
from xcnet.secret import Secret

_FIRST_PN = 1


@dataclass(frozen=True, slots=True)
class SaKey:
    """What a new association is made from.

    :param key: the SAK, 16 or 32 bytes. :param key_id: 16 bytes (MKA: member identifier and key number).
    :param ssci: with XPN suites, else None; :param salt: 12 bytes, likewise.
    """

    key: Secret
    key_id: bytes
    ssci: int | None = None
    salt: bytes | None = None

    def __post_init__(self) -> None:
        if len(self.key) not in (16, 32):
            raise ValueError("a SAK has 16 or 32 bytes")
        if len(self.key_id) != 16:
            raise ValueError("a key identifier has 16 bytes")
        if (self.ssci is None) != (self.salt is None):
            raise ValueError("SSCI and salt belong together: both with an XPN suite, else neither")
        if self.salt is not None and len(self.salt) != 12:
            raise ValueError("a salt has 12 bytes")


@dataclass(frozen=True, slots=True)
class Change:
    """One write.

    :param attributes: never shown, as a key may be among them.
    :param difference: what in a :class:`SecY` read afterwards is not as asked; None if all is.
    """

    command: int
    attributes: tuple[tuple[str, Any], ...] = field(repr=False)
    index: int
    what: str
    difference: Callable[[SecY], str | None]


def add_tx_sa(index: int, an: int, key: SaKey, *, pn: int = _FIRST_PN, active: bool = True) -> Change:
    """A transmit association. :param index: of the MACsec device; :param an: 0 to 3; :param pn: the next packet number."""
    return Change(
        messages.ADD_TXSA,
        (_new_sa(an, key, pn, active),),
        index,
        f"add transmit association {an} on interface number {index}",
        lambda secy: _unlike(secy.tx_sas.get(an), key=key, active=active, least_pn=pn),
    )


def update_tx_sa(index: int, an: int, *, active: bool) -> Change:
    """Switch a transmit association on or off."""
    return Change(
        messages.UPD_TXSA,
        (_update_sa(an, active),),
        index,
        f"update transmit association {an} on interface number {index}",
        lambda secy: _unlike(secy.tx_sas.get(an), active=active),
    )


def set_tx_pn(index: int, an: int, pn: int, *, xpn: bool) -> Change:
    """Set the next packet number, whatever it was. A packet number used twice under one key breaks GCM: use
    :meth:`xcnet.netlink.macsec.Macsec.raise_tx_pn`. :param xpn: the device's cipher suite is an XPN one."""
    return Change(
        messages.UPD_TXSA,
        (_update_sa(an, None, pn, xpn),),
        index,
        f"set the packet number of transmit association {an} on interface number {index}",
        lambda secy: _unlike(secy.tx_sas.get(an), least_pn=pn),
    )


def delete_tx_sa(index: int, an: int) -> tuple[Change, ...]:
    """Deactivate and delete a transmit association: an active one cannot be deleted (EBUSY). Its counters are lost."""

    def gone(secy: SecY) -> str | None:
        return "it is still there" if an in secy.tx_sas else None

    what = f"delete transmit association {an} on interface number {index}"
    return (
        Change(messages.UPD_TXSA, (_update_sa(an, False),), index, what, gone),
        Change(
            messages.DEL_TXSA, (("MACSEC_ATTR_SA_CONFIG", {"attrs": [("MACSEC_SA_ATTR_AN", an)]}),), index, what, gone
        ),
    )


def add_rx_sc(index: int, sci: int, *, active: bool = True) -> Change:
    """A receive channel for the peer with this SCI."""
    return _rx_sc(messages.ADD_RXSC, "add", index, sci, active)


def update_rx_sc(index: int, sci: int, *, active: bool) -> Change:
    """Switch a receive channel on or off."""
    return _rx_sc(messages.UPD_RXSC, "update", index, sci, active)


def delete_rx_sc(index: int, sci: int) -> Change:
    """Delete a receive channel with all its associations and their counters."""
    return Change(
        messages.DEL_RXSC,
        (_channel(sci),),
        index,
        f"delete receive channel {sci_text(sci)} on interface number {index}",
        lambda secy: "it is still there" if sci in secy.rx_scs else None,
    )


def add_rx_sa(index: int, sci: int, an: int, key: SaKey, *, pn: int = _FIRST_PN, active: bool = True) -> Change:
    """A receive association. :param pn: the lowest packet number to accept."""
    return Change(
        messages.ADD_RXSA,
        (_channel(sci), _new_sa(an, key, pn, active)),
        index,
        f"add receive association {an} of {sci_text(sci)} on interface number {index}",
        lambda secy: _unlike(secy.rx_sa(sci, an), key=key, active=active, least_pn=pn),
    )


def update_rx_sa(index: int, sci: int, an: int, *, active: bool) -> Change:
    """Switch a receive association on or off."""
    return Change(
        messages.UPD_RXSA,
        (_channel(sci), _update_sa(an, active)),
        index,
        f"update receive association {an} of {sci_text(sci)} on interface number {index}",
        lambda secy: _unlike(secy.rx_sa(sci, an), active=active),
    )


def set_rx_pn(index: int, sci: int, an: int, pn: int, *, xpn: bool) -> Change:
    """Set the lowest acceptable packet number, whatever it was. A lower one accepts replays: use
    :meth:`xcnet.netlink.macsec.Macsec.raise_rx_pn`. :param xpn: the device's cipher suite is an XPN one."""
    return Change(
        messages.UPD_RXSA,
        (_channel(sci), _update_sa(an, None, pn, xpn)),
        index,
        f"set the packet number of receive association {an} of {sci_text(sci)} on interface number {index}",
        lambda secy: _unlike(secy.rx_sa(sci, an), least_pn=pn),
    )


def delete_rx_sa(index: int, sci: int, an: int) -> tuple[Change, ...]:
    """Deactivate and delete a receive association: an active one cannot be deleted (EBUSY). Its counters are lost."""

    def gone(secy: SecY) -> str | None:
        return "it is still there" if secy.rx_sa(sci, an) else None

    what = f"delete receive association {an} of {sci_text(sci)} on interface number {index}"
    bare = ("MACSEC_ATTR_SA_CONFIG", {"attrs": [("MACSEC_SA_ATTR_AN", an)]})
    return (
        Change(messages.UPD_RXSA, (_channel(sci), _update_sa(an, False)), index, what, gone),
        Change(messages.DEL_RXSA, (_channel(sci), bare), index, what, gone),
    )


def _rx_sc(command: int, verb: str, index: int, sci: int, active: bool) -> Change:
    def difference(secy: SecY) -> str | None:
        channel = secy.rx_scs.get(sci)
        if channel is None:
            return "it is not there"
        return None if channel.active == active else f"active is {channel.active}"

    what = f"{verb} receive channel {sci_text(sci)} on interface number {index}"
    return Change(command, (_channel(sci, active),), index, what, difference)


def _channel(sci: int, active: bool | None = None) -> tuple[str, Any]:
    attributes: list[tuple[str, Any]] = [("MACSEC_RXSC_ATTR_SCI", sci)]
    if active is not None:
        attributes.append(("MACSEC_RXSC_ATTR_ACTIVE", int(active)))
    return ("MACSEC_ATTR_RXSC_CONFIG", {"attrs": attributes})


def _new_sa(an: int, key: SaKey, pn: int, active: bool) -> tuple[str, Any]:
    attributes: list[tuple[str, Any]] = [
        ("MACSEC_SA_ATTR_AN", an),
        ("MACSEC_SA_ATTR_ACTIVE", int(active)),
        ("MACSEC_SA_ATTR_PN", struct.pack("=I" if key.ssci is None else "=Q", pn)),
        ("MACSEC_SA_ATTR_KEY", key.key.reveal()),
        ("MACSEC_SA_ATTR_KEYID", key.key_id),
    ]
    if key.ssci is not None:
        attributes += [("MACSEC_SA_ATTR_SSCI", key.ssci), ("MACSEC_SA_ATTR_SALT", key.salt)]
    return ("MACSEC_ATTR_SA_CONFIG", {"attrs": attributes})


def _update_sa(an: int, active: bool | None, pn: int | None = None, xpn: bool = False) -> tuple[str, Any]:
    # Only AN, PN and ACTIVE may stand in an update: the kernel refuses it otherwise.
    attributes: list[tuple[str, Any]] = [("MACSEC_SA_ATTR_AN", an)]
    if active is not None:
        attributes.append(("MACSEC_SA_ATTR_ACTIVE", int(active)))
    if pn is not None:
        attributes.append(("MACSEC_SA_ATTR_PN", struct.pack("=Q" if xpn else "=I", pn)))
    return ("MACSEC_ATTR_SA_CONFIG", {"attrs": attributes})


def _unlike(
    sa: Sa | None, *, key: SaKey | None = None, active: bool | None = None, least_pn: int | None = None
) -> str | None:
    if sa is None:
        return "it is not there"
    if key is not None and sa.key_id != key.key_id:
        return f"its key identifier is {sa.key_id.hex()}, not {key.key_id.hex()}"
    if key is not None and sa.ssci != key.ssci:
        return f"its SSCI is {sa.ssci}, not {key.ssci}"
    if active is not None and sa.active != active:
        return f"active is {sa.active}"
    # Traffic moves packet numbers on between the write and the reading, never back.
    if least_pn is not None and sa.pn < least_pn:
        return f"its packet number is {sa.pn}, below {least_pn}"
    return None


__all__ = [
    "Change",
    "SaKey",
    "add_rx_sa",
    "add_rx_sc",
    "add_tx_sa",
    "delete_rx_sa",
    "delete_rx_sc",
    "delete_tx_sa",
    "set_rx_pn",
    "set_tx_pn",
    "update_rx_sa",
    "update_rx_sc",
    "update_tx_sa",
]
