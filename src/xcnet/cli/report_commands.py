"""``xcnet report``: a run's report made anew and opened, and two runs compared."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from xcnet.cli.options import Json
from xcnet.cli.output import note, out, print_json
from xcnet.errors import InputError

if TYPE_CHECKING:
    from xcnet.scenario.report.compare import Comparison

_SHOW = "show"


class _FolderOrCommand(TyperGroup):
    """What follows ``xcnet report`` is a command of it, or else the folder of ``show``."""

    # Which module's context it is differs between versions of typer.
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [_SHOW, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_FolderOrCommand,
    help="Make a run's report anew ('xcnet report DIR'), or compare two runs.",
    no_args_is_help=True,
)

_Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A report's folder.", show_default=False)]


@app.command(_SHOW)
def show(
    folder: _Folder,
    open_it: Annotated[
        bool, typer.Option("--open", help="Open the page in a browser, where there is a display.")
    ] = False,
    json: Json = False,
) -> None:
    """Make a report's page and text anew of its result, and print the page's path. The word 'show' may be left out.

    Of the folder of a summary, all reports in it are made anew.

    Example: xcnet report reports/cut-one-channel --open
    """
    from xcnet.scenario.report.write import render_again

    page = render_again(folder)
    if json:
        print_json({"page": str(page.absolute())})
    else:
        typer.echo(str(page))
    if open_it:
        _open(page)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="The earlier run's report folder.", show_default=False)],
    second: Annotated[Path, typer.Argument(metavar="B", help="The later run's report folder.", show_default=False)],
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0.0, max=10.0, help="The share by which a figure may grow.")
    ] = 0.1,
    html: Annotated[Path | None, typer.Option("--html", help="Write the comparison there, as a page.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    json: Json = False,
) -> None:
    """Hold a run against another: checks, loss, delays and the stages of each fault's course.

    Exit status 0 if nothing got worse, 1 if something did, 2 for bad input.

    Example: xcnet report compare reports/monday reports/tuesday
    """
    from xcnet.scenario.report.compare import compare as compared
    from xcnet.scenario.report.compare import compare_data, compare_markdown, compare_page
    from xcnet.scenario.report.write import read_result

    if json and markdown:
        raise InputError("--json and --markdown exclude each other", where="arguments", remedy="leave one of them out")
    comparison = compared(read_result(first), read_result(second), tolerance)
    if html is not None:
        _write(html, compare_page(comparison))
    if json:
        print_json(compare_data(comparison))
    elif markdown:
        typer.echo(compare_markdown(comparison), nl=False)
    else:
        _print(comparison)
    if comparison.regressions:
        raise typer.Exit(1)


@app.command()
def decrypt(
    folder: _Folder,
    channel: Annotated[
        list[str] | None, typer.Option("--channel", help="Only this channel's capture; may be given several times.")
    ] = None,
    to: Annotated[
        Path,
        typer.Option("--out", "-o", help="Where decrypted captures go; not into the report, which others may see."),
    ] = Path(),
    forget: Annotated[bool, typer.Option("--forget", help="Delete the keys afterwards.")] = False,
    json: Json = False,
) -> None:
    """Decrypt a run's captures with the keys that 'xcnet run --keep-keys' kept: CHANNEL.decrypted.pcapng, for this user alone.

    Keys are in the state folder of whoever ran the scenario, and never in a report.

    Example: xcnet report decrypt reports/channel-cut --channel ch2
    """
    from xcnet.scenario.evidence import keys
    from xcnet.scenario.evidence.decrypt import chosen
    from xcnet.scenario.evidence.decrypt import decrypt as decrypted
    from xcnet.scenario.report.write import read_result

    captures = chosen(read_result(folder), folder, channel or [])
    made = [decrypted(folder, capture, to) for capture in captures]
    if forget:
        for capture in captures:
            keys.forget(capture.sha256)
    if json:
        print_json([{**asdict(each), "file": str(each.file.absolute())} for each in made])
        return
    for each in made:
        typer.echo(str(each.file))
        locked = f", {each.locked:,} that no kept key opens" if each.locked else ""
        note(
            f"{each.channel}: {each.decrypted:,} frames decrypted{locked}, {each.clear:,} never encrypted (key agreement)"
        )


def _print(comparison: Comparison) -> None:
    from rich.text import Text

    from xcnet.cli.tables import Column, NarrowingTable
    from xcnet.scenario.report.compare import verdict_words

    columns = (
        Column("", spare=1), Column("what"), Column("first"), Column("second"), Column("difference"), Column("change"),
    )  # fmt: skip
    table = NarrowingTable(_plain(f"first: {comparison.first}; second: {comparison.second}"), columns)
    colours = {"same": "dim", "better": "green", "worse": "bold red", "other": "yellow"}
    for row in comparison.rows:
        change = Text("" if row.change.value == "same" else row.change.value, style=colours[row.change.value])
        table.add_row(*(_plain(cell) for cell in (row.section, row.name, row.a, row.b, row.difference)), change)
    out.print(table)
    colour = "red" if comparison.regressions else "green"
    out.print(f"[{colour}]{escape(_plain(verdict_words(comparison)))}[/]")


def _plain(text: str) -> str:
    """Without what would move a terminal's cursor: a result's words come from anywhere."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def _write(path: Path, text: str) -> None:
    """:raises InputError: it cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"the file cannot be written: {error.strerror}", where=str(path), remedy="choose another file"
        ) from None
    note(f"written: {path}")


def _open(page: Path) -> None:
    """In a browser; without a display there is none to open, which is no failure of the report."""
    import sys
    import webbrowser

    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        note("there is no display: open the page where there is one")
    elif not webbrowser.open(page.absolute().as_uri()):
        note("no browser could be started: open the page by hand")


__all__ = ["app"]
