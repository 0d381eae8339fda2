"""What several faults, and the topology's own impairment, do together to frames that leave by one port."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from xcnet.netlink.qdisc import Netem

_SHARE = 1e-6
_SECONDS = 1e-6
"""How far the kernel's numbers may be from those that it was given."""


def together(base: Netem, effects: Iterable[Netem]) -> Netem:
    """All of them at once, in whatever order: delays add up, chances strike independently, the lowest rate counts.

    The limit is reckoned anew, unless nothing is added to ``base``.
    """
    added = list(effects)
    if not added:
        return base
    every = [base, *added]
    rates = [each.rate for each in every if each.rate]
    return replace(
        base,
        delay=sum(each.delay for each in every),
        jitter=sum(each.jitter for each in every),
        loss=_either(each.loss for each in every),
        duplicate=_either(each.duplicate for each in every),
        reorder=_either(each.reorder for each in every),
        corrupt=_either(each.corrupt for each in every),
        rate=min(rates, default=0),
        limit=0,
    )


def alike(asked: Netem, held: Netem) -> bool:
    """Whether the kernel holds what it was asked for; it rounds, and keeps the rate in bytes per second."""
    shares = ("loss", "duplicate", "reorder", "corrupt")
    return (
        all(math.isclose(getattr(asked, name), getattr(held, name), abs_tol=_SHARE) for name in shares)
        and math.isclose(asked.delay, held.delay, abs_tol=_SECONDS)
        and math.isclose(asked.jitter, held.jitter, abs_tol=_SECONDS)
        and asked.rate // 8 == held.rate // 8
    )


def described(netem: Netem) -> str:
    """For a reader: ``loss 30 %, delay 20 ms``; ``nothing`` where there is nothing."""
    words = [
        f"{name} {value * 100:g} %"
        for name in ("loss", "duplicate", "reorder", "corrupt")
        if (value := round(getattr(netem, name), 6))
    ]
    if netem.delay:
        words.append(f"delay {netem.delay * 1000:g} ms")
    if netem.jitter:
        words.append(f"jitter {netem.jitter * 1000:g} ms")
    if netem.rate:
        words.append(f"rate {netem.rate / 1e6:g} Mbit/s")
    return ", ".join(words) or "nothing"


def _either(chances: Iterable[float]) -> float:
    """That at least one of several independent things happens. Of one alone exactly its own chance."""
    some = [chance for chance in chances if chance]
    return some[0] if len(some) == 1 else 1.0 - math.prod(1.0 - chance for chance in some)


__all__ = ["alike", "described", "together"]
