"""Expectations held against what was seen: pass, fail, or inconclusive where it cannot be told. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from xcnet.probe.results import ProbeResult
from xcnet.scenario import document as doc
from xcnet.scenario.course import restoration
from xcnet.scenario.formula import evaluate
from xcnet.scenario.judge_customers import nothing_left, says, silent
from xcnet.scenario.results import Check, Verdict
from xcnet.scenario.seen import Outcome, Seen, made, number


def judge(scenario: doc.Scenario, seen: Seen) -> tuple[Check, ...]:
    """Every expectation, that about actions and moments included, which no file need name."""
    checks = [_check(each, seen) for each in scenario.expect if not isinstance(each, doc.Refused)]
    return (*checks, *_moments(scenario, seen), *_actions(seen))


def failed_kinds(scenario: doc.Scenario, checks: Sequence[Check]) -> dict[str, list[Check]]:
    """Kind of expectation, as files name it -> those that failed of what :func:`judge` made; ``actions`` for steps."""
    kinds: list[str] = [each.check for each in scenario.expect if not isinstance(each, doc.Refused)]
    kinds += ["actions"] * (len(checks) - len(kinds))
    found: dict[str, list[Check]] = {}
    for kind, check in zip(kinds, checks, strict=True):
        if check.verdict is Verdict.FAIL:
            found.setdefault(kind, []).append(check)
    return found


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
    """Whether something that is expected may still come, once no step is waited for any more: of a step that never came, nothing does."""
    for check in scenario.expect:
        match check:
            case doc.Happens(within=within) if within is not None:
                since = seen.steps.get(check.after, None) if check.after is not None else 0.0
                if (
                    since is not None
                    and seen.ended - since <= evaluate(within, seen.functions)
                    and len(seen.of_kind(check.event, check.on, since)) < check.times
                ):
                    return True
            case doc.Restored():
                span = seen.fault(check.of)
                if span is None or span.ended is None:
                    continue
                open_still = restoration(seen.events, seen.began + span.began).at is None
                if open_still and seen.ended - span.ended <= evaluate(check.within, seen.functions):
                    return True
            case doc.ApiSays(after=str() as step, within=within) if within is not None:
                since = seen.steps.get(step)
                if (
                    since is not None
                    and seen.ended - since <= evaluate(within, seen.functions)
                    and silent(check, seen, since)
                ):
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
        case doc.WorstDelay():
            worst = max((stream.delay.worst for stream in _probe(seen).streams), default=0.0)
            return _bounded(check, seen, "longest one-way delay of a packet", worst, "ms")
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
            return made(check, "connections seen to work", "all, at both sides", words, not seen.unverified)
        case doc.ApiSays():
            return says(check, seen)
        case doc.LeftNothing():
            return nothing_left(check, seen)
    raise TypeError(f"nobody judges {type(check).__name__}")


def _probe(seen: Seen) -> ProbeResult:
    assert seen.probe is not None  # the file was refused otherwise
    return seen.probe


def _percent(part: float, whole: float) -> float:
    return 100 * part / whole if whole else 0.0


def _bounded(check: doc.Bounded, seen: Seen, name: str, value: float, unit: str) -> Check:
    expected: list[str] = []
    formulas: list[str] = []
    holds = True
    for bound, word in ((check.at_least, "at least"), (check.at_most, "at most")):
        if bound is None:
            continue
        limit = evaluate(bound, seen.functions)
        expected.append(f"{word} {number(limit, unit)}")
        holds &= value >= limit if word == "at least" else value <= limit
        if isinstance(bound, str):
            formulas.append(f"{number(limit, unit)} = {bound}")
    return made(check, name, " and ".join(expected), number(value, unit), holds, "; ".join(formulas))


def _share(check: doc.OnChannel, seen: Seen) -> Check:
    span = seen.fault(check.during)
    name = f"share of {check.channel} during {check.during}"
    if span is None:
        return made(check, name, "a fault to look at", "it never began", False)
    since, until = span.began + check.settled, span.ended if span.ended is not None else seen.ended
    within = [each.frames for each in _probe(seen).shares if since <= each.start and each.start + each.seconds <= until]
    whole = sum(sum(frames.values()) for frames in within)
    if not whole:
        return made(check, name, "traffic to look at", "no frame was counted meanwhile", None)
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
        return made(check, name, f"{times}{after.strip()}", f"{check.after} never came", False)
    found = [at - since for at in seen.of_kind(check.event, check.on, since)]
    latest = evaluate(check.within, seen.functions) if check.within is not None else None
    soonest = evaluate(check.at_least, seen.functions) if check.at_least is not None else None
    words = [times.strip()] if times else []
    words += [f"not before {number(soonest, 's')}"] if soonest is not None else []
    words += [f"within {number(latest, 's')}{after}"] if latest is not None else [f"at any time{after}"]
    if len(found) < check.times:
        return made(check, name, " ".join(words), f"{len(found)} times" if found else "it did not come", False)
    at = found[check.times - 1]
    holds = (latest is None or at <= latest) and (soonest is None or found[0] >= soonest)
    formulas = [
        f"{number(evaluate(each, seen.functions), 's')} = {each}"
        for each in (check.at_least, check.within)
        if isinstance(each, str)
    ]
    return made(check, name, " ".join(words), f"after {number(at, 's')}", holds, "; ".join(formulas))


def _never(check: doc.Never, seen: Seen) -> Check:
    name = f"no {check.event}" + (f" on {check.on}" if check.on else "")
    since = _since(seen, check.after)
    if since is None:
        return made(check, name, "none", f"{check.after} never came", False)
    found = seen.of_kind(check.event, check.on, since)
    measured = f"{len(found)}, the first at {number(found[0], 's')}" if found else "none"
    return made(check, name, "none", measured, not found)


def _detection(check: doc.Detection, seen: Seen) -> Check:
    span = seen.fault(check.of)
    name = f"BFD's detection of {check.of}"
    slack = check.tolerance / 100
    soonest = evaluate(check.earliest, seen.functions) * (1 - slack)
    latest = evaluate(check.computed, seen.functions) * (1 + slack)
    expected = f"{number(soonest, 's')} to {number(latest, 's')}"
    why = f"computed: {check.earliest} to {check.computed}, give or take {check.tolerance:g} %"
    if span is None:
        return made(check, name, expected, "the fault never began", False, why)
    found = [
        event.monotonic - seen.began - span.began
        for event in seen.events
        if event.kind == "bfd.down"
        and event.monotonic - seen.began >= span.began
        and (not span.channels or set(seen.line.channels(event)) & set(span.channels))
    ]
    if not found:
        return made(check, name, expected, "no session went down", False, why)
    # Outside of what the protocol allows the machine was too busy, or the clock's reading is wrong: that judges nothing.
    return made(check, name, expected, number(min(found), "s"), True if soonest <= min(found) <= latest else None, why)


def _restored(check: doc.Restored, seen: Seen) -> Check:
    span = seen.fault(check.of)
    within = evaluate(check.within, seen.functions)
    name, expected = f"all as before {check.of}", f"within {number(within, 's')} of its end"
    why = f"{number(within, 's')} = {check.within}" if isinstance(check.within, str) else ""
    if span is None or span.ended is None:
        return made(check, name, expected, "the fault never ended" if span else "the fault never began", False, why)
    back = restoration(seen.events, seen.began + span.began)
    if back.at is None:
        more = f" and {len(back.missing) - 3} more" if len(back.missing) > 3 else ""
        return made(check, name, expected, f"missing: {', '.join(back.missing[:3])}{more}", False, why)
    seconds = max(0.0, back.at - seen.began - span.ended)
    return made(check, name, expected, f"after {number(seconds, 's')}", seconds <= within, why)


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


__all__ = ["Outcome", "Seen", "failed_kinds", "judge", "unsettled", "verdict"]
