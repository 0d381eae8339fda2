"""What hostile and broken clients do on real sockets takes nothing from others, and ends.

Where others are to stay fast, the hostile may go on for far longer than others are given: a server that waited for them
would be late by a multiple, not by a little.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import pytest
from http_world import CONNECTION, HOME, HOST, PATH, Heard, World, client_context, hear, identity, run, world

from xcnet.coordinator.http.limits import HttpLimits
from xcnet.coordinator.service import Proof, ProofRefusal
from xcnet.open_files import allow_open_files
from xcnet.spec.operations import Operation
from xcnet.waiting import Deadline, wait_until_async

PATIENT = HttpLimits(
    handshake_seconds=50,
    header_seconds=50,
    body_seconds=50,
    connections=600,
    connections_per_address=520,
    accepted_burst=2000,
    accepted_per_second=2000,
    requests_per_second=10**6,
    request_burst=10**6,
)
"""Limits that none of the hostile runs into while others are watched."""
STRICT = HttpLimits(handshake_seconds=0.3, header_seconds=0.3, body_seconds=0.3, keep_alive_seconds=1)
OTHERS, OTHERS_SECONDS = 30, 15.0
"""Requests of the others, and the seconds that all of them together may take."""
ATTACKER, OTHER = "127.0.0.2", "127.0.0.3"

Attack = Callable[[World], Awaitable[None]]
HALF_HEADER = f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\nX-Slow: ".encode()
HALF_BODY = f"POST /{HOME}/connections HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000\r\n\r\n{{".encode()


async def plain(both: World) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """TCP without TLS."""
    return await asyncio.open_connection("127.0.0.1", both.port, local_addr=(ATTACKER, 0))


async def drip(writer: asyncio.StreamWriter, first: bytes) -> None:
    """Some bytes, then one more every now and then, for ever."""
    writer.write(first)
    while not writer.is_closing():
        await asyncio.sleep(0.02)
        writer.write(b"a")


async def slow_header(both: World) -> None:
    _, writer = await both.raw(ATTACKER)
    await drip(writer, HALF_HEADER)


async def slow_body(both: World) -> None:
    _, writer = await both.raw(ATTACKER)
    await drip(writer, HALF_BODY)


async def slow_handshake(both: World) -> None:
    _, writer = await plain(both)
    # The beginning of a ClientHello of 512 bytes.
    await drip(writer, bytes.fromhex("160301020001000001fc0303"))


async def silent(both: World) -> None:
    reader, _writer = await plain(both)
    await reader.read()


async def silent_under_tls(both: World) -> None:
    reader, _writer = await both.raw(ATTACKER)
    await reader.read()


async def huge_header(both: World) -> None:
    while True:
        reader, writer = await both.raw(ATTACKER)
        with contextlib.suppress(OSError):
            writer.write(HALF_HEADER + b"a" * 2**20)
            await writer.drain()
            await reader.read()
        writer.close()


async def garbage(both: World) -> None:
    while True:
        reader, writer = await both.raw(ATTACKER)
        writer.write(bytes(range(256)) * 16)
        with contextlib.suppress(OSError):
            await reader.read()
        writer.close()


async def garbage_for_tls(both: World) -> None:
    while True:
        reader, writer = await plain(both)
        writer.write(b"GET / HTTP/1.1\r\n\r\n" * 10)
        with contextlib.suppress(OSError):
            await reader.read()
        writer.close()


async def half_closed(both: World) -> None:
    while True:
        reader, writer = await plain(both)
        writer.write_eof()
        with contextlib.suppress(OSError):
            await reader.read()
        writer.close()


async def vanishing(both: World) -> None:
    while True:
        _, writer = await both.raw(ATTACKER)
        writer.write(HALF_BODY)
        await writer.drain()
        writer.transport.abort()


async def never_reading(both: World) -> None:
    _, writer = await both.raw(ATTACKER)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    request = both.signed(target="/providers/aws")
    while not writer.is_closing():
        writer.write(request)
        await writer.drain()
        await asyncio.sleep(0.001)


async def flooding(both: World) -> None:
    requests = both.signed(target="/providers/aws") * 1000
    while True:
        reader, writer = await both.raw(ATTACKER)
        writer.write(requests)
        with contextlib.suppress(OSError):
            await reader.read()
        writer.close()


async def malformed(both: World) -> None:
    while True:
        for words in (b"GET\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"\x16\x03\x01" * 100):
            reader, writer = await both.raw(ATTACKER)
            writer.write(words)
            with contextlib.suppress(OSError):
                await reader.read()
            writer.close()


async def large_bodies(both: World) -> None:
    """Each announced, and sent all the same."""
    while True:
        reader, writer = await both.raw(ATTACKER)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            writer.write(both.signed("POST", f"/{HOME}/connections", b"a" * 2**20))
            assert (await hear(reader)).status == 413
        writer.close()


async def deep_bodies(both: World) -> None:
    body = b'{"a":' + b"[" * 100_000
    reader, writer = await both.raw(ATTACKER)
    while True:
        writer.write(both.signed("POST", f"/{HOME}/connections?connectionId=c-1", body))
        assert (await hear(reader)).status == 400


async def unsigned(both: World) -> None:
    while True:
        reader, writer = await both.raw(ATTACKER)
        request = f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                writer.write(request)
                assert (await hear(reader)).status == 401
        writer.close()


ATTACKS: dict[str, tuple[Attack, int]] = {
    "slow header": (slow_header, 20),
    "slow body": (slow_body, 20),
    "slow handshake": (slow_handshake, 20),
    "silence": (silent, 50),
    "silence under TLS": (silent_under_tls, 50),
    "huge header": (huge_header, 2),
    "garbage": (garbage, 2),
    "garbage for TLS": (garbage_for_tls, 2),
    "half-closed": (half_closed, 2),
    "gone in the middle": (vanishing, 2),
    "never reading": (never_reading, 5),
    "flooding": (flooding, 3),
    "malformed requests": (malformed, 2),
    "large bodies": (large_bodies, 2),
    "deep bodies": (deep_bodies, 2),
    "no signatures": (unsigned, 2),
}


@contextlib.asynccontextmanager
async def under(both: World, attack: Attack, times: int) -> AsyncIterator[list[asyncio.Task[None]]]:
    async def attacking() -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await attack(both)

    before = both.server.counts.taken
    tasks = [asyncio.create_task(attacking()) for _ in range(times)]

    async def begun() -> str | None:
        taken = both.server.counts.taken - before
        return None if taken >= times else f"{taken} of {times} connections"

    await wait_until_async("the attack", begun, Deadline(30))
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def others_are_served(both: World) -> None:
    async with asyncio.timeout(OTHERS_SECONDS):
        for _ in range(OTHERS):
            await both.client.get_connection(CONNECTION)


@pytest.mark.parametrize("name", ATTACKS)
def test_others_are_served_meanwhile(name: str) -> None:
    attack, times = ATTACKS[name]

    async def go() -> None:
        async with world(limits=PATIENT, source=OTHER) as both, under(both, attack, times):
            await others_are_served(both)
            assert len([1 for asked in both.service.asked if asked.operation.id == "GetConnection"]) == OTHERS

    run(go)


def test_others_are_served_beside_500_idle_connections() -> None:
    allow_open_files(4096)  # both ends of all are this process's

    async def go() -> None:
        async with world(limits=PATIENT, source=OTHER) as both, under(both, silent, 500):
            assert both.server.connections >= 500
            await others_are_served(both)

    run(go)


def test_a_provider_that_asks_too_fast_uses_up_its_own_share() -> None:
    heard: list[Heard] = []

    async def asking_too_fast(both: World) -> None:
        reader, writer = await both.raw(ATTACKER, identity("azure"))
        while True:
            writer.write(b"".join(both.signed(target="/providers/azure", provider="azure") for _ in range(10)))
            heard.extend([await hear(reader) for _ in range(10)])

    async def go() -> None:
        limits = PATIENT.model_copy(update={"requests_per_second": 0.001, "request_burst": OTHERS})
        async with world(limits=limits, source=OTHER) as both, under(both, asking_too_fast, 2):

            async def exceeded() -> str | None:
                return None if len(heard) > 2 * OTHERS else f"{len(heard)} answers"

            await wait_until_async("too many requests", exceeded, Deadline(30))
            await others_are_served(both)
            served = [each for each in both.service.asked if each.caller == "azure"]
            assert len(served) == len([each for each in heard if each.status == 200]) == OTHERS
            limited = [each for each in heard if each.status != 200]
            assert limited
            assert {each.status for each in limited} == {429}
            assert all(900 <= int(each.headers["retry-after"]) <= 1000 for each in limited)

    run(go)


@pytest.mark.parametrize(
    "name", ["slow header", "slow body", "slow handshake", "silence", "silence under TLS", "never reading"]
)
def test_who_takes_too_long_is_put_out(name: str) -> None:
    attack, _ = ATTACKS[name]

    async def go() -> None:
        limits = STRICT.model_copy(update={"answer_seconds": 0.3, "request_burst": 10**6})
        async with world(limits=limits) as both, under(both, attack, 3):

            async def left() -> str | None:
                return f"{both.server.connections} connections" if both.server.connections else None

            await wait_until_async("the slow are put out", left, Deadline(30))
            assert [asked for asked in both.service.asked if asked.operation.mutates] == []

    run(go)


def test_an_idle_connection_is_closed_in_time_and_the_client_makes_another() -> None:
    async def go() -> None:
        async with world(limits=STRICT) as both:
            await both.client.get_connection(CONNECTION)

            async def left() -> str | None:
                return f"{both.server.connections} connections" if both.server.connections else None

            await wait_until_async("the idle connection is closed", left, Deadline(30))
            await both.client.get_connection(CONNECTION)
            assert both.server.counts.taken == 2

    run(go)


def test_one_address_has_its_share_of_connections_and_no_more() -> None:
    async def go() -> None:
        limits = HttpLimits(connections_per_address=10, header_seconds=50)
        async with world(limits=limits, source=OTHER) as both:
            opened = [await both.raw(ATTACKER) for _ in range(10)]
            with pytest.raises((OSError, ssl.SSLError)):
                await both.raw(ATTACKER)
            assert both.server.counts.refused == 1
            await both.client.get_connection(CONNECTION)
            opened.pop()[1].transport.abort()

            async def place() -> str | None:
                return None if both.server.connections == 10 else f"{both.server.connections} connections"

            await wait_until_async("a place is free", place, Deadline(30))
            opened.append(await both.raw(ATTACKER))
            for _, writer in opened:
                writer.transport.abort()

    run(go)


def test_all_addresses_together_have_so_many_connections() -> None:
    async def go() -> None:
        async with world(limits=HttpLimits(connections=5, header_seconds=50)) as both:
            opened = [await both.raw(f"127.0.0.{10 + number}") for number in range(5)]
            with pytest.raises((OSError, ssl.SSLError)):
                await both.raw("127.0.0.20")
            for _, writer in opened:
                writer.transport.abort()

    run(go)


def test_one_address_connects_only_so_fast() -> None:
    async def go() -> None:
        limits = HttpLimits(accepted_per_second=0.001, accepted_burst=3)
        async with world(limits=limits, source=OTHER) as both:
            opened = [await both.raw(ATTACKER) for _ in range(3)]
            with pytest.raises((OSError, ssl.SSLError)):
                await both.raw(ATTACKER)
            await both.client.get_connection(CONNECTION)
            for _, writer in opened:
                writer.transport.abort()

    run(go)


def test_a_header_without_end_is_refused_before_it_is_kept() -> None:
    async def go() -> None:
        async with world() as both:
            reader, writer = await both.raw()
            writer.write(HALF_HEADER)
            sent = 0
            with contextlib.suppress(OSError):
                while sent < 2**26 and not reader.at_eof():
                    writer.write(b"a" * 65536)
                    await writer.drain()
                    sent += 65536
                    if reader._buffer:  # type: ignore[attr-defined]  # the answer is there
                        break
            assert (await hear(reader)).status == 431
            assert sent < 2**24
            writer.transport.abort()

    run(go)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"\x00\x01\x02\r\n\r\n", 400),
        (b"GET\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: x\n\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n", 400),
        (b"get / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;a=\n\r\na\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nContent-Length: 2000000\r\n\r\na", 413),
    ],
)
def test_what_is_no_request_is_answered_and_closed(request_bytes: bytes, status: int) -> None:
    async def go() -> None:
        async with world() as both:
            reader, writer = await both.raw()
            writer.write(request_bytes)
            heard = await hear(reader)
            assert heard.status == status
            assert heard.headers["connection"] == "close"
            assert heard.body.startswith(b'{"code":%d' % status)
            assert await reader.read() == b""
            writer.close()
            assert both.service.asked == []

    run(go)


def test_a_request_for_nobody_in_particular_is_refused() -> None:
    async def go() -> None:
        async with world() as both:
            reader, writer = await both.raw()
            writer.write(f"GET {PATH} HTTP/1.1\r\n\r\n".encode())
            assert (await hear(reader)).status == 400
            writer.write(both.signed())
            assert (await hear(reader)).status == 200
            writer.close()

    run(go)


def test_pipelined_requests_are_answered_in_their_order_and_no_others_wait() -> None:
    checked = asyncio.Event()

    class Slow:
        async def check(
            self, caller: str, operation: Operation, ids: Mapping[str, str], proof: str
        ) -> Proof | ProofRefusal | None:
            del caller, operation, ids, proof
            await checked.wait()
            return None

    async def go() -> None:
        async with world(proofs=Slow()) as both:
            reader, writer = await both.raw()
            first = both.signed("DELETE", headers={"X-Customer-Proof": "abc"})
            writer.write(first + both.signed() + both.signed("PUT"))
            await others_are_served(both)
            assert {each.operation.id for each in both.service.asked} == {"GetConnection"}
            checked.set()
            assert [(await hear(reader)).status for _ in range(3)] == [200, 200, 405]
            assert [each.operation.id for each in both.service.asked[-2:]] == ["DeleteConnection", "GetConnection"]
            writer.close()

    run(go)


def test_more_requests_ahead_than_may_be_are_refused() -> None:
    async def go() -> None:
        async with world(limits=HttpLimits(pipelined=3)) as both:
            reader, writer = await both.raw()
            writer.write(b"".join(both.signed() for _ in range(4)))
            assert [(await hear(reader)).status for _ in range(4)] == [200] * 4
            writer.write(b"".join(both.signed() for _ in range(100)))
            with contextlib.suppress(OSError):
                await reader.read()
            assert len(both.service.asked) <= 4 + 1
            writer.close()

    run(go)


def test_a_body_in_chunks_is_bounded_as_it_comes() -> None:
    async def go() -> None:
        async with world() as both:
            reader, writer = await both.raw()
            headers = {"Transfer-Encoding": "chunked"}
            hearing = asyncio.create_task(hear(reader))
            writer.write(both.signed("POST", f"/{HOME}/connections", headers=headers))
            sent = 0
            with contextlib.suppress(OSError):
                while not hearing.done():
                    writer.write(b"4000\r\n" + b"a" * 0x4000 + b"\r\n")
                    await writer.drain()
                    await asyncio.sleep(0)
                    sent += 0x4000
            assert (await hearing).status == 413
            assert sent < 2**23
            writer.transport.abort()

    run(go)


def test_a_body_that_is_too_large_is_dropped_and_the_connection_goes_on() -> None:
    async def go() -> None:
        async with world(limits=HttpLimits(body_bytes=100_000)) as both:
            reader, writer = await both.raw()
            writer.write(both.signed("POST", f"/{HOME}/connections", b"a" * 120_000))
            assert (await hear(reader)).status == 413
            writer.write(both.signed())
            assert (await hear(reader)).status == 200
            assert len(both.service.asked) == 1
            writer.close()

    run(go)


def test_a_trailer_does_not_pass_for_a_header() -> None:
    async def go() -> None:
        async with world() as both:
            reader, writer = await both.raw()
            signed = both.signed("DELETE", headers={"Transfer-Encoding": "chunked"})
            lines = signed.split(b"\r\n")
            authorization = next(line for line in lines if line.startswith(b"Authorization"))
            bare = b"\r\n".join(line for line in lines if not line.startswith(b"Authorization"))
            writer.write(bare + b"0\r\n" + authorization + b"\r\n\r\n")
            assert (await hear(reader)).status == 401
            writer.close()

    run(go)


def test_half_a_request_is_not_executed_when_its_client_goes() -> None:
    async def go() -> None:
        async with world() as both:
            body = b'{"bandwidthMbps": 1000}'
            request = both.signed("POST", f"/{HOME}/connections?connectionId=c-1", body)
            for end in (len(request) - 1, len(request) - len(body)):
                _, writer = await both.raw()
                writer.write(request[:end])
                await writer.drain()
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

            async def left() -> str | None:
                return f"{both.server.connections} connections" if both.server.connections else None

            await wait_until_async("the half requests are gone", left, Deadline(30))
            assert both.service.asked == []

    run(go)


def test_the_server_ends_in_time_whoever_holds_on_to_it() -> None:
    async def go() -> None:
        async with world(limits=PATIENT) as both:
            held = [await both.raw(ATTACKER) for _ in range(5)]
            for _, writer in held[:3]:
                writer.write(HALF_BODY)
            await both.client.get_connection(CONNECTION)
            began = time.monotonic()
            await both.server.stop(Deadline(0.2))
            assert time.monotonic() - began < 20
            assert both.server.connections == 0
            with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
                probe.connect(("127.0.0.1", both.port))
            for _, writer in held:
                writer.transport.abort()

    run(go)


def test_a_request_that_is_being_answered_is_let_end() -> None:
    async def go() -> None:
        async with world() as both:
            body = b"{}"
            request = both.signed("POST", f"/{HOME}/connections?connectionId=c-1", body)
            reader, writer = await both.raw()
            writer.write(request[:-1])
            await writer.drain()

            async def arrived() -> str | None:
                return None if both.server.busy else "nothing under way"

            await wait_until_async("the request is under way", arrived, Deadline(30))
            stopping = asyncio.create_task(both.server.stop(Deadline(30)))
            await asyncio.sleep(0)
            writer.write(request[-1:])
            heard = await hear(reader)
            assert (heard.status, heard.headers["connection"]) == (200, "close")
            await stopping
            assert both.server.connections == 0
            writer.close()

    run(go)


def test_old_tls_and_no_certificate_are_not_let_in() -> None:
    async def go() -> None:
        async with world() as both:
            old = client_context()
            old.minimum_version = ssl.TLSVersion.TLSv1_2
            old.maximum_version = ssl.TLSVersion.TLSv1_2
            for context in (old, client_context(certificate=False)):
                with pytest.raises((OSError, asyncio.IncompleteReadError)):
                    reader, writer = await asyncio.open_connection(
                        "127.0.0.1", both.port, ssl=context, server_hostname=HOST
                    )
                    writer.write(both.signed())
                    await hear(reader)
            assert both.service.asked == []

            async def failed() -> str | None:
                return None if both.server.counts.failed == 2 else str(both.server.counts)

            await wait_until_async("both are put out", failed, Deadline(30))

    run(go)
