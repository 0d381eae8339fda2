"""The SAKs of a channel as its routers hold them now, for decrypting what is on its fibre."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xcnet.model.plan import PlannedChannel
from xcnet.proof.decrypt import SakMaterial

if TYPE_CHECKING:
    from xcnet.lab.running import RunningLab


async def live_saks(lab: RunningLab, channel: PlannedChannel) -> tuple[SakMaterial, ...]:
    """Both directions of every SAK that stands, from whichever end tells: wpa_supplicant tells nobody."""
    found: dict[tuple[int, int], SakMaterial] = {}
    for end in channel.ends:
        if lab.supervisor.get(end.node, "edged") is None:
            continue
        for sak in (await lab.edge(end.node).saks()).saks:
            if sak.channel == channel.name:
                found.setdefault(
                    (sak.sci, sak.an), SakMaterial(sak.sci, sak.an, sak.cipher_suite, sak.key, sak.ssci, sak.salt)
                )
    return tuple(found.values())


__all__ = ["live_saks"]
