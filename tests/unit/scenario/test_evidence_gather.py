"""What is gathered into a report's folder: whole, listed with sizes and digests, without secrets, and never in the way of a report."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from report_world import passed

from xcnet.coordinator.http.transcript import Ending, Exchange, Side
from xcnet.errors import InputError
from xcnet.events import Event
from xcnet.lab.paths import LabPaths
from xcnet.proof.record import RecordSummary
from xcnet.scenario.evidence.gather import Gathered, captured_words
from xcnet.scenario.evidence.sources import topology_text
from xcnet.scenario.evidence.witness import Look
from xcnet.scenario.report.compare import compare
from xcnet.scenario.report.evidence import groups
from xcnet.scenario.report.markdown import to_markdown
from xcnet.scenario.report.page import page
from xcnet.scenario.report.write import read_result, render_again, write_report
from xcnet.scenario.results import Evidence, RunResult

SUMMARY = RecordSummary(file="ch1.pcapng", frames=1234, cut=1200, size=9, dropped=0, left_out=0)


def exchange(began: float, source: str = "aws-coord") -> Exchange:
    return Exchange(
        monotonic=began, wall=1.8e9 + began, duration=0.5, side=Side.CLIENT, source=source, peer="gcp",
        authority="gcp-coord", method="GET", path=f"/at/{began:g}", operation="GetConnection",
        ending=Ending.ANSWERED, status=200,
    )  # fmt: skip


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """What a recorder left in a lab's folder."""
    folder = tmp_path / "lab" / "records"
    for moment in ("before", "1-cut", "after"):
        (folder / moment).mkdir(parents=True)
        for node in ("aws-edge1", "gcp-gw"):
            (folder / moment / f"{node}.json").write_text("{}")
            (folder / moment / f"{node}.conf").write_text(f"! {node} {moment}\n")
    (folder / "ch1.pcapng").write_bytes(b"frames")
    return folder


@pytest.fixture
def paths(tmp_path: Path) -> LabPaths:
    made = LabPaths("lab", tmp_path / "lab")
    made.transcripts.mkdir(parents=True)
    lines = [exchange(began).to_json() + "\n" for began in (1.0, 9.8, 12.0)]
    (made.transcripts / "aws-coord.api.jsonl").write_text("".join(lines))
    return made


LOOKS = [
    Look("before", "before the run", ()),
    Look("1-cut", "while cut stands", ("aws-edge1: bgpd does not answer",)),
    Look("after", "after the run", ()),
]


@pytest.fixture
def gathered(tmp_path: Path, recorded: Path, paths: LabPaths) -> tuple[Path, RunResult]:
    folder = tmp_path / "report"
    made = Gathered(folder)
    made.captures(recorded, {"ch1": SUMMARY})
    made.routers(recorded, LOOKS)
    made.api(paths, 10.0)
    made.lab(passed(), [Event(11.0, 1.8e9, "lab", "fault.begun", "cut")], "scenario: cut\n", "minimal", 10.5)
    result = passed().model_copy(update={"evidence": made.close(), "evidence_problems": tuple(made.problems)})
    write_report(result, folder)
    return folder, result


def test_every_file_is_listed_with_its_size_and_digest_and_nothing_else_is_there(
    gathered: tuple[Path, RunResult],
) -> None:
    folder, result = gathered
    there = {path.relative_to(folder).as_posix() for path in (folder / "evidence").rglob("*") if path.is_file()}
    assert there == {each.path for each in result.evidence}
    for each in result.evidence:
        data = (folder / each.path).read_bytes()
        assert (each.size, each.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_the_list_of_digests_is_one_that_sha256sum_checks(gathered: tuple[Path, RunResult]) -> None:
    folder, result = gathered
    checked = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"], cwd=folder / "evidence", capture_output=True, text=True, check=True
    )
    assert len(checked.stdout.splitlines()) == len(result.evidence) - 1
    (folder / "evidence" / "events.jsonl").write_text("changed")
    again = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"], cwd=folder / "evidence", capture_output=True, check=False
    )
    assert again.returncode != 0


def test_only_what_coordinators_said_during_the_run_is_kept(gathered: tuple[Path, RunResult]) -> None:
    folder, _ = gathered
    lines = (folder / "evidence" / "api" / "aws-coord.api.jsonl").read_text().splitlines()
    assert [json.loads(line)["path"] for line in lines] == ["/at/9.8", "/at/12"], (
        "one was on its way when the run began"
    )
    har = json.loads((folder / "evidence" / "api" / "transcript.har").read_text())
    assert [entry["request"]["url"] for entry in har["log"]["entries"]] == [
        "https://gcp-coord/at/9.8",
        "https://gcp-coord/at/12",
    ]


def test_what_did_not_answer_is_told_with_its_moment(gathered: tuple[Path, RunResult]) -> None:
    folder, result = gathered
    assert result.evidence_problems == ("aws-edge1: bgpd does not answer (while cut stands)",)
    for text in ((folder / "index.html").read_text(), (folder / "report.md").read_text()):
        assert "aws-edge1: bgpd does not answer (while cut stands)" in text.replace("\\", "")


