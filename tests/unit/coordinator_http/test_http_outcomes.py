"""What a client makes of every way in which one attempt may end: refused, certainly not executed, or not known."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from http_world import (
    AWS,
    CONNECTION,
    GCP,
    HOME,
    HOST,
    KEY,
    RecordingService,
    TestSigner,
    client_context,
    connection,
    endpoint,
    free_port,
    identity,
    run,
    server_context,
    world,
)

from xcnet.clock import FakeClock
from xcnet.coordinator.http.caller import PeerCaller, path_of
from xcnet.coordinator.http.client import CoordinatorClient, peer_caller
from xcnet.coordinator.http.client_base import ids_of
from xcnet.coordinator.http.outcomes import BadAnswerError, NotSentError, UnknownOutcomeError
from xcnet.coordinator.http.transport import ClientLimits, Endpoint, HttpTransport, OutgoingRequest
from xcnet.errors import InputError
from xcnet.spec.errors import ApiError, Reason
from xcnet.spec.operations import OPERATIONS
from xcnet.waiting import Deadline, wait_until_async

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
GET = OPERATIONS["GetConnection"]


@contextlib.asynccontextmanager
async def peer(serve: Serve, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that does what the test says with each connection. Gives its port."""
    tasks: set[asyncio.Task[None]] = set()

    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(session, "127.0.0.1", 0, ssl=context or server_context())
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()


