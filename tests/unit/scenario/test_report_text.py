"""Reports as Markdown and JUnit, comparisons and summaries."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest
from report_html import Page
from report_world import RUNS, failed, hostile, inconclusive, passed, without_probe

from xcnet.scenario.report.compare import Change, compare, compare_data, compare_markdown, compare_page
from xcnet.scenario.report.junit import to_junit
from xcnet.scenario.report.markdown import escape, to_json, to_markdown
from xcnet.scenario.report.summary import Summarized, overall, summary_data, summary_markdown, summary_page
from xcnet.scenario.results import RunResult, Verdict
from xcnet.secret import Secret


def tables(text: str) -> list[list[str]]:
    """Each table's lines."""
    found: list[list[str]] = []
    before = ""
    for line in text.splitlines():
        if line.startswith("|"):
            if not before.startswith("|"):
                found.append([])
            found[-1].append(line)
        before = line
    return found


def cells(line: str) -> list[str]:
    return re.split(r"(?<!\\)\|", line)


@pytest.mark.parametrize("name", sorted(RUNS))
def test_every_table_has_as_many_cells_in_each_row(name: str) -> None:
    text = to_markdown(RUNS[name]())
    for lines in tables(text):
        assert {len(cells(line)) for line in lines} == {len(cells(lines[0]))}, lines[0]
    assert text.count("```") in (0, 2)


@pytest.mark.parametrize("name", sorted(RUNS))
def test_every_check_and_event_is_in_the_text(name: str) -> None:
    result = RUNS[name]()
    text = to_markdown(result)
    for check in result.checks:
        assert escape(check.measured) in text
    assert text.count("\n| ") >= len(result.checks) + len(result.timeline)


def test_hostile_words_make_no_markup() -> None:
    before, code, after = to_markdown(hostile()).split("```")
    for prose in (before, after.replace("](<./", "]("), code.replace("<", "")):
        assert not re.search(r"(?<!\\)<", prose)
    assert not re.search(r"(?<!\\)\]\(javascript", before + after)
    assert "\x00" not in before + code + after


def test_the_text_timeline_shows_the_fault_the_losses_and_the_recovery() -> None:
    lines = to_markdown(passed()).splitlines()
    first = lines.index("```text")
    fault, channel = lines[first + 1], lines[first + 2]
    assert channel.startswith("ch2 ")
    begin = fault.index("=")
    assert channel[begin] == "!"
    assert "+" in channel[fault.rindex("=") :]


def test_json_is_the_result_itself_without_secrets() -> None:
    result = passed().model_copy(update={"settings": {"key": Secret(b"hunter2")}})
    assert "hunter2" not in to_json(result)
    assert RunResult.model_validate_json(to_json(passed())) == passed()


# -- JUnit

_ALLOWED = {
    "testsuites": {"name", "time", "tests", "failures", "errors", "disabled"},
    "testsuite": {
        "name", "tests", "failures", "errors", "time", "disabled", "skipped", "timestamp", "hostname", "id", "package",
    },
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"name", "classname", "time", "assertions", "status"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message"},
    "system-out": set(),
    "system-err": set(),
}  # fmt: skip
"""Elements and attributes of the schemas that Jenkins and Ant publish."""

_CHILDREN = {
    "testsuites": ["testsuite"],
    "testsuite": ["properties", "testcase", "system-out", "system-err"],
    "properties": ["property"],
    "testcase": ["skipped", "error", "failure"],
}


@pytest.mark.parametrize("names", [[name] for name in sorted(RUNS)] + [sorted(RUNS)])
def test_junit_keeps_to_the_common_schema(names: list[str]) -> None:
    root = ElementTree.fromstring(to_junit([RUNS[name]() for name in names]))
    assert root.tag == "testsuites"
    for element in root.iter():
        assert set(element.attrib) <= _ALLOWED[element.tag]
        order = [_CHILDREN[element.tag].index(child.tag) for child in element]
        assert order == sorted(order)
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.attrib["tests"]) == len(cases)
        assert int(suite.attrib["failures"]) == sum(case.find("failure") is not None for case in cases)
        assert int(suite.attrib["skipped"]) == sum(case.find("skipped") is not None for case in cases)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])
        assert sum(float(case.attrib["time"]) for case in cases) == pytest.approx(float(suite.attrib["time"]))
    assert int(root.attrib["tests"]) == sum(int(suite.attrib["tests"]) for suite in root)
    assert [suite.attrib["id"] for suite in root] == [str(number) for number in range(len(names))]


