"""Observations of a router: what changed between two, and what a watcher's end of the connection makes of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xcnet.edge.client import SOCKET_NAME, EdgeClient
from xcnet.errors import RoutingError
from xcnet.model.observed import (
    ChannelObservation,
    ObservationChange,
    RouteObservation,
    RouterObservation,
    SessionObservation,
    VrfObservation,
)

channels = st.builds(
    ChannelObservation,
    name=st.sampled_from(["ch1", "ch2"]),
    carrier=st.booleans(),
    ready=st.booleans(),
    ckn=st.sampled_from([None, "aa", "bb"]),
    settled=st.booleans(),
    live=st.sampled_from([(), ("aa",), ("aa", "bb")]),
)
sessions = st.builds(
    SessionObservation,
    peer=st.sampled_from([ip_address("169.254.0.1"), ip_address("fd00::1")]),
    interface=st.just("ch1.1100"),
    established=st.booleans(),
    bfd=st.sampled_from([None, True, False]),
)
routes = st.builds(
    RouteObservation,
    prefix=st.sampled_from([ip_network("10.0.0.0/16"), ip_network("fd00::/32")]),
    interfaces=st.sampled_from([("ch1.1100",), ("ch1.1100", "ch2.1100")]),
)
vrfs = st.dictionaries(
    st.sampled_from(["vrf-a", "vrf-b", "vrf-c"]),
    st.tuples(st.lists(sessions, max_size=2), st.lists(routes, max_size=2)),
)
observations = st.builds(
    lambda channels, vrfs: RouterObservation(
        node="aws-edge1",
        channels=tuple(channels),
        vrfs={name: VrfObservation(name=name, sessions=tuple(s), routes=tuple(r)) for name, (s, r) in vrfs.items()},
    ),
    st.lists(channels, max_size=2),
    vrfs,
)


@given(observations, observations)
def test_what_changed_makes_one_observation_the_other_also_as_it_travels(
    one: RouterObservation, other: RouterObservation
) -> None:
    change = other.since(one)
    assert one.after(change) == other
    assert one.after(ObservationChange.model_validate_json(change.model_dump_json(exclude_defaults=True))) == other
    assert bool(change) == (one != other)


@given(observations, observations)
def test_what_did_not_change_stays_the_same_object(one: RouterObservation, other: RouterObservation) -> None:
    after = one.after(other.since(one))
    for name, vrf in one.vrfs.items():
        if other.vrfs.get(name) == vrf:
            assert after.vrfs[name] is vrf


def test_a_session_is_up_when_it_is_established_and_watched_as_it_should_be() -> None:
    def up(established: bool, bfd: bool | None) -> bool:
        peer = ip_address("fd00::1")
        return SessionObservation(peer=peer, interface="ch1.1", established=established, bfd=bfd).up

    assert up(True, True) and up(True, None)
    assert not up(True, False)
    assert not up(False, None)
    assert not up(False, True)


def test_routes_are_counted_by_interface_and_family() -> None:
    both = ("ch1.1100", "ch2.1100")
    vrf = VrfObservation(
        name="vrf-a",
        routes=(
            RouteObservation(prefix=ip_network("10.0.0.0/16"), interfaces=both),
            RouteObservation(prefix=ip_network("10.1.0.0/16"), interfaces=both[:1]),
            RouteObservation(prefix=ip_network("fd00::/32"), interfaces=both[1:]),
        ),
    )
    assert [vrf.through(name, version) for name in both for version in (4, 6)] == [2, 0, 1, 1]


# -- the watcher's end


Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


def line(change: ObservationChange) -> bytes:
    return change.model_dump_json(exclude_defaults=True).encode() + b"\n"


def lit(name: str) -> ObservationChange:
    return ObservationChange(channels=(ChannelObservation(name=name, carrier=True),))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "aws-edge1"
    made.mkdir()
    return made


@contextlib.asynccontextmanager
async def daemon(folder: Path, answer: Answer):  # type: ignore[no-untyped-def]
    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert json.loads(await reader.readline())["op"] == "watch"
        await answer(writer)
        writer.close()

    server = await asyncio.start_unix_server(session, str(folder / SOCKET_NAME))
    async with server:
        yield server


def test_changes_are_put_together_to_whole_observations(folder: Path) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(line(lit("ch1")))
        await asyncio.sleep(0.1)
        writer.write(line(ObservationChange(vrfs=(VrfObservation(name="vrf-a"),))))
        await asyncio.sleep(5)

    async def go() -> list[RouterObservation]:
        async with daemon(folder, answer), contextlib.aclosing(EdgeClient(folder).watch()) as seen:
            return [await anext(seen), await anext(seen)]

    first, second = asyncio.run(go())
    assert (first.running, [each.name for each in first.channels], first.vrfs) == (True, ["ch1"], {})
    assert (second.channels, set(second.vrfs)) == (first.channels, {"vrf-a"})


def test_whoever_is_slow_gets_the_newest_only(folder: Path) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(line(lit("ch1")))
        await asyncio.sleep(0.1)
        for name in ("ch2", "ch3"):
            writer.write(line(lit(name)))
            await asyncio.sleep(0.05)
        await asyncio.sleep(5)

    async def go() -> list[str]:
        async with daemon(folder, answer), contextlib.aclosing(EdgeClient(folder).watch()) as seen:
            first = await anext(seen)
            await asyncio.sleep(0.5)
            return [each.channels[0].name for each in (first, await anext(seen))]

    assert asyncio.run(go()) == ["ch1", "ch3"]


def test_a_daemon_that_is_not_there_is_told_once_and_its_coming_after_that(folder: Path) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(line(lit("ch1")))
        await asyncio.sleep(5)

    async def go() -> tuple[RouterObservation, RouterObservation]:
        async with contextlib.aclosing(EdgeClient(folder).watch()) as seen:
            absent = await anext(seen)
            async with daemon(folder, answer):
                return absent, await anext(seen)

    absent, present = asyncio.run(go())
    assert (absent.running, absent.channels, absent.vrfs) == (False, (), {})
    assert present.running and present.channels[0].carrier


def test_a_daemon_that_ends_takes_what_was_known_with_it(folder: Path) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(line(lit("ch1")))
        await writer.drain()
        await asyncio.sleep(0.1)

    async def go() -> list[bool]:
        async with daemon(folder, answer), contextlib.aclosing(EdgeClient(folder).watch()) as seen:
            return [(await anext(seen)).running for _ in range(4)]

    assert asyncio.run(go()) == [True, False, True, False]


def test_a_refusal_ends_the_watching_with_its_words(folder: Path) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(json.dumps({"error": {"cause": "no", "where": "op", "remedy": "ask less"}}).encode() + b"\n")
        await asyncio.sleep(5)

    async def go() -> None:
        async with daemon(folder, answer), contextlib.aclosing(EdgeClient(folder).watch()) as seen:
            await anext(seen)

    with pytest.raises(RoutingError) as caught:
        asyncio.run(go())
    assert (caught.value.cause, caught.value.where) == ("no", "aws-edge1: op")
