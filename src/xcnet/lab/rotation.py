"""Rolling a channel's CAK over without loss: the new key beside the old, the new one in use, the old one gone."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from xcnet.errors import InputError
from xcnet.model.desired import Cak, Channel, KeyAgreement, RouterState
from xcnet.model.plan import PlannedChannel
from xcnet.secret import Secret
from xcnet.waiting import Deadline, wait_until_async

if TYPE_CHECKING:
    from xcnet.lab.running import RunningLab

ROTATION_SECONDS = 30.0


async def rotate(lab: RunningLab, channel: PlannedChannel) -> dict[str, object]:
    """Give a channel a fresh CAK at both ends (IEEE 802.1X-2020, 9.3: several CAs on a port, one of them the principal).

    :returns: the new CKN and how long it took in seconds.
    :raises InputError: one end is wpa_supplicant, which cannot roll a key over.
    :raises DeadlineError: the ends did not agree on the new key; the old one is still in use, and still installed.
    """
    started = time.monotonic()
    deadline = Deadline(ROTATION_SECONDS)
    for end in channel.ends:
        if _channel(lab.states[end.node], channel.name).key_agreement is not KeyAgreement.XCNET:
            raise InputError(
                f"{end.node} runs wpa_supplicant on {channel.name}, which cannot roll a key over",
                where=channel.name,
                remedy="rotate a channel whose ends both have key_agreement: xcnet",
            )
    current = _channel(lab.states[channel.ends[0].node], channel.name).keys
    length = len(current[-1].cak) if current else 32
    new = Cak(ckn=os.urandom(32).hex(), cak=Secret.random(length), preferred=True)
    old = tuple(key.model_copy(update={"preferred": False}) for key in current)
    lab.events.emit("macsec.rotation_started", channel.name, ckn=new.ckn)
    # First heard at both ends, and only then preferred: the server would otherwise wait for a peer that cannot answer.
    standby = new.model_copy(update={"preferred": False})
    await _give(lab, channel, (*current, standby), deadline)
    await _give(lab, channel, (*old, new), deadline)

    async def in_use() -> str | None:
        for end in channel.ends:
            report = await lab.edge(end.node).status(deadline=deadline)
            found = next(each for each in report.channels if each.name == channel.name)
            if found.association != new.ckn or found.old_key_installed:
                return f"{end.node} uses {found.association}, key number {found.key_number}"
        return None

    await wait_until_async(
        f"both ends of {channel.name} to use the new key",
        in_use,
        deadline,
        where=channel.name,
        remedy="look at 'xcnet events --kind mka'",
        interval=0.05,
    )
    await _give(lab, channel, (new,), deadline)
    seconds = round(time.monotonic() - started, 3)
    lab.events.emit("macsec.rotation_done", channel.name, ckn=new.ckn, seconds=seconds)
    return {"channel": channel.name, "ckn": new.ckn, "seconds": seconds}


async def _give(lab: RunningLab, channel: PlannedChannel, keys: tuple[Cak, ...], deadline: Deadline) -> None:
    for end in channel.ends:
        state = lab.states[end.node]
        channels = tuple(
            each.model_copy(update={"keys": keys}) if each.name == channel.name else each for each in state.channels
        )
        await lab.give(end.node, state.model_copy(update={"channels": channels}), deadline)


def _channel(state: RouterState, name: str) -> Channel:
    return next(channel for channel in state.channels if channel.name == name)


__all__ = ["rotate"]
