"""Requests as they are, right or wrong, and the evidence of every exchange."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import quote, urlencode

from xcnet.conformance.registry import Violation
from xcnet.conformance.subject import Subject
from xcnet.coordinator.http.caller import path_of
from xcnet.coordinator.http.facts import HttpFacts
from xcnet.coordinator.http.outcomes import BadAnswerError, NotSentError, UnknownOutcomeError
from xcnet.coordinator.http.transport import Headers, HttpTransport, OutgoingRequest
from xcnet.secret import Secret
from xcnet.spec.operations import OPERATIONS, PROOF_HEADER, Operation

SECONDS = 30.0
"""For one answer."""
_PATIENCE = 8
"""How often one is told to come again before that is a violation."""
_LONGEST_WAIT = 30.0
_MOST_SHOWN = 200
"""Characters of a server's message."""

Json = Mapping[str, Any]
Signing = Callable[[Headers], Headers]
"""What becomes of a request's signature."""


@dataclass(frozen=True)
class Reply:
    """One exchange.

    :param operation: what it was meant to be. :param number: of the exchange, from 1 on. :param seconds: it took.
    :param headers: lower-case names. :param confided: what the request held that is not to be shown.
    """

    operation: Operation
    method: str
    number: int
    status: int
    headers: Mapping[str, str]
    raw: bytes = field(repr=False)
    seconds: float
    confided: tuple[str, ...] = field(default=(), repr=False)

    @property
    def json(self) -> Any:
        """The body; None if it is not JSON."""
        try:
            return json.loads(self.raw)
        except ValueError:
            return None

    @property
    def object(self) -> dict[str, Any]:
        """:raises Violation: the body is no JSON object."""
        found = self.json
        if not isinstance(found, dict):
            raise Violation(f"{self} with a body that is no JSON object")
        return found

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def message(self) -> str | None:
        """What a refusal says, without what was confided to the server; None: it says nothing, or is none."""
        body = self.json
        message = body.get("message") if isinstance(body, dict) and not self.ok else None
        if not isinstance(message, str):
            return None
        for each in self.confided:
            message = message.replace(each, "<secret>")
        return message[:_MOST_SHOWN]

    def __str__(self) -> str:
        said = f"{self.operation.id} ({self.method}, exchange {self.number}) is answered {self.status}"
        return said if self.message is None else f"{said} “{self.message}”"


class Wire:
    """Sends each request once; is patient where the server asks to come again later.

    :param told: of every exchange, for the transcript. :raises InputError: the URL is none.
    """

    def __init__(self, subject: Subject, told: Callable[[Reply], None] = lambda _: None) -> None:
        self.subject = subject
        self.replies: list[Reply] = []
        self._told = told
        self._transport = self.transport(subject.tls(True))

    def transport(self, context: ssl.SSLContext) -> HttpTransport:
        """Another way to the server."""
        return HttpTransport(self.subject.endpoint, context)

    async def close(self) -> None:
        await self._transport.close()

    async def send(
        self,
        operation: str,
        ids: Mapping[str, str],
        query: Mapping[str, str | int] | None = None,
        body: Json | bytes | None = None,
        *,
        proof: Secret | None = None,
        sign: Signing | None = lambda signature: signature,
        headers: Headers = (),
        method: str | None = None,
        path: str | None = None,
        confided: Iterable[Secret] = (),
        patient: bool = True,
        over: HttpTransport | None = None,
    ) -> Reply:
        """One request and what is answered.

        :param ids: path parameters. :param body: JSON, or bytes as they are; None sends ``{}`` where a body is declared.
        :param sign: what is done to the signature; None: there is none.
        :param method: :param path: in place of the operation's own.
        :param patient: 429 and 503 with Retry-After are obeyed. :param over: another way than the usual.
        :raises Violation: no answer, or one that is no HTTP.
        """
        found = OPERATIONS[operation]
        target = path if path is not None else self.subject.endpoint.prefix + path_of(found, ids)
        if query:
            target += "?" + urlencode(query, quote_via=quote, safe="")
        content = _content(found, body)
        fields: Headers = (("Accept", "application/json"), ("User-Agent", "xcnet-conformance"), *headers)
        if content:
            fields += (("Content-Type", "application/json"),)
        if proof is not None:
            fields += ((PROOF_HEADER, proof.reveal_text()),)
        used = method or found.method

        def signature() -> Headers:
            return () if sign is None else sign(self._signature(used, target, fields, content))

        request = OutgoingRequest(self.subject.server, operation, used, target, fields, content, signature)
        secret = tuple(each.reveal_text() for each in (*confided, *([proof] if proof is not None else [])))
        for _ in range(_PATIENCE):
            reply = await self._once(found, request, over or self._transport, secret)
            wait = _retry_after(reply) if patient else None
            if wait is None:
                return reply
            await asyncio.sleep(wait)
        raise Violation(f"{reply}, {_PATIENCE} times in a row, each Retry-After obeyed")

    async def _once(
        self, operation: Operation, request: OutgoingRequest, over: HttpTransport, confided: tuple[str, ...]
    ) -> Reply:
        begun = time.monotonic()
        try:
            raw = await over.send(request, SECONDS)
        except (NotSentError, UnknownOutcomeError, BadAnswerError) as error:
            raise Violation(f"{operation.id} ({request.method}): {error.cause}") from error
        reply = Reply(
            operation,
            request.method,
            len(self.replies) + 1,
            raw.status,
            raw.headers,
            raw.body,
            time.monotonic() - begun,
            confided,
        )
        self.replies.append(reply)
        self._told(reply)
        return reply

    def _signature(self, method: str, target: str, headers: Headers, content: bytes) -> Headers:
        signer = self.subject.signer
        if signer is None:
            return ()
        signed = (("host", self.subject.endpoint.authority), *((name.lower(), value) for name, value in headers))
        return tuple(signer.sign(HttpFacts(method, target, signed, content)).items())


def _content(operation: Operation, body: Json | bytes | None) -> bytes:
    if isinstance(body, bytes):
        return body
    if body is None:
        return b"{}" if operation.request is not None else b""
    return json.dumps(body, separators=(",", ":"), default=_written).encode()


def _written(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal_text()
    raise TypeError(f"{type(value).__name__} in a body")


def _retry_after(reply: Reply) -> float | None:
    """Seconds for which to wait and try again; None: this is the answer."""
    if reply.status not in (429, 503):
        return None
    said = reply.headers.get("retry-after", "")
    return min(float(said), _LONGEST_WAIT) if said.isdigit() else None


def listed(reply: Reply, name: str) -> list[dict[str, Any]]:
    """The items of an answered list, none where the field is absent. :raises Violation: they are no list of objects."""
    found = reply.object.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise Violation(f"{reply} with {name} that is no list of objects")
    return cast("list[dict[str, Any]]", found)


__all__ = ["SECONDS", "Json", "Reply", "Wire", "listed"]
