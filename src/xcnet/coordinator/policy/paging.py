"""Pages of lists: stable while rows come and go, continued by tokens that nobody else can make or use elsewhere."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Sequence

from xcnet.secret import Secret
from xcnet.spec.errors import ApiError, Reason

_MAC_BYTES = 16
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")
"""8 bytes of a number and the MAC, without padding."""


class Pager:
    """A token names the last row of the page before it, by a number that no other row ever gets; its MAC binds it to the
    request. A list is read from there on in the order of these numbers: rows that go do not move the others, and a row
    that was there all the time is shown exactly once.

    :param key: of this server, kept for as long as tokens are to be good; those made with an earlier one are refused.
    """

    def __init__(self, key: Secret) -> None:
        self._key = key

    @staticmethod
    def size(asked: int | None, *, default: int, most: int) -> int:
        """How many rows to show: none asked for, or 0, is the default; more than the most is the most.

        :raises ApiError: 400 for a negative number (AIP-158).
        """
        if asked is None or asked == 0:
            return default
        if asked < 0:
            raise ApiError(Reason.INVALID_ARGUMENT, "pageSize is negative", field="pageSize")
        return min(asked, most)

    def token(self, last: int, scope: Sequence[str], page_size: object) -> str:
        """:param scope: operation, caller and path parameters. :param page_size: as it was asked for."""
        body = last.to_bytes(8, "big")
        return base64.urlsafe_b64encode(body + self._mac(body, scope, page_size)).decode()

    def read(self, token: str, scope: Sequence[str], page_size: object) -> int:
        """The last row's number. :raises ApiError: 400, not a token of this server for this very list and page size."""
        # Exactly as it was made: base64 would read other spellings of it too.
        raw = base64.urlsafe_b64decode(token) if _TOKEN.fullmatch(token) else b""
        body, mac = raw[:8], raw[8:]
        if not raw or not hmac.compare_digest(mac, self._mac(body, scope, page_size)):
            raise ApiError(
                Reason.BAD_PAGE_TOKEN,
                "pageToken is not of this list, or the other parameters are not what they were",
                field="pageToken",
            )
        return int.from_bytes(body, "big")

    def _mac(self, body: bytes, scope: Sequence[str], page_size: object) -> bytes:
        bound = json.dumps([*scope, page_size]).encode()
        return hmac.digest(self._key.reveal(), body + bound, hashlib.sha256)[:_MAC_BYTES]


__all__ = ["Pager"]
