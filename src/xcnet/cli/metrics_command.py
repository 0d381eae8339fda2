"""``xcnet metrics``: what Prometheus is shown of each provider, once or at a local port."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from xcnet.cli.options import LabName
from xcnet.cli.output import note
from xcnet.cli.talk import talking
from xcnet.errors import InputError, LabError

if TYPE_CHECKING:
    from collections.abc import Callable

    from xcnet.engine.client import LabConnection
    from xcnet.lab.paths import LabPaths

_HOST = "127.0.0.1"


def metrics(
    provider: Annotated[str | None, typer.Option("--provider", help="Print one scrape of this provider.")] = None,
    serve: Annotated[
        int | None,
        typer.Option("--serve", min=1, max=65535, help="Serve all providers at this local port, under /aws, /gcp ..."),
    ] = None,
    name: LabName = None,
) -> None:
    """Show a provider's metrics in Prometheus's text format, or let a Prometheus on this machine scrape them.

    Examples: xcnet metrics --provider aws        xcnet metrics --serve 9400
    """
    if (provider is None) == (serve is None):
        raise InputError(
            "it is not clear whose metrics are wanted"
            if provider is None
            else "--provider and --serve exclude each other",
            where="xcnet metrics",
            remedy="use --provider for one scrape of one provider, or --serve PORT for all of them at a local port",
        )
    if serve is not None:
        _serve(name, serve)
        return
    with talking(name) as talk:
        assert provider is not None
        sys.stdout.write(talk.coordinators.query(talk.provider(provider, "--provider"), "metrics"))


def _serve(name: str | None, port: int) -> None:
    from xcnet.lab.directory import Directory, find_lab

    paths = find_lab(name)
    providers = tuple(Directory.read(paths).providers)

    def ready() -> None:
        urls = ", ".join(f"http://{_HOST}:{port}/{each}" for each in providers)
        note(f"serving {urls} until Ctrl-C")

    asyncio.run(serve_metrics(paths, providers, port, ready))


async def serve_metrics(paths: LabPaths, providers: tuple[str, ...], port: int, ready: Callable[[], None]) -> None:
    """Until the process is interrupted.

    :param ready: called once it is served. :raises InputError: the port is taken. :raises XcnetError: the lab does not answer.
    """
    from xcnet.coordinator.daemon.exposition import serve_texts
    from xcnet.engine.client import LabConnection

    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, over.set)
    async with LabConnection(paths.run_dir) as lab:
        texts = {f"/{each}": lambda each=each: _scrape(lab, each) for each in providers}
        try:
            server = await serve_texts(texts, _HOST, port)
        except OSError as error:
            raise InputError(
                f"port {port} cannot be served: {error.strerror}", where="--serve", remedy="give another port"
            ) from None
        ready()
        try:
            await over.wait()
        finally:
            server.close()


async def _scrape(lab: LabConnection, provider: str) -> str:
    """:raises XcnetError: the coordinator, or the lab, does not answer."""
    chunks: list[bytes] = []
    await lab.stream(["coordinator", provider], chunks.append, stdin=json.dumps({"query": "metrics"}).encode())
    answer = json.loads(b"".join(chunks) or b"{}")
    if "answer" not in answer:
        raise LabError(answer.get("error", {}).get("cause", "the coordinator ended while it was asked"), where=provider)
    return str(answer["answer"])


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(metrics)


__all__ = ["metrics", "register", "serve_metrics"]
