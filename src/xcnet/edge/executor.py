"""Carries out what key agreement decides on the kernel's SecY, in the order in which it decided it."""

from __future__ import annotations

from collections.abc import Iterable

from xcnet.mka import outputs as mka
from xcnet.netlink import macsec_changes as changes
from xcnet.netlink.macsec import Macsec
from xcnet.netlink.macsec_changes import Change, SaKey

SecyOutput = (
    mka.CreateRxSc
    | mka.RemoveRxSc
    | mka.InstallRxSa
    | mka.InstallTxSa
    | mka.EnableTransmit
    | mka.RemoveTxSa
    | mka.RemoveRxSa
)


class SecyExecutor:
    """One MACsec device. Consecutive changes go to the kernel in one datagram and are read back together.

    :param index: the device's interface number.
    """

    def __init__(self, macsec: Macsec, index: int) -> None:
        self._macsec = macsec
        self.index = index

    def execute(self, wanted: Iterable[SecyOutput]) -> None:
        """:raises KernelError: the kernel refused a change or holds something else."""
        pending: list[Change] = []
        for output in wanted:
            pending += self._changes(output)
            if isinstance(output, mka.EnableTransmit):
                self._macsec.apply(*pending)
                pending = []
                self._macsec.set_encoding_sa(self.index, output.an)
        if pending:
            self._macsec.apply(*pending)

    def flush(self) -> None:
        """Remove every SA and receive SC, whoever installed them."""
        secy = self._macsec.get(self.index)
        pending: list[Change] = []
        for an in secy.tx_sas:
            pending += changes.delete_tx_sa(self.index, an)
        for sci, channel in secy.rx_scs.items():
            for an in channel.sas:
                pending += changes.delete_rx_sa(self.index, sci, an)
            pending.append(changes.delete_rx_sc(self.index, sci))
        if pending:
            self._macsec.apply(*pending)

    def _changes(self, output: SecyOutput) -> list[Change]:
        match output:
            case mka.CreateRxSc(sci):
                return [changes.add_rx_sc(self.index, _number(sci))]
            case mka.RemoveRxSc(sci):
                return [changes.delete_rx_sc(self.index, _number(sci))]
            case mka.InstallRxSa(sci, an, sak, ssci, pn):
                return [changes.add_rx_sa(self.index, _number(sci), an, _key(sak, ssci), pn=pn)]
            case mka.InstallTxSa(an, sak, ssci, pn):
                return [changes.add_tx_sa(self.index, an, _key(sak, ssci), pn=pn, active=False)]
            case mka.EnableTransmit(an):
                return [changes.update_tx_sa(self.index, an, active=True)]
            case mka.RemoveTxSa(an):
                return list(changes.delete_tx_sa(self.index, an))
            case mka.RemoveRxSa(sci, an):
                return list(changes.delete_rx_sa(self.index, _number(sci), an))


def _number(sci: bytes) -> int:
    return int.from_bytes(sci, "big")


def _key(sak: mka.SakParameters, ssci: int) -> SaKey:
    if sak.cipher_suite.extended_packet_numbers:
        return SaKey(sak.key, sak.key_id, ssci, sak.salt)
    return SaKey(sak.key, sak.key_id)


__all__ = ["SecyExecutor"]