def answering(*pieces: bytes) -> Serve:
    """Reads each request's header, and answers with these bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            if not pieces:
                return

    return serve


def response(body: bytes, status: str = "200 OK", *fields: str) -> bytes:
    head = "".join(f"{field}\r\n" for field in (f"Content-Length: {len(body)}", *fields))
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


async def attempt(port: int, limits: ClientLimits | None = None) -> None:
    caller = peer_caller(endpoint(port), client_context(), TestSigner(), limits=limits)
    try:
        await caller.call(GET, ids_of(CONNECTION))
    finally:
        await caller.close()


# -- certainly not executed


def test_nobody_listens() -> None:
    with pytest.raises(NotSentError, match="not reached"):
        run(lambda: attempt(free_port()))


def test_the_name_is_not_known() -> None:
    async def go() -> None:
        caller = peer_caller(Endpoint(GCP, "https://nobody.invalid:1"), client_context(), TestSigner())
        with pytest.raises(NotSentError):
            await caller.call(GET, ids_of(CONNECTION))
        await caller.close()

    run(go)


@pytest.mark.parametrize("own", [identity(GCP, "other.gcp.test"), identity(GCP, HOST, "stranger")])
def test_the_peer_is_not_who_it_should_be(own: object) -> None:
    async def go() -> None:
        async with peer(answering(response(b"{}")), server_context(own)) as port:  # type: ignore[arg-type]
            with pytest.raises(NotSentError, match="certificate"):
                await attempt(port)

    run(go)


def test_the_peer_speaks_no_tls() -> None:
    async def go() -> None:
        async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(session, "127.0.0.1", 0)
        with pytest.raises(NotSentError):
            await attempt(server.sockets[0].getsockname()[1])
        server.close()

    run(go)


def test_the_handshake_is_not_answered() -> None:
    async def go() -> None:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            with pytest.raises(NotSentError, match="in time"):
                await attempt(silent.getsockname()[1], ClientLimits(connect_seconds=0.2))

    run(go)


@pytest.mark.parametrize("certificate", [True, False])
def test_the_peer_does_not_take_the_own_certificate(certificate: bool) -> None:
    """In TLS 1.3 the request is on its way by the time that the client hears of it."""

    async def go() -> None:
        async with world() as both:
            context = client_context(identity(AWS, None, "stranger"), certificate=certificate)
            for _ in range(5):
                caller = peer_caller(both.endpoint(), context, TestSigner())
                with pytest.raises(NotSentError):
                    await caller.call(OPERATIONS["CreateConnection"], ids_of(HOME), {"connectionId": "c"}, connection())
                await caller.close()
            assert both.service.asked == []

    run(go)


def test_no_connection_is_free() -> None:
    async def go() -> None:
        arrived = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            arrived.set()
            await reader.read()
            writer.close()

        async with peer(serve) as port:
            limits = ClientLimits(connections=1, queue_seconds=0.2)
            caller = peer_caller(endpoint(port), client_context(), TestSigner(), limits=limits)
            first = asyncio.create_task(caller.call(GET, ids_of(CONNECTION)))
            await arrived.wait()
            with pytest.raises(NotSentError):
                await caller.call(GET, ids_of(CONNECTION))
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            await caller.close()

    run(go)


# -- not known


@pytest.mark.parametrize(
    "serve",
    [
        answering(),
        answering(b"HTTP/1.1 200 OK\r\nContent-Le"),
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"),
        answering(b"\x00garbage\r\n\r\n"),
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
        answering(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000),
    ],
    ids=["closed", "half a header", "half a body", "garbage", "a bad length", "a huge header"],
)
def test_the_answer_is_none(serve: Serve) -> None:
    async def go() -> None:
        async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(serve(reader, writer), 0.5)

        async with peer(once) as port:
            with pytest.raises(UnknownOutcomeError, match="no answer"):
                await attempt(port)

    run(go)


def test_the_answer_does_not_come_in_time() -> None:
    async def go() -> None:
        async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
            await reader.read()
            await reader.read()

        async with peer(serve) as port:
            with pytest.raises(UnknownOutcomeError, match="none within"):
                await attempt(port, ClientLimits(call_seconds=0.2))

    run(go)


def test_the_answer_comes_a_byte_at_a_time_and_for_ever() -> None:
    async def go() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.01)

        async with peer(serve) as port:
            with pytest.raises(UnknownOutcomeError, match=r"within 0\.3 s"):
                await attempt(port, ClientLimits(call_seconds=0.3))

    run(go)


# -- answers that cannot be read


@pytest.mark.parametrize(
    ("answer", "status", "why"),
    [
        (response(b"<html>"), 200, "is no Connection"),
        (response(b"[]"), 200, "is no Connection"),
        (response(b'{"bandwidthMbps": "a lot"}'), 200, "bandwidthMbps: int_parsing"),
        (response(b"{}", "302 Found", "Location: /elsewhere"), 302, "302 is no answer"),
        (response(b"a" * 2000), 200, "more than 1000 bytes"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"100\r\n" + b"a" * 256 + b"\r\n") * 10,
            200,
            "more",
        ),
    ],
)
def test_an_answer_that_cannot_be_read_says_so(answer: bytes, status: int, why: str) -> None:
    async def go() -> None:
        async with peer(answering(answer)) as port:
            with pytest.raises(BadAnswerError, match=why) as bad:
                await attempt(port, ClientLimits(answer_bytes=1000))
            assert bad.value.status == status

    run(go)


def test_what_an_unreadable_answer_says_is_not_repeated() -> None:
    async def go() -> None:
        body = f'{{"bandwidthMbps": "{KEY}"}}'.encode()
        async with peer(answering(response(body))) as port:
            with pytest.raises(BadAnswerError) as bad:
                await attempt(port)
            assert KEY not in str(bad.value)

    run(go)


# -- refusals


@pytest.mark.parametrize(
    ("answer", "status", "reason", "message", "retry_after"),
    [
        (response(b'{"code":409,"message":"taken"}', "409 Conflict"), 409, Reason.RESERVED, "taken", None),
        (
            response(
                b'{"code":409,"message":"full","title":"t","body":"b","details":[{"reason":"NO_CAPACITY"}]}',
                "409 Conflict",
            ),
            409,
            Reason.NO_CAPACITY,
            "full",
            None,
        ),
        (response(b"", "429 Slow", "Retry-After: 30"), 429, Reason.RATE_LIMITED, "", 30),
        (response(b"", "503 No", "Retry-After: Fri, 15 Jan 2027 08:00:10 GMT"), 503, Reason.UNAVAILABLE, "", 11),
        (response(b"", "503 No", "Retry-After: Fri, 15 Jan 2027 07:00:00 GMT"), 503, Reason.UNAVAILABLE, "", 0),
        (response(b"", "503 No", "Retry-After: soon"), 503, Reason.UNAVAILABLE, "", None),
        (response(b"", "503 No", "Retry-After: 99999999999999"), 503, Reason.UNAVAILABLE, "", 3600),
        (response(b"oops", "500 Oops"), 500, Reason.INTERNAL, "oops", None),
        (response(b"", "418 Teapot"), 418, Reason.INVALID_ARGUMENT, "", None),
    ],
)
def test_refused(answer: bytes, status: int, reason: Reason, message: str, retry_after: int | None) -> None:
    async def go() -> None:
        async with peer(answering(answer)) as port:
            clock = FakeClock(wall=1_800_000_000.0)
            caller = peer_caller(endpoint(port), client_context(), TestSigner(), clock=clock)
            with pytest.raises(ApiError) as refused:
                await caller.call(GET, ids_of(CONNECTION))
            await caller.close()
            error = refused.value
            assert (error.status, error.reason, error.retry_after) == (status, reason, retry_after)
            assert error.message.startswith(message)

    run(go)


def test_a_peer_that_repeats_a_secret_is_not_quoted() -> None:
    async def go() -> None:
        body = f"what is {KEY} supposed to mean".encode()
        async with peer(answering(response(body, "400 Bad"))) as port:
            caller = peer_caller(endpoint(port), client_context(), TestSigner())
            with pytest.raises(ApiError) as refused:
                await caller.call(OPERATIONS["CreateConnection"], ids_of(HOME), {"connectionId": "c"}, connection())
            await caller.close()
            assert KEY not in str(refused.value)

    run(go)


# -- exactly once


def test_each_call_is_one_request_signed_anew_and_none_is_repeated() -> None:
    async def go() -> None:
        service = RecordingService({"GetConnection": ApiError(Reason.UNAVAILABLE, "no", retry_after=1)})
        async with world(service) as both:
            for number in range(1, 4):
                with pytest.raises(ApiError):
                    await both.client.get_connection(CONNECTION)
                assert len(service.asked) == both.signer.made == number

    run(go)


def test_a_connection_that_the_peer_has_closed_is_not_used_again() -> None:
    async def go() -> None:
        closed = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal closed
            await reader.readuntil(b"\r\n\r\n")
            writer.write(response(b"{}"))
            await writer.drain()
            writer.transport.abort()
            closed += 1

        async with peer(serve) as port:
            caller = peer_caller(endpoint(port), client_context(), TestSigner())
            transport = caller.transport
            for _ in range(5):
                await caller.call(GET, ids_of(CONNECTION))

                async def gone() -> str | None:
                    return f"{transport.connections} open" if transport.connections else None  # type: ignore[attr-defined]

                await wait_until_async("the client sees its connection closed", gone, Deadline(30))
            await caller.close()
            assert closed == 5

    run(go)


@pytest.mark.parametrize("fresh", [True, False])
def test_a_call_that_is_given_up_at_any_moment_leaves_a_client_that_works(fresh: bool) -> None:
    """After every step of the event loop from the call's beginning until it would have ended.

    :param fresh: each on a connection that is yet to be made.
    """

    async def go() -> None:
        async with world(client_limits=ClientLimits(connections=1)) as both:
            given_up = 0
            for steps in range(1000):
                if fresh:
                    await both.caller.transport.close()
                task = asyncio.create_task(both.client.get_connection(CONNECTION))
                for _ in range(steps):
                    await asyncio.sleep(0)
                if task.done():
                    break
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                given_up += 1
                await both.client.get_connection(CONNECTION)
            assert given_up > 5

    run(go)


def test_many_calls_share_the_connections() -> None:
    async def go() -> None:
        async with world(client_limits=ClientLimits(connections=4)) as both:
            await asyncio.gather(*(both.client.get_connection(CONNECTION) for _ in range(100)))
            assert both.server.counts.taken <= 4
            assert len(both.service.asked) == 100

    run(go)


# -- what cannot be called


@pytest.mark.parametrize("url", ["http://h:1", "https://", "https://h:99999", "h:1", "https://häh"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="no https URL"):
        peer_caller(Endpoint(GCP, url), client_context(), None)


@pytest.mark.parametrize("bad", ["", ".", ".."])
def test_what_is_no_id_is_refused(bad: str) -> None:
    with pytest.raises(InputError, match="needs the id of the connection"):
        path_of(GET, {**ids_of(CONNECTION), "connection": bad})


def test_ids_are_written_so_that_they_stay_ids() -> None:
    path = path_of(GET, {**ids_of(CONNECTION), "connection": "a/b?c#d e"})
    assert path.endswith("/connections/a%2Fb%3Fc%23d%20e")


def test_a_url_with_a_path_is_a_prefix() -> None:
    async def go() -> None:
        seen: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.append(await reader.readuntil(b"\r\n"))
            await reader.readuntil(b"\r\n\r\n")
            writer.write(response(b"{}"))

        async with peer(serve) as port:
            caller: PeerCaller = peer_caller(
                Endpoint(GCP, f"https://{HOST}:{port}/v1/", "127.0.0.1"), client_context(), None
            )
            async with CoordinatorClient(caller) as client:
                await client.list_providers()
            assert seen == [b"GET /v1/providers HTTP/1.1\r\n"]

    run(go)


def test_no_request_follows_on_a_large_one_that_was_refused() -> None:
    """What was not read of it would be taken for the beginning of the next one."""

    async def go() -> None:
        heads: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(response(b"{}", "413 Content Too Large"))
            await asyncio.Event().wait()

        async with peer(serve) as port:
            transport = HttpTransport(endpoint(port), client_context())
            body = b"a" * 2**18
            for _ in range(2):
                request = OutgoingRequest(GCP, "CreateIssue", "POST", "/providers", (), body, tuple)
                assert (await transport.send(request, 10.0)).status == 413
            await transport.close()
        assert [each.split()[0] for each in heads] == [b"POST", b"POST"]

    run(go)
