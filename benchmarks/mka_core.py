#!/usr/bin/env python3
"""How many complete key agreements a second the protocol core makes: no I/O, a clock that is moved by hand.

One agreement is two ports made, every MKPDU exchanged, a SAK generated, wrapped, installed for receive, transmitted with at
both ends, and both ends secured. Target: at least 500 a second.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass

from xcnet.mka import MkaPort, PortConfig
from xcnet.mka.outputs import Secured, Transmit
from xcnet.model.desired import CipherSuite
from xcnet.secret import Secret

TARGET = 500.0
_FLIGHT = 0.001


@dataclass(frozen=True)
class Result:
    """:param rate: agreements per second, the median of the rounds."""

    cipher: str
    cak_bits: int
    rate: float
    slowest: float
    fastest: float
    mkpdus: int


def agree(cipher: CipherSuite, ckn: bytes, cak: Secret) -> int:
    """One complete agreement; returns the number of MKPDUs it took."""
    now = 0.0
    ports = [
        MkaPort(PortConfig(sci=bytes((2, 0, 0, 0, 0, number, 0, 1)), priority=number, cipher_suite=cipher))
        for number in (1, 2)
    ]
    for port in ports:
        port.add_ca(now, ckn, cak)
    flying: deque[tuple[int, bytes]] = deque()
    secured, sent = 0, 0
    while True:
        for number, port in enumerate(ports):
            for output in port.outputs():
                if isinstance(output, Transmit):
                    sent += 1
                    flying.append((1 - number, output.frame))
                elif isinstance(output, Secured):
                    secured += 1
        if secured == 2:
            return sent
        if not flying:
            raise SystemExit("the two ports stopped talking before both were secured")
        now += _FLIGHT
        target, frame = flying.popleft()
        ports[target].receive(now, frame)


def measure(cipher: CipherSuite, cak_bytes: int, seconds: float, rounds: int) -> Result:
    """:param seconds: for each of the rounds."""
    rates = []
    mkpdus = agree(cipher, os.urandom(32), Secret.random(cak_bytes))
    for _ in range(rounds):
        count = 0
        started = time.perf_counter()
        while (elapsed := time.perf_counter() - started) < seconds:
            agree(cipher, os.urandom(32), Secret.random(cak_bytes))
            count += 1
        rates.append(count / elapsed)
    return Result(cipher.value, cak_bytes * 8, round(statistics.median(rates), 1), min(rates), max(rates), mkpdus)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a round (default: 1)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of which the median counts (default: 5)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    results = [
        measure(cipher, cak, arguments.seconds, arguments.rounds)
        for cipher, cak in ((CipherSuite.GCM_AES_XPN_256, 32), (CipherSuite.GCM_AES_128, 16))
    ]
    met = all(result.rate >= TARGET for result in results)
    if arguments.json:
        machine = {"machine": platform.machine(), "python": platform.python_version()}
        print(json.dumps({**machine, "target": TARGET, "met": met, "results": [asdict(each) for each in results]}))
    else:
        print(f"{'cipher suite':<18}{'CAK':>5}{'MKPDUs':>8}{'agreements/s':>14}{'slowest':>10}{'fastest':>10}")
        for each in results:
            print(
                f"{each.cipher:<18}{each.cak_bits:>5}{each.mkpdus:>8}{each.rate:>14.0f}"
                f"{each.slowest:>10.0f}{each.fastest:>10.0f}"
            )
        print(f"target {TARGET:.0f}/s: {'met' if met else 'missed'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
