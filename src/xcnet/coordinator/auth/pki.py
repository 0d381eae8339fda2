"""A lab's certificate authority, made in memory when the lab is brought up, and TLS between those it has certified."""

from __future__ import annotations

import math
import os
import re
import ssl
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pydantic import BaseModel, ConfigDict

from xcnet.errors import InputError
from xcnet.secret import Secret

URI_PREFIX = "xcnet://providers/"
"""What a provider's name in its certificate (a URI in subjectAltName) begins with."""

_PROVIDER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
_AUTHORITY_SECONDS = 10 * 365 * 86400.0
_SKEW = timedelta(seconds=300)
"""By how much certificates begin early, for clocks that are behind the issuer's."""


class Credential(BaseModel):
    """What a provider shows in TLS, as server and as client.

    :param certificate: PEM. :param key: its private key, PKCS #8, PEM. :param authority: certificate of who issued it, PEM.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: str
    certificate: str
    key: Secret
    authority: str


class LabAuthority:
    """An ECDSA P-256 certificate authority, which lives as long as the object. :param key: never leaves it."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._certificate = certificate
        self._key = key

    @classmethod
    def create(cls, lab: str, now: float, lifetime: float = _AUTHORITY_SECONDS) -> LabAuthority:
        """A fresh one.

        :param lab: the lab's name, 1 to 40 characters. :param now: seconds since the epoch. :param lifetime: seconds.
        :raises InputError: the name or the lifetime cannot be.
        """
        if not 1 <= len(lab) <= 40:
            raise InputError(
                "the lab's name has 1 to 40 characters", where="certificate authority", remedy="choose another"
            )
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"xcnet lab {lab}")])
        begin, end = _validity(now, lifetime)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    @property
    def certificate(self) -> str:
        """PEM."""
        return _pem(self._certificate)

    def issue(
        self,
        provider: str,
        dns_names: Iterable[str],
        ip_addresses: Iterable[str | IPv4Address | IPv6Address],
        now: float,
        lifetime: float,
    ) -> Credential:
        """A certificate with a fresh key, for both ends of TLS (RFC 5280, 4.2.1.12).

        :param provider: its id, which becomes the common name and a URI. :param dns_names: its hosts.
        :param now: seconds since the epoch. :param lifetime: seconds from then; not beyond the authority's own.
        :raises InputError: a name, an address or the lifetime cannot be.
        """
        where = "a provider's certificate"
        if _PROVIDER.fullmatch(provider) is None:
            raise InputError(
                "the provider's id cannot stand in a certificate",
                where=where,
                remedy="use up to 64 letters, digits, dots, hyphens and underscores",
            )
        try:
            names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(URI_PREFIX + provider)]
            names += [x509.DNSName(each) for each in dns_names]
            names += [x509.IPAddress(ip_address(each)) for each in ip_addresses]
        except ValueError as error:
            raise InputError(f"no such host: {error}", where=where, remedy="give DNS names and IP addresses") from None
        begin, end = _validity(now, lifetime)
        if end > self._certificate.not_valid_after_utc:
            raise InputError("it would outlive its authority", where=where, remedy="choose a shorter lifetime")
        key = ec.generate_private_key(ec.SECP256R1())
        identifier = self._certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, provider)]))
            .issuer_name(self._certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return Credential(
            provider=provider, certificate=_pem(certificate), key=Secret(secret), authority=self.certificate
        )


def provider_of(certificate: bytes | str) -> str:
    """The provider that a certificate names; whether the certificate is to be trusted is TLS's matter.

    :param certificate: DER, or PEM. :raises InputError: it is no certificate, or names no provider, or several.
    """
    data = certificate.encode("utf-8", "surrogatepass") if isinstance(certificate, str) else certificate
    try:
        pem = data.lstrip().startswith(b"-----BEGIN")
        parsed = x509.load_pem_x509_certificate(data) if pem else x509.load_der_x509_certificate(data)
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise _nameless("it is not readable, or has no alternative names") from None
    found = [uri.removeprefix(URI_PREFIX) for uri in uris if uri.startswith(URI_PREFIX)]
    if len(found) != 1 or _PROVIDER.fullmatch(found[0]) is None:
        raise _nameless(f"it has {len(found)} URIs that name one" if len(found) != 1 else "its URI names none")
    return found[0]


def identify(tls: ssl.SSLObject | ssl.SSLSocket) -> str | None:
    """Whose the peer's verified certificate is; None: there is none, or it names no provider."""
    certificate = tls.getpeercert(binary_form=True)
    if not certificate:
        return None
    try:
        return provider_of(certificate)
    except InputError:
        return None


def server_context(credential: Credential) -> ssl.SSLContext:
    """TLS 1.3 and nothing else, and nobody without a certificate of the same authority.

    :raises InputError: the credential's certificate, key and authority do not go together.
    """
    context = _context(ssl.PROTOCOL_TLS_SERVER, credential)
    # A resumed session would still be good after its certificate has expired.
    context.num_tickets = 0
    return context


def client_context(credential: Credential) -> ssl.SSLContext:
    """TLS 1.3 and nothing else, only to the host that was meant, under the same authority.

    :raises InputError: the credential's certificate, key and authority do not go together.
    """
    context = _context(ssl.PROTOCOL_TLS_CLIENT, credential)
    context.check_hostname = True
    context.hostname_checks_common_name = False
    return context


def show(context: ssl.SSLContext, credential: Credential) -> None:
    """Have an existing context show this credential in every handshake from now on; what it trusts stays.

    :raises InputError: the certificate and its key do not go together.
    """
    try:
        _load(context, credential)
    except (ssl.SSLError, ValueError) as error:
        raise _mismatched(credential, error) from None


def validity(certificate: str) -> tuple[float, float]:
    """From when to when a certificate is good, seconds since the epoch. :param certificate: PEM.

    :raises InputError: it is no certificate.
    """
    try:
        parsed = x509.load_pem_x509_certificate(certificate.encode("utf-8", "surrogatepass"))
    except ValueError:
        raise InputError(
            "it is not readable", where="TLS certificate", remedy="use one that the lab has issued"
        ) from None
    return parsed.not_valid_before_utc.timestamp(), parsed.not_valid_after_utc.timestamp()


def _mismatched(credential: Credential, error: Exception) -> InputError:
    return InputError(
        f"the certificate, its key and its authority do not go together: {type(error).__name__}",
        where=f"TLS credential of {credential.provider}",
        remedy="use the three as they were issued",
    )


def _context(protocol: int, credential: Credential) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    try:
        context.load_verify_locations(cadata=credential.authority)
        _load(context, credential)
    except (ssl.SSLError, ValueError) as error:
        raise _mismatched(credential, error) from None
    return context


def _load(context: ssl.SSLContext, credential: Credential) -> None:
    """The library reads keys from files only: this one is in memory, has no name, and is gone when it is closed."""
    descriptor = os.memfd_create("tls")
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(credential.certificate.encode() + credential.key.reveal())
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=_no_password)
    finally:
        os.close(descriptor)


def _no_password() -> str:
    """Asked for a key that is encrypted; the library would else ask whoever sits at the terminal."""
    raise ValueError("the key is encrypted")


def _validity(now: float, lifetime: float) -> tuple[datetime, datetime]:
    """Certificates know whole seconds."""
    if not 0 < lifetime < math.inf:
        raise InputError(
            "a certificate lives for more than no seconds", where="certificate authority", remedy="give a lifetime"
        )
    try:
        begin = datetime.fromtimestamp(math.floor(now), UTC)
        return begin - _SKEW, begin + timedelta(seconds=math.floor(lifetime))
    except (OverflowError, ValueError, OSError):
        raise InputError(
            "the certificate's time is beyond all calendars", where="certificate authority", remedy="choose another"
        ) from None


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")


def _nameless(why: str) -> InputError:
    return InputError(
        f"the certificate names no provider: {why}", where="TLS certificate", remedy="use one that the lab has issued"
    )


__all__ = [
    "URI_PREFIX",
    "Credential",
    "LabAuthority",
    "client_context",
    "identify",
    "provider_of",
    "server_context",
    "show",
    "validity",
]
