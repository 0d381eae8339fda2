"""Field masks: which fields of a connection an update is about."""

from __future__ import annotations

from pydantic.alias_generators import to_camel

from xcnet.spec.connections import Connection
from xcnet.spec.errors import ApiError, Reason

_UPDATABLE = frozenset({"bandwidthMbps"})
_IGNORED = frozenset({"name"})
"""Identifies the connection, and may stand in any request."""


def updated_fields(mask: str | None, body: Connection) -> frozenset[str]:
    """JSON names of what is to be updated. Whether the body has them is another question.

    :param mask: names in JSON's or in snake case, separated by commas; ``*`` alone for all that can be updated; None, or
        nothing, for those that the body has (AIP-134).
    :raises ApiError: 400 for a field that cannot be updated, or that a connection has not.
    """
    words = [word.strip() for word in (mask or "").split(",") if word.strip()]
    if words == ["*"]:
        return _UPDATABLE
    named = frozenset(_json_name(word) for word in words) if words else frozenset(body.to_wire()) - _IGNORED
    known = {field.alias or name for name, field in Connection.model_fields.items()}
    for field in sorted(named - _UPDATABLE):
        why = "can not be updated" if field in known else "is no field of a connection"
        raise ApiError(Reason.FIELD_NOT_UPDATABLE, f"{field} {why}", field=field)
    return named


def _json_name(word: str) -> str:
    return to_camel(word) if "_" in word else word


__all__ = ["updated_fields"]
