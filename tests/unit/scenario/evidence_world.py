"""A report with a capture that decrypts, made without a lab."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from report_world import passed
from scapy.contrib.macsec import MACsecSA
from scapy.layers.l2 import Dot1Q, Ether

from xcnet.edge.report import SakReport
from xcnet.model.desired import CipherSuite
from xcnet.proof import pcapng
from xcnet.scenario.evidence import keys
from xcnet.scenario.evidence.gather import digest
from xcnet.scenario.report.write import write_report
from xcnet.scenario.results import Evidence
from xcnet.secret import Secret

SCI = 0x0200000001010001
TIME = 1_795_408_150_123_456_789
PLAIN = b"what was said in confidence"
CAPTURE = "evidence/captures/ch2.pcapng"


def sak(an: int = 1, channel: str = "ch2") -> SakReport:
    return SakReport(
        channel=channel,
        sci=SCI,
        an=an,
        cipher_suite=CipherSuite.GCM_AES_256,
        key=Secret.random(32),
        ssci=0,
        salt=Secret(b""),
    )


def clear_frame() -> bytes:
    return bytes(Ether(src="02:00:00:00:01:01", dst="02:00:00:00:02:01") / Dot1Q(vlan=1100, type=0x0800) / PLAIN)


def protected(under: SakReport, pn: int) -> bytes:
    association = MACsecSA(
        sci=under.sci, an=under.an, pn=pn, key=under.key.reveal(), icvlen=16, encrypt=True, send_sci=True,
        xpn_en=False, ssci=None, salt=None,
    )  # fmt: skip
    return bytes(association.encrypt(association.encap(Ether(clear_frame()))))


@dataclass
class Made:
    folder: Path
    capture: Path
    saks: tuple[SakReport, ...]


def report_with_capture(folder: Path, *, kept: bool = True, cut: bool = False, locked: int = 0) -> Made:
    """Two frames under one SAK and three under the next, and one of key agreement's.

    :param kept: the keys are. :param cut: the last frame's end is left out. :param locked: frames under a key that is nobody's.
    """
    saks = (sak(1), sak(2))
    capture = folder / CAPTURE
    capture.parent.mkdir(parents=True)
    frames = [protected(saks[0], pn) for pn in (1, 2)] + [protected(saks[1], pn) for pn in (1, 2, 3)]
    frames += [protected(sak(3), 1 + number) for number in range(locked)]
    frames.append((bytes(12) + b"\x88\x8e").ljust(60, b"m"))
    data = pcapng.header("fac-a:ch2-aws", "xcnet")
    for number, frame in enumerate(frames):
        short = cut and number == 4
        data += pcapng.packet(
            TIME + number, frame[:64] if short else frame, outgoing=bool(number % 2), length=len(frame)
        )
    capture.write_bytes(data)
    file = Evidence(
        path=CAPTURE, text="what crossed it", group="captures", subject="ch2", size=len(data), sha256=digest(capture)
    )
    write_report(passed().model_copy(update={"evidence": (file,)}), folder)
    if kept:
        keys.keep(file.sha256, "ch2", (*saks, sak(1, "ch1")))
    return Made(folder, capture, saks)
