"""Every wrong way to call the command: the exact words and the exit status that a person gets, and never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from xcnet.cli.app import main

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
    "events-without-lab": ["events"],
    "up-unknown-topology": ["up", "aws-gogle"],
    "up-missing-file": ["up", "./missing.yaml"],
    "up-bad-name": ["up", "minimal", "--name", "Über"],
    "check-unknown-topology": ["topology", "check", "nothing-like-it"],
    "graph-unwritable": ["topology", "graph", "minimal", "-o", "/proc/nowhere.svg"],
    "unreadable-record": ["status", "--name", "broken"],
}


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
    text = said(CASES[case], tmp_path, monkeypatch, capsys)
    assert "Traceback" not in text
    golden = GOLDEN / f"{case}.txt"
    if request.config.getoption("--update-golden", default=False):
        golden.write_text(text)
    assert text == golden.read_text()


def test_json_errors_are_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

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
