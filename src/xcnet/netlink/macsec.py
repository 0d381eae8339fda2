"""MACsec devices: made, keyed and read; every write is read back and compared with what was asked.

Kernel facts that stand behind the code: an association can be updated in AN, PN and ACTIVE only; one that is active can
neither be deleted nor overwritten (EBUSY); keys can be written, never read: the key identifier stands for them.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from xcnet.errors import KernelError
from xcnet.model.desired import CipherSuite
from xcnet.netlink import link_kinds, links
from xcnet.netlink import macsec_messages as messages
from xcnet.netlink.genl import family_number
from xcnet.netlink.links import LinkRef
from xcnet.netlink.macsec_changes import Change, set_rx_pn, set_tx_pn
from xcnet.netlink.macsec_types import MacsecLink, SecY, Validation, parse_secy
from xcnet.netlink.netns import Netns
from xcnet.netlink.request import Request
from xcnet.netlink.socket import NETLINK_GENERIC, NETLINK_ROUTE, NetlinkSocket, decoder


class Macsec:
    """The MACsec devices of one namespace.

    :raises KernelError: on opening: the kernel has no MACsec. On every write: refused, or the kernel then holds
        something else than was asked.
    """

    def __init__(self, netns: Netns | None = None) -> None:
        self._route = NetlinkSocket(NETLINK_ROUTE, netns)
        self._generic = NetlinkSocket(NETLINK_GENERIC, netns)
        self._family = family_number(self._generic, messages.FAMILY)

    def close(self) -> None:
        self._generic.close()
        self._route.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # -- reading

    def dump(self) -> dict[int, SecY]:
        """Every SecY of the namespace with all its associations and counters, by interface index, in one exchange."""
        message = messages.macsec_message()
        message["cmd"] = messages.GET_TXSC
        message["version"] = messages.VERSION
        message["attrs"] = []
        request = Request(message, self._family, "read the MACsec devices")
        found = self._generic.dump(request, decoder(messages.macsec_message))
        return {secy.index: secy for secy in map(parse_secy, found)}

    def get(self, index: int) -> SecY:
        """:raises KernelError: there is no MACsec device of that index."""
        secy = self.dump().get(index)
        if secy is None:
            raise KernelError(f"there is no MACsec device with interface number {index}", where=self._generic.where)
        return secy

    # -- the device

    def create(
        self,
        name: str,
        parent: int,
        sci: int,
        cipher: CipherSuite,
        *,
        mac: str | None = None,
        encrypt: bool = True,
        replay_window: int | None = None,
        validation: Validation = Validation.STRICT,
        mtu: int | None = None,
        up: bool = False,
    ) -> links.Link:
        """Make a MACsec device on the interface with index ``parent``; parameters as :func:`link_kinds.macsec`."""
        request = link_kinds.macsec(
            name,
            parent,
            sci,
            cipher,
            mac=mac,
            encrypt=encrypt,
            replay_window=replay_window,
            validation=validation,
            mtu=mtu,
            up=up,
        )
        self._route.submit([request])
        link = links.get(self._route, name)
        wanted: dict[str, object] = {
            "sci": sci,
            "cipher": cipher,
            "icv_length": 16,
            "encrypt": encrypt,
            "protect": True,
            "include_sci": True,
            "replay_protect": replay_window is not None,
            "validation": validation,
        }
        if replay_window is not None:
            wanted["window"] = replay_window
        self._compare_link(link, request.what, wanted)
        return link

    def set_encoding_sa(self, link: LinkRef, an: int) -> None:
        """Transmit with association ``an`` from now on."""
        request = link_kinds.macsec_encoding_sa(link, an)
        self._route.submit([request])
        self._compare_link(links.get(self._route, link), request.what, {"encoding_sa": an})

    def set_replay(self, link: LinkRef, window: int | None) -> None:
        """Set the replay window; None accepts replays."""
        request = link_kinds.macsec_replay(link, window)
        self._route.submit([request])
        wanted: dict[str, object] = {"replay_protect": window is not None}
        if window is not None:
            wanted["window"] = window
        self._compare_link(links.get(self._route, link), request.what, wanted)

    def _compare_link(self, link: links.Link, what: str, wanted: dict[str, object]) -> None:
        held: MacsecLink | None = link.macsec
        if held is None:
            raise self._mismatch(what, f"{link.name} is of kind {link.kind or 'none'}")
        for name, value in wanted.items():
            if getattr(held, name) != value:
                raise self._mismatch(what, f"{name} is {getattr(held, name)}, not {value}")

    # -- channels and associations

    def apply(self, *changes: Change) -> dict[int, SecY]:
        """Write the changes in order, in one datagram, then read back and compare all of them; returns what was read.

        :raises KernelError: a refusal (the others were carried out), or a difference.
        """
        self._generic.submit(self._request(change) for change in changes)
        held = self.dump()
        for change in changes:
            secy = held.get(change.index)
            difference = "the device is gone" if secy is None else change.difference(secy)
            if difference is not None:
                raise self._mismatch(change.what, difference)
        return held

    def raise_rx_pn(self, index: int, sci: int, an: int, pn: int) -> SecY:
        """Have the association accept nothing below ``pn``; where it stands higher already it stays so."""
        secy = self.get(index)
        sa = secy.rx_sa(sci, an)
        if sa is not None and sa.pn >= pn:
            return secy
        return self.apply(set_rx_pn(index, sci, an, pn, xpn=secy.cipher.extended_packet_numbers))[index]

    def raise_tx_pn(self, index: int, an: int, pn: int) -> SecY:
        """Have the association's next packet number be at least ``pn``; where it stands higher already it stays so."""
        secy = self.get(index)
        sa = secy.tx_sas.get(an)
        if sa is not None and sa.pn >= pn:
            return secy
        return self.apply(set_tx_pn(index, an, pn, xpn=secy.cipher.extended_packet_numbers))[index]

    def _request(self, change: Change) -> Request:
        message = messages.macsec_message()
        message["cmd"] = change.command
        message["version"] = messages.VERSION
        message["attrs"] = [("MACSEC_ATTR_IFINDEX", change.index), *change.attributes]
        return Request(message, self._family, change.what)

    def _mismatch(self, what: str, difference: str) -> KernelError:
        return KernelError(
            f"cannot {what}: the kernel took it but holds something else: {difference}",
            where=self._generic.where,
            remedy="make sure that nobody else configures this device (wpa_supplicant, `ip macsec`)",
        )


__all__ = ["Macsec"]
