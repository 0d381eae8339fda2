"""Results as JUnit XML: a suite for each run, a case for each check.

What is inconclusive is a skipped case with its reason: systems of continuous integration show that beside passed and failed
ones, and it neither breaks a build, as an error would, nor counts as passed. Whoever wants a build to break on it has the
exit status.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from xml.etree import ElementTree

from xcnet.scenario.report.charts.svg import clean
from xcnet.scenario.results import Check, RunResult, Verdict

_CARRIED = "the run"
"""The case that carries a run's verdict where no check explains it."""


def to_junit(results: Sequence[RunResult]) -> str:
    """The file. Attributes and elements are those that the schemas of Jenkins and Ant have in common."""
    cases = [_cases(result) for result in results]
    root = ElementTree.Element(
        "testsuites",
        name="xcnet scenarios",
        tests=str(sum(map(len, cases))),
        failures=str(sum(_number(each, Verdict.FAIL) for each in cases)),
        errors="0",
        time=f"{sum(result.seconds for result in results):.3f}",
    )
    for number, (result, checks) in enumerate(zip(results, cases, strict=True)):
        _suite(root, number, result, checks)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _cases(result: RunResult) -> list[Check]:
    """Its checks, and one more where none of them is the reason of its verdict: a run must never look better than it is."""
    checks = list(result.checks)
    if not any(check.verdict is result.verdict for check in checks):
        checks.append(
            Check(
                name=_CARRIED,
                expected="pass",
                measured=result.verdict.value,
                verdict=result.verdict,
                why=" ".join(result.reasons),
            )
        )
    return checks


def _number(checks: Sequence[Check], verdict: Verdict) -> int:
    return sum(check.verdict is verdict for check in checks)


def _suite(root: ElementTree.Element, number: int, result: RunResult, checks: Sequence[Check]) -> None:
    began = result.began.astimezone(UTC) if result.began.tzinfo is not None else result.began
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=clean(result.scenario),
        tests=str(len(checks)),
        failures=str(_number(checks, Verdict.FAIL)),
        errors="0",
        skipped=str(_number(checks, Verdict.INCONCLUSIVE)),
        time=f"{result.seconds:.3f}",
        timestamp=f"{began:%Y-%m-%dT%H:%M:%S}",
        hostname="localhost",
        id=str(number),
        package="xcnet",
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in {"verdict": result.verdict.value, "topology": result.topology, **result.versions}.items():
        ElementTree.SubElement(properties, "property", name=clean(name), value=clean(value))
    for index, check in enumerate(checks):
        # A run is measured as a whole: its first case has its time, so that the sum is right.
        time = result.seconds if index == 0 else 0.0
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"xcnet.{clean(result.scenario)}", name=clean(check.name), time=f"{time:.3f}"
        )
        message = clean(f"expected {check.expected}, measured {check.measured}")
        if check.verdict is Verdict.FAIL:
            ElementTree.SubElement(case, "failure", message=message, type="expectation").text = clean(check.why)
        elif check.verdict is Verdict.INCONCLUSIVE:
            reason = check.why if check.name == _CARRIED else " ".join(result.reasons) or check.why
            ElementTree.SubElement(case, "skipped", message=clean(f"inconclusive: {reason or message}"))
    ElementTree.SubElement(suite, "system-out").text = clean("\n".join(result.reasons))
    ElementTree.SubElement(suite, "system-err")


__all__ = ["to_junit"]
