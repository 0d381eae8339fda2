"""Expectations about what customers are told, and what is kept of what was refused. Pure."""

from __future__ import annotations

from xcnet.scenario.expected import ApiSays, LeftNothing
from xcnet.scenario.formula import evaluate
from xcnet.scenario.results import Check
from xcnet.scenario.seen import Seen, made, number
from xcnet.scenario.voices import Said


def says(check: ApiSays, seen: Seen) -> Check:
    """Whether everybody who is asked said so: at the end, or soon enough after a step."""
    wanted: list[str] = [check.state] if check.state is not None else []
    wanted += [f"{check.bandwidth / 1e6:g} Mbit/s"] if check.bandwidth is not None else []
    wanted += [f"MTU {number(evaluate(check.mtu, seen.functions), '')}"] if check.mtu is not None else []
    connection = check.connection or seen.connection
    name = f"{check.by or 'each provider'} says of {connection}"
    expected = ", ".join(wanted)
    why = check.mtu if isinstance(check.mtu, str) else ""
    if check.after is None or check.within is None:
        last = {voice.provider: voice.of(connection) for voice in seen.voices if check.by in (None, voice.provider)}
        words = ", ".join(f"{provider}: {_words(said, check)}" for provider, said in last.items())
        holds = bool(last) and all(_agrees(said, check, seen) for said in last.values())
        return made(check, name, f"{expected} at the end", words or "nobody answered", holds, why)
    within = evaluate(check.within, seen.functions)
    expected = f"{expected} within {number(within, 's')} after {check.after}"
    since = seen.steps.get(check.after)
    if since is None:
        return made(check, name, expected, f"{check.after} never came", False)
    others = silent(check, seen, since)
    if others:
        return made(check, name, expected, "; ".join(others), False, why)
    first = max(_first_said(check, seen, since, provider) or 0.0 for provider in _asked(check, seen)) - since
    return made(check, name, expected, f"after {number(first, 's')}", first <= within, why)


def _asked(check: ApiSays, seen: Seen) -> list[str]:
    """The providers whose word counts."""
    heard = dict.fromkeys(voice.provider for voice in seen.voices)
    return [check.by] if check.by is not None else list(heard)


def silent(check: ApiSays, seen: Seen, since: float) -> list[str]:
    """Those that have not said it since then, with what they said last."""
    connection = check.connection or seen.connection
    found = []
    for provider in _asked(check, seen) or ["nobody"]:
        if _first_said(check, seen, since, provider) is None:
            last = [voice.of(connection) for voice in seen.voices if voice.provider == provider and voice.at >= since]
            found.append(f"{provider} said {_words(last[-1], check) if last else 'nothing'}")
    return found


def _first_said(check: ApiSays, seen: Seen, since: float, provider: str) -> float | None:
    connection = check.connection or seen.connection
    return next(
        (
            voice.at
            for voice in seen.voices
            if voice.provider == provider and voice.at >= since and _agrees(voice.of(connection), check, seen)
        ),
        None,
    )


def _agrees(said: Said, check: ApiSays, seen: Seen) -> bool:
    return (
        check.state in (None, said.state)
        and check.bandwidth in (None, said.bandwidth)
        and (check.mtu is None or said.mtu == evaluate(check.mtu, seen.functions))
    )


def _words(said: Said, check: ApiSays) -> str:
    words = [said.state]
    words += [f"{said.bandwidth / 1e6:g} Mbit/s"] if check.bandwidth is not None else []
    words += [f"MTU {said.mtu}"] if check.mtu is not None else []
    return ", ".join(words)


_MOST_LEFT = 3


def nothing_left(check: LeftNothing, seen: Seen) -> Check:
    """Whether stores and kernels are as they were."""
    name, expected = "what is left of it", "nothing, in stores and kernels"
    if seen.left is None:
        return made(check, name, expected, "nobody looked", None)
    more = f" and {len(seen.left) - _MOST_LEFT} more" if len(seen.left) > _MOST_LEFT else ""
    return made(check, name, expected, "; ".join(seen.left[:_MOST_LEFT]) + more or "nothing", not seen.left)


__all__ = ["nothing_left", "says", "silent"]
