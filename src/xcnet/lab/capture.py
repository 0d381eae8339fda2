"""A channel's fibre as a pcapng stream, decrypted on request with the SAKs in use, as they change."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from xcnet import __version__
from xcnet.engine.server import Session
from xcnet.lab.saks import live_saks
from xcnet.model.plan import PlannedChannel
from xcnet.proof import pcapng
from xcnet.proof.decrypt import ETHERTYPE_MACSEC, Decryptor
from xcnet.proof.tap import Frame, Tap

if TYPE_CHECKING:
    from xcnet.lab.running import RunningLab

_GATHER = 0.02
"""Seconds for which frames are gathered before they are sent on together."""


async def stream_capture(
    lab: RunningLab, session: Session, channel: PlannedChannel, *, decrypt: bool, count: int, seconds: float
) -> int:
    """Capture until the caller goes away, or ``count`` frames or ``seconds`` have passed (0 is never)."""
    port = channel.ends[0].facility_port
    decryptor = Decryptor(await live_saks(lab, channel)) if decrypt else None
    ended = time.monotonic() + seconds if seconds else float("inf")
    left = count or float("inf")
    with Tap(lab.fabric.netns(channel.facility), port) as tap:
        session.stdout.write(pcapng.header(f"{channel.facility}:{port}", f"xcnet {__version__}"))
        await session.stdout.drain()
        ready = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(tap.fileno(), ready.set)
        try:
            while left > 0 and (remaining := ended - time.monotonic()) > 0:
                try:
                    await asyncio.wait_for(ready.wait(), min(remaining, 3600.0))
                except TimeoutError:
                    continue
                ready.clear()
                for frame in tap.available():
                    if left <= 0:
                        break
                    if decryptor is not None and _unknown(decryptor, frame):
                        decryptor.replace(await live_saks(lab, channel))
                    session.stdout.write(_packet(frame, decryptor))
                    left -= 1
                await session.stdout.drain()
                await asyncio.sleep(min(_GATHER, max(0.0, ended - time.monotonic())))
        finally:
            loop.remove_reader(tap.fileno())
    return 0


def _unknown(decryptor: Decryptor, frame: Frame) -> bool:
    return frame.ethertype == ETHERTYPE_MACSEC and decryptor.decrypt(frame.data) is None


def _packet(frame: Frame, decryptor: Decryptor | None) -> bytes:
    data, comment = frame.data, ""
    if decryptor is not None and frame.ethertype == ETHERTYPE_MACSEC:
        plain = decryptor.decrypt(frame.data)
        if plain is None:
            comment = "no SAK fits this frame"
        else:
            data, comment = plain, "decrypted"
    return pcapng.packet(frame.time_ns, data, outgoing=frame.outgoing, comment=comment)


__all__ = ["stream_capture"]
