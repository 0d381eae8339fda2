"""``xcnet conformance``: whether a server of the Connection Coordinator API keeps to it."""

from __future__ import annotations

import asyncio
import contextlib
import json as jsonlib
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from xcnet.cli.certificates import Authority, Certificate, Key, tls_context
from xcnet.cli.options import Json, _complete_topology
from xcnet.cli.output import note, out, print_json
from xcnet.errors import InputError

if TYPE_CHECKING:
    from xcnet.conformance.registry import Rule
    from xcnet.conformance.runner import Finding, Report
    from xcnet.conformance.subject import Subject
    from xcnet.conformance.wire import Reply
    from xcnet.coordinator.http.facts import Signer

_SERVER, _CALLER, _CUSTOMER, _RULES = "The server", "The caller", "The customer", "Rules and results"


class Authentication(StrEnum):
    NONE = "none"
    SIGV4 = "sigv4"
    JWT = "jwt"


_EXAMPLES = """
Examples:

  xcnet conformance --own                            this version's own coordinator, as Google, called by AWS

  xcnet conformance --list                           all rules, as Markdown

  xcnet conformance --url https://api.example.net --server gcp --caller aws --ca ca.pem --cert aws.pem --key aws.key
    --auth jwt --signing-key aws-sign.pem --key-command ./new-order --proof-command ./prove --junit report.xml
"""


def register(app: typer.Typer) -> None:
    app.command("conformance", epilog=_EXAMPLES)(conformance)


def conformance(
    url: Annotated[
        str | None,
        typer.Option("--url", help="Base URL of the server, https://host[:port][/prefix].", rich_help_panel=_SERVER),
    ] = None,
    own: Annotated[
        bool,
        typer.Option("--own", help="Try this version's own coordinator, on the loopback.", rich_help_panel=_SERVER),
    ] = False,
    topology: Annotated[
        str,
        typer.Option(
            "--topology",
            help="With --own: whose providers.",
            autocompletion=_complete_topology,
            rich_help_panel=_SERVER,
        ),
    ] = "aws-google",
    server: Annotated[
        str, typer.Option("--server", help="The provider whose server it is.", rich_help_panel=_SERVER)
    ] = "gcp",
    address: Annotated[
        str,
        typer.Option("--address", help="IP address of the server, if its name has none.", rich_help_panel=_SERVER),
    ] = "",
    environment: Annotated[
        str | None,
        typer.Option("--environment", help="Where to work; the first by default.", rich_help_panel=_SERVER),
    ] = None,
    caller: Annotated[
        str, typer.Option("--caller", help="The provider to call as, which the server knows.", rich_help_panel=_CALLER)
    ] = "aws",
    auth: Annotated[
        Authentication, typer.Option("--auth", help="How requests are signed.", rich_help_panel=_CALLER)
    ] = Authentication.NONE,
    access_key: Annotated[
        Path | None,
        typer.Option(
            "--access-key",
            help="For sigv4: JSON with access_key_id, secret, and, if other than usual, region and service.",
            rich_help_panel=_CALLER,
        ),
    ] = None,
    signing_key: Annotated[
        Path | None,
        typer.Option("--signing-key", help="For jwt: the caller's key, P-256, PEM.", rich_help_panel=_CALLER),
    ] = None,
    ca: Authority = None,
    cert: Certificate = None,
    key: Key = None,
    key_command: Annotated[
        str | None,
        typer.Option(
            "--key-command",
            help="Prints an activation key for $XCNET_MBPS in $XCNET_ENVIRONMENT.",
            rich_help_panel=_CUSTOMER,
        ),
    ] = None,
    proof_command: Annotated[
        str | None,
        typer.Option(
            "--proof-command",
            help="Prints a proof for $XCNET_CONNECTION of the $XCNET_CUSTOMER, owner or stranger.",
            rich_help_panel=_CUSTOMER,
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Rules whose id begins so; may be repeated.", rich_help_panel=_RULES),
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="Print the rules and leave.", rich_help_panel=_RULES)] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Recommendations are binding too.", rich_help_panel=_RULES)
    ] = False,
    junit: Annotated[
        Path | None, typer.Option("--junit", help="Write the results there, as XML.", rich_help_panel=_RULES)
    ] = None,
    exchanges: Annotated[
        Path | None,
        typer.Option("--exchanges", help="Write each exchange there, one JSON a line.", rich_help_panel=_RULES),
    ] = None,
    json: Json = False,
) -> None:
    """Try a server of the Connection Coordinator API by the rules of the protocol, as one of its peers.

    What is made there is taken away. Exit status 0 if no binding rule is broken, 1 if one is, 2 for bad input.
    """
    from xcnet.conformance.registry import rules
    from xcnet.conformance.report import as_data, as_junit, as_page

    chosen = _chosen(rules(), only or [])
    if listing:
        if json:
            print_json([_rule_data(rule) for rule in chosen])
        else:
            typer.echo(as_page(chosen))
        return
    if (url is None) is not own:
        raise InputError(
            "it is not said which server is to be tried" if url is None else "--url and --own exclude each other",
            where="arguments",
            remedy="give --url with the server's address, or --own for this version's own coordinator",
        )
    if url is None:
        subjects = _own(topology, server, caller)
    else:
        subjects = _given(
            _foreign(
                url, address, server, caller, environment, _signer(auth, server, caller, access_key, signing_key),
                (ca, cert, key), key_command, proof_command,
            )
        )  # fmt: skip
    if junit is not None:
        _check_writable(junit)
    told = (lambda _: None) if json else _told()
    with _writing(exchanges) as exchanged:
        report = asyncio.run(_run(subjects, chosen, told, exchanged))
    if junit is not None:
        _write(junit, as_junit(report))
    if json:
        print_json({**as_data(report), "passed": report.passed(strict=strict)})
    else:
        _summary(report, strict)
    if not report.passed(strict=strict):
        raise typer.Exit(1)


