"""This project's own coordinators keep to every rule that can be tried, in either role, and nothing is left behind."""

from __future__ import annotations

import pytest
from conformance_world import broken, not_testable, tried

from xcnet.conformance.registry import Verdict, rules
from xcnet.spec.operations import OPERATIONS

UNTESTABLE = {
    "create-closed": "no interconnect is closed",
    "feature-disabled": "no channel is disabled",
    "update-in-flight": "each update is over by the time it is answered: none was in flight",
    "maintenance-one": "fewer than two channels have windows",
}


@pytest.mark.parametrize(
    ("server", "topology", "limited"),
    [("gcp", "aws-google", True), ("aws", "aws-google", False), ("gcp", "two-interconnects", False)],
)
def test_own_coordinators_keep_to_every_rule(server: str, topology: str, limited: bool) -> None:
    report, left = tried(server, topology, limited=limited)
    assert broken(report) == {}
    assert report.passed(strict=True)
    assert [each.rule for each in report.findings] == list(rules())
    why = not_testable(report)
    expected = dict(UNTESTABLE)
    if topology == "aws-google":
        expected["migrate"] = "the environment has one interconnect that takes connections"
    else:
        # Nobody provisions the caller's side of the path: the server sees that it does not work.
        assert why.pop("migrate").startswith("the connection is not ready to be moved: CreateConnection")
    if not limited:
        expected["limit-rate"] = "400 requests are all answered"
    assert why == expected
    assert report.left == ()
    assert (left.connections, left.issues) == ([], [])


def test_every_operation_is_in_some_rule() -> None:
    named = {operation for rule in rules() for operation in rule.operations}
    # The rest are asked by rules about every operation: not there, not the caller's tree, declared shapes.
    assert set(OPERATIONS) - named == set()


def test_each_finding_says_which_exchanges_it_had() -> None:
    chosen = tuple(rule for rule in rules() if rule.group == "Issues")
    report, _ = tried(chosen=chosen)
    before = 0
    for each in report.findings:
        assert each.verdict is Verdict.PASS
        assert each.exchanges is not None
        assert each.exchanges[0] > before
        assert each.exchanges[0] <= each.exchanges[1]
        before = each.exchanges[1]
    assert report.requests >= before
