"""Expectations held against what was seen: pass, fail, or inconclusive where it cannot be told. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xcnet.events import Event
from xcnet.probe.results import ProbeResult
from xcnet.scenario import document as doc
from xcnet.scenario.course import restoration
from xcnet.scenario.formula import Functions, evaluate
from xcnet.scenario.results import Check, FaultSpan, Verdict
from xcnet.scenario.timeline import TimeLine, matches


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an action. :param refusal: the words of the error; None where it was done."""

    step: str
    refused: str | None
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that was seen of a run. Events are on the lab's clock, all else in seconds since ``began``.

    :param steps: name -> when it was done; absent where its moment never came. :param unverified: connections that are not seen
        to work at the end.
    """

    began: float
    ended: float
    line: TimeLine
    events: Sequence[Event]
    faults: Sequence[FaultSpan]
    steps: dict[str, float]
    outcomes: Sequence[Outcome] = ()
    unverified: Sequence[str] = ()
    probe: ProbeResult | None = None
    functions: Functions = field(default_factory=dict)

    def fault(self, step: str) -> FaultSpan | None:
        return next((span for span in self.faults if span.name == step), None)

    def of_kind(self, kind: str, on: str | None, since: float) -> list[float]:
        """When such events came, seconds since the run began."""
        return sorted(
            event.monotonic - self.began
            for event in self.events
            if matches(event.kind, kind)
            and event.monotonic - self.began >= since
            and (on is None or self.line.concerns(event, on))
        )


def judge(scenario: doc.Scenario, seen: Seen) -> tuple[Check, ...]:
    """Every expectation, that about actions and moments included, which no file need name."""
    checks = [_check(each, seen) for each in scenario.expect if not isinstance(each, doc.Refused)]
    return (*checks, *_moments(scenario, seen), *_actions(seen))


def verdict(checks: Sequence[Check], probe: ProbeResult | None) -> tuple[Verdict, tuple[str, ...]]:
    """Of the whole run, and why: an unfit probe is never a pass and never a fail."""
    if probe is not None and not probe.quality.fit:
        return Verdict.INCONCLUSIVE, probe.quality.problems
    for wanted in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        reasons = tuple(
            f"{check.name}: expected {check.expected}, measured {check.measured}"
            for check in checks
            if check.verdict is wanted
        )
        if reasons:
            return wanted, reasons
    return Verdict.PASS, (f"all {len(checks)} expectations hold",)


def unsettled(scenario: doc.Scenario, seen: Seen) -> bool:
    """Whether something that is expected may still come."""
    for check in scenario.expect:
        match check:
            case doc.Happens(within=within) if within is not None:
                since = seen.steps.get(check.after, None) if check.after is not None else 0.0
                if since is None or (
                    seen.ended - since <= evaluate(within, seen.functions)
                    and len(seen.of_kind(check.event, check.on, since)) < check.times
                ):
                    return True
            case doc.Restored():
                span = seen.fault(check.of)
                if span is None or span.ended is None:
                    return True
                open_still = restoration(seen.events, seen.began + span.began).at is None
                if open_still and seen.ended - span.ended <= evaluate(check.within, seen.functions):
                    return True
            case _:
                pass
    return False


def _check(check: doc.Expectation, seen: Seen) -> Check:
    match check:
        case doc.LongestLoss():
            return _bounded(check, seen, "longest loss of one flow", _probe(seen).longest_loss, "s")
        case doc.Lost():
            return _bounded(check, seen, "packets lost", _probe(seen).lost, "")
        case doc.LostShare():
            return _bounded(
                check, seen, "packets lost of those sent", _percent(_probe(seen).lost, _probe(seen).sent), "%"
            )
        case doc.FlowsHit():
            flows = [flow for stream in _probe(seen).streams for flow in stream.flows]
            return _bounded(
                check, seen, "flows that lost anything", _percent(sum(flow.lost > 0 for flow in flows), len(flows)), "%"
            )
        case doc.Duplicated():
            count = sum(stream.duplicated for stream in _probe(seen).streams)
            return _bounded(check, seen, "packets that came twice", count, "")
        case doc.OnChannel():
            return _share(check, seen)
        case doc.Happens():
            return _happens(check, seen)
        case doc.Never():
            return _never(check, seen)
        case doc.Detection():
            return _detection(check, seen)
        case doc.Restored():
            return _restored(check, seen)
        case doc.Verified():
            words = f"not {', '.join(seen.unverified)}" if seen.unverified else "all of them"
            return _made(check, "connections seen to work", "all, at both sides", words, not seen.unverified)
    raise TypeError(f"nobody judges {type(check).__name__}")


def _probe(seen: Seen) -> ProbeResult:
    assert seen.probe is not None  # the file was refused otherwise
    return seen.probe


def _percent(part: float, whole: float) -> float:
    return 100 * part / whole if whole else 0.0


def _made(check: doc.Expectation, name: str, expected: str, measured: str, holds: bool | None, why: str = "") -> Check:
    verdict = Verdict.INCONCLUSIVE if holds is None else Verdict.PASS if holds else Verdict.FAIL
    return Check(name=check.name or name, expected=expected, measured=measured, verdict=verdict, why=why)


def _number(value: float, unit: str) -> str:
    text = f"{value:.0f}" if value == int(value) else f"{value:.3g}"
    return f"{text} {unit}".strip() if unit != "%" else f"{text} %"


def _bounded(check: doc._Bounded, seen: Seen, name: str, value: float, unit: str) -> Check:
    expected: list[str] = []
    formulas: list[str] = []
    holds = True
    for bound, word in ((check.at_least, "at least"), (check.at_most, "at most")):
        if bound is None:
            continue
        limit = evaluate(bound, seen.functions)
        expected.append(f"{word} {_number(limit, unit)}")
        holds &= value >= limit if word == "at least" else value <= limit
        if isinstance(bound, str):
            formulas.append(f"{_number(limit, unit)} = {bound}")
    return _made(check, name, " and ".join(expected), _number(value, unit), holds, "; ".join(formulas))


def _share(check: doc.OnChannel, seen: Seen) -> Check:
    span = seen.fault(check.during)
    name = f"share of {check.channel} during {check.during}"
    if span is None:
        return _made(check, name, "a fault to look at", "it never began", False)
    since, until = span.began + check.settled, span.ended if span.ended is not None else seen.ended
    within = [each.frames for each in _probe(seen).shares if since <= each.start and each.start + each.seconds <= until]
    whole = sum(sum(frames.values()) for frames in within)
    if not whole:
        return _made(check, name, "traffic to look at", "no frame was counted meanwhile", None)
    return _bounded(check, seen, name, _percent(sum(frames.get(check.channel, 0) for frames in within), whole), "%")


def _since(seen: Seen, after: str | None) -> float | None:
    return 0.0 if after is None else seen.steps.get(after)


def _happens(check: doc.Happens, seen: Seen) -> Check:
    on = f" on {check.on}" if check.on else ""
    after = f" after {check.after}" if check.after else ""
    name = f"{check.event}{on}"
    times = f"{check.times} times " if check.times > 1 else ""
    since = _since(seen, check.after)
    if since is None:
        return _made(check, name, f"{times}{after.strip()}", f"{check.after} never came", False)
    found = [at - since for at in seen.of_kind(check.event, check.on, since)]
    latest = evaluate(check.within, seen.functions) if check.within is not None else None
    soonest = evaluate(check.at_least, seen.functions) if check.at_least is not None else None
    words = [times.strip()] if times else []
    words += [f"not before {_number(soonest, 's')}"] if soonest is not None else []
    words += [f"within {_number(latest, 's')}{after}"] if latest is not None else [f"at any time{after}"]
    if len(found) < check.times:
        return _made(check, name, " ".join(words), f"{len(found)} times" if found else "it did not come", False)
    at = found[check.times - 1]
    holds = (latest is None or at <= latest) and (soonest is None or found[0] >= soonest)
    formulas = [
        f"{_number(evaluate(each, seen.functions), 's')} = {each}"
        for each in (check.at_least, check.within)
        if isinstance(each, str)
    ]
    return _made(check, name, " ".join(words), f"after {_number(at, 's')}", holds, "; ".join(formulas))


def _never(check: doc.Never, seen: Seen) -> Check:
    name = f"no {check.event}" + (f" on {check.on}" if check.on else "")
    since = _since(seen, check.after)
    if since is None:
        return _made(check, name, "none", f"{check.after} never came", False)
    found = seen.of_kind(check.event, check.on, since)
    measured = f"{len(found)}, the first at {_number(found[0], 's')}" if found else "none"
    return _made(check, name, "none", measured, not found)


def _detection(check: doc.Detection, seen: Seen) -> Check:
    span = seen.fault(check.of)
    name = f"BFD's detection of {check.of}"
    slack = check.tolerance / 100
    soonest = evaluate(check.earliest, seen.functions) * (1 - slack)
    latest = evaluate(check.computed, seen.functions) * (1 + slack)
    expected = f"{_number(soonest, 's')} to {_number(latest, 's')}"
    why = f"computed: {check.earliest} to {check.computed}, give or take {check.tolerance:g} %"
    if span is None:
        return _made(check, name, expected, "the fault never began", False, why)
    found = [
        event.monotonic - seen.began - span.began
        for event in seen.events
        if event.kind == "bfd.down"
        and event.monotonic - seen.began >= span.began
        and (not span.channels or set(seen.line.channels(event)) & set(span.channels))
    ]
    if not found:
        return _made(check, name, expected, "no session went down", False, why)
    # Outside of what the protocol allows the machine was too busy, or the clock's reading is wrong: that judges nothing.
    return _made(
        check, name, expected, _number(min(found), "s"), True if soonest <= min(found) <= latest else None, why
    )


def _restored(check: doc.Restored, seen: Seen) -> Check:
    span = seen.fault(check.of)
    within = evaluate(check.within, seen.functions)
    name, expected = f"all as before {check.of}", f"within {_number(within, 's')} of its end"
    why = f"{_number(within, 's')} = {check.within}" if isinstance(check.within, str) else ""
    if span is None or span.ended is None:
        return _made(check, name, expected, "the fault never ended" if span else "the fault never began", False, why)
    back = restoration(seen.events, seen.began + span.began)
    if back.at is None:
        more = f" and {len(back.missing) - 3} more" if len(back.missing) > 3 else ""
        return _made(check, name, expected, f"missing: {', '.join(back.missing[:3])}{more}", False, why)
    seconds = max(0.0, back.at - seen.began - span.ended)
    return _made(check, name, expected, f"after {_number(seconds, 's')}", seconds <= within, why)


def _moments(scenario: doc.Scenario, seen: Seen) -> list[Check]:
    return [
        Check(
            name=f"step {step.name}",
            expected=f"{step.when.event} within {step.when.within:g} s" if step.when else f"at {step.at:g} s",
            measured="its moment never came",
            verdict=Verdict.FAIL,
        )
        for step in scenario.steps
        if step.name not in seen.steps
    ]


def _actions(seen: Seen) -> list[Check]:
    checks = []
    for outcome in seen.outcomes:
        expected = f"refused: {outcome.refused}" if outcome.refused is not None else "done"
        measured = f"refused: {outcome.refusal}" if outcome.refusal is not None else "done"
        if outcome.refused is None:
            holds = outcome.refusal is None
        else:
            holds = outcome.refusal is not None and outcome.refused.lower() in outcome.refusal.lower()
        verdict = Verdict.PASS if holds else Verdict.FAIL
        checks.append(Check(name=f"step {outcome.step}", expected=expected, measured=measured, verdict=verdict))
    return checks


__all__ = ["Outcome", "Seen", "judge", "unsettled", "verdict"]
