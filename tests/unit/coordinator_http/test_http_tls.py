"""The server as a process runs it: certificates of the lab's authority, both families of addresses, other tasks beside it."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
import time

import pytest
from http_world import CONNECTION, PATH, RecordingService, TestSigner, TestVerifier, hear, run

from xcnet.coordinator.auth import pki
from xcnet.coordinator.http.app import create_app
from xcnet.coordinator.http.client import CoordinatorClient, peer_caller
from xcnet.coordinator.http.outcomes import NotSentError
from xcnet.coordinator.http.server import CoordinatorServer, start_server
from xcnet.coordinator.http.transport import Endpoint
from xcnet.errors import InputError
from xcnet.spec.errors import ApiError, Reason
from xcnet.waiting import Deadline, wait_until_async

HOST = "gcp-coord"
DAY = 86400.0
LAB = pki.LabAuthority.create("tls", time.time())
SERVER = LAB.issue("gcp", [HOST], ["127.0.0.1", "::1"], time.time(), DAY)
CLIENT = LAB.issue("aws", ["aws-coord"], [], time.time(), DAY)


def _stranger() -> pki.Credential:
    """Issued by another authority, of the same name, to one that trusts this one."""
    made = pki.LabAuthority.create("tls", time.time()).issue("aws", ["aws-coord"], [], time.time(), DAY)
    return made.model_copy(update={"authority": LAB.certificate})


def _old() -> ssl.SSLContext:
    context = pki.client_context(CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def _nameless() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=LAB.certificate)
    return context


UNWANTED = {
    "TLS 1.2": (_old, "ALERT_PROTOCOL_VERSION"),
    "no certificate": (_nameless, "CERTIFICATE_REQUIRED"),
    "another authority's certificate": (lambda: pki.client_context(_stranger()), "UNKNOWN_CA|DECRYPT_ERROR"),
    "a certificate that has run out": (
        lambda: pki.client_context(LAB.issue("aws", ["aws-coord"], [], time.time() - 2 * DAY, DAY)),
        "CERTIFICATE_EXPIRED",
    ),
}


async def started(
    service: RecordingService, *, host: str = "127.0.0.1", port: int = 0, context: ssl.SSLContext | None = None
) -> CoordinatorServer:
    app = create_app(service, TestVerifier(), provider="gcp")
    return await start_server(app, context or pki.server_context(SERVER), identify=pki.identify, host=host, port=port)


def client_of(server: CoordinatorServer, credential: pki.Credential = CLIENT) -> CoordinatorClient:
    address, port = server.address
    endpoint = Endpoint("gcp", f"https://{HOST}:{port}", address)
    return CoordinatorClient(peer_caller(endpoint, pki.client_context(credential), TestSigner()))


@pytest.mark.parametrize("name", UNWANTED)
def test_not_let_in(name: str) -> None:
    """A blocking client of the standard library: what it is told is what is on the wire."""
    make, alert = UNWANTED[name]

    def knock(port: int) -> None:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
            make().wrap_socket(plain, server_hostname=HOST) as tls,
        ):
            tls.sendall(f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            assert tls.recv(1) == b"", "it was answered"
            raise AssertionError("it was let in, and put out without a word")

    async def go() -> None:
        service = RecordingService()
        server = await started(service)
        with pytest.raises(ssl.SSLError, match=alert):
            await asyncio.to_thread(knock, server.address[1])
        # Whoever may come in is served all the same.
        async with client_of(server) as client:
            await client.get_connection(CONNECTION)
        assert (len(service.asked), server.counts.failed) == (1, 1)
        await server.stop()

    run(go)


def test_a_client_that_is_not_let_in_knows_that_nothing_was_done() -> None:
    async def go() -> None:
        service = RecordingService()
        server = await started(service)
        async with client_of(server, _stranger()) as client:
            for _ in range(5):
                with pytest.raises(NotSentError):
                    await client.delete_connection(CONNECTION)
        assert service.asked == []
        await server.stop()

    run(go)


def test_who_calls_is_read_from_the_certificate() -> None:
    async def go() -> None:
        service = RecordingService()
        server = await started(service)
        async with client_of(server) as client:
            await client.get_connection(CONNECTION)
        assert service.last.caller == "aws"
        # Another provider's certificate does not go with this one's signature.
        other = LAB.issue("azure", ["azure-coord"], [], time.time(), DAY)
        async with client_of(server, other) as client:
            with pytest.raises(ApiError) as refused:
                await client.get_connection(CONNECTION)
        assert refused.value.reason is Reason.UNAUTHENTICATED
        assert len(service.asked) == 1
        await server.stop()

    run(go)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_it_serves_both_families_of_addresses(host: str) -> None:
    async def go() -> None:
        server = await started(RecordingService(), host=host)
        assert server.address[0] == host
        address = f"[{host}]" if ":" in host else host
        endpoint = Endpoint("gcp", f"https://{address}:{server.address[1]}")
        async with CoordinatorClient(peer_caller(endpoint, pki.client_context(CLIENT), TestSigner())) as client:
            await client.get_connection(CONNECTION)
        await server.stop()

    run(go)


def test_a_context_that_is_not_strict_is_not_served_with() -> None:
    lax, old = pki.server_context(SERVER), pki.server_context(SERVER)
    lax.verify_mode = ssl.CERT_OPTIONAL
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    for context, why in ((lax, "certificate"), (old, "older TLS")):
        with pytest.raises(InputError, match=why):
            run(lambda context=context: started(RecordingService(), context=context))  # type: ignore[misc]


def test_an_address_that_is_taken_or_nobodys_says_so() -> None:
    async def go() -> None:
        server = await started(RecordingService())
        with pytest.raises(InputError, match=r"cannot listen on 127\.0\.0\.1 port"):
            await started(RecordingService(), port=server.address[1])
        with pytest.raises(InputError, match=r"cannot listen on 192\.0\.2\.1"):
            await started(RecordingService(), host="192.0.2.1")
        await server.stop()
        # The port is free again at once.
        again = await started(RecordingService(), port=server.address[1])
        await again.stop()

    run(go)


def test_it_lives_beside_other_tasks_and_takes_nothing_of_the_process(capfd: pytest.CaptureFixture[str]) -> None:
    async def go() -> None:
        handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        before = asyncio.all_tasks()
        server = await started(RecordingService())
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        beside = asyncio.create_task(other())
        async with client_of(server) as client:
            await asyncio.gather(*(client.get_connection(CONNECTION) for _ in range(20)))
        assert turns > 20
        beside.cancel()
        await server.stop()
        await server.stop()

        async def left() -> str | None:
            tasks = asyncio.all_tasks() - before - {beside}
            return f"{tasks}" if tasks else None

        await wait_until_async("all its tasks have ended", left, Deadline(30))
        assert {each: signal.getsignal(each) for each in handlers} == handlers

    run(go)
    assert capfd.readouterr().out == ""


def test_a_peer_that_does_not_say_farewell_does_not_keep_the_server() -> None:
    async def go() -> None:
        server = await started(RecordingService())
        with socket.create_connection(server.address, timeout=20) as plain:
            tls = await asyncio.to_thread(
                pki.client_context(CLIENT).wrap_socket, plain, server_hostname=HOST, suppress_ragged_eofs=False
            )
            # It reads no more: neither the farewell of TLS nor the end of the connection.
            async with asyncio.timeout(20):
                await server.stop(Deadline(0.1))
            assert server.connections == 0
            tls.close()

    run(go)


def test_a_server_that_has_ended_is_not_reached() -> None:
    async def go() -> None:
        server = await started(RecordingService())
        async with client_of(server) as client:
            await client.get_connection(CONNECTION)
            await server.stop()
            with pytest.raises(NotSentError):
                await client.get_connection(CONNECTION)

    run(go)


def test_who_has_not_signed_is_told_that_there_is_a_way_to() -> None:
    async def go() -> None:
        server = await started(RecordingService())
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", server.address[1], ssl=pki.client_context(CLIENT), server_hostname=HOST
        )
        writer.write(f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        heard = await hear(reader)
        assert (heard.status, heard.headers["www-authenticate"]) == (401, 'Signature realm="gcp"')
        writer.close()
        await server.stop()

    run(go)