def test_a_broken_expectation_is_a_failure_and_what_cannot_be_judged_is_skipped() -> None:
    root = ElementTree.fromstring(to_junit([failed(), inconclusive()]))
    (failure,) = root.iter("failure")
    assert failure.attrib["message"] == "expected at most 5.0 s, measured 42.0 s"
    skipped = list(root.iter("skipped"))
    assert len(skipped) == 5
    assert all("31 %" in each.attrib["message"] for each in skipped)


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.INCONCLUSIVE])
def test_a_run_whose_checks_all_pass_yet_did_not_never_looks_passed(verdict: Verdict) -> None:
    result = passed().model_copy(update={"verdict": verdict, "reasons": ("A step was refused.",)})
    root = ElementTree.fromstring(to_junit([result]))
    (told,) = root.iter("failure" if verdict is Verdict.FAIL else "skipped")
    assert "A step was refused." in f"{told.attrib['message']} {told.text}"


# -- comparisons


def test_a_run_compared_with_itself_is_the_same() -> None:
    for make in RUNS.values():
        comparison = compare(make(), make())
        assert comparison.regressions == ()
        assert {row.change for row in comparison.rows} == {Change.SAME}


def test_a_longer_loss_and_a_failed_check_are_regressions_and_the_way_back_is_better() -> None:
    worse = {(row.section, row.name) for row in compare(passed(), failed()).regressions}
    assert {("run", "verdict"), ("checks", "longest loss"), ("loss", "longest loss of one flow")} <= worse
    back = compare(failed(), passed())
    assert back.regressions == ()
    assert any(row.change is Change.BETTER and row.name == "longest loss of one flow" for row in back.rows)


@pytest.mark.parametrize(("restoration", "change"), [(6.5, Change.SAME), (6.7, Change.WORSE), (5.0, Change.BETTER)])
def test_a_stage_is_worse_only_beyond_the_tolerance(restoration: float, change: Change) -> None:
    (phase,) = passed().phases
    other = passed().model_copy(update={"phases": (phase.model_copy(update={"restoration": restoration}),)})
    (row,) = (row for row in compare(passed(), other).rows if row.name == "cut: restoration")
    assert row.change is change


def test_a_difference_that_is_chance_is_none_however_large_its_share() -> None:
    (phase,) = passed().phases
    other = passed().model_copy(update={"phases": (phase.model_copy(update={"detection": 0.004}),)})
    assert compare(passed(), other).regressions == ()


def test_a_slower_transfer_is_worse() -> None:
    probe = passed().probe
    assert probe is not None
    slow = tuple(each.model_copy(update={"mbps": 200.0}) for each in probe.transfers)
    other = passed().model_copy(update={"probe": probe.model_copy(update={"transfers": slow})})
    (row,) = compare(passed(), other).regressions
    assert (row.section, row.a, row.b, row.difference) == ("transfers", "412.7 Mbit/s", "200.0 Mbit/s", "−212.7 Mbit/s")


def test_an_inconclusive_run_is_neither_better_nor_worse() -> None:
    assert compare(passed(), inconclusive()).regressions == ()


def test_a_comparison_says_the_same_as_page_text_and_data() -> None:
    comparison = compare(hostile(), failed())
    read = Page.read(compare_page(comparison))
    assert read.wrong == []
    assert sum(each.name == "tr" for each in read.elements) - len({row.section for row in comparison.rows}) == len(
        comparison.rows
    )
    (lines,) = tables(compare_markdown(comparison))
    assert len(lines) == len(comparison.rows) + 2
    assert {len(cells(line)) for line in lines} == {8}
    assert json.loads(json.dumps(compare_data(comparison)))["regressions"] == len(comparison.regressions)


# -- summaries


def summarized() -> list[Summarized]:
    return [Summarized(make(), f"{name}/index.html") for name, make in RUNS.items()]


def test_a_summary_has_a_row_for_each_run_that_leads_to_its_report() -> None:
    read = Page.read(summary_page(summarized()))
    assert read.wrong == []
    links = [each.attributes["href"] for each in read.named("a")]
    assert links[: len(RUNS)] == [f"./{name}/index.html" for name in RUNS]
    (lines,) = tables(summary_markdown(summarized()))
    assert len(lines) == len(RUNS) + 2
    assert {len(cells(line)) for line in lines} == {9}


def test_a_summary_counts_verdicts_and_has_seconds_and_losses_as_numbers() -> None:
    data = json.loads(json.dumps(summary_data(summarized())))
    assert data["totals"] == {"pass": 5, "fail": 2, "inconclusive": 2}
    assert data["seconds"] == 360.0 + 600.0 + 20.0
    assert data["runs"][list(RUNS).index("passed")]["worst_loss"] == pytest.approx(0.21)
    assert data["runs"][list(RUNS).index("without-probe")]["worst_loss"] is None


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        ([passed(), without_probe()], Verdict.PASS),
        ([passed(), inconclusive()], Verdict.INCONCLUSIVE),
        ([failed(), inconclusive()], Verdict.FAIL),
        ([], Verdict.INCONCLUSIVE),
    ],
)
def test_all_runs_together_pass_only_if_each_does(results: list[RunResult], verdict: Verdict) -> None:
    assert overall([Summarized(result, "x/index.html") for result in results]) is verdict
