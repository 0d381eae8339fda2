"""What a client of a router's daemon makes of every way in which the daemon may answer, or not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from xcnet.edge.client import SOCKET_NAME, EdgeClient
from xcnet.errors import DeadlineError, LabError, RoutingError
from xcnet.model.desired import Cak, Channel, KeyAgreement, Macsec, RouterState
from xcnet.secret import Secret
from xcnet.waiting import Deadline

Answer = Callable[[dict[str, Any], asyncio.StreamWriter], Awaitable[None]]


def ask(folder: Path, answer: Answer | None, question: Callable[[EdgeClient], Awaitable[Any]]) -> Any:
    """The outcome of one question to a daemon that answers so; None: nobody listens."""

    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert answer is not None
        await answer(json.loads(await reader.readline()), writer)
        writer.close()

    async def go() -> Any:
        if answer is None:
            return await question(EdgeClient(folder))
        server = await asyncio.start_unix_server(session, str(folder / SOCKET_NAME))
        async with server:
            return await question(EdgeClient(folder))

    return asyncio.run(go())


def saying(value: Any) -> Answer:
    async def answer(_request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        writer.write(json.dumps(value).encode() + b"\n")
        await writer.drain()

    return answer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "aws-edge1"
    made.mkdir()
    return made


def state() -> RouterState:
    key = Cak(ckn="aa" * 16, cak=Secret(bytes(range(32))), preferred=True)
    channel = Channel(
        name="ch1",
        port="ch1",
        device="ch1.sec",
        port_mtu=9000,
        key_agreement=KeyAgreement.XCNET,
        macsec=Macsec(),
        keys=(key,),
    )
    return RouterState(node="aws-edge1", provider="aws", channels=(channel,))


def test_the_state_reaches_the_daemon_whole_with_its_keys(folder: Path) -> None:
    seen: list[dict[str, Any]] = []

    async def answer(request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        seen.append(request)
        await saying({"changed": ["ch1 up"]})(request, writer)

    changed = ask(folder, answer, lambda edge: edge.apply(state(), deadline=Deadline(5)))
    assert changed == ["ch1 up"]
    assert seen[0]["op"] == "apply"
    assert RouterState.model_validate(seen[0]["state"]) == state()


def test_settling_asks_for_nothing_but_that(folder: Path) -> None:
    seen: list[dict[str, Any]] = []

    async def answer(request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        seen.append(request)
        await saying({"changed": []})(request, writer)

    assert ask(folder, answer, lambda edge: edge.settle(deadline=Deadline(5))) == []
    assert [(each["op"], each["state"]) for each in seen] == [("settle", None)]


def test_a_status_is_read_into_its_model(folder: Path) -> None:
    report = {"node": "aws-edge1", "channels": []}
    assert ask(folder, saying(report), lambda edge: edge.status()).node == "aws-edge1"


def test_what_the_daemon_could_not_do_is_told_with_the_router_it_is_about(folder: Path) -> None:
    error = {"cause": "cannot set ch1 up", "where": "interface ch1", "remedy": "see why"}
    with pytest.raises(RoutingError) as caught:
        ask(folder, saying({"error": error}), lambda edge: edge.apply(state(), deadline=Deadline(5)))
    assert (caught.value.cause, caught.value.where) == ("cannot set ch1 up", "aws-edge1: interface ch1")
    assert caught.value.remedy == "see why"


def test_a_daemon_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(LabError) as caught:
        ask(folder, None, lambda edge: edge.settle(deadline=Deadline(0.1)))
    assert caught.value.cause == "edged is not running"
    assert caught.value.where == "aws-edge1"


def test_a_daemon_that_ends_instead_of_answering_is_told_apart(folder: Path) -> None:
    async def answer(_request: dict[str, Any], _writer: asyncio.StreamWriter) -> None:
        return

    with pytest.raises(LabError) as caught:
        ask(folder, answer, lambda edge: edge.settle(deadline=Deadline(5)))
    assert "ended while it was asked for 'settle'" in caught.value.cause


def test_a_daemon_that_says_nothing_is_not_waited_for_longer_than_said(folder: Path) -> None:
    async def answer(_request: dict[str, Any], _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2)

    with pytest.raises(DeadlineError) as caught:
        ask(folder, answer, lambda edge: edge.settle(deadline=Deadline(0.2)))
    assert "not within 0.2 s" in caught.value.cause


def test_a_daemon_that_starts_meanwhile_is_found(folder: Path) -> None:
    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b'{"changed": []}\n')
        await writer.drain()
        writer.close()

    async def go() -> list[str]:
        asking = asyncio.ensure_future(EdgeClient(folder).settle(deadline=Deadline(10)))
        await asyncio.sleep(0.1)
        async with await asyncio.start_unix_server(session, str(folder / SOCKET_NAME)):
            return await asking

    assert asyncio.run(go()) == []
