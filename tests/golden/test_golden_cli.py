"""Every wrong way to call the command: the exact words and the exit status that a person gets, and never a traceback."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from xcnet.cli.app import main
from xcnet.proof import pcapng

GOLDEN = Path(__file__).parent / "cli"

CASES = {
    "status-without-lab": ["status"],
    "down-without-lab": ["down"],
    "down-unknown-lab": ["down", "nowhere"],
    "down-bad-name": ["down", "No Such Lab"],
    "exec-without-lab": ["exec", "aws-app", "--", "true"],
    "exec-unknown-lab": ["exec", "--name", "nowhere", "aws-app", "--", "true"],
    "shell-without-lab": ["shell", "aws-app"],
    "vtysh-without-lab": ["vtysh", "aws-gw"],
    "capture-without-lab": ["capture", "ch1"],
    "rotate-without-lab": ["rotate", "ch1"],
    "verify-without-lab": ["verify"],
    "probe-without-lab": ["probe"],
    "probe-bad-duration": ["probe", "--duration", "soon"],
    "probe-too-few-flows": ["probe", "--flows", "3"],
    "probe-one-host": ["probe", "--from", "aws-app"],
    "probe-endless-duration": ["probe", "--duration", "2w"],
    "probe-raw-elsewhere": ["probe", "--raw", "../elsewhere.csv"],
    "events-without-lab": ["events"],
    "fault-begin-without-lab": ["fault", "begin", "cut", "--on", "ch1"],
    "fault-end-without-lab": ["fault", "end", "--all"],
    "fault-list-without-lab": ["fault", "list"],
    "fault-check-without-lab": ["fault", "check", "cut-1"],
    "fault-history-without-lab": ["fault", "history"],
    "fault-detached-for-ever": ["fault", "begin", "cut", "--on", "ch1", "--detach"],
    "failover-start-without-lab": ["failover-test", "start"],
    "failover-stop-without-lab": ["failover-test", "stop"],
    "failover-history-without-lab": ["failover-test", "history"],
    "failover-too-long": ["failover-test", "start", "--for", "4d"],
    "failover-bad-span": ["failover-test", "start", "--for", "a while"],
    "fault-unknown-kind": ["fault", "begin", "cutt", "--on", "ch1"],
    "fault-unknown-field": ["fault", "begin", "loss", "--on", "ch1", "--set", "percnt=3"],
    "fault-missing-field": ["fault", "begin", "loss", "--on", "ch1"],
    "fault-out-of-range": ["fault", "begin", "loss", "--on", "ch1", "--set", "percent=101"],
    "fault-no-setting": ["fault", "begin", "loss", "--on", "ch1", "--set", "percent"],
    "fault-set-twice": ["fault", "begin", "loss", "--on", "ch1", "--set", "percent=1", "--set", "percent=2"],
    "fault-on-twice": ["fault", "begin", "cut", "--on", "ch1", "--set", "on=ch2"],
    "fault-bad-span": ["fault", "begin", "cut", "--on", "ch1", "--for", "a while"],
    "fault-end-of-what": ["fault", "end"],
    "up-unknown-topology": ["up", "aws-gogle"],
    "up-missing-file": ["up", "./missing.yaml"],
    "up-bad-name": ["up", "minimal", "--name", "Über"],
    "check-unknown-topology": ["topology", "check", "nothing-like-it"],
    "graph-unwritable": ["topology", "graph", "minimal", "-o", "/proc/nowhere.svg"],
    "unreadable-record": ["status", "--name", "broken"],
    "environments-without-lab": ["environments"],
    "connect-without-lab": ["connect", "--from", "aws", "--bandwidth", "1Gbps"],
    "connect-bad-bandwidth": ["connect", "--from", "aws", "--bandwidth", "much"],
    "accept-without-lab": ["accept", "some-key", "--at", "gcp"],
    "connections-without-lab": ["connections"],
    "describe-without-lab": ["describe", "prod"],
    "resize-without-lab": ["resize", "prod", "--bandwidth", "2Gbps"],
    "migrate-without-lab": ["migrate", "prod"],
    "disconnect-without-lab": ["disconnect", "prod"],
    "enable-without-lab": ["enable", "prod"],
    "disable-without-lab": ["disable", "prod"],
    "maintenance-list-without-lab": ["maintenance", "list"],
    "maintenance-schedule-without-lab": ["maintenance", "schedule", "ch1"],
    "issues-without-lab": ["issues"],
    "channel-disable-without-lab": ["channel", "disable", "ch1"],
    "api-log-without-lab": ["api-log"],
    "clock-advance-without-lab": ["clock", "advance", "2h"],
    "clock-advance-nonsense": ["clock", "advance", "soon"],
    "conformance-of-nothing": ["conformance"],
    "conformance-of-two": ["conformance", "--own", "--url", "https://localhost"],
    "conformance-unknown-rule": ["conformance", "--own", "--only", "no-such"],
    "conformance-unknown-provider": ["conformance", "--own", "--server", "azure"],
    "conformance-unknown-topology": ["conformance", "--own", "--topology", "aws-gogle"],
    "conformance-bad-url": ["conformance", "--url", "ftp://localhost"],
    "conformance-unreachable": ["conformance", "--url", "https://127.0.0.1:1"],
    "conformance-unreachable-environment": ["conformance", "--url", "https://127.0.0.1:1", "--environment", "here"],
    "conformance-without-access-key": ["conformance", "--url", "https://localhost", "--auth", "sigv4"],
    "conformance-without-signing-key": ["conformance", "--url", "https://localhost", "--auth", "jwt"],
    "conformance-missing-access-key": [
        "conformance",
        "--url",
        "https://h",
        "--auth",
        "sigv4",
        "--access-key",
        "no.json",
    ],
    "conformance-wrong-access-key": ["conformance", "--url", "https://h", "--auth", "sigv4", "--access-key", "wrong"],
    "conformance-wrong-signing-key": ["conformance", "--url", "https://h", "--auth", "jwt", "--signing-key", "wrong"],
    "conformance-missing-certificate": ["conformance", "--url", "https://h", "--cert", "no.pem", "--key", "no.key"],
    "conformance-wrong-certificate": ["conformance", "--url", "https://h", "--cert", "wrong", "--key", "wrong"],
    "conformance-certificate-without-key": ["conformance", "--url", "https://h", "--cert", "wrong"],
    "conformance-wrong-authority": ["conformance", "--url", "https://h", "--ca", "wrong"],
    "conformance-unwritable-results": ["conformance", "--own", "--only", "tls", "--junit", "no/where.xml"],
    "conformance-unwritable-exchanges": ["conformance", "--own", "--only", "tls", "--exchanges", "no/where.jsonl"],
    "metrics-of-nobody": ["metrics"],
    "metrics-of-one-and-all": ["metrics", "--provider", "aws", "--serve", "9400"],
    "metrics-without-lab": ["metrics", "--provider", "aws"],
    "metrics-serve-without-lab": ["metrics", "--serve", "9400"],
    "metrics-unknown-lab": ["metrics", "--provider", "aws", "--name", "nowhere"],
    "top-without-lab": ["top"],
    "top-unknown-lab": ["top", "--once", "--name", "nowhere"],
    "spec-diff-missing": ["spec", "diff", "nowhere"],
    "run-missing-file": ["run", "nowhere.yaml"],
    "run-sabotage-and-kill": ["run", "cut.yaml", "--sabotage", "--kill-coordinator", "aws"],
    "run-sabotage-of-running-lab": ["run", "cut.yaml", "--sabotage", "--lab", "here"],
    "run-sabotage-of-nothing": ["run", "cut.yaml", "--sabotage"],
    "run-kill-unknown-provider": ["run", "cut.yaml", "--kill-coordinator", "azure"],
    "run-mistakes-in-a-scenario": ["run", "cut.yaml", "mistakes.yaml"],
    "report-missing-folder": ["report", "nowhere"],
    "report-empty-folder": ["report", "reports"],
    "report-broken-result": ["report", "reports/broken"],
    "report-newer-result": ["report", "reports/newer"],
    "report-edited-result": ["report", "reports/edited"],
    "report-compare-missing": ["report", "compare", "nowhere", "reports/broken"],
    "report-compare-newer": ["report", "compare", "reports/newer", "reports/newer"],
    "report-result-is-a-folder": ["report", "reports/folder"],
    "report-of-a-file": ["report", "wrong"],
    "report-broken-summary": ["report", "reports/summary"],
    "report-summary-of-gone-reports": ["report", "reports/gone"],
    "report-decrypt-missing-folder": ["report", "decrypt", "nowhere"],
    "report-decrypt-broken-result": ["report", "decrypt", "reports/broken"],
    "report-decrypt-without-captures": ["report", "decrypt", "reports/plain"],
    "report-decrypt-unknown-channel": ["report", "decrypt", "reports/captured", "--channel", "ch9"],
    "report-decrypt-without-keys": ["report", "decrypt", "reports/captured", "--channel", "ch1"],
    "report-decrypt-changed-capture": ["report", "decrypt", "reports/captured", "--channel", "ch2"],
    "report-decrypt-missing-capture": ["report", "decrypt", "reports/captured", "--channel", "ch3"],
    "report-decrypt-headers-only": ["report", "decrypt", "reports/captured", "--channel", "ch4"],
    "report-decrypt-no-capture-file": ["report", "decrypt", "reports/captured", "--channel", "ch5"],
    "run-keys-without-frames": ["run", "some.yaml", "--keep-keys", "--no-capture"],
    "run-keys-of-headers": ["run", "some.yaml", "--keep-keys", "--capture", "headers"],
    "run-capture-and-not": ["run", "some.yaml", "--capture", "full", "--no-capture"],
    "report-compare-two-formats": ["report", "compare", "reports/newer", "reports/newer", "--json", "--markdown"],
}

RESULTS = {
    "broken": '{"scenario": "cut',
    "newer": '{"scenario": "cut", "versions": {"xcnet": "99.0"}, "title": "A cut"}',
    "edited": '{"scenario": "cut", "versions": {}, "title": 7}',
}
"""Results in reports' folders, none of which this version would have written."""


