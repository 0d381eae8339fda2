"""One page over many runs: a row each, and how many passed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xcnet.scenario.report import words
from xcnet.scenario.report.markdown import escape
from xcnet.scenario.report.page import link_to, render
from xcnet.scenario.results import RunResult, Verdict


@dataclass(frozen=True, slots=True)
class Summarized:
    """:param report: the report's page, relative to the summary."""

    result: RunResult
    report: str

    @property
    def worst_loss(self) -> float | None:
        """Seconds of the longest loss of any flow; None without a probe."""
        return self.result.probe.longest_loss if self.result.probe is not None else None


def overall(runs: Sequence[Summarized]) -> Verdict:
    """Fail if any failed, else inconclusive if any is, or if there is none; else pass."""
    verdicts = {run.result.verdict for run in runs}
    if Verdict.FAIL in verdicts:
        return Verdict.FAIL
    return Verdict.PASS if verdicts == {Verdict.PASS} else Verdict.INCONCLUSIVE


def totals(runs: Sequence[Summarized]) -> dict[Verdict, int]:
    """How many of each verdict, also of those that none has."""
    return {verdict: sum(run.result.verdict is verdict for run in runs) for verdict in Verdict}


def summary_data(runs: Sequence[Summarized]) -> dict[str, Any]:
    """For ``--json``. Times are seconds."""
    return {
        "verdict": overall(runs).value,
        "totals": {verdict.value: number for verdict, number in totals(runs).items()},
        "seconds": round(sum(run.result.seconds for run in runs), 3),
        "runs": [
            {
                "scenario": run.result.scenario,
                "title": run.result.title,
                "verdict": run.result.verdict.value,
                "reasons": list(run.result.reasons),
                "checks": len(run.result.checks),
                "checks_passed": _passed(run.result),
                "worst_loss": run.worst_loss,
                "lost": run.result.probe.lost if run.result.probe is not None else None,
                "seconds": run.result.seconds,
                "began": run.result.began.isoformat(),
                "report": run.report,
            }
            for run in runs
        ],
    }


def summary_json(runs: Sequence[Summarized]) -> str:
    return json.dumps(summary_data(runs), indent=1) + "\n"


def summary_markdown(runs: Sequence[Summarized]) -> str:
    lines = [
        f"# {words.VERDICTS[overall(runs)]}: {words.count(len(runs), 'run')}",
        "",
        f"{sentence(runs)}",
        "",
        "| verdict | scenario | checks | worst loss | lost | took | why |",
        "|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        result = run.result
        target = link_to(run.report)
        name = escape(result.scenario)
        why = "" if result.verdict is Verdict.PASS else escape(" ".join(result.reasons))
        cells = (
            words.VERDICTS[result.verdict],
            f"[{name}](<{target}>)" if target else name,
            f"{_passed(result)} of {len(result.checks)}",
            words.seconds(run.worst_loss),
            f"{result.probe.lost:,}" if result.probe is not None else words.NONE,
            words.seconds(result.seconds),
            why,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def summary_page(runs: Sequence[Summarized]) -> str:
    """The page; it links to each run's own."""
    numbers = totals(runs)
    return render(
        "summary.html.j2",
        title=words.count(len(runs), "scenario run"),
        runs=runs,
        verdict=overall(runs),
        totals=numbers,
        sentence=sentence(runs),
        passed=_passed,
    )


def sentence(runs: Sequence[Summarized]) -> str:
    """``3 runs passed, 1 failed and 0 are inconclusive, in 4 min 5 s of measuring; the longest loss ...``"""
    numbers = totals(runs)
    text = (
        f"{words.count(numbers[Verdict.PASS], 'run')} passed, {numbers[Verdict.FAIL]:,} failed and "
        f"{numbers[Verdict.INCONCLUSIVE]:,} could not be judged; together they took "
        f"{words.seconds(sum(run.result.seconds for run in runs))}."
    )
    losses = [(run.worst_loss, run.result.scenario) for run in runs if run.worst_loss is not None]
    if losses and max(losses)[0]:
        longest, scenario = max(losses)
        text += f" The longest loss of any flow was {words.seconds(longest)}, in {scenario}."
    return text


def _passed(result: RunResult) -> int:
    return sum(check.verdict is Verdict.PASS for check in result.checks)


__all__ = [
    "Summarized",
    "overall",
    "sentence",
    "summary_data",
    "summary_json",
    "summary_markdown",
    "summary_page",
    "totals",
]
