"""Key material as a type of its own, so that printing, logging or serialising it by mistake shows nothing."""

from __future__ import annotations

import hmac
import secrets
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

_REDACTED = "<secret>"


class Secret:
    """Bytes that must never reach argv, a log, an event or a report.

    ``str``, ``repr`` and pydantic's default serialisation give ``<secret>``. The value is had only by saying
    :meth:`reveal`, so that every use can be found by searching for that word. A model is written with its secrets only
    under the serialisation context ``{"reveal": True}``, which is for pipes and sockets between the lab's own processes.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = bytes(value)

    @classmethod
    def random(cls, length: int) -> Secret:
        """A fresh secret of ``length`` bytes from the operating system's generator."""
        return cls(secrets.token_bytes(length))

    @classmethod
    def from_text(cls, text: str) -> Secret:
        """A secret that is a pass phrase, e.g. a TCP MD5 password (RFC 2385), kept as its UTF-8 bytes."""
        return cls(text.encode())

    def reveal(self) -> bytes:
        """The bytes themselves."""
        return self._value

    def reveal_text(self) -> str:
        """The bytes as UTF-8 text, for pass phrases."""
        return self._value.decode()

    def __len__(self) -> int:
        return len(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __repr__(self) -> str:
        return _REDACTED

    __str__ = __repr__

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def parse(value: Any) -> Secret:
            if isinstance(value, Secret):
                return value
            if isinstance(value, str):
                try:
                    return cls(bytes.fromhex(value))
                except ValueError:
                    raise ValueError("must be written as hexadecimal digits, two for each byte") from None
            raise ValueError("must be written as hexadecimal digits")

        def write(value: Secret, info: core_schema.SerializationInfo) -> str:
            context = info.context
            reveal = isinstance(context, dict) and context.get("reveal") is True
            return value._value.hex() if reveal else _REDACTED

        return core_schema.no_info_plain_validator_function(
            parse,
            serialization=core_schema.plain_serializer_function_ser_schema(write, info_arg=True),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: Any) -> dict[str, Any]:
        return {"type": "string", "pattern": "^([0-9a-fA-F]{2})*$", "description": "hexadecimal digits"}


__all__ = ["Secret"]
