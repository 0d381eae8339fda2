"""Whether an event is good news, bad news or neither, and whether it is worth a line where there are few."""

from __future__ import annotations

from enum import StrEnum

from xcnet.events import Event


class Mood(StrEnum):
    GOOD = "good"
    BAD = "bad"
    PLAIN = "plain"


_BAD_WORDS = frozenset(
    {
        "admindown", "closed", "died", "down", "error", "exceeded", "expired", "failed", "lost", "near", "notification",
        "one", "refused", "restarted", "stopped", "unknown", "unreadable",
    }
)  # fmt: skip
_GOOD_WORDS = frozenset({"established", "final", "found", "ready", "released", "secured", "up", "verified"})
"""Words of the last part of an event's kind."""

_BAD_LAYERS = ("fault",)
_MONITOR = {"found": Mood.BAD, "worse": Mood.BAD, "held": Mood.BAD, "cleared": Mood.GOOD, "released": Mood.GOOD}
"""What a monitor finds is trouble."""

_EVERYDAY = (
    "api.",
    "workflow.",
    "mka.",
    "feature.",
    "bgp.end_of_rib",
    "edge.applied",
    "network.applied",
    "frr.started",
)
"""Kinds that come in dozens with whatever happens: what matters of them another event says too."""


def mood(event: Event) -> Mood:
    """By the words of its kind; an exchange of the API by its status."""
    layer, _, what = event.kind.partition(".")
    if layer == "api":
        return Mood.BAD if event.kind == "api.response" and _unanswered(event) else Mood.PLAIN
    if layer == "monitor":
        return _MONITOR.get(what, Mood.PLAIN)
    if layer == "workflow":
        return Mood.BAD if event.data.get("state") == "failed" else Mood.PLAIN
    words = set(what.split("_"))
    if layer in _BAD_LAYERS or words & _BAD_WORDS:
        return Mood.BAD
    return Mood.GOOD if words & _GOOD_WORDS else Mood.PLAIN


def _unanswered(event: Event) -> bool:
    status = event.data.get("status")
    return not isinstance(status, int) or not 200 <= status < 400


def worth_showing(event: Event) -> bool:
    """Whatever is bad, and all that is not everyday."""
    return mood(event) is Mood.BAD or not event.kind.startswith(_EVERYDAY)


__all__ = ["Mood", "mood", "worth_showing"]
