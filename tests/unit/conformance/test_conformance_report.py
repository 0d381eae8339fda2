"""What a run says: as data, as JUnit, as a page; and when it says that a server is in order."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conformance_world import tried

from xcnet.conformance.registry import Level, NotTestable, Rule, Verdict, Violation, rules
from xcnet.conformance.report import as_data, as_junit, as_page
from xcnet.conformance.runner import Finding, Report, run
from xcnet.conformance.session import Session
from xcnet.conformance.subject import CommandCustomer, Subject
from xcnet.coordinator.http.transport import Endpoint
from xcnet.errors import LabError

PAGE = Path(__file__).parents[3] / "docs" / "conformance.md"


def _rule(identifier: str, level: Level = Level.MUST) -> Rule:
    async def check(_session: Session) -> str | None:
        return None

    return Rule(identifier, "A group", f"What {identifier} says", "protocol, there", ("GetIssue",), level, check)


def _report(*findings: tuple[Rule, Verdict], left: tuple[str, ...] = ()) -> Report:
    made = tuple(Finding(rule, verdict, f"<{verdict}>", 0.25, (1, 2)) for rule, verdict in findings)
    return Report("https://server", "aws", "here", made, left, 1.5, 2)


MUST, SHOULD = _rule("bound"), _rule("advised", Level.SHOULD)


@pytest.mark.parametrize(
    ("report", "passed", "strictly"),
    [
        (_report((MUST, Verdict.PASS), (SHOULD, Verdict.PASS)), True, True),
        (_report((MUST, Verdict.NOT_TESTABLE)), True, True),
        (_report((MUST, Verdict.PASS), (SHOULD, Verdict.FAIL)), True, False),
        (_report((MUST, Verdict.FAIL), (SHOULD, Verdict.PASS)), False, False),
        (_report((MUST, Verdict.PASS), left=("issue 1: not closed",)), False, False),
    ],
)
def test_a_server_is_in_order_if_no_binding_rule_is_broken_and_nothing_left(
    report: Report, passed: bool, strictly: bool
) -> None:
    assert report.passed() is passed
    assert report.passed(strict=True) is strictly
    assert as_data(report)["passed"] is passed


def test_junit_has_failures_for_binding_rules_and_says_why_others_were_skipped() -> None:
    advice = _rule("advised", Level.SHOULD)
    report = _report(
        (MUST, Verdict.FAIL), (advice, Verdict.FAIL), (_rule("untried"), Verdict.NOT_TESTABLE), left=("issue 1: open",)
    )
    suite = ElementTree.fromstring(as_junit(report))
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "3",
        "failures": "1",
        "errors": "1",
        "skipped": "2",
    }
    said = [(case.get("name"), *((child.tag, child.get("message")) for child in case)) for case in suite]
    assert said == [
        ("bound: What bound says", ("failure", "<fail>")),
        ("advised: What advised says", ("skipped", "a recommendation is not kept: <fail>")),
        ("untried: What untried says", ("skipped", "not testable: <not testable>")),
        ("issue 1", ("error", "issue 1: open")),
    ]


def test_the_page_in_the_documents_is_in_step() -> None:
    text = PAGE.read_text()
    assert as_page(rules()).strip() in text, "run: xcnet conformance --list"


def test_every_rule_says_where_it_stands() -> None:
    assert all(
        each.reference.startswith(("protocol, ", "amendment ", "RFC ", "specification, ")) for each in rules()
    ), {each.reference for each in rules()}


@pytest.mark.parametrize(
    ("raised", "verdict", "why"),
    [
        (Violation("it does not"), Verdict.FAIL, "it does not"),
        (NotTestable("there is none"), Verdict.NOT_TESTABLE, "there is none"),
        (KeyError("name"), Verdict.FAIL, "an answer cannot be read: KeyError: 'name'"),
        (None, Verdict.PASS, ""),
    ],
)
def test_whatever_a_rule_meets_is_a_finding(raised: Exception | None, verdict: Verdict, why: str) -> None:
    async def check(_session: Session) -> str | None:
        if raised is not None:
            raise raised
        return None

    report, _ = tried(chosen=[replace(MUST, check=check)])
    assert [(each.verdict, each.why) for each in report.findings] == [(verdict, why)]


def test_a_rule_that_does_not_end_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    async def check(_session: Session) -> str | None:
        await asyncio.Event().wait()
        return None

    monkeypatch.setattr("xcnet.conformance.runner.RULE_SECONDS", 0.1)
    report, _ = tried(chosen=[replace(MUST, check=check)])
    assert [each.verdict for each in report.findings] == [Verdict.FAIL]


def test_a_server_that_does_not_serve_the_caller_is_no_subject() -> None:
    def tls(_certificate: bool) -> ssl.SSLContext:
        return ssl.create_default_context()

    subject = Subject(Endpoint("gcp", "https://127.0.0.1:1", ""), "aws", tls, CommandCustomer())
    with pytest.raises(LabError, match="does not serve aws") as raised:
        asyncio.run(run(subject, rules()))
    assert raised.value.remedy


def test_an_environment_that_is_not_listed_is_said_with_those_that_are() -> None:
    with pytest.raises(LabError, match="no environment 'elsewhere': there are aws-gcp-us-east"):
        tried(subject=lambda given: replace(given, environment="elsewhere"))
