"""What customers are told of their connections by each provider's API, again and again while a scenario runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from xcnet.errors import XcnetError

_PAUSE = 1.0
"""Seconds between an answer and the next question."""


@dataclass(frozen=True, slots=True)
class Said:
    """Of one connection. :param bandwidth: bits per second. :param mtu: the smallest of its channels', bytes; 0 while it has none."""

    state: str
    bandwidth: int = 0
    mtu: int = 0


@dataclass(frozen=True, slots=True)
class Voice:
    """One answer. :param at: when it was had, seconds since the run began. :param connections: name -> what was said of it."""

    at: float
    provider: str
    connections: Mapping[str, Said]

    def of(self, connection: str) -> Said:
        return self.connections.get(connection, Said("deleted"))


def said_of(view: Mapping[str, Any]) -> Said:
    """:param view: a connection as its coordinator describes it to its customer."""
    if not view["legs"]:
        return Said("pending")
    leg = view["legs"][-1]
    mtu = min((each["mtu"] for each in leg["features"]), default=0)
    return Said(_state(leg), leg["bandwidth_mbps"] * 1_000_000, mtu)


def _state(leg: Mapping[str, Any]) -> str:
    if leg["state"] == "deleting":
        return "deleting"
    if leg["target_mbps"] is not None:
        return "updating"
    if leg["verified"]:
        return "available"
    return "down" if leg["state"] == "available" else "pending"


class Voices:
    """Asks every provider by itself, so that one whose coordinator is dead keeps nobody from hearing the others.

    :param ask: a question under way. :param now: seconds since the run began.
    """

    def __init__(
        self, providers: tuple[str, ...], ask: Callable[[str], Future[Mapping[str, Said]]], now: Callable[[], float]
    ) -> None:
        self.heard: list[Voice] = []
        self._ask = ask
        self._now = now
        self._asked: dict[str, Future[Mapping[str, Said]]] = {}
        self._due = dict.fromkeys(providers, 0.0)

    def listen(self) -> None:
        """Take what has been answered, and ask again where it is time. A question that cannot be answered is asked again."""
        for provider, due in self._due.items():
            asked = self._asked.get(provider)
            if asked is not None and asked.done():
                self._take(provider, asked)
            elif asked is None and self._now() >= due:
                self._asked[provider] = self._ask(provider)

    def finish(self, seconds: float) -> None:
        """One more answer of each. :raises TimeoutError: it does not come. :raises XcnetError: it cannot be given."""
        for provider in self._due:
            answer = self._ask(provider).result(timeout=seconds)
            self.heard.append(Voice(self._now(), provider, answer))

    def _take(self, provider: str, asked: Future[Mapping[str, Said]]) -> None:
        del self._asked[provider]
        self._due[provider] = self._now() + _PAUSE
        try:
            self.heard.append(Voice(self._now(), provider, asked.result()))
        except XcnetError:
            return


__all__ = ["Said", "Voice", "Voices", "said_of"]
