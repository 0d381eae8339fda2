"""The way of every request at the server: bounded, authenticated, confined to its caller's tree, and only then looked at."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace

from xcnet.clock import Clock
from xcnet.coordinator.http.answers import (
    Dates,
    Receive,
    Scope,
    Send,
    Written,
    internal_error,
    refusal,
    send_written,
    too_fast,
    with_status,
)
from xcnet.coordinator.http.arrival import Arrival, BrokenOffError, headers_of, target_of
from xcnet.coordinator.http.facts import HttpFacts, Verifier
from xcnet.coordinator.http.limits import HttpLimits, RateLimiter
from xcnet.coordinator.http.transcript import TRACE_HEADER, Ending, Sent, Side, Transcript
from xcnet.spec.errors import ApiError, Reason

URL_TOO_LONG, HEADER_TOO_LARGE = 414, 431
PROVIDER, ABORT = "xcnet.provider", "xcnet.abort"
"""Where the connection leaves, in a request's ASGI state, whose certificate it has and how to break it off."""

_log = logging.getLogger(__name__)


class Gate:
    """An ASGI application in front of the routes.

    :param me: the provider that serves. :param challenge: what answers 401 say in ``WWW-Authenticate`` (RFC 9110, 11.6.1).
    :param unsigned: paths whose requests need no signature, only a certificate.
    :param routes: finds the operation and leaves the answer in :attr:`Arrival.written`.
    """

    def __init__(
        self,
        me: str,
        verifier: Verifier,
        routes: Callable[[Arrival, Scope], Awaitable[None]],
        *,
        challenge: str,
        unsigned: Collection[str],
        limits: HttpLimits,
        transcript: Transcript,
        clock: Clock,
    ) -> None:
        self._me = me
        self._verifier = verifier
        self._routes = routes
        self._challenge = (b"www-authenticate", challenge.encode("ascii"))
        self._unsigned = frozenset(unsigned)
        self._limits = limits
        self._transcript = transcript
        self._rate = RateLimiter(limits.requests_per_second, limits.request_burst, clock)
        self._refusals = RateLimiter(limits.refusals_per_second, limits.refusal_burst, clock)
        self._dates = Dates(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        arrival = self._arrived(scope)
        sent = arrival.sent
        try:
            written = await self._answer(arrival, scope, receive)
        except BrokenOffError as broken:
            self._transcript.close(sent, Ending.BROKEN, note=str(broken))
            scope["state"][ABORT]()
            return
        except ApiError as error:
            written = refusal(error)
        except Exception:
            _log.exception("%s %r from %s failed", sent.method, sent.path, arrival.provider)
            written = refusal(internal_error())
        if written.status in (401, 403):
            written = self._refused(arrival, written)
        await send_written(send, written, self._dates.field())
        self._transcript.close(
            sent,
            Ending.ANSWERED,
            status=written.status,
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in written.headers],
            body=written.shown,
            size=len(written.body),
        )

    def _refused(self, arrival: Arrival, written: Written) -> Written:
        """Say how to do better, and log it.

        Whoever goes on and on is put out each time: a handshake is dearer to it than a signature is to us.
        """
        if written.status == 401:
            written = replace(written, headers=(*written.headers, self._challenge))
        if self._refusals.take(arrival.provider) > 0.0:
            return replace(written, last=True)
        sent = arrival.sent
        _log.warning("refused %s %r to %s: %s", sent.method, sent.path, arrival.provider or "?", written.shown)
        return written

    def _arrived(self, scope: Scope) -> Arrival:
        headers = headers_of(scope)
        facts = HttpFacts(scope["method"], target_of(scope), headers, b"")
        provider = scope["state"].get(PROVIDER) or ""
        sent = self._transcript.begin(
            Sent(
                side=Side.SERVER,
                method=facts.method,
                path=facts.path,
                authority=facts.header("host") or "",
                peer=provider,
                trace=facts.header(TRACE_HEADER) or "",
                request_headers=headers,
            )
        )
        return Arrival(facts, scope["path"], scope["query_string"], provider, sent)

    async def _answer(self, arrival: Arrival, scope: Scope, receive: Receive) -> Written:
        """:raises ApiError: refused. :raises BrokenOffError: it is not to be answered."""
        too_large = self._too_large(arrival.facts)
        if too_large is not None:
            # The connection reads on and drops the body, so that the answer is not lost by closing upon unread bytes. But
            # who asks first whether to send it (RFC 9110, 10.1.1) does not send it now.
            return refusal(too_large, last=arrival.facts.header("expect") is not None)
        if arrival.facts.header("host") is None:
            raise ApiError(Reason.MALFORMED, "there is not exactly one Host field", field="Host")  # RFC 9112, 3.2
        body = await self._body(receive)
        if body is None:
            return refusal(self._body_too_large())
        arrival.sent.request_bytes = len(body)
        arrival.facts = HttpFacts(arrival.facts.method, arrival.facts.target, arrival.facts.headers, body)
        if not arrival.provider:
            raise ApiError(Reason.UNAUTHENTICATED, "the TLS client certificate names no provider that is known here")
        if arrival.path not in self._unsigned:
            arrival.caller = self._verifier.verify(arrival.facts, arrival.provider)
            if arrival.caller != arrival.provider:
                raise ApiError(Reason.UNAUTHENTICATED, "certificate and signature are of two providers")
            self._check_tree(arrival)
        wait = self._rate.take(arrival.provider)
        if wait > 0.0:
            raise too_fast(wait)
        # A slash inside an id would be taken for a border between two.
        if b"%2f" in scope["raw_path"].lower():
            raise ApiError(Reason.NOT_FOUND, "there is no such path")
        await self._routes(arrival, scope)
        if arrival.written is None:
            raise AssertionError(f"no answer to {arrival.facts.method} {arrival.path}")
        return arrival.written

    def _too_large(self, facts: HttpFacts) -> ApiError | None:
        limits = self._limits
        if len(facts.target) > limits.url_bytes:
            return with_status(ApiError(Reason.TOO_LARGE, "the URL is too long", field="URL"), URL_TOO_LONG)
        size = sum(len(name) + len(value) + 4 for name, value in facts.headers)
        if size > limits.header_bytes or len(facts.headers) > limits.header_fields:
            return with_status(ApiError(Reason.TOO_LARGE, "the header is too large", field="header"), HEADER_TOO_LARGE)
        length = facts.header("content-length")
        if length is not None and length.isdigit() and int(length[:18]) > limits.body_bytes:
            return self._body_too_large()
        return None

    def _body_too_large(self) -> ApiError:
        return ApiError(Reason.TOO_LARGE, f"the body has more than {self._limits.body_bytes} bytes", field="body")

    async def _body(self, receive: Receive) -> bytes | None:
        """All of it; None: it is too large. :raises BrokenOffError: it did not come."""
        body = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise BrokenOffError("the caller went away before its request was whole")
            chunk: bytes = message["body"]
            body = body + chunk if body else chunk
            if len(body) > self._limits.body_bytes:
                return None
            if not message.get("more_body", False):
                return body

    def _check_tree(self, arrival: Arrival) -> None:
        """:raises ApiError: the path is in another provider's tree."""
        words = arrival.path.split("/")
        if len(words) < 3 or words[1] != "providers" or words[2] in ("", arrival.caller):
            return
        if words[2] == self._me and len(words) == 3:
            return  # the server may be asked who it is
        raise ApiError(Reason.WRONG_PROVIDER, "the path is not in the caller's tree", field="provider")


__all__ = ["ABORT", "HEADER_TOO_LARGE", "PROVIDER", "URL_TOO_LONG", "Gate"]
