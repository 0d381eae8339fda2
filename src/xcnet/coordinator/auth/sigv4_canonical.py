"""AWS Signature Version 4 as arithmetic: canonical request, string to sign, key derivation, signature.

Written for what is on the wire: paths and queries are taken in the percent-encoding in which they are sent, which a signer of
this kind encodes a second time (all services but S3 do) and sorts. Two spellings of one query are two queries here.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from xcnet.coordinator.auth.facts import Headers, RequestFacts
from xcnet.secret import Secret

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"

_STAMP = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_STAMP_FORMAT = "%Y%m%dT%H%M%SZ"
_BLANKS = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signing key is good for. :param date: ``YYYYMMDD``, of the signature's time."""

    date: str
    region: str
    service: str

    def __str__(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/{TERMINATOR}"


def stamp(now: float) -> str:
    """Seconds since the epoch as signatures show them, in whole seconds: ``20150830T123600Z``."""
    return datetime.fromtimestamp(int(now), UTC).strftime(_STAMP_FORMAT)


def parse_stamp(text: str) -> float:
    """Seconds since the epoch. :raises ValueError: it is no time."""
    if _STAMP.fullmatch(text) is not None:
        with contextlib.suppress(ValueError):
            return datetime.strptime(text, _STAMP_FORMAT).replace(tzinfo=UTC).timestamp()
    raise ValueError("the time is not written as YYYYMMDDThhmmssZ")


def canonical_path(path: str) -> str:
    """Without dot segments and double slashes (RFC 3986, 5.2.4, and more), encoded once more."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    normal = ("/" if path.startswith("/") or not path else "") + "/".join(kept)
    if path.endswith("/") and kept:
        normal += "/"
    return quote(_bytes(normal), safe="/~")


def pairs_of(query: str) -> list[tuple[str, str]]:
    """A query's names and values, as they are encoded."""
    pairs = [each.partition("=") for each in query.split("&")] if query else []
    return [(name, value) for name, _, value in pairs]


def canonical_query(query: str, without: Collection[str] = ()) -> str:
    """Sorted by name, then value. :param without: names that are left out."""
    return "&".join(f"{name}={value}" for name, value in sorted(pairs_of(query)) if name not in without)


def canonical_headers(headers: Headers, names: Iterable[str]) -> str:
    """A line for each name, in the given order; fields of one name are one, blanks in a row are one."""
    lines = []
    for name in names:
        values = [_BLANKS.sub(" ", value).strip(" ") for each, value in headers if each == name]
        lines.append(f"{name}:{','.join(values)}\n")
    return "".join(lines)


def canonical_request(facts: RequestFacts, query: str, names: Collection[str], body_sha256: str) -> str:
    """:param query: as :func:`canonical_query` gives it. :param names: of the signed header fields, sorted."""
    return "\n".join(
        (
            facts.method,
            canonical_path(facts.path),
            query,
            canonical_headers(facts.headers, names),
            ";".join(names),
            body_sha256,
        )
    )


def string_to_sign(timestamp: str, scope: Scope, request: str) -> str:
    """:param timestamp: as :func:`stamp` gives it. :param request: the canonical one."""
    return f"{ALGORITHM}\n{timestamp}\n{scope}\n{hashlib.sha256(_bytes(request)).hexdigest()}"


def signing_key(secret: Secret, scope: Scope) -> bytes:
    """The key that is good for one day, region and service."""
    key = b"AWS4" + secret.reveal()
    for part in (scope.date, scope.region, scope.service, TERMINATOR):
        key = hmac.digest(key, _bytes(part), "sha256")
    return key


def signature(secret: Secret, timestamp: str, scope: Scope, request: str) -> str:
    """64 hexadecimal digits, lower case. :param request: the canonical one."""
    return hmac.digest(signing_key(secret, scope), _bytes(string_to_sign(timestamp, scope, request)), "sha256").hex()


def _bytes(text: str) -> bytes:
    """Any text: what cannot be encoded is refused as a wrong signature, not as an accident."""
    return text.encode("utf-8", "surrogatepass")


__all__ = [
    "ALGORITHM",
    "TERMINATOR",
    "Scope",
    "canonical_headers",
    "canonical_path",
    "canonical_query",
    "canonical_request",
    "pairs_of",
    "parse_stamp",
    "signature",
    "signing_key",
    "stamp",
    "string_to_sign",
]
