"""Report folders: what is written there, whole or not at all, and how it is read back."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from xcnet import __version__
from xcnet.errors import InputError
from xcnet.scenario.report.markdown import to_json, to_markdown
from xcnet.scenario.report.page import page
from xcnet.scenario.report.summary import Summarized, summary_json, summary_markdown, summary_page
from xcnet.scenario.results import RunResult

PAGE, TEXT, RESULT, SUMMARY, SUMMARY_TEXT = "index.html", "report.md", "result.json", "summary.json", "summary.md"


def write_report(result: RunResult, folder: Path) -> Path:
    """Writes ``index.html``, ``report.md`` and ``result.json``; files of that name that are there are replaced.

    :returns: the page. :raises InputError: they cannot be written.
    """
    _put(folder, {RESULT: to_json(result), TEXT: to_markdown(result), PAGE: page(result)})
    return folder / PAGE


def write_summary(runs: Sequence[tuple[RunResult, Path]], folder: Path) -> Path:
    """Writes ``index.html``, ``summary.md`` and ``summary.json`` over runs whose reports are in folders below ``folder``.

    :param runs: each with its report's folder. :returns: the page. :raises InputError: they cannot be written, or a report is
        elsewhere.
    """
    rows = [Summarized(result, f"{_below(report, folder)}/{PAGE}") for result, report in runs]
    _put(
        folder,
        {SUMMARY: summary_json(rows), SUMMARY_TEXT: summary_markdown(rows), PAGE: summary_page(rows)},
    )
    return folder / PAGE


def render_again(folder: Path) -> Path:
    """Makes the report anew of ``result.json``; of a summary's folder, all reports below it and the summary.

    :returns: the page. :raises InputError: there is no result, it cannot be read, or the page cannot be written.
    """
    if not (folder / SUMMARY).is_file() or (folder / RESULT).exists():
        return write_report(read_result(folder), folder)
    runs = [(read_result(path), path) for path in _summarized(folder)]
    for result, path in runs:
        write_report(result, path)
    return write_summary(runs, folder)


def read_result(folder: Path) -> RunResult:
    """The result in a report's folder.

    :raises InputError: there is no such folder, it holds no result, or the result is not one that this version writes.
    """
    if not folder.is_dir():
        raise InputError(
            "this is no folder" if folder.exists() else "there is no such folder",
            where=str(folder),
            remedy="name the folder that 'xcnet run' wrote a report to",
        )
    path = folder / RESULT
    raw = _json(path, "name the folder that 'xcnet run' wrote a report to")
    try:
        return RunResult.model_validate_json(json.dumps(raw))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "all of it"
        wrote = _version(raw)
        if wrote and wrote != __version__:
            raise InputError(
                f"xcnet {wrote} wrote this result, and this version does not understand it: {field}: {first['msg']}",
                where=str(path),
                remedy=f"render it with xcnet {wrote}, or run the scenario again",
            ) from None
        raise InputError(
            f"this is not the result of a run: {field}: {first['msg']}",
            where=str(path),
            remedy="run the scenario again: result.json is not meant to be edited",
        ) from None


def _summarized(folder: Path) -> list[Path]:
    """The reports' folders that a summary names. :raises InputError: it is none."""
    remedy = "name the folder that 'xcnet run' wrote a summary to"
    path = folder / SUMMARY
    raw = _json(path, remedy)
    try:
        reports = [str(run["report"]) for run in raw["runs"]]
    except (KeyError, TypeError):
        raise InputError("this is not a summary of runs", where=str(path), remedy=remedy) from None
    found = [folder / Path(report).parent for report in reports]
    for each in found:
        if not each.is_dir():
            raise InputError(
                "the summary names a report that is not there",
                where=str(each),
                remedy="put it back, or run its scenario again",
            )
    return found


def _json(path: Path, remedy: str) -> Any:
    """:raises InputError: the file is not there, or is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"the folder holds no {path.name}", where=str(path.parent), remedy=remedy) from None
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", where=str(path), remedy=remedy) from None
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"the file is not JSON: {error}", where=str(path), remedy="run the scenario again: the file is damaged"
        ) from None


def _version(raw: Any) -> str:
    versions = raw.get("versions") if isinstance(raw, dict) else None
    return str(versions.get("xcnet", "")) if isinstance(versions, dict) else ""


def _below(report: Path, folder: Path) -> str:
    try:
        return report.absolute().relative_to(folder.absolute()).as_posix()
    except ValueError:
        raise InputError(
            "a report is not below the summary's folder", where=str(report), remedy=f"write it below {folder}"
        ) from None


def _put(folder: Path, contents: dict[str, str]) -> None:
    """Each file appears whole. :raises InputError: it cannot be written."""
    path = folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in contents.items():
            path = folder / name
            temporary = folder / f".{name}.{os.getpid()}"
            try:
                temporary.write_text(text, encoding="utf-8")
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"it cannot be written: {error.strerror}", where=str(path), remedy="choose another folder, or make room"
        ) from None


__all__ = [
    "PAGE",
    "RESULT",
    "SUMMARY",
    "SUMMARY_TEXT",
    "TEXT",
    "read_result",
    "render_again",
    "write_report",
    "write_summary",
]