PLAIN = {
    "scenario": "cut", "title": "A cut", "description": "", "lab": "l", "topology": "minimal",
    "began": "2026-03-01T12:00:05Z", "seconds": 1.0, "verdict": "pass", "reasons": [], "checks": [], "faults": [],
    "phases": [], "timeline": [], "probe": None, "providers": {}, "channels": [], "settings": {}, "versions": {},
}  # fmt: skip
"""The result of a run in which nothing happened."""


def write_reports(folder: Path) -> None:
    """Reports' folders, each wrong in its way."""
    for name, result in RESULTS.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "result.json").write_text(result)
    (folder / "folder" / "result.json").mkdir(parents=True)
    for name, summary in {"summary": '{"runs": 7}', "gone": '{"runs": [{"report": "cut/index.html"}]}'}.items():
        (folder / name).mkdir()
        (folder / name / "summary.json").write_text(summary)
    (folder / "plain").mkdir()
    (folder / "plain" / "result.json").write_text(json.dumps(PLAIN))
    whole = pcapng.header("fac-a:ch1-aws", "xcnet") + pcapng.packet(1, b"f" * 64, outgoing=False)
    cut = pcapng.header("fac-a:ch4-aws", "xcnet") + pcapng.packet(1, b"f" * 64, outgoing=False, length=200)
    files = {"ch1": whole, "ch2": whole, "ch4": cut, "ch5": b"not a capture"}
    listed = []
    (folder / "captured" / "evidence").mkdir(parents=True)
    for name in ("ch1", "ch2", "ch3", "ch4", "ch5"):
        data = files.get(name, b"")
        if data:
            (folder / "captured" / "evidence" / f"{name}.pcapng").write_bytes(data)
        digest = "0" * 64 if name == "ch2" else hashlib.sha256(data).hexdigest()
        listed.append(
            {"path": f"evidence/{name}.pcapng", "text": "", "group": "captures", "subject": name, "sha256": digest}
        )
    (folder / "captured" / "result.json").write_text(json.dumps({**PLAIN, "evidence": listed}))


