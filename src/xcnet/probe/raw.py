"""Every packet's record as a file, for those who want to reckon for themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from xcnet.probe.analysis import Span
from xcnet.probe.ground import Stream
from xcnet.probe.receiver import ReceivedRecord
from xcnet.probe.sender import SentRecord

HEADING = "source,target,version,flow,sequence,sent_ns,received_ns\n"


def write_raw(
    path: Path,
    streams: Sequence[Stream],
    sent: Mapping[str, SentRecord],
    received: Mapping[str, ReceivedRecord],
    span: Span,
) -> None:
    """CSV, times in nanoseconds of CLOCK_MONOTONIC: one line for each packet of the span that was sent, by flow and number,
    and one more for each further copy that arrived; ``received_ns`` is empty where a packet was lost."""
    with path.open("w") as file:
        file.write(HEADING)
        for stream in streams:
            record, arrivals = sent[stream.source.name], _arrivals(received[stream.target.name], stream.flows)
            begin = f"{stream.source.name},{stream.target.name},{stream.version}"
            for flow in stream.flows:
                for sequence, time in enumerate(record.of(flow)):
                    if span.began <= time <= span.ended:
                        for came in arrivals.get((flow, sequence), [""]):
                            file.write(f"{begin},{flow},{sequence},{time},{came}\n")


def _arrivals(record: ReceivedRecord, flows: Sequence[int]) -> dict[tuple[int, int], list[int | str]]:
    wanted = set(flows)
    found: dict[tuple[int, int], list[int | str]] = {}
    for flow, sequence, came in zip(record.flows, record.sequences, record.received, strict=True):
        if flow in wanted:
            found.setdefault((flow, sequence), []).append(came)
    return found


__all__ = ["HEADING", "write_raw"]
