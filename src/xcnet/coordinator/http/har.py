"""Transcripts as HAR 1.2 (HTTP Archive), which browsers' and proxies' tools show."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TextIO
from urllib.parse import quote, urlencode

from xcnet import __version__
from xcnet.coordinator.http.transcript import Exchange

_UNKNOWN = -1
"""What the format says for a size or a time that is not known."""
_JSON = "application/json"


def har_entry(exchange: Exchange) -> dict[str, Any]:
    """One entry. What the format has no place for stands in fields that begin with an underscore, as it provides."""
    milliseconds = round(exchange.duration * 1000, 3)
    entry: dict[str, Any] = {
        "startedDateTime": _time(exchange.wall),
        "time": milliseconds,
        "request": _request(exchange),
        "response": _response(exchange),
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
        "_operationId": exchange.operation,
        "_side": exchange.side.value,
        "_source": exchange.source,
        "_peer": exchange.peer,
        "_ending": exchange.ending.value,
        "_monotonic": exchange.monotonic,
    }
    if exchange.note:
        entry["comment"] = exchange.note
    return entry


def _time(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _request(exchange: Exchange) -> dict[str, Any]:
    query = f"?{urlencode(exchange.query, quote_via=quote)}" if exchange.query else ""
    request: dict[str, Any] = {
        "method": exchange.method,
        "url": f"https://{exchange.authority}{exchange.path}{query}",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(exchange.request_headers),
        "queryString": _pairs(exchange.query),
        "headersSize": _UNKNOWN,
        "bodySize": exchange.request_bytes,
    }
    if exchange.request_body is not None:
        request["postData"] = {"mimeType": _JSON, "params": [], "text": _text(exchange.request_body)}
    return request


def _response(exchange: Exchange) -> dict[str, Any]:
    content: dict[str, Any] = {
        "size": exchange.response_bytes,
        "mimeType": exchange.response_headers.get("content-type", "x-unknown"),
    }
    if exchange.response_body is not None:
        content["text"] = _text(exchange.response_body)
    return {
        "status": exchange.status,
        "statusText": _phrase(exchange.status),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(exchange.response_headers),
        "content": content,
        "redirectURL": "",
        "headersSize": _UNKNOWN,
        "bodySize": exchange.response_bytes if exchange.status else _UNKNOWN,
    }


def _pairs(fields: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in fields.items()]


def _text(body: Mapping[str, Any]) -> str:
    return json.dumps(body, separators=(",", ":"))


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def har_lines(exchanges: Iterable[Exchange]) -> Iterator[str]:
    """The archive in pieces, so that none of any length is ever held as a whole."""
    creator = json.dumps({"name": "xcnet", "version": __version__})
    yield f'{{"log":{{"version":"1.2","creator":{creator},"entries":['
    separator = ""
    for exchange in exchanges:
        yield separator + json.dumps(har_entry(exchange), separators=(",", ":"))
        separator = ",\n"
    yield "]}}\n"


def write_har(exchanges: Iterable[Exchange], stream: TextIO) -> None:
    for piece in har_lines(exchanges):
        stream.write(piece)


__all__ = ["har_entry", "har_lines", "write_har"]
