"""Customers' accounts: what they look like at a provider, which is told by the identity that its customers prove."""

from __future__ import annotations

import hashlib
import re

from xcnet.model.policy import CustomerIdentity

_SHAPES = {
    CustomerIdentity.PRESIGNED_CALL: (re.compile(r"[0-9]{12}"), "12 digits in quotes"),
    CustomerIdentity.IDENTITY_TOKEN: (
        re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]"),
        "6 to 30 lower-case letters, digits and hyphens, a letter first",
    ),
}


def is_account(identity: CustomerIdentity, account: str) -> bool:
    """Whether the provider could have such an account."""
    return _SHAPES[identity][0].fullmatch(account) is not None


def account_words(identity: CustomerIdentity) -> str:
    """What an account is written as."""
    return _SHAPES[identity][1]


def made_up_account(identity: CustomerIdentity, *seed: str) -> str:
    """An account for somebody who was given none: the same for the same words, another for others."""
    digest = hashlib.sha256("/".join(seed).encode()).hexdigest()
    if identity is CustomerIdentity.PRESIGNED_CALL:
        return str(10**11 + int(digest, 16) % (9 * 10**11))
    return f"project-{digest[:8]}"


__all__ = ["account_words", "is_account", "made_up_account"]