Subjects = contextlib.AbstractAsyncContextManager["Subject"]


async def _run(
    subjects: Subjects, chosen: Sequence[Rule], told: Callable[[Finding], None], exchanged: Callable[[Reply], None]
) -> Report:
    from xcnet.conformance.runner import run

    async with subjects as subject:
        return await run(subject, chosen, told=told, exchanged=exchanged)


def _chosen(all_rules: tuple[Rule, ...], only: Sequence[str]) -> tuple[Rule, ...]:
    """:raises InputError: one of them is the beginning of no rule's id."""
    for each in only:
        if not any(rule.id.startswith(each) for rule in all_rules):
            raise InputError(
                f"no rule's id begins with {each!r}", where="--only", remedy="see xcnet conformance --list"
            )
    return tuple(rule for rule in all_rules if not only or rule.id.startswith(tuple(only)))


def _rule_data(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "group": rule.group,
        "title": rule.title,
        "level": rule.level.value,
        "reference": rule.reference,
        "operations": list(rule.operations),
    }


# -- the server


def _own(topology: str, server: str, caller: str) -> Subjects:
    from xcnet.conformance.own import own_server
    from xcnet.model.load import load_topology
    from xcnet.model.planner import make_plan

    # What the server logs of requests that are refused is what is tried here.
    logging.getLogger("xcnet").addHandler(logging.NullHandler())
    return own_server(make_plan(load_topology(topology), bare=True), server, caller)


@contextlib.asynccontextmanager
async def _given(subject: Subject) -> AsyncIterator[Subject]:
    yield subject


def _foreign(
    url: str,
    address: str,
    server: str,
    caller: str,
    environment: str | None,
    signer: Signer | None,
    certificates: tuple[Path | None, Path | None, Path | None],
    key_command: str | None,
    proof_command: str | None,
) -> Subject:
    """:raises InputError: the certificates cannot be read."""
    from xcnet.conformance.subject import CommandCustomer, Subject
    from xcnet.coordinator.http.transport import Endpoint

    ca, cert, key = certificates
    tls_context(ca, cert, key)

    def tls(with_certificate: bool) -> ssl.SSLContext:
        return tls_context(ca, cert, key) if with_certificate else tls_context(ca, None, None)

    return Subject(
        endpoint=Endpoint(server, url, address),
        caller=caller,
        tls=tls,
        customer=CommandCustomer(key_command, proof_command),
        signer=signer,
        environment=environment,
        has_certificate=cert is not None,
        proves=proof_command is not None,
    )


