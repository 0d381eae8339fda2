#!/usr/bin/env python3
"""What users feel of failures and of planned work: shipped scenarios again and again, each time on a lab that nothing has been done to."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import HERE, Silent, own_state, parser, report

from xcnet.scenario.batch import carry_out, plan_jobs
from xcnet.scenario.results import RunResult, Verdict

SCENARIOS = HERE.parent / "lab" / "scenarios"


@dataclass(frozen=True)
class Goal:
    """:param wanted: in words. :param met: of the longest loss windows, seconds, one of each run."""

    wanted: str
    met: Callable[[Sequence[float]], bool]


def _nothing(windows: Sequence[float]) -> bool:
    return not any(windows)


_NOTHING = Goal("0 lost in every run", _nothing)
GOALS = {
    "channel-cut": Goal("median window <= 0.3 s", lambda each: statistics.median(each) <= 0.3),
    "silent-blackhole": Goal(
        "windows as the providers' own timers compute them (3 to 5 s, 10 % more or less, and 0.3 s for the way around)",
        lambda each: min(each) >= 2.7 and max(each) <= 5.8,
    ),
    "silent-blackhole-fast": Goal("windows <= 1.2 s", lambda each: max(each) <= 1.2),
    "planned-maintenance": _NOTHING,
    "key-rotation": _NOTHING,
    "resize": _NOTHING,
    "migrate": _NOTHING,
    "depreference": _NOTHING,
}


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--times", type=int, default=10, help="runs of each scenario")
    arguments.add_argument("--only", nargs="*", choices=sorted(GOALS), help="of them, these")
    options = arguments.parse_args()
    figures: dict[str, Any] = {}
    ok = True
    for name in options.only or GOALS:
        found, met = repeated(name, options.times, options.engine)
        figures |= found
        ok = ok and met
    target = "; ".join(f"{name}: {GOALS[name].wanted}" for name in options.only or GOALS)
    return report("failures", figures, target=target, ok=ok, as_json=options.json)


def repeated(name: str, times: int, engine: str) -> tuple[dict[str, Any], bool]:
    """One scenario's figures, and whether all of its runs pass and its goal is met."""
    results: list[RunResult] = []
    problems: list[str] = []
    with own_state(), tempfile.TemporaryDirectory(prefix="xcnet-bench-") as folder:
        jobs = plan_jobs(
            [SCENARIOS / f"{name}.yaml"], out=Path(folder), repeat=times, engine=engine, lab=None, keep=False
        )
        for done in carry_out(jobs, at_once=1, progress=Silent()):
            if done.result is None:
                problems.append(str(done.error))
                continue
            results.append(done.result)
            print(f"{name} {done.job.round}: {done.verdict}, {felt(done.result)}", file=sys.stderr)
            if done.verdict is not Verdict.PASS:
                problems.append("; ".join(done.result.reasons))
    if not results:
        return {f"{name}: runs": f"none of {times}: {problems[0]}"}, False
    windows = [longest(each) for each in results]
    lost = [each.probe.lost for each in results if each.probe is not None]
    passed = sum(each.verdict is Verdict.PASS for each in results)
    figures = {
        f"{name}: passed": f"{passed} of {times}",
        f"{name}: longest loss, median (s)": statistics.median(windows),
        f"{name}: longest loss, least and most (s)": f"{min(windows):.3f} to {max(windows):.3f}",
        f"{name}: packets lost, in all runs": sum(lost),
        f"{name}: packets sent, in all runs": sum(each.probe.sent for each in results if each.probe is not None),
    }
    detected = [phase.detection for each in results for phase in each.phases if phase.detection is not None]
    if detected:
        figures[f"{name}: detection, least and most (s)"] = f"{min(detected):.3f} to {max(detected):.3f}"
    if problems:
        figures[f"{name}: not passed for"] = problems[0]
    return figures, passed == times and GOALS[name].met(windows)


def longest(result: RunResult) -> float:
    """Seconds that any one flow lost everything."""
    return result.probe.longest_loss if result.probe is not None else float("nan")


def felt(result: RunResult) -> str:
    """One run in a line."""
    probe = result.probe
    return f"{probe.lost} of {probe.sent} lost, longest {probe.longest_loss:.3f} s" if probe is not None else "no probe"


if __name__ == "__main__":
    sys.exit(main())
