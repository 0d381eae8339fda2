"""The OpenAPI document of the API as this version serves it, made from :data:`OPERATIONS` and the wire types.

OpenAPI 3.0.3, as the public specification is: tools that read one read the other, and a comparison shows what differs
instead of how it is written.
"""

from __future__ import annotations

from typing import Any

from xcnet import __version__
from xcnet.spec.errors import ErrorBody
from xcnet.spec.operations import OPERATIONS, PROOF_HEADER, REQUEST_ID, Operation, QueryParameter
from xcnet.spec.schemas import reference, schemas

_ID = r"^[A-Za-z0-9](?:[A-Za-z0-9._~-]{0,126}[A-Za-z0-9])?$"
_MEDIA = "application/json"
_REQUEST_ID_COMPONENT = "x-request-id"
_PATH_IDS = {
    "provider": "Who calls; a server shows every caller a tree of its own.",
    "environment": "The environment's id, the same at both providers.",
    "interconnect": "The interconnect's id.",
    "channel": "The channel's id.",
    "macSecKey": "The MACsec key's id.",
    "connection": "The connection's id: the UUID that both providers share.",
    "feature": "The feature's id.",
    "issue": "The issue's id.",
}
_TAGS = {
    "Providers": "The two clouds.",
    "Environments": "Pairs of places where they meet, and activation keys.",
    "Interconnects": "Redundancy groups of channels.",
    "Channels": "Links between two routers, their maintenance and the rotation of their keys.",
    "MacSecKey": "Connectivity association keys of a channel.",
    "Connections": "What customers have bought.",
    "Features": "A connection's configuration on one channel.",
    "Issues": "Tickets between the providers.",
}
_INFO = (
    "How two providers agree on customers' connections over the links between them. Requests come over mutual TLS 1.3 and are "
    "signed by the calling provider, each in its own way; a caller sees nothing outside of `/providers/{itself}`. "
    "Fields that are not known are passed over, and so are read-only fields in requests."
)
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait before the next try.", "schema": {"type": "integer"}}}


def document() -> dict[str, Any]:
    """The document as JSON data, made anew with each call."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS.values():
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    types = [each for operation in OPERATIONS.values() for each in (operation.request, operation.response) if each]
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "Connection Coordinator API",
            "description": _INFO,
            "version": __version__,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": schemas([*types, ErrorBody]),
            "parameters": _shared_parameters(),
            "responses": {
                "Refused": _response(
                    "The request is refused; the status says why.", reference(ErrorBody), refusal=True
                ),
                "Failed": _response("The server failed, or cannot answer now.", reference(ErrorBody), refusal=True),
            },
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [_component("parameters", name) for name in operation.path_parameters]
    parameters += [_query(each, operation) for each in operation.query]
    parameters.append(_component("parameters", _REQUEST_ID_COMPONENT))
    if operation.proven:
        parameters.append(_component("parameters", PROOF_HEADER))
    made: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": parameters,
    }
    if operation.request is not None:
        required = {"required": True} if operation.needs_body else {}
        made["requestBody"] = {**required, "content": _content(reference(operation.request))}
    made["responses"] = {
        "default": _response("Success, with status 200.", reference(operation.response)),
        "4XX": _component("responses", "Refused"),
        "5XX": _component("responses", "Failed"),
    }
    return made


def _query(parameter: QueryParameter, operation: Operation) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": parameter.type.value}
    if parameter.format is not None:
        schema["format"] = parameter.format
    if parameter.minimum is not None:
        schema["minimum"] = parameter.minimum
    pattern = _ID if parameter.name == operation.creates else parameter.pattern
    if pattern is not None:
        schema["pattern"] = pattern
    required = {"required": True} if parameter.required else {}
    return {"name": parameter.name, "in": "query", **required, "description": parameter.description, "schema": schema}


def _shared_parameters() -> dict[str, Any]:
    shared: dict[str, Any] = {
        name: {"name": name, "in": "path", "required": True, "description": text, "schema": {"type": "string"}}
        for name, text in _PATH_IDS.items()
    }
    shared[_REQUEST_ID_COMPONENT] = {
        "name": REQUEST_ID.name,
        "in": "query",
        "description": REQUEST_ID.description,
        "schema": {"type": "string", "format": REQUEST_ID.format},
    }
    shared[PROOF_HEADER] = {
        "name": PROOF_HEADER,
        "in": "header",
        "required": True,
        "description": "That the customer whose connection it is has a part in this: made by the customer's own session.",
        "schema": {"type": "string"},
    }
    return shared


def _response(description: str, schema: dict[str, Any], *, refusal: bool = False) -> dict[str, Any]:
    made: dict[str, Any] = {"description": description, "content": _content(schema)}
    if refusal:
        made["headers"] = _RETRY_AFTER
    return made


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {_MEDIA: {"schema": schema}}


def _component(kind: str, name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/{kind}/{name}"}


__all__ = ["document"]
