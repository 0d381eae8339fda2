"""A coordinator's server and client over real TLS in one process: certificates, signatures and a service that records."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import hashlib
import hmac
import ipaddress
import shutil
import socket
import ssl
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from xcnet.clock import Clock
from xcnet.coordinator.http.answers import App
from xcnet.coordinator.http.app import create_app
from xcnet.coordinator.http.caller import PeerCaller
from xcnet.coordinator.http.client import CoordinatorClient, peer_caller
from xcnet.coordinator.http.facts import HttpFacts, ProofChecker
from xcnet.coordinator.http.faults import FaultPoint
from xcnet.coordinator.http.limits import HttpLimits
from xcnet.coordinator.http.server import CoordinatorServer
from xcnet.coordinator.http.transcript import Transcript
from xcnet.coordinator.http.transport import ClientLimits, Endpoint
from xcnet.coordinator.service import ApiRequest, ApiResponse
from xcnet.secret import Secret
from xcnet.spec.base import WireModel
from xcnet.spec.connections import (
    ActivationKeyParameters,
    Connection,
    Feature,
    FeatureConfig,
    L3BaseConfig,
    MacSecKey,
    ProviderBgpConfig,
)
from xcnet.spec.errors import ApiError, Reason
from xcnet.spec.issues import Issue
from xcnet.spec.names import ResourceName, interconnect
from xcnet.spec.resources import FeatureType

AWS, GCP = "aws", "gcp"
"""The caller and the server."""
HOST = "coordinator.gcp.test"
HOME = interconnect(AWS, "aws-gcp-us-east", "ic-1")
CHANNEL = HOME.child("channels", "ch1")
CONNECTION = HOME.child("connections", "0f4f6a70-6f55-4d67-a1d5-5b1b9c1f0a01")
PATH = f"/{CONNECTION}"

CAK = "c0ffee" * 10 + "aabb"
MD5 = "the-bgp-password"
KEY = "bm90IHJlYWxseSBhIGtleQ=="
PROOF = "proof-of-the-customer"
SECRETS = (CAK, MD5, KEY, PROOF)

_SHARED = b"a key that both sides of these tests have"


# -- certificates


@dataclass(frozen=True)
class Identity:
    """One end's certificate and key, in one PEM file."""

    provider: str
    pem: Path
    authority: Path


