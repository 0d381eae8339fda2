"""Results as data, as JUnit, and the rules as a page."""

from __future__ import annotations

from itertools import groupby
from typing import Any
from xml.etree import ElementTree

from xcnet.conformance.registry import Level, Rule, Verdict
from xcnet.conformance.runner import Finding, Report


def as_data(report: Report) -> dict[str, Any]:
    """For ``--json``."""
    return {
        "server": report.server,
        "caller": report.caller,
        "environment": report.environment,
        "passed": report.passed(),
        "counts": {verdict.value: report.count(verdict) for verdict in Verdict},
        "seconds": round(report.seconds, 3),
        "requests": report.requests,
        "left": list(report.left),
        "rules": [
            {
                "id": each.rule.id,
                "group": each.rule.group,
                "title": each.rule.title,
                "level": each.rule.level.value,
                "reference": each.rule.reference,
                "operations": list(each.rule.operations),
                "verdict": each.verdict.value,
                "why": each.why,
                "seconds": round(each.seconds, 3),
                "exchanges": list(each.exchanges) if each.exchanges else None,
            }
            for each in report.findings
        ],
    }


def as_junit(report: Report) -> str:
    """XML that continuous integration reads: a failed recommendation is a skipped test that says so."""
    suite = ElementTree.Element(
        "testsuite",
        name=f"xcnet conformance of {report.server}",
        tests=str(len(report.findings)),
        failures=str(report.count(Verdict.FAIL, Level.MUST)),
        errors=str(len(report.left)),
        skipped=str(report.count(Verdict.NOT_TESTABLE) + report.count(Verdict.FAIL, Level.SHOULD)),
        time=f"{report.seconds:.3f}",
    )
    for each in report.findings:
        _case(suite, each)
    for left in report.left:
        case = ElementTree.SubElement(suite, "testcase", classname="Cleaning up", name=left.partition(":")[0])
        ElementTree.SubElement(case, "error", message=left)
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ElementTree.Element, finding: Finding) -> None:
    rule = finding.rule
    name = f"{rule.id}: {rule.title}"
    case = ElementTree.SubElement(suite, "testcase", classname=rule.group, name=name, time=f"{finding.seconds:.3f}")
    if finding.verdict is Verdict.FAIL and rule.level is Level.MUST:
        ElementTree.SubElement(case, "failure", message=finding.why).text = f"{rule.reference}"
    elif finding.verdict is Verdict.FAIL:
        ElementTree.SubElement(case, "skipped", message=f"a recommendation is not kept: {finding.why}")
    elif finding.verdict is Verdict.NOT_TESTABLE:
        ElementTree.SubElement(case, "skipped", message=f"not testable: {finding.why}")


def as_page(chosen: tuple[Rule, ...]) -> str:
    """The rules as Markdown tables, one for each group."""
    lines = []
    for group, members in groupby(chosen, lambda each: each.group):
        lines += [f"### {group}", "", "| rule | what it says | stands in | operations |", "|---|---|---|---|"]
        for rule in members:
            level = "" if rule.level is Level.MUST else " (recommended)"
            operations = ", ".join(f"`{each}`" for each in rule.operations) or "any"
            lines.append(f"| `{rule.id}` | {rule.title}{level} | {rule.reference} | {operations} |")
        lines.append("")
    return "\n".join(lines)


__all__ = ["as_data", "as_junit", "as_page"]
