"""When a MACsec key may be made, deleted, or asked for.

A channel has at most two keys, an interconnect of N channels at most N+1: one channel at a time has a new key beside its
old one. After a rotation the interconnect rests for the bake time. A channel's first key is exempt: a channel without one
carries nothing. A new key that never came into use is deleted by the manager, and the next one may follow at once, as no
rotation has taken place: "fail forward".
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from xcnet.secret import Secret
from xcnet.spec.errors import ApiError, Reason

_MOST_ON_CHANNEL = 2
_CKN = re.compile(r"([0-9a-fA-F]{2}){1,32}")
_CAK = re.compile(r"[0-9a-fA-F]*")


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """One key. :param active: the channel's traffic is protected under it. :param created: policy time."""

    channel: str
    key_id: str
    active: bool
    created: float


@dataclass(frozen=True, slots=True)
class InterconnectKeys:
    """:param channels: how many the interconnect has. :param rotating: the channel whose rotation is not over.
    :param last_rotation_end: policy time at which a new key came into use, or the old one left; None if there was none. A
        new key that was deleted without ever having been in use has ended no rotation.
    :param bake_seconds: for which nothing on the interconnect is rotated afterwards.
    """

    channels: int
    keys: tuple[KeyFacts, ...]
    rotating: str | None
    last_rotation_end: float | None
    bake_seconds: float

    def on(self, channel: str) -> list[KeyFacts]:
        return [key for key in self.keys if key.channel == channel]


def _check_manager(caller: str, manager: str, channel: str) -> None:
    if caller != manager:
        raise ApiError(Reason.NOT_KEY_MANAGER, f"the keys of {channel} are managed by {manager}", field="channel")


def check_create(facts: InterconnectKeys, caller: str, manager: str, channel: str, key_id: str, now: float) -> None:
    """Whether a channel may have another key now.

    :raises ApiError: 403 for anyone but the manager; 409 for an id that is taken, for too many keys, and where the rules of
        rotation forbid it now.
    """
    _check_manager(caller, manager, channel)
    held = facts.on(channel)
    if any(key.key_id == key_id for key in held):
        raise ApiError(Reason.ALREADY_EXISTS, f"key {key_id!r} exists already", field="macSecKeyId")
    if len(held) >= _MOST_ON_CHANNEL:
        raise ApiError(Reason.TOO_MANY_KEYS, f"{channel} has {len(held)} keys: one must be deleted first")
    if held:
        # Before the limit of the interconnect, which a rotation elsewhere has reached: it says for what to wait.
        _check_rotation(facts, channel, now)
    if len(facts.keys) > facts.channels:
        raise ApiError(
            Reason.TOO_MANY_KEYS,
            f"the interconnect has {len(facts.keys)} keys on {facts.channels} channels: one must be deleted first",
        )


def _check_rotation(facts: InterconnectKeys, channel: str, now: float) -> None:
    if facts.rotating is not None and facts.rotating != channel:
        raise ApiError(Reason.ROTATION_NOT_ALLOWED, f"the key of {facts.rotating} is being rotated")
    ended = facts.last_rotation_end
    if ended is not None and now < ended + facts.bake_seconds:
        until = datetime.fromtimestamp(ended + facts.bake_seconds, UTC)
        raise ApiError(
            Reason.ROTATION_NOT_ALLOWED,
            f"{channel}: no key of this interconnect may be rotated before {until:%Y-%m-%dT%H:%M:%SZ}",
        )


def check_delete(facts: InterconnectKeys, caller: str, manager: str, channel: str, key_id: str) -> None:
    """:raises ApiError: 403 for anyone but the manager; 409 for the key in use. Whether it is there, others ask."""
    _check_manager(caller, manager, channel)
    if any(key.key_id == key_id and key.active for key in facts.on(channel)):
        raise ApiError(Reason.KEY_ACTIVE, f"key {key_id!r} is in use", field="macSecKey")


def check_rotation_request(facts: InterconnectKeys, asked: str, manager: str, channel: str, now: float) -> None:
    """Whether the provider that is asked may rotate now. A manager that asks the other side is so refused.

    :raises ApiError: 403 if it is not the manager that is asked; 409 by the rules of rotation.
    """
    _check_manager(asked, manager, channel)
    if facts.on(channel) and facts.rotating != channel:
        _check_rotation(facts, channel, now)


def check_material(ckn: str, cak: Secret, key_bytes: int, in_use: Collection[str]) -> tuple[str, Secret]:
    """A key's name and value as they are kept: lower case.

    :param key_bytes: what the channel's cipher suite takes: 16 or 32.
    :param in_use: names of the keys that the interconnect has.
    :raises ApiError: 400 where they are none, 409 where the name is taken.
    """
    if not _CKN.fullmatch(ckn):
        raise ApiError(Reason.INVALID_ARGUMENT, "ckn is not 1 to 32 bytes in hexadecimal", field="ckn")
    text = cak.reveal_text()
    if not _CAK.fullmatch(text) or len(text) != 2 * key_bytes:
        raise ApiError(Reason.INVALID_ARGUMENT, f"cak is not {key_bytes} bytes in hexadecimal", field="cak")
    if ckn.lower() in {each.lower() for each in in_use}:
        raise ApiError(Reason.ALREADY_EXISTS, "a key of this ckn exists already", field="ckn")
    return ckn.lower(), Secret.from_text(text.lower())


__all__ = [
    "InterconnectKeys",
    "KeyFacts",
    "check_create",
    "check_delete",
    "check_material",
    "check_rotation_request",
]
