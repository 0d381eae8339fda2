"""In which datagrams, and in which order, key agreement's decisions go to the kernel."""

from __future__ import annotations

from typing import Any

from xcnet.edge.executor import SecyExecutor
from xcnet.mka import outputs as mka
from xcnet.model.desired import CipherSuite
from xcnet.netlink.macsec_changes import Change
from xcnet.secret import Secret

SCI = bytes((2, 0, 0, 0, 0, 2, 0, 1))
XPN = mka.SakParameters(Secret(bytes(range(16))), bytes(range(16, 32)), CipherSuite.GCM_AES_XPN_128, bytes(range(12)))
PLAIN = mka.SakParameters(Secret(bytes(range(32))), bytes(range(16, 32)), CipherSuite.GCM_AES_256, b"")


class Recorder:
    """Takes what would go to the kernel: one entry for each datagram. The kernel's own answers are for the lab tests."""

    def __init__(self) -> None:
        self.datagrams: list[Any] = []

    def apply(self, *changes: Change) -> None:
        self.datagrams.append(changes)

    def set_encoding_sa(self, index: int, an: int) -> None:
        self.datagrams.append((index, an))


def execute(*outputs: Any) -> list[Any]:
    recorder = Recorder()
    SecyExecutor(recorder, 7).execute(outputs)  # type: ignore[arg-type]
    return recorder.datagrams


def test_consecutive_changes_go_in_one_datagram() -> None:
    (together,) = execute(mka.CreateRxSc(SCI), mka.InstallRxSa(SCI, 1, XPN, 1), mka.InstallTxSa(1, XPN, 2))
    assert len(together) == 3


def test_a_key_is_active_before_it_is_the_one_to_encode_with() -> None:
    first, second, third = execute(mka.InstallTxSa(1, XPN, 2), mka.EnableTransmit(1), mka.RemoveTxSa(0))
    assert len(first) == 2  # installed inactive, then made active
    assert second == (7, 1)
    assert third  # what is retired goes after that


def test_nothing_to_do_asks_the_kernel_nothing() -> None:
    assert execute() == []


def test_no_change_shows_the_key() -> None:
    for sak in (XPN, PLAIN):
        (changes,) = execute(mka.InstallRxSa(SCI, 1, sak, 1), mka.InstallTxSa(1, sak, 2))
        for secret in (sak.key.reveal(), sak.key.reveal().hex()):
            assert str(secret) not in repr(changes)
