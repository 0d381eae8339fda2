"""What of a request its authentication depends on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Self

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """A request as it is on the wire. What may hold a credential is not shown.

    :param path: percent-encoded, without the query. :param query: percent-encoded, without the question mark.
    :param headers: lower-case names with their values, in their order, ``host`` among them.
    :param tls_provider: whose verified TLS client certificate it came under; empty where there was none, and while signing.
    """

    method: str
    path: str
    query: str = field(default="", repr=False)
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    tls_provider: str = ""

    @classmethod
    def of(cls, method: str, target: str, headers: Headers = (), body: bytes = b"", tls_provider: str = "") -> Self:
        """:param target: path and query, as in the request line."""
        path, _, query = target.partition("?")
        return cls(method, path, query, headers, body, tls_provider)

    @property
    def target(self) -> str:
        """Path and query, as in the request line; a question mark with nothing behind it is left out."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def values(self, name: str) -> list[str]:
        """Of every header field of this lower-case name."""
        return [value for each, value in self.headers if each == name]

    def body_sha256(self) -> str:
        """Hexadecimal digits, lower case."""
        return hashlib.sha256(self.body).hexdigest()


__all__ = ["Headers", "RequestFacts"]
