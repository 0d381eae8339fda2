"""Report folders: written whole, read back, made anew, and refused with a remedy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from report_world import RUNS, failed, passed

from xcnet.errors import InputError
from xcnet.scenario.report import write
from xcnet.scenario.report.write import read_result, render_again, write_report, write_summary


@pytest.mark.parametrize("name", sorted(RUNS))
def test_what_is_written_is_read_back(name: str, tmp_path: Path) -> None:
    result = RUNS[name]()
    page = write_report(result, tmp_path / "deep" / "folder")
    assert page == tmp_path / "deep" / "folder" / "index.html"
    assert sorted(path.name for path in page.parent.iterdir()) == ["index.html", "report.md", "result.json"]
    assert read_result(page.parent) == result


def test_an_old_folder_is_made_anew_of_its_result_alone(tmp_path: Path) -> None:
    page = write_report(passed(), tmp_path)
    before = page.read_text()
    evidence = tmp_path / "api.har"
    evidence.write_text("{}")
    page.unlink()
    (tmp_path / "report.md").write_text("of an older version")
    assert render_again(tmp_path) == page
    assert page.read_text() == before
    assert (tmp_path / "report.md").read_text() != "of an older version"
    assert evidence.read_text() == "{}"


def test_a_summarys_folder_is_made_anew_with_all_its_reports(tmp_path: Path) -> None:
    runs = [(passed(), tmp_path / "one"), (failed(), tmp_path / "two")]
    for result, folder in runs:
        write_report(result, folder)
    page = write_summary(runs, tmp_path)
    before = page.read_text()
    page.unlink()
    (tmp_path / "two" / "index.html").unlink()
    assert render_again(tmp_path) == page
    assert page.read_text() == before
    assert (tmp_path / "two" / "index.html").is_file()


def test_a_report_outside_the_summarys_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not below"):
        write_summary([(passed(), tmp_path / "elsewhere")], tmp_path / "summary")


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written") as refused:
        write_report(passed(), tmp_path / "file" / "report")
    assert refused.value.remedy


def test_what_was_there_stays_whole_where_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = write_report(passed(), tmp_path)
    before = page.read_text()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write.Path, "write_text", full)
    with pytest.raises(InputError, match="No space left"):
        write_report(failed(), tmp_path)
    assert page.read_text() == before
    assert read_result(tmp_path) == passed()
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("{ not json", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not the result of a run"),
        ("{}", "not the result of a run: scenario"),
        (json.dumps({"versions": {"xcnet": "99.1"}, "new": 1}), "xcnet 99.1 wrote this result"),
    ],
)
def test_what_is_no_result_is_refused_with_its_place_and_a_remedy(content: str, cause: str, tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(content)
    with pytest.raises(InputError, match=cause) as refused:
        read_result(tmp_path)
    assert refused.value.where == str(tmp_path / "result.json")
    assert refused.value.remedy


def test_a_result_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not JSON"):
        read_result(tmp_path)


def test_a_missing_folder_or_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        read_result(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"holds no result\.json"):
        render_again(tmp_path)