CUT = """\
scenario: cut
title: A cut
steps:
  - {name: cut, at: 3s, fault: cut, on: ch2, for: 5s}
expect:
  - {check: verified}
"""

MISTAKES = """\
scenario: mistakes
title: What can be wrong with a scenario
group: channel
number: 16
steps:
  - {name: misuse, at: 3s, do: misuse-key, how: stolen}
  - {name: resize, at: 3s, do: resize, bandwidth: much, by: azure}
expect:
  - {check: api-says}
  - {check: api-says, state: up}
  - {check: api-says, state: down, after: resize}
  - {check: left-nothing, within: soon}
sabotage:
  - {without: bfd, fails: verified}
  - {without: bfd-off, fails: longest-loss}
"""


@pytest.fixture(autouse=True)
def empty_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XCNET_STATE", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    for name in ("XCNET_LAB_NAME", "XCNET_ENGINE"):
        monkeypatch.delenv(name, raising=False)


def said(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    monkeypatch.setattr("sys.argv", ["xcnet", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    captured = capsys.readouterr()
    text = captured.out + captured.err
    return f"exit status {left.value.code}\n{text}".replace(str(tmp_path), "STATE")


@pytest.mark.parametrize("case", sorted(CASES))
def test_a_wrong_call_is_answered_with_cause_place_and_remedy(
    case: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    if case == "unreadable-record":
        folder = tmp_path / "labs" / "broken"
        folder.mkdir(parents=True)
        (folder / "lab.json").write_text("{ not json")
    (tmp_path / "wrong").write_text("neither JSON nor PEM")
    write_reports(tmp_path / "reports")
    if case.startswith("run-"):
        (tmp_path / "cut.yaml").write_text(CUT)
        (tmp_path / "mistakes.yaml").write_text(MISTAKES)
    text = said(CASES[case], tmp_path, monkeypatch, capsys)
    assert "Traceback" not in text
    golden = GOLDEN / f"{case}.txt"
    if request.config.getoption("--update-golden", default=False):
        golden.write_text(text)
    assert text == golden.read_text()


def test_json_errors_are_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["xcnet", "status", "--json"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 1
    error = json.loads(capsys.readouterr().out)
    assert error["error"] == "LabError"
    assert error["remedy"]
    assert list(tmp_path.iterdir()) == []


def test_every_golden_file_belongs_to_a_case() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(CASES)
