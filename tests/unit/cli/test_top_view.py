"""The live view as text, at widths and heights from small to wide."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console
from topmade import channel, channel_view, connection, end, picture, provider, session, with_status

from xcnet.cli.show_top import top_view
from xcnet.cli.top_state import TopState, top_state
from xcnet.lab.status import Health

GOLDEN = Path(__file__).parent / "golden"


def shown(state: TopState, width: int, height: int | None) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=width).print(top_view(state, height=height))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def well() -> TopState:
    return top_state(picture(62.0), picture(60.0))


def troubled() -> TopState:
    """One channel cut, the other being drained, one side of the connection without a feature."""
    now = picture(62.0)
    cut = channel("ch1", "fac-a", (end("aws-edge1", sent=1200, secured=False), end("gcp-edge1", refused=3, sent=600)))
    sessions = tuple(session(f"ch{n}", f"{side}-edge{n}", "down" if n == 1 else "up") for n in (1, 2) for side in ("aws", "gcp"))  # fmt: skip
    draining = (channel_view("ch1"), channel_view("ch2", enabled=False, holds=("admin",)))
    sides = {
        "aws": provider("aws", draining, ahead=7200.0, connections=(connection("aws", (False, True)),)),
        "gcp": provider("gcp", (), answers=False, connections=(), environments=()),
    }
    routes = tuple(each.model_copy(update={"next_hops": ("b",)}) for each in now.status.routes)
    now = with_status(
        now.model_copy(update={"providers": sides}),
        channels=(cut, now.status.channels[1]),
        sessions=sessions,
        routes=routes,
        health=Health.DEGRADED,
    )
    return top_state(now, picture(60.0))


def many() -> TopState:
    """32 channels, of which the last is closed."""
    state = well()
    ok = state.channels[0]
    rows = [ok.model_copy(update={"name": f"ch{index}"}) for index in range(1, 32)]
    rows.append(ok.model_copy(update={"name": "ch32", "health": Health.DOWN}))
    return state.model_copy(update={"channels": tuple(rows), "connections": state.connections * 20})


@pytest.mark.parametrize("name", ["well", "troubled"])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, None)])
def test_it_looks_as_agreed(name: str, width: int, height: int | None, request: pytest.FixtureRequest) -> None:
    lines = shown({"well": well, "troubled": troubled}[name](), width, height)
    golden = GOLDEN / f"top-{name}-{width}.txt"
    text = "\n".join(lines) + "\n"
    if request.config.getoption("--update-golden", default=False):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("make", [well, troubled, many])
@pytest.mark.parametrize(("width", "height"), [(60, 20), (80, 24), (100, 30), (132, 43), (250, 70)])
def test_it_fits_its_terminal(make: object, width: int, height: int) -> None:
    assert callable(make)
    lines = shown(make(), width, height)
    assert len(lines) <= height
    assert all(cell_len(line) <= width for line in lines)


def test_what_is_not_well_stays_when_there_is_no_room_for_all() -> None:
    lines = shown(many(), 80, 24)
    (title,) = [line for line in lines if line.startswith("Channels")]
    assert title.endswith("of 32)")
    assert any(line.startswith("ch32 ") for line in lines)
    assert any("of 20)" in line for line in lines if line.startswith("Connections"))


def test_the_newest_events_are_the_last_lines() -> None:
    assert "connection.enabled" in shown(well(), 120, 40)[-1]
    assert [line.split()[2] for line in shown(many(), 80, 24)[-3:]] == [
        "macsec.secured",
        "bgp.down",
        "connection.enabled",
    ]


def test_a_picture_is_the_same_as_json_and_back() -> None:
    state = troubled()
    assert TopState.model_validate_json(state.model_dump_json()) == state
