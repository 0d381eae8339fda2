"""One attempt to call an operation at a peer: written, signed, sent once, read, and entered in the transcript."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from pydantic import ValidationError

from xcnet.clock import Clock, SystemClock
from xcnet.coordinator.http.facts import HttpFacts, Signer
from xcnet.coordinator.http.outcomes import Answer, BadAnswerError, CallError, NotSentError
from xcnet.coordinator.http.redaction import secrets_of, without_echo
from xcnet.coordinator.http.transcript import TRACE_HEADER, Ending, Sent, Side, Transcript, new_trace
from xcnet.coordinator.http.transport import Endpoint, Headers, OutgoingRequest, RawAnswer, Transport
from xcnet.errors import InputError
from xcnet.secret import Secret
from xcnet.spec.base import WireModel, parse_request, parse_response
from xcnet.spec.errors import ApiError
from xcnet.spec.operations import PROOF_HEADER, REQUEST_ID, Operation

Body = WireModel | Mapping[str, Any]
_CALL_SECONDS = 30.0
_LONGEST_RETRY_AFTER = 3600
_FIXED: Headers = (("Accept", "application/json"), ("User-Agent", "xcnet"))


class Caller(Protocol):
    """Calls one peer."""

    async def call(
        self,
        operation: Operation,
        ids: Mapping[str, str],
        query: Mapping[str, str | int] | None = None,
        body: Body | None = None,
        *,
        request_id: str | None = None,
        proof: Secret | None = None,
        seconds: float | None = None,
    ) -> Answer:
        """Call an operation.

        :param ids: path parameters. :param query: beside requestId. :param body: a model, or its JSON with key material.
        :param proof: the customer's. :param seconds: for the whole of it; None: as the client is set.
        :raises ApiError: the peer refused. :raises NotSentError: certainly not executed.
        :raises UnknownOutcomeError: it may have been executed. :raises InputError: no such request can be written.
        """
        ...

    async def close(self) -> None: ...


class PeerCaller:
    """Exactly one attempt for each call; nothing is ever sent again.

    :param transport: to that endpoint. :param signer: signs each attempt anew; None for a peer that asks for no signature.
    :param seconds: for a call that does not say so itself.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        transport: Transport,
        signer: Signer | None,
        *,
        transcript: Transcript | None = None,
        seconds: float = _CALL_SECONDS,
        clock: Clock | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._authority = endpoint.authority
        self._prefix = endpoint.prefix
        self.transport = transport
        self._signer = signer
        self._transcript = transcript or Transcript(None, "")
        self._seconds = seconds
        self._clock: Clock = clock or SystemClock()

    async def call(
        self,
        operation: Operation,
        ids: Mapping[str, str],
        query: Mapping[str, str | int] | None = None,
        body: Body | None = None,
        *,
        request_id: str | None = None,
        proof: Secret | None = None,
        seconds: float | None = None,
    ) -> Answer:
        """See :meth:`Caller.call`."""
        parameters: dict[str, str | int] = dict(query or {})
        if request_id is not None:
            parameters[REQUEST_ID.name] = request_id
        path = self._prefix + path_of(operation, ids)
        content, model = _content(operation, body)
        trace = new_trace()
        request = self._request(operation, path, parameters, content, trace, proof)
        sent = self._transcript.begin(
            Sent(
                side=Side.CLIENT,
                method=operation.method,
                path=path,
                authority=self._authority,
                peer=self.endpoint.provider,
                operation=operation,
                request_id=request_id or "",
                trace=trace,
                query=parameters,
                request_headers=request.headers,
                request_body=model,
                request_bytes=len(content),
            )
        )
        self._transcript.announce(sent)
        try:
            raw = await self.transport.send(request, self._seconds if seconds is None else seconds)
        except CallError as error:
            ending = Ending.NOT_SENT if isinstance(error, NotSentError) else Ending.UNKNOWN
            status = error.status if isinstance(error, BadAnswerError) else 0
            self._transcript.close(sent, ending, status=status, note="; ".join((*request.notes, error.cause)))
            raise
        except asyncio.CancelledError:
            self._transcript.close(sent, Ending.UNKNOWN, note="; ".join((*request.notes, "given up")))
            raise
        return self._read(operation, raw, sent, request.notes, _confided(model, proof))

    def _request(
        self,
        operation: Operation,
        path: str,
        query: Mapping[str, str | int],
        content: bytes,
        trace: str,
        proof: Secret | None,
    ) -> OutgoingRequest:
        target = f"{path}?{urlencode(query, quote_via=quote, safe='')}" if query else path
        headers = (*_FIXED, (TRACE_HEADER, trace))
        if content:
            headers += (("Content-Type", "application/json"),)
        if proof is not None:
            headers += ((PROOF_HEADER, proof.reveal_text()),)
        return OutgoingRequest(
            peer=self.endpoint.provider,
            operation=operation.id,
            method=operation.method,
            target=target,
            headers=headers,
            body=content,
            sign=lambda: self._signature(operation.method, target, headers, content),
        )

    def _signature(self, method: str, target: str, headers: Headers, content: bytes) -> Headers:
        if self._signer is None:
            return ()
        signed = (("host", self._authority), *((name.lower(), value) for name, value in headers))
        return tuple(self._signer.sign(HttpFacts(method, target, signed, content)).items())

    def _read(self, operation: Operation, raw: RawAnswer, sent: Sent, notes: list[str], confided: list[str]) -> Answer:
        """:raises ApiError: refused. :raises BadAnswerError: not to be read."""
        size, note, headers = len(raw.body), "; ".join(notes), tuple(raw.headers.items())
        if 200 <= raw.status < 300:
            try:
                body = parse_response(operation.response, raw.body)
            except ValueError as error:
                wrong = f"the answer is no {operation.response.__name__}: {_problems(error)}"
            else:
                self._transcript.close(
                    sent, Ending.ANSWERED, status=raw.status, headers=headers, body=body, size=size, note=note
                )
                return Answer(body, raw.headers, raw.status)
        elif raw.status >= 400:
            refusal = ApiError.from_wire(raw.status, raw.body, self._retry_after(raw.headers.get("retry-after")))
            refusal = without_echo(refusal, confided)
            self._transcript.close(
                sent, Ending.ANSWERED, status=raw.status, headers=headers, body=refusal, size=size, note=note
            )
            raise refusal
        else:
            wrong = f"HTTP status {raw.status} is no answer of this API"
        note = "; ".join((*notes, wrong))
        self._transcript.close(sent, Ending.ANSWERED, status=raw.status, headers=headers, size=size, note=note)
        raise BadAnswerError(
            wrong,
            where=f"peer {self.endpoint.provider}, {operation.id}",
            remedy="compare both ends' versions of the API",
            status=raw.status,
        )

    def _retry_after(self, value: str | None) -> int | None:
        """RFC 9110, 10.2.3: seconds, or a date."""
        if value is None:
            return None
        try:
            if value.isascii() and value.isdigit():
                seconds = int(value[:9])
            else:
                seconds = int(parsedate_to_datetime(value).timestamp() - self._clock.wall()) + 1
        except (ValueError, OverflowError):
            return None
        return max(0, min(seconds, _LONGEST_RETRY_AFTER))

    async def close(self) -> None:
        await self.transport.close()


