"""The API as a FastAPI application made from its operations, behind the gate that every request passes."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import Route

from xcnet.clock import Clock, SystemClock
from xcnet.coordinator.http.answers import JSON, Receive, Scope, Send, Written, internal_error, refusal
from xcnet.coordinator.http.arrival import Arrival, OpenAnswer, OpenHandler
from xcnet.coordinator.http.facts import HttpFacts, ProofChecker, Verifier
from xcnet.coordinator.http.faults import FaultPoint
from xcnet.coordinator.http.gate import Gate
from xcnet.coordinator.http.handler import Handler
from xcnet.coordinator.http.limits import HttpLimits
from xcnet.coordinator.http.transcript import Transcript
from xcnet.coordinator.service import Service
from xcnet.spec.errors import ApiError, Reason
from xcnet.spec.operations import OPERATIONS, Operation

OPENAPI_PATH = "/openapi.json"
_ARRIVAL = "xcnet.arrival"


class _Left(Response):
    """Sends nothing: the answer was left for the gate, which sends it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive, send


_LEFT = _Left()


def create_app(
    service: Service,
    verifier: Verifier,
    *,
    provider: str,
    challenge: str | None = None,
    proofs: ProofChecker | None = None,
    open_routes: Mapping[str, OpenHandler] | None = None,
    document: Callable[[], Mapping[str, Any]] | None = None,
    limits: HttpLimits | None = None,
    transcript: Transcript | None = None,
    faults: FaultPoint | None = None,
    clock: Clock | None = None,
) -> Gate:
    """The server's ASGI application.

    :param verifier: tells who signed a request. :param provider: who serves.
    :param challenge: the scheme that ``verifier`` asks for, as answers 401 name it; None: that there is one.
    :param proofs: checks customers' proofs. :param open_routes: path -> handler of GET, for callers with a certificate but
        no signature. :param document: makes the OpenAPI document, at the first request for it.
    :param transcript: of every exchange. :param faults: what goes wrong here on purpose.
    """
    limits = limits or HttpLimits()
    transcript = transcript or Transcript(None, provider)
    handler = Handler(service, proofs, proof_seconds=limits.proof_seconds, transcript=transcript, faults=faults)
    unsigned = dict(open_routes or {})
    if document is not None:
        unsigned[OPENAPI_PATH] = _serving(document)
    api = _api(handler, unsigned)

    async def routes(arrival: Arrival, scope: Scope) -> None:
        scope[_ARRIVAL] = arrival
        await api(scope, _no_more, _nothing)
        if arrival.error is not None:
            raise arrival.error

    return Gate(
        provider,
        verifier,
        routes,
        challenge=challenge or f'Signature realm="{provider}"',
        unsigned=unsigned,
        limits=limits,
        transcript=transcript,
        clock=clock or SystemClock(),
    )


def _api(handler: Handler, unsigned: Mapping[str, OpenHandler]) -> FastAPI:
    api = FastAPI(
        openapi_url=None, docs_url=None, redoc_url=None, swagger_ui_oauth2_redirect_url=None, redirect_slashes=False
    )
    for operation in OPERATIONS.values():
        api.add_api_route(
            operation.path,
            _endpoint(handler, operation),
            methods=[operation.method],
            operation_id=operation.id,
            response_model=None,
            tags=[operation.tag],
            summary=operation.summary,
        )
    for path, answer in unsigned.items():
        api.add_api_route(path, _open_endpoint(answer), methods=["GET"], response_model=None, include_in_schema=False)

    async def unknown(request: Request, error: Exception) -> Response:
        _arrival(request).written = _not_routed(api, request, error)
        return _LEFT

    api.add_exception_handler(HTTPException, unknown)
    return api


def _endpoint(handler: Handler, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        arrival = _arrival(request)
        try:
            arrival.written = await handler(operation, arrival, request.path_params)
        except Exception as error:
            arrival.error = error
        return _LEFT

    return endpoint


def _open_endpoint(handler: OpenHandler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        arrival = _arrival(request)
        try:
            answer = await handler(arrival.facts, arrival.provider)
        except Exception as error:
            arrival.error = error
        else:
            media = (b"content-type", answer.content_type.encode("ascii"))
            arrival.written = Written(answer.status, (media,), answer.body)
        return _LEFT

    return endpoint


def _arrival(request: Request) -> Arrival:
    arrival: Arrival = request.scope[_ARRIVAL]
    return arrival


def _not_routed(api: FastAPI, request: Request, error: Exception) -> Written:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405:
        path = request.scope["path"]
        methods = {
            method
            for route in api.routes
            if isinstance(route, Route) and route.path_regex.match(path)
            for method in route.methods or ()
        }
        allow = ((b"allow", ", ".join(sorted(methods)).encode("ascii")),)
        return refusal(ApiError(Reason.METHOD_NOT_ALLOWED, "the path does not take this method"), allow)
    if status == 404:
        return refusal(ApiError(Reason.NOT_FOUND, "there is no such path"))
    return refusal(internal_error())


def _serving(document: Callable[[], Mapping[str, Any]]) -> OpenHandler:
    written: list[bytes] = []

    async def answer(_facts: HttpFacts, _provider: str) -> OpenAnswer:
        if not written:
            written.append(json.dumps(document(), separators=(",", ":")).encode())
        return OpenAnswer(written[0], content_type=JSON)

    return answer


async def _no_more() -> dict[str, Any]:
    """The body has been read before; nothing behind the gate asks for it."""
    return {"type": "http.disconnect"}


async def _nothing(message: Any) -> None:
    """Answers are sent at the gate."""
    raise AssertionError(f"{message['type']} was sent past the gate")


__all__ = ["OPENAPI_PATH", "create_app"]
