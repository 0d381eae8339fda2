"""Runs the rules in order, each within its time, and takes away what they made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xcnet.conformance.registry import Level, NotTestable, Rule, Verdict, Violation
from xcnet.conformance.session import Session
from xcnet.conformance.subject import Subject
from xcnet.conformance.wire import Reply, Wire
from xcnet.errors import LabError

RULE_SECONDS = 120.0
"""For one rule, with all its requests and waits."""


@dataclass(frozen=True)
class Finding:
    """What came of one rule. :param why: what was seen, what is violated, or why nothing can be said.
    :param exchanges: the numbers of its first and last exchange with the server; None if it had none.
    """

    rule: Rule
    verdict: Verdict
    why: str
    seconds: float
    exchanges: tuple[int, int] | None


@dataclass(frozen=True)
class Report:
    """:param left: what could not be taken away from the server, and why."""

    server: str
    caller: str
    environment: str
    findings: tuple[Finding, ...]
    left: tuple[str, ...]
    seconds: float
    requests: int

    def count(self, verdict: Verdict, level: Level | None = None) -> int:
        return sum(each.verdict is verdict and level in (None, each.rule.level) for each in self.findings)

    def passed(self, *, strict: bool = False) -> bool:
        """No binding rule is broken, and nothing left behind. :param strict: recommendations are binding too."""
        return not self.left and self.count(Verdict.FAIL, None if strict else Level.MUST) == 0


async def run(
    subject: Subject,
    chosen: Sequence[Rule],
    *,
    told: Callable[[Finding], None] = lambda _: None,
    exchanged: Callable[[Reply], None] = lambda _: None,
) -> Report:
    """Try a server by these rules.

    :param told: of each finding as it is made. :param exchanged: of each exchange.
    :raises LabError: the server does not serve the caller at all.
    """
    begun = time.monotonic()
    wire = Wire(subject, exchanged)
    session = Session(subject, wire)
    findings = []
    try:
        try:
            await session.open()
        except Violation as error:
            raise LabError(
                f"the server does not serve {subject.caller}: {error}",
                where=subject.endpoint.url,
                remedy="look at the URL, at the providers' names, at certificates, keys and signatures",
            ) from None
        left: list[str] = []
        try:
            for rule in chosen:
                finding = await _tried(rule, session)
                findings.append(finding)
                told(finding)
        finally:
            left = await asyncio.shield(session.clean_up())
    finally:
        await wire.close()
    return Report(
        subject.endpoint.url,
        subject.caller,
        session.environment,
        tuple(findings),
        tuple(left),
        time.monotonic() - begun,
        len(wire.replies),
    )


async def _tried(rule: Rule, session: Session) -> Finding:
    begun, first = time.monotonic(), len(session.wire.replies)
    try:
        async with asyncio.timeout(RULE_SECONDS):
            verdict, why = Verdict.PASS, await rule.check(session) or ""
    except Violation as error:
        verdict, why = Verdict.FAIL, str(error)
    except NotTestable as error:
        verdict, why = Verdict.NOT_TESTABLE, str(error)
    except TimeoutError:
        verdict, why = Verdict.FAIL, f"there is no verdict within {RULE_SECONDS:.0f} s"
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        # An answer of another shape than a rule reads: the schema's own rule says where.
        verdict, why = Verdict.FAIL, f"an answer cannot be read: {type(error).__name__}: {str(error)[:200]}"
    last = len(session.wire.replies)
    exchanges = (first + 1, last) if last > first else None
    return Finding(rule, verdict, why, time.monotonic() - begun, exchanges)


__all__ = ["RULE_SECONDS", "Finding", "Report", "run"]
