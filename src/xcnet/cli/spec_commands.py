"""Commands on the Connection Coordinator API's specification: what this version serves, and how that differs from the public one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xcnet.cli.certificates import Authority, Certificate, Key, tls_context
from xcnet.cli.options import Json
from xcnet.cli.output import out, print_json
from xcnet.errors import InputError

if TYPE_CHECKING:
    import httpx

    from xcnet.spec.diff import Comparison, Difference, Known
    from xcnet.spec.source import Source

app = typer.Typer(help="Show and compare the Connection Coordinator API's specification.", no_args_is_help=True)

_SECONDS = 10.0
_MOST_BYTES = 4_000_000
"""Of a served document; this version's has 55,000."""


@app.command()
def diff(
    directory: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="A folder with a copy of the public specification.", show_default=False),
    ],
    url: Annotated[
        str | None,
        typer.Option(
            "--url", help="Compare what is served there (https://.../openapi.json), not this version's document."
        ),
    ] = None,
    ca: Authority = None,
    cert: Certificate = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Compare the API with a copy of the public specification.

    Exit status 0 if every difference is a known one, 1 if there is another or a known one is gone, 2 for bad input.

    Example: xcnet spec diff ~/Interconnect
    """
    from xcnet.spec.diff import compare, explain
    from xcnet.spec.document import document
    from xcnet.spec.known_differences import KNOWN
    from xcnet.spec.source import Place, Source
    from xcnet.spec.upstream import load

    theirs = load(directory)
    if url is None:
        if ca or cert or key:
            raise InputError(
                "--ca, --cert and --key are for --url", where="arguments", remedy="add --url, or leave them out"
            )
        ours = Source(Place("this version's document"), document())
    else:
        ours = _served(url, ca, cert, key)
    comparison = explain(compare(ours, theirs), KNOWN)
    if json:
        print_json(_as_data(comparison))
    else:
        _show(comparison)
    if not comparison.clean:
        raise typer.Exit(1)


@app.command()
def show(
    json: Json = False,
    yaml: Annotated[bool, typer.Option("--yaml", help="Print YAML, which is the default.")] = False,
) -> None:
    """Print the OpenAPI document that this version serves.

    Example: xcnet spec show --json > openapi.json
    """
    from xcnet.spec.document import document

    if json and yaml:
        raise InputError("--json and --yaml exclude each other", where="arguments", remedy="leave one of them out")
    if json:
        print_json(document())
        return
    from ruamel.yaml import YAML

    writer = YAML()
    writer.width = 120
    writer.representer.ignore_aliases = lambda *_: True
    writer.dump(document(), sys.stdout)


def _served(url: str, ca: Path | None, cert: Path | None, key: Path | None) -> Source:
    """The document at a URL. :raises InputError: it cannot be had, or is none."""
    from xcnet.spec.base import read_json
    from xcnet.spec.source import DocumentError, Place, Source

    raw = _fetched(url, ca, cert, key)
    try:
        return Source(Place(url), read_json(raw))
    except ValueError:
        raise DocumentError("what is served there is not JSON", url, "name the place of an OpenAPI document") from None


def _fetched(url: str, ca: Path | None, cert: Path | None, key: Path | None) -> bytes:
    import httpx

    parsed = _https(url)
    try:
        with (
            httpx.Client(verify=tls_context(ca, cert, key), timeout=_SECONDS, trust_env=False) as client,
            client.stream("GET", parsed, headers={"accept": "application/json"}) as answer,
        ):
            if answer.status_code != 200:
                raise InputError(
                    f"the server answers with status {answer.status_code}",
                    where=url,
                    remedy="name the place of an OpenAPI document that anybody with a certificate may read",
                )
            raw = bytearray()
            for part in answer.iter_bytes():
                raw += part
                if len(raw) > _MOST_BYTES:
                    raise InputError(
                        f"what is served there has more than {_MOST_BYTES:,} bytes",
                        where=url,
                        remedy="name the place of an OpenAPI document",
                    )
            return bytes(raw)
    except (httpx.HTTPError, UnicodeError) as error:
        raise InputError(
            f"nothing can be had from the server: {error or type(error).__name__}",
            where=url,
            remedy="look whether it runs; its certificate is checked against --ca, and it may ask for --cert and --key",
        ) from None


def _https(url: str) -> httpx.URL:
    import httpx

    try:
        parsed = httpx.URL(url)
        good = parsed.scheme == "https" and bool(parsed.host)
    except (httpx.InvalidURL, ValueError):
        good = False
    if not good:
        raise InputError("this is not an https URL", where=url, remedy="write it as https://host:port/openapi.json")
    if parsed.userinfo:
        raise InputError(
            "there is a user's name or password in the URL", where="--url", remedy="leave it out; --cert says who asks"
        )
    return parsed


def _as_data(comparison: Comparison) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "clean": comparison.clean,
        "explained": [
            {**asdict(difference), "source": known.source, "why": known.why}
            for difference, known in comparison.explained
        ],
        "unexplained": [asdict(difference) for difference in comparison.unexplained],
        "stale": [asdict(known) for known in comparison.stale],
    }


def _show(comparison: Comparison) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(header_style="bold", pad_edge=False, box=None, padding=(0, 2, 0, 0))
    for heading in ("difference", "where", "ours", "theirs", "because of"):
        table.add_column(heading, overflow="fold")
    for difference in comparison.unexplained:
        cells = (difference.kind.value, difference.where, difference.ours, difference.theirs)
        table.add_row(*map(escape, cells), "[bold red]not explained[/]")
    for row in _rows(comparison):
        table.add_row(*map(escape, row))
    for known in comparison.stale:
        cells = (known.kind.value, known.where, known.ours or "", known.theirs or "")
        table.add_row(*map(escape, cells), "[bold red]known, and not there any more[/]")
    if table.row_count:
        out.print(table)
    counts = f"{len(comparison.explained)} differences explained, {len(comparison.unexplained)} not explained"
    colour = "green" if comparison.clean else "red"
    out.print(f"[{colour}]{counts}, {len(comparison.stale)} known ones gone[/]")


def _rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """One row for all that is there for one reason: a parameter that every operation has is one thing to read."""
    reasons: dict[tuple[str, ...], dict[Known, list[Difference]]] = {}
    for difference, known in comparison.explained:
        reason = (difference.kind.value, known.source, known.why)
        reasons.setdefault(reason, {}).setdefault(known, []).append(difference)
    rows: list[tuple[str, ...]] = []
    for (kind, source, why), entries in reasons.items():
        places = [
            found[0].where if len(found) == 1 else f"{known.where} ({len(found)} times)"
            for known, found in entries.items()
        ]
        all_of_it = [difference for found in entries.values() for difference in found]
        ours = dict.fromkeys(difference.ours for difference in all_of_it)
        theirs = dict.fromkeys(difference.theirs for difference in all_of_it)
        rows.append((kind, "\n".join(places), "\n".join(ours), "\n".join(theirs), f"{source}: {why}"))
    return rows


__all__ = ["app"]