def path_of(operation: Operation, ids: Mapping[str, str]) -> str:
    """The operation's path with these ids. :raises InputError: one is missing, or is none."""
    try:
        quoted = {name: quote(ids[name], safe="") for name in operation.path_parameters}
    except KeyError as error:
        raise _no_id(operation, str(error.args[0])) from None
    # A dot segment would be taken for a way up in the path (RFC 3986, 5.2.4).
    for name, value in quoted.items():
        if value in ("", ".", ".."):
            raise _no_id(operation, name)
    return operation.path.format_map(quoted)


def _no_id(operation: Operation, name: str) -> InputError:
    return InputError(
        f"{operation.id} needs the id of the {name}", where=operation.path, remedy="give the resource's whole name"
    )


def _content(operation: Operation, body: Body | None) -> tuple[bytes, WireModel | None]:
    """The request's body, and as a model, as far as it is one."""
    if operation.request is None:
        return b"", None
    if body is None:
        body = {}
    if isinstance(body, WireModel):
        return json.dumps(body.to_wire(reveal=True), separators=(",", ":")).encode(), body
    content = json.dumps(body, separators=(",", ":")).encode()
    try:
        return content, parse_request(operation.request, content)
    except ValueError:
        return content, None


def _confided(model: WireModel | None, proof: Secret | None) -> list[str]:
    """What this request carries that its answer must not repeat."""
    return [*secrets_of(model), *secrets_of(proof)]


def _problems(error: ValueError) -> str:
    """What is wrong with an answer, without the answer."""
    if not isinstance(error, ValidationError):
        return "not readable"
    problems = [
        f"{'.'.join(str(part) for part in each['loc']) or 'body'}: {each['type']}"
        for each in error.errors(include_url=False, include_context=False, include_input=False)[:5]
    ]
    return "; ".join(problems)


__all__ = ["Body", "Caller", "PeerCaller", "path_of"]
