"""``xcnet top``: the lab live on one screen."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Annotated

import typer

from xcnet.cli.options import LabName
from xcnet.cli.output import out, print_json
from xcnet.errors import InputError

if TYPE_CHECKING:
    from xcnet.cli.top_state import TopState
    from xcnet.lab.paths import LabPaths

REFRESH_SECONDS = 0.5
"""Between two pictures; between the two that ``--once`` and ``--json`` reckon rates from as well."""

_LEAVE_SECONDS = 3.0
"""For the picture under way at the end; a lab that does not answer is not waited for any longer."""


def top(
    name: LabName = None,
    once: Annotated[bool, typer.Option("--once", help="Print one picture and leave.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One picture as JSON.")] = False,
) -> None:
    """Watch channels, connections and events live, until Ctrl-C.

    Examples: xcnet top        xcnet top --once
    """
    from xcnet.lab.directory import find_lab

    paths = find_lab(name)
    if once or json:
        state = one_state(paths)
        if json:
            print_json(state.model_dump(mode="json"))
            return
        from xcnet.cli.show_top import top_view

        out.print(top_view(state))
        return
    if not out.is_terminal:
        raise InputError(
            "there is no terminal to show a live view on",
            where="standard output",
            remedy="use --once for one picture, --json for one as JSON, or 'xcnet status --watch --json' for a stream",
        )
    _live(paths)


def one_state(paths: LabPaths) -> TopState:
    """Of two pictures, so that there are rates. :raises XcnetError: the lab does not answer."""
    from xcnet.cli.top_state import top_state
    from xcnet.lab.picture import PictureTaker

    with PictureTaker(paths) as taker:
        before = taker.take()
        time.sleep(REFRESH_SECONDS)
        return top_state(taker.take(), before)


class _Screen:
    """The newest state on the screen; drawn anew at every refresh, so that a resized terminal is filled again."""

    def __init__(self) -> None:
        self.state: TopState | None = None

    def __rich__(self) -> object:
        from rich.text import Text

        from xcnet.cli.show_top import top_view

        return Text("asking the lab ...") if self.state is None else top_view(self.state, height=out.height)


def _live(paths: LabPaths) -> None:
    from rich.live import Live

    screen = _Screen()
    failed: list[BaseException] = []
    stop = threading.Event()
    watcher = threading.Thread(target=_watch, args=(paths, screen, stop, failed), daemon=True)
    try:
        with Live(
            screen,  # type: ignore[arg-type]
            console=out,
            screen=True,
            refresh_per_second=1 / REFRESH_SECONDS,
            vertical_overflow="crop",
        ):
            watcher.start()
            # In turns, as a wait without an end would not hear of Ctrl-C on every platform.
            while watcher.is_alive():
                watcher.join(REFRESH_SECONDS)
    except KeyboardInterrupt:
        pass
    finally:
        stop.set()
        if watcher.ident is not None:
            watcher.join(_LEAVE_SECONDS)
    if failed:
        raise failed[0]


def _watch(paths: LabPaths, screen: _Screen, stop: threading.Event, failed: list[BaseException]) -> None:
    """Pictures until ``stop``; beside the drawing, which a slow lab shall not hold up."""
    from xcnet.cli.top_state import top_state
    from xcnet.lab.picture import PictureTaker

    try:
        with PictureTaker(paths) as taker:
            before = None
            while not stop.is_set():
                began = time.monotonic()
                now = taker.take()
                screen.state = top_state(now, before)
                before = now
                stop.wait(max(0.0, REFRESH_SECONDS - (time.monotonic() - began)))
    except Exception as error:
        failed.append(error)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(top)


__all__ = ["REFRESH_SECONDS", "one_state", "register", "top"]