def _certificate(
    name: str, issuer: tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None, host: str | None
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signing = issuer[0] if issuer is not None else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[1].subject if issuer is not None else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if host is not None:
        names = [x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.9"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return key, builder.sign(signing, hashes.SHA256())


_FOLDER = Path(tempfile.mkdtemp(prefix="xcnet-http-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)


def _save(name: str, made: tuple[ec.EllipticCurvePrivateKey, x509.Certificate]) -> Path:
    path = _FOLDER / f"{name}.pem"
    key = made[0].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made[1].public_bytes(serialization.Encoding.PEM) + key)
    return path


@cache
def _authority(name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    return _certificate(name, None, None)


@cache
def identity(provider: str, host: str | None = None, authority: str = "lab") -> Identity:
    """:param authority: by whose name another one can be had that nobody trusts."""
    issuer = _authority(authority)
    return Identity(
        provider,
        _save(f"{provider}-{host}-{authority}", _certificate(provider, issuer, host)),
        _save(f"authority-{authority}", issuer),
    )


def server_context(own: Identity | None = None) -> ssl.SSLContext:
    own = own or identity(GCP, HOST)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(own.pem)
    context.load_verify_locations(identity(GCP, HOST).authority)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(own: Identity | None = None, *, certificate: bool = True) -> ssl.SSLContext:
    own = own or identity(AWS)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if certificate:
        context.load_cert_chain(own.pem)
    context.load_verify_locations(identity(AWS).authority)
    return context


def identify(tls: ssl.SSLObject) -> str | None:
    """The common name of a certificate that the TLS library has verified."""
    certificate = tls.getpeercert() or {}
    for part in certificate.get("subject", ()):
        for name, value in part:
            if name == "commonName":
                return str(value)
    return None


# -- signatures: of the whole request, good once


def _signature(provider: str, nonce: str, facts: HttpFacts) -> str:
    text = "\n".join((provider, nonce, facts.method, facts.target, facts.header("host") or "")).encode() + facts.body
    return hmac.new(_SHARED, text, hashlib.sha256).hexdigest()


class TestSigner:
    """:param provider: who signs."""

    __test__ = False

    def __init__(self, provider: str = AWS) -> None:
        self._provider = provider
        self.made = 0

    def sign(self, facts: HttpFacts) -> Mapping[str, str]:
        self.made += 1
        nonce = uuid.uuid4().hex
        return {"Authorization": f"Test {self._provider}:{nonce}:{_signature(self._provider, nonce, facts)}"}


class TestVerifier:
    __test__ = False

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def verify(self, facts: HttpFacts, provider: str) -> str:
        del provider
        words = (facts.header("authorization") or "").removeprefix("Test ").split(":")
        if len(words) != 3 or not hmac.compare_digest(words[2], _signature(words[0], words[1], facts)):
            raise ApiError(Reason.UNAUTHENTICATED, "not signed")
        if words[1] in self._seen:
            raise ApiError(Reason.UNAUTHENTICATED, "replayed")
        self._seen.add(words[1])
        return words[0]


# -- the service behind


@dataclass
class RecordingService:
    """Keeps what it is asked, and answers by operationId: a model, an error, or what a function makes of the request."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[ApiRequest] = field(default_factory=list)

    def serve(self, request: ApiRequest) -> ApiResponse:
        self.asked.append(request)
        answer = self.answers.get(request.operation.id)
        if callable(answer) and not isinstance(answer, WireModel):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, ApiResponse):
            return answer
        return ApiResponse(answer if answer is not None else example(request.operation.response))

    @property
    def last(self) -> ApiRequest:
        return self.asked[-1]


def example(model: type[WireModel]) -> WireModel:
    """A model of that type with what it must have."""
    if model is Issue:
        return Issue(title="T", body="B")
    if model is ActivationKeyParameters:
        return ActivationKeyParameters(supported_versions=[1, 2])
    return model()


def connection(mbps: int = 1000) -> Connection:
    return Connection(name=str(CONNECTION), bandwidth_mbps=mbps, activation_key=Secret.from_text(KEY))


def feature() -> Feature:
    return Feature(
        channel=str(CHANNEL),
        feature_config=FeatureConfig(
            feature_type=FeatureType.L3_BASE,
            l3_base_config=L3BaseConfig(
                mtu_bytes=8500,
                vlan_id=1100,
                provider_bgp_configs=[ProviderBgpConfig(provider="providers/aws", asn=64512)],
                md5_bgp_password=Secret.from_text(MD5),
            ),
        ),
    )


def mac_sec_key() -> MacSecKey:
    return MacSecKey(cak=Secret.from_text(CAK), ckn="ab" * 16)


# -- both ends


@dataclass
class World:
    """A live server and a client of it."""

    service: RecordingService
    server: CoordinatorServer
    client: CoordinatorClient
    caller: PeerCaller
    signer: TestSigner

    @property
    def port(self) -> int:
        return self.server.address[1]

    def endpoint(self) -> Endpoint:
        return endpoint(self.port)

    async def raw(
        self, source: str = "127.0.0.1", own: Identity | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A TLS connection on which anything can be said."""
        return await asyncio.open_connection(
            "127.0.0.1",
            self.port,
            ssl=client_context(own),
            server_hostname=HOST,
            local_addr=(source, 0),
            ssl_shutdown_timeout=1,
        )

    def signed(
        self,
        method: str = "GET",
        target: str = PATH,
        body: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        provider: str = AWS,
    ) -> bytes:
        """A whole request as bytes, with a good signature."""
        host = endpoint(self.port).authority
        facts = HttpFacts(method, target, (("host", host),), body)
        fields = {"Host": host, **TestSigner(provider).sign(facts), **(headers or {})}
        if body and "Transfer-Encoding" not in fields:
            fields.setdefault("Content-Length", str(len(body)))
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body


def endpoint(port: int) -> Endpoint:
    return Endpoint(GCP, f"https://{HOST}:{port}", "127.0.0.1")


@contextlib.asynccontextmanager
async def world(
    service: RecordingService | None = None,
    *,
    app: App | None = None,
    limits: HttpLimits | None = None,
    client_limits: ClientLimits | None = None,
    proofs: ProofChecker | None = None,
    client_faults: FaultPoint | None = None,
    server_faults: FaultPoint | None = None,
    client_transcript: Transcript | None = None,
    server_transcript: Transcript | None = None,
    clock: Clock | None = None,
    own: Identity | None = None,
    source: str | None = None,
    **app_options: Any,
) -> AsyncIterator[World]:
    service = service or RecordingService()
    app = app or create_app(
        service,
        TestVerifier(),
        provider=GCP,
        proofs=proofs,
        limits=limits,
        transcript=server_transcript,
        faults=server_faults,
        clock=clock,
        **app_options,
    )
    async with CoordinatorServer(app, server_context(), identify=identify, limits=limits) as server:
        signer = TestSigner()
        caller = peer_caller(
            endpoint(server.address[1]),
            client_context(own),
            signer,
            limits=client_limits,
            transcript=client_transcript,
            faults=client_faults,
            local_address=source,
        )
        async with CoordinatorClient(caller) as client:
            yield World(service, server, client, caller, signer)


def run(test: Callable[[], Coroutine[Any, Any, None]], seconds: float = 60.0) -> None:
    """Run a test's coroutine; what hangs fails."""

    async def bounded() -> None:
        async with asyncio.timeout(seconds):
            await test()

    asyncio.run(bounded())


@dataclass(frozen=True)
class Heard:
    """An answer read from a raw connection."""

    status: int
    headers: dict[str, str]
    body: bytes


async def hear(reader: asyncio.StreamReader) -> Heard:
    """:raises EOFError: the connection ended before it was whole."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Heard(int(first.split()[1]), headers, await reader.readexactly(int(headers.get("content-length", "0"))))


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def resource(text: str) -> ResourceName:
    return ResourceName.parse(text)
