"""The whole proof: every channel, every connection, one check after the other, told as it goes."""

from __future__ import annotations

import time
from collections.abc import Callable

from xcnet.proof.balance import check_balance
from xcnet.proof.confidentiality import check_confidentiality
from xcnet.proof.forgeries import check_forgeries
from xcnet.proof.mtu import check_mtu
from xcnet.proof.results import CheckResult, Proof
from xcnet.proof.subject import Subject


def prove(subject: Subject, *, lab: str, flows: int, step: Callable[[str], None]) -> Proof:
    """Run all checks in this process, which must be root in the lab's kernel.

    :param flows: for the balance check, in each direction and family.
    :param step: told of each check as it begins.
    """
    started = time.monotonic()
    results: list[CheckResult] = []
    for channel in subject.plan.channels:
        step(f"{channel.name}: ciphertext only, decryption, {6} kinds of forgery at both ends")
        found, seen = check_confidentiality(subject, channel)
        results += found
        results += check_forgeries(subject, channel, seen)
    for connection in subject.plan.connections:
        step(f"{connection.name}: {flows} flows each way over {len(connection.channels)} channels, IPv4 and IPv6")
        results += check_balance(subject, connection, flows)
        step(f"{connection.name}: MTU {connection.mtu} end to end")
        results += check_mtu(subject, connection)
    return Proof(lab=lab, results=tuple(results), seconds=round(time.monotonic() - started, 3))


__all__ = ["prove"]