def _signer(
    auth: Authentication, server: str, caller: str, access_key: Path | None, signing_key: Path | None
) -> Signer | None:
    """:raises InputError: a file is missing, or holds something else."""
    from xcnet.clock import SystemClock
    from xcnet.coordinator.auth.authenticators import create_signer
    from xcnet.coordinator.auth.profiles import JwtOutbound, SigV4Outbound
    from xcnet.coordinator.daemon.trust import PeerSigner
    from xcnet.secret import Secret

    if auth is Authentication.NONE:
        return None
    file, option = (access_key, "--access-key") if auth is Authentication.SIGV4 else (signing_key, "--signing-key")
    if file is None:
        raise InputError(f"--auth {auth} needs {option}", where="arguments", remedy=f"name a file with {option}")
    try:
        text = file.read_text()
        if auth is Authentication.SIGV4:
            given = jsonlib.loads(text)
            scope = {name: given.pop(name) for name in ("region", "service") if name in given}
            outbound: Any = SigV4Outbound.model_validate({"credentials": given, **scope})
        else:
            outbound = JwtOutbound(provider=caller, audience=server, key=Secret.from_text(text))
        return PeerSigner(create_signer(outbound), SystemClock())
    except OSError as error:
        raise InputError(
            f"the file cannot be read: {error.strerror}", where=str(file), remedy=f"name another with {option}"
        ) from None
    except (InputError, ValueError, AttributeError, TypeError):
        holds = "access_key_id and secret in JSON" if auth is Authentication.SIGV4 else "a key of P-256 in PEM"
        raise InputError(
            f"the file does not hold {holds}", where=str(file), remedy=f"name another with {option}"
        ) from None


# -- what is shown


_COLOURS = {"pass": "green", "fail": "bold red", "not testable": "yellow"}


def _told() -> Callable[[Finding], None]:
    """Prints each finding as it is made, under its group's heading."""
    groups: list[str] = []

    def told(finding: Finding) -> None:
        rule = finding.rule
        if rule.group not in groups:
            groups.append(rule.group)
            out.print(f"[bold]{escape(rule.group)}[/]")
        verdict = finding.verdict.value
        level = " (recommended)" if rule.level.value == "should" and verdict == "fail" else ""
        why = f": {finding.why}" if finding.why else ""
        said = f"{escape(rule.title)}{level}[dim]{escape(why)}[/]"
        out.print(f"  [{_COLOURS[verdict]}]{verdict:<12}[/] [cyan]{rule.id:<24}[/] {said}")

    return told


def _summary(report: Report, strict: bool) -> None:
    from xcnet.conformance.registry import Level, Verdict

    for left in report.left:
        out.print(f"[bold red]left behind[/] {escape(left)}")
    passed, failed = report.count(Verdict.PASS), report.count(Verdict.FAIL)
    advised = report.count(Verdict.FAIL, Level.SHOULD)
    advice = f" ({advised} of them recommendations)" if advised and not strict else ""
    colour = "green" if report.passed(strict=strict) else "red"
    out.print(
        f"[{colour}]{passed} rules passed, {failed} failed{advice}, {report.count(Verdict.NOT_TESTABLE)} not testable[/]: "
        f"{report.requests} requests in {report.seconds:.1f} s"
    )


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(f"the file cannot be written: {error.strerror}", where=str(path), remedy="name another file")


def _check_writable(path: Path) -> None:
    """Before the run, whose results would be lost. :raises InputError: it cannot be written."""
    try:
        path.open("a").close()
    except OSError as error:
        raise _unwritable(path, error) from None


def _write(path: Path, text: str) -> None:
    """:raises InputError: it cannot be written."""
    try:
        path.write_text(text)
    except OSError as error:
        raise _unwritable(path, error) from None
    note(f"written: {path}")


@contextlib.contextmanager
def _writing(path: Path | None) -> Any:
    """Writes exchanges, one a line. :raises InputError: it cannot be written."""
    if path is None:
        yield lambda _: None
        return
    try:
        file = path.open("w")
    except OSError as error:
        raise _unwritable(path, error) from None

    def exchanged(reply: Reply) -> None:
        line = {
            "number": reply.number,
            "operation": reply.operation.id,
            "method": reply.method,
            "status": reply.status,
            "seconds": round(reply.seconds, 4),
            "said": reply.message,
        }
        file.write(jsonlib.dumps(line) + "\n")

    with file:
        yield exchanged


__all__ = ["conformance", "register"]
