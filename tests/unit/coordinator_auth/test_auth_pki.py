"""A lab's certificates, and what TLS makes of them in real handshakes."""

from __future__ import annotations

import os
import ssl
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address

import pytest
from auth_world import shows_none_of
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from xcnet.coordinator.auth.pki import (
    URI_PREFIX,
    Credential,
    LabAuthority,
    client_context,
    identify,
    provider_of,
    server_context,
)
from xcnet.errors import InputError
from xcnet.secret import Secret

HOST, ADDRESS = "coordinator.aws.test", "192.0.2.10"
DAY = 86400.0


@cache
def _authority(lab: str) -> LabAuthority:
    return LabAuthority.create(lab, time.time())


def authority(lab: str = "default") -> LabAuthority:
    """The same one each time."""
    return _authority(lab)


def issued(provider: str, lab: str = "default", *, at: float = 0.0, lifetime: float = DAY) -> Credential:
    """:param at: seconds from now at which it begins."""
    return authority(lab).issue(provider, [HOST, provider], [ADDRESS, "2001:db8::10"], time.time() + at, lifetime)


def connect(server: ssl.SSLContext, client: ssl.SSLContext, host: str = HOST) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """A whole handshake in memory, and a byte in each direction. :raises ssl.SSLError: either side refuses the other."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    serving = server.wrap_bio(to_server, to_client, server_side=True)
    calling = client.wrap_bio(to_client, to_server, server_hostname=host)
    waiting = {"client": calling, "server": serving}
    refusal: ssl.SSLError | None = None
    for _ in range(10):
        for name, each in list(waiting.items()):
            try:
                each.do_handshake()
                del waiting[name]
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError as error:
                # The other side is to have its alert before anything is said about it.
                refusal = refusal or error
                del waiting[name]
        if not waiting:
            break
    if refusal is not None:
        raise refusal
    assert not waiting
    calling.write(b"a")
    assert serving.read(1) == b"a"
    serving.write(b"b")
    assert calling.read(1) == b"b"
    return serving, calling


def test_both_ends_learn_whose_certificate_the_other_has() -> None:
    serving, calling = connect(server_context(issued("aws")), client_context(issued("gcp")))
    assert identify(serving) == "gcp"
    assert identify(calling) == "aws"
    assert serving.version() == calling.version() == "TLSv1.3"


@pytest.mark.parametrize("host", [HOST, ADDRESS, "2001:db8::10"])
def test_a_certificate_is_good_for_its_names_and_addresses(host: str) -> None:
    connect(server_context(issued("aws")), client_context(issued("gcp")), host)


@pytest.mark.parametrize("host", ["coordinator.gcp.test", "192.0.2.11"])
def test_another_host_is_refused(host: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=r"[Mm]ismatch"):
        connect(server_context(issued("aws")), client_context(issued("gcp")), host)


def test_a_common_name_is_no_host_name() -> None:
    nameless = authority().issue("aws", [], [ADDRESS], time.time(), DAY)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"[Mm]ismatch"):
        connect(server_context(nameless), client_context(issued("gcp")), "aws")


def test_an_expired_server_is_refused() -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        connect(server_context(issued("aws", at=-2 * DAY)), client_context(issued("gcp")))


def test_an_expired_client_is_refused() -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        connect(server_context(issued("aws")), client_context(issued("gcp", at=-2 * DAY)))


def test_a_certificate_that_has_not_begun_is_refused() -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="not yet valid"):
        connect(server_context(issued("aws", at=DAY)), client_context(issued("gcp")))
    with pytest.raises(ssl.SSLCertVerificationError, match="not yet valid"):
        connect(server_context(issued("aws")), client_context(issued("gcp", at=DAY)))


def test_a_certificate_of_an_expired_authority_is_refused() -> None:
    old = LabAuthority.create("old", time.time() - 3 * DAY, 2 * DAY)
    credential = old.issue("aws", [HOST], [], time.time() - 3 * DAY, DAY)
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        connect(server_context(credential), client_context(credential))


def test_another_labs_certificates_are_refused() -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(server_context(issued("aws", "other")), client_context(issued("gcp")))
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(server_context(issued("aws")), client_context(issued("gcp", "other")))


def test_a_namesake_lab_is_another_lab() -> None:
    namesake = LabAuthority.create("default", time.time())
    with pytest.raises(ssl.SSLError):
        connect(server_context(issued("aws")), client_context(namesake.issue("gcp", [HOST], [], time.time(), DAY)))


def test_a_client_without_a_certificate_is_refused() -> None:
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(cadata=authority().certificate)
    with pytest.raises(ssl.SSLError, match=r"(?i)peer did not return a certificate|certificate.required"):
        connect(server_context(issued("aws")), client)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tls_1_2_is_refused_by_both_ends() -> None:
    old_client = client_context(issued("gcp"))
    old_client.minimum_version = old_client.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        connect(server_context(issued("aws")), old_client)
    old_server = server_context(issued("aws"))
    old_server.minimum_version = old_server.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        connect(old_server, client_context(issued("gcp")))


def test_contexts_allow_nothing_less() -> None:
    for context in (server_context(issued("aws")), client_context(issued("gcp"))):
        assert context.minimum_version == context.maximum_version == ssl.TLSVersion.TLSv1_3
        assert context.verify_mode is ssl.CERT_REQUIRED
    assert client_context(issued("gcp")).check_hostname


def test_sessions_cannot_be_resumed() -> None:
    _, calling = connect(server_context(issued("aws")), client_context(issued("gcp")))
    assert calling.session is None or not calling.session.has_ticket


def test_a_providers_certificate_is_no_authority() -> None:
    """Whoever has one cannot make others with it."""
    rogue = issued("gcp")
    key = serialization.load_pem_private_key(rogue.key.reveal(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    forged = LabAuthority(x509.load_pem_x509_certificate(rogue.certificate.encode()), key).issue(
        "aws", [HOST], [], time.time(), 3600
    )
    chained = forged.model_copy(
        update={"certificate": forged.certificate + rogue.certificate, "authority": authority().certificate}
    )
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(server_context(chained), client_context(issued("gcp")))


def test_contexts_leave_no_descriptor_and_no_file(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("tls")
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.chdir(folder)
    credential = issued("aws")
    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208
    server_context(credential)
    client_context(credential)
    assert set(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    assert list(folder.iterdir()) == []


def test_a_key_that_is_not_the_certificates_is_refused_without_being_shown() -> None:
    credential = issued("aws").model_copy(update={"key": issued("aws").key})
    with pytest.raises(InputError) as caught:
        server_context(credential)
    shows_none_of(caught.value, credential.key.reveal_text())


def test_an_encrypted_key_is_refused_and_nobody_is_asked() -> None:
    credential = issued("aws")
    key = serialization.load_pem_private_key(credential.key.reveal(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    with pytest.raises(InputError):
        client_context(credential.model_copy(update={"key": Secret(encrypted)}))


def test_an_authority_that_is_no_certificate_is_refused() -> None:
    for text in ("", "nothing"):
        with pytest.raises(InputError):
            server_context(issued("aws").model_copy(update={"authority": text}))


# -- what stands in a certificate


def test_a_certificate_says_what_it_is_for() -> None:
    certificate = x509.load_pem_x509_certificate(issued("aws").certificate.encode())
    assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "aws"
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["xcnet://providers/aws"]
    assert names.get_values_for_type(x509.DNSName) == [HOST, "aws"]
    assert names.get_values_for_type(x509.IPAddress) == [ip_address(ADDRESS), ip_address("2001:db8::10")]
    uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert {each._name for each in uses} == {"serverAuth", "clientAuth"}
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)


def test_a_certificate_lives_as_long_as_was_said() -> None:
    now = 1_900_000_000.75
    certificate = x509.load_pem_x509_certificate(
        LabAuthority.create("x", now).issue("aws", [], [], now, 3600.9).certificate.encode()
    )
    assert certificate.not_valid_after_utc == datetime.fromtimestamp(1_900_003_600, UTC)
    assert certificate.not_valid_before_utc <= datetime.fromtimestamp(now, UTC)
    assert certificate.not_valid_before_utc >= datetime.fromtimestamp(now, UTC) - timedelta(minutes=10)


@pytest.mark.parametrize(
    ("provider", "dns", "addresses", "lifetime"),
    [
        ("", [], [], DAY),
        ("a/b", [], [], DAY),
        ("a\n", [], [], DAY),
        ("x" * 65, [], [], DAY),
        ("aws", ["hôte"], [], DAY),
        ("aws", [], ["192.0.2.256"], DAY),
        ("aws", [], [], 0.0),
        ("aws", [], [], -1.0),
        ("aws", [], [], float("inf")),
        ("aws", [], [], float("nan")),
        ("aws", [], [], 100 * 365 * DAY),
        ("aws", [], [], 1e18),
    ],
)
def test_what_cannot_be_issued_is_refused(provider: str, dns: list[str], addresses: list[str], lifetime: float) -> None:
    with pytest.raises(InputError):
        authority().issue(provider, dns, addresses, time.time(), lifetime)


@pytest.mark.parametrize("lab", ["", "x" * 41])
def test_a_lab_without_a_fitting_name_has_no_authority(lab: str) -> None:
    with pytest.raises(InputError):
        LabAuthority.create(lab, time.time())


# -- reading the provider back


def handmade(*names: x509.GeneralName) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "aws")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256())


def test_the_provider_is_read_from_any_form() -> None:
    pem = issued("my-cloud.2").certificate
    der = x509.load_pem_x509_certificate(pem.encode()).public_bytes(serialization.Encoding.DER)
    assert provider_of(pem) == provider_of(pem.encode()) == provider_of(der) == "my-cloud.2"


def uri(text: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(text)


@pytest.mark.parametrize(
    "names",
    [
        (),
        (x509.DNSName("aws"),),
        (uri("spiffe://providers/aws"),),
        (uri(URI_PREFIX),),
        (uri(URI_PREFIX + "aws/gcp"),),
        (uri(URI_PREFIX + "aws?"),),
        (uri(URI_PREFIX + "%61ws"),),
        (uri(URI_PREFIX + "aws"), uri(URI_PREFIX + "gcp")),
    ],
)
def test_a_certificate_that_names_no_one_provider_is_refused(names: tuple[x509.GeneralName, ...]) -> None:
    with pytest.raises(InputError):
        provider_of(handmade(*names).public_bytes(serialization.Encoding.DER))


@pytest.mark.parametrize("text", [b"", b"\x30\x03", b"-----BEGIN CERTIFICATE-----\n", "no certificate", "\ud800"])
def test_what_is_no_certificate_is_refused(text: bytes | str) -> None:
    with pytest.raises(InputError):
        provider_of(text)


def test_whoever_has_no_provider_in_its_certificate_is_nobody() -> None:
    class Peer:
        def __init__(self, certificate: bytes | None) -> None:
            self.certificate = certificate

        def getpeercert(self, *, binary_form: bool) -> bytes | None:
            assert binary_form
            return self.certificate

    der = handmade(x509.DNSName("aws")).public_bytes(serialization.Encoding.DER)
    assert identify(Peer(der)) is None  # type: ignore[arg-type]  # only this method of a TLS connection is asked
    assert identify(Peer(None)) is None  # type: ignore[arg-type]


# -- secrecy


def test_a_credential_shows_its_key_only_where_that_is_asked_for() -> None:
    credential = issued("aws")
    key = credential.key.reveal_text()
    shows_none_of(credential, key, credential.key.reveal().hex())
    assert credential.key.reveal().hex() not in credential.model_dump_json()
    revealed = credential.model_dump_json(context={"reveal": True})
    assert Credential.model_validate_json(revealed) == credential
    shows_none_of(authority(), "PRIVATE")