def test_a_router_has_a_row_and_each_moment_a_column(gathered: tuple[Path, RunResult]) -> None:
    _, result = gathered
    captures, routers, api, lab = groups(result)
    assert [group.name for group in (captures, routers, api, lab)] == ["captures", "routers", "api", "lab"]
    assert routers.moments == ("before the run", "while cut stands", "after the run")
    assert [row.subject for row in routers.rows] == ["aws-edge1", "gcp-gw"]
    assert [each.path for each in routers.rows[1].cells[1]] == [
        "evidence/routers/1-cut/gcp-gw.json",
        "evidence/routers/1-cut/gcp-gw.conf",
    ]
    assert routers.size == sum(each.size or 0 for each in routers.files)


def test_page_and_text_link_to_every_file(gathered: tuple[Path, RunResult]) -> None:
    _, result = gathered
    for text in (page(result), to_markdown(result)):
        for each in result.evidence:
            assert f"./{each.path}" in text, each.path


def test_a_report_made_anew_keeps_its_evidence(gathered: tuple[Path, RunResult]) -> None:
    folder, result = gathered
    before = (folder / "index.html").read_text()
    (folder / "index.html").unlink()
    render_again(folder)
    assert (folder / "index.html").read_text() == before
    assert read_result(folder).evidence == result.evidence
    assert (folder / "evidence" / "captures" / "ch1.pcapng").read_bytes() == b"frames"


def test_a_comparison_takes_no_notice_of_evidence(gathered: tuple[Path, RunResult]) -> None:
    _, result = gathered
    assert compare(passed(), result).rows == compare(passed(), passed()).rows


def test_a_result_of_before_there_were_groups_is_read_and_shown() -> None:
    raw = json.loads(passed().model_dump_json())
    raw.pop("evidence_problems")
    raw["evidence"] = [{"path": "api.har", "text": "what was said"}]
    result = RunResult.model_validate_json(json.dumps(raw))
    assert result.evidence == (Evidence(path="api.har", text="what was said"),)
    assert './api.har"' in page(result) and "(<./api.har>)" in to_markdown(result)


def test_another_runs_evidence_goes_and_what_is_not_evidence_stays(
    gathered: tuple[Path, RunResult], tmp_path: Path
) -> None:
    folder, _ = gathered
    (folder / "evidence" / "notes.txt").write_text("mine")
    (folder / "evidence" / "SHA256SUMS").open("a").write(f"{'0' * 64}  ../../precious\n{'0' * 64}  /etc/passwd\n")
    (tmp_path / "precious").write_text("mine")
    made = Gathered(folder)
    assert {path.name for path in (folder / "evidence").rglob("*") if path.is_file()} == {"notes.txt"}
    assert (tmp_path / "precious").read_text() == "mine"
    assert made.found == []


def test_a_missing_part_is_told_and_the_rest_is_kept(tmp_path: Path, recorded: Path, paths: LabPaths) -> None:
    made = Gathered(tmp_path / "report")
    made.captures(recorded, {"ch1": SUMMARY, "ch9": SUMMARY.model_copy(update={"file": "ch9.pcapng"})})
    made.lab(None, [], "", "./nowhere.yaml", None)
    (paths.transcripts / "gcp-coord.api.jsonl").write_text("no exchange\n")
    made.api(paths, 0.0)
    found = {each.path for each in made.close()}
    assert "evidence/captures/ch1.pcapng" in found and "evidence/api/aws-coord.api.jsonl" in found
    assert not any("ch9" in path or "topology" in path or "gcp-coord" in path for path in found)
    assert len(made.problems) >= 3
    assert any("captures/ch9.pcapng: No such file" in problem for problem in made.problems)
    assert any("topology" in problem for problem in made.problems)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        Gathered(tmp_path / "file")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "1,234 frames, 1,200 of them without their end"),
        ({"cut": 0, "dropped": 3}, "1,234 frames, 3 more passed while the recorder was late"),
        (
            {"cut": 0, "problem": "full at 64 MiB", "left_out": 5000},
            "1,234 frames, full at 64 MiB: 5,000 later ones are not there",
        ),
    ],
)
def test_a_capture_says_what_is_not_in_it(change: dict[str, object], words: str) -> None:
    assert captured_words(SUMMARY.model_copy(update=change)) == words


# -- topologies


def test_a_topology_without_secrets_is_kept_as_it_was_written() -> None:
    text = topology_text("aws-google")
    assert text.startswith("#") or "#" in text
    assert "aws-google" in text


def test_a_topologys_keys_and_passwords_are_taken_out_however_they_are_written(tmp_path: Path) -> None:
    shipped = topology_text("minimal")
    cak, password = "00112233445566778899aabbccddeeff" * 2, "correct-horse-battery"
    file = tmp_path / "keyed.yaml"
    channel, connection = "edges: {aws: edge1, gcp: edge1}", "bandwidth: 100Mbps"
    assert shipped.count(channel) == shipped.count(connection) == 1
    key = f'key: {{ckn: "{"ab" * 16}", cak: "{cak[:-1]}\\x66"}}'
    file.write_text(
        shipped.replace(channel, f"{channel}, {key}").replace(connection, f'{connection}\n    md5: "{password}"')
    )
    text = topology_text(str(file))
    assert cak not in text and cak[:40] not in text and password not in text
    assert text.count("<secret>") >= 2
    assert "minimal" in text
