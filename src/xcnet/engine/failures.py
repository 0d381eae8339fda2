"""Errors on their way from the warm process to the command line: the same class, cause, place and remedy arrive."""

from __future__ import annotations

import json

from xcnet import errors
from xcnet.errors import EngineError, XcnetError


def error_to_json(error: XcnetError) -> str:
    """The error under the name of the nearest class that both ends know."""
    known = next(kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
    return json.dumps({**error.as_dict(), "error": known.__name__})


def error_from_json(text: str) -> XcnetError:
    """The error itself. What cannot be understood becomes an :class:`EngineError` that quotes it."""
    try:
        raw = json.loads(text)
        kind = getattr(errors, raw["error"], XcnetError)
        if not (isinstance(kind, type) and issubclass(kind, XcnetError)):
            kind = XcnetError
        return kind(raw["cause"], where=raw.get("where", ""), remedy=raw.get("remedy", ""))
    except (ValueError, KeyError, TypeError):
        return EngineError(f"the lab's process failed: {text[:500]}", remedy="look at engine.log in the lab's folder")


__all__ = ["error_from_json", "error_to_json"]
