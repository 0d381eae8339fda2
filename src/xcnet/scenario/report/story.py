"""What happened, said in words that are made of the result's figures."""

from __future__ import annotations

from xcnet.scenario.report.facts import harm_of, phase_of, told_by
from xcnet.scenario.report.words import LAYERS, at, count, happened, percent, seconds
from xcnet.scenario.results import FaultSpan, Layer, RunResult

_FAULTS_TOLD = 3


def story(result: RunResult) -> tuple[str, ...]:
    """Paragraphs: each fault with what users felt of it and how the network took it, and all traffic together.

    With one fault or none it is one paragraph.
    """
    faults = sorted(result.faults, key=lambda fault: fault.began)
    parts = [_of_fault(result, fault) for fault in faults[:_FAULTS_TOLD]] or ["Nothing was broken in this run."]
    more = len(faults) - _FAULTS_TOLD
    last = f"{count(more, 'more fault')} followed. {_overall(result)}" if more > 0 else _overall(result)
    return (f"{parts[0]} {last}",) if len(parts) == 1 else (*parts, last)


def _of_fault(result: RunResult, fault: FaultSpan) -> str:
    until = f"from {at(fault.began)} to {at(fault.ended)}" if fault.ended is not None else f"from {at(fault.began)} on"
    first = f"{happened(fault)} {until}"
    harm = harm_of(result, fault)
    if harm is not None and harm.hit:
        first += f"; {harm.hit} of {count(harm.flows, 'flow')} lost packets, for at most {seconds(harm.longest)}"
    elif harm is not None:
        first += f"; none of {count(harm.flows, 'flow')} lost a packet"
    return f"{first}. {_course(result, fault)}".strip()


def _course(result: RunResult, fault: FaultSpan) -> str:
    phase = phase_of(result, fault)
    if phase is None:
        return ""
    layer = told_by(result, fault)
    teller = (
        "the network told" if layer is None else "the link told" if layer is Layer.LINK else f"{LAYERS[layer]} told"
    )
    parts = []
    if phase.detection is not None:
        parts.append(f"{teller} of it after {seconds(phase.detection)}")
    if phase.withdrawal is not None:
        early = phase.withdrawal < 0
        since = "that" if phase.detection is not None else "it began"
        when = f"{seconds(abs(phase.withdrawal))} {'before' if early else 'after'} {since}"
        parts.append(f"the first session or route went {when}")
    if phase.reroute is not None:
        parts.append(f"forwarding was whole again {seconds(phase.reroute)} after that")
    if phase.restoration is not None:
        parts.append(f"all was as before {seconds(phase.restoration)} after the fault's end")
    text = ", ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _overall(result: RunResult) -> str:
    probe = result.probe
    if probe is None:
        return "No probe measured what users would have felt."
    if not probe.sent:
        return "The probe sent nothing."
    if not probe.lost:
        return f"In all, {count(probe.sent, 'packet')} were sent and none was lost."
    return f"In all, {probe.lost:,} of {count(probe.sent, 'packet')} were lost ({percent(probe.lost, probe.sent)})."


__all__ = ["story"]
