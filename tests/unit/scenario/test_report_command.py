"""``xcnet report`` from outside: what it prints, where, and with which exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from report_world import failed, hostile, passed

from xcnet.cli.app import main
from xcnet.scenario.report.write import write_report


@pytest.fixture(autouse=True)
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, make in (("good", passed), ("bad", failed), ("hostile", hostile)):
        write_report(make(), tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def called(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["xcnet", "report", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    captured = capsys.readouterr()
    return int(left.value.code or 0), captured.out, captured.err


@pytest.mark.parametrize("arguments", [["good"], ["show", "good"], ["--open", "good"], ["good", "--open"]])
def test_the_page_is_made_anew_and_its_path_printed(
    arguments: list[str], reports: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (reports / "good" / "index.html").unlink()
    status, out, err = called(arguments, monkeypatch, capsys)
    assert (status, out) == (0, "good/index.html\n")
    assert (reports / "good" / "index.html").is_file()
    assert ("there is no display" in err) == ("--open" in arguments)


def test_a_page_is_opened_where_there_is_a_display(
    reports: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    browser = reports / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {reports}/opened\n')
    browser.chmod(0o755)
    monkeypatch.setenv("DISPLAY", ":9")
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    assert called(["good", "--open"], monkeypatch, capsys)[0] == 0
    assert (reports / "opened").read_text().strip() == (reports / "good" / "index.html").as_uri()


def test_the_path_as_json(reports: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = called(["--json", "good"], monkeypatch, capsys)
    assert json.loads(out) == {"page": str(reports / "good" / "index.html")}


@pytest.mark.parametrize(("pair", "status"), [(["good", "good"], 0), (["good", "bad"], 1), (["bad", "good"], 0)])
def test_a_comparison_ends_with_1_only_if_something_got_worse(
    pair: list[str], status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left, out, _ = called(["compare", *pair], monkeypatch, capsys)
    assert left == status
    assert "longest loss" in out
    assert "\x1b" not in out


def test_a_comparison_as_json_markdown_and_page(
    reports: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = called(["compare", "good", "bad", "--json", "--html", "both.html"], monkeypatch, capsys)
    data = json.loads(out)
    assert data["regressions"] == sum(row["change"] == "worse" for row in data["rows"]) > 0
    assert (reports / "both.html").read_text().startswith("<!DOCTYPE html>")
    _, out, _ = called(["compare", "good", "bad", "--markdown"], monkeypatch, capsys)
    assert out.startswith("# Two runs compared\n")


def test_a_wider_tolerance_lets_a_figure_grow(
    reports: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (phase,) = passed().phases
    slower = passed().model_copy(update={"phases": (phase.model_copy(update={"restoration": 7.5}),)})
    write_report(slower, reports / "slower")
    assert called(["compare", "good", "slower"], monkeypatch, capsys)[0] == 1
    assert called(["compare", "good", "slower", "--tolerance", "0.5"], monkeypatch, capsys)[0] == 0


def test_a_results_words_do_not_move_the_cursor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = called(["compare", "hostile", "good"], monkeypatch, capsys)
    assert not any(letter in out for letter in "\x00\x1b\u202e")
