"""What a provider holds to make its customers' proofs, and what its peers know to check them, for each kind of proof."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from xcnet.coordinator.auth import jws, proof_presigned
from xcnet.coordinator.auth.proof import CustomerIdentity, Fetch, IdentityDoor, ProofChecker, ProofMaker
from xcnet.coordinator.auth.proof_presigned import IdentityEndpoint, PresignedChecker, PresignedDoor, PresignedMaker
from xcnet.coordinator.auth.proof_token import KeySet, TokenChecker, TokenDoor, TokenMaker
from xcnet.coordinator.auth.sigv4 import REGION
from xcnet.errors import InputError
from xcnet.secret import Secret

ProofKind = Literal["presigned_call", "identity_token"]
"""How a provider's customers prove who they are."""

IDENTITY_PATH = "/identity"
KEYS_PATH = "/.well-known/jwks.json"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KnownPresigned(_Model):
    """:param provider: the customers'. :param url: of its identity endpoint."""

    kind: Literal["presigned_call"] = "presigned_call"
    provider: str
    url: str
    region: str = REGION
    service: str = proof_presigned.SERVICE


class KnownToken(_Model):
    """:param provider: the customers', who signs. :param url: of its published keys."""

    kind: Literal["identity_token"] = "identity_token"
    provider: str
    url: str


KnownIdentity = Annotated[KnownPresigned | KnownToken, Field(discriminator="kind")]
"""What a provider's peers know of how its customers prove who they are; nothing in it is secret."""


class PresignedIdentity(_Model):
    """:param known: what is told to the peers. :param customers: sessions."""

    kind: Literal["presigned_call"] = "presigned_call"
    known: KnownPresigned
    customers: tuple[CustomerIdentity, ...]


class TokenIdentity(_Model):
    """:param known: what is told to the peers. :param keys: identity keys, PKCS #8, PEM; the first one signs.
    :param customers: sessions.
    """

    kind: Literal["identity_token"] = "identity_token"
    known: KnownToken
    keys: Annotated[tuple[Secret, ...], Field(min_length=1)]
    customers: tuple[CustomerIdentity, ...]


ProviderIdentity = Annotated[PresignedIdentity | TokenIdentity, Field(discriminator="kind")]
"""What a provider holds: its customers' sessions, and the keys that it signs tokens with."""


def create_identity(
    kind: ProofKind, provider: str, base_url: str, accounts: Iterable[str]
) -> PresignedIdentity | TokenIdentity:
    """Fresh sessions, one for each account, and a fresh identity key where the kind has one.

    :param base_url: ``https://HOST[:PORT]``, without a path. :raises InputError: the URL is no such.
    """
    customers = tuple(CustomerIdentity.random(each) for each in accounts)
    path = IDENTITY_PATH if kind == "presigned_call" else KEYS_PATH
    url = IdentityEndpoint(base_url + path).url
    if kind == "presigned_call":
        return PresignedIdentity(known=KnownPresigned(provider=provider, url=url), customers=customers)
    return TokenIdentity(known=KnownToken(provider=provider, url=url), keys=(jws.new_key(),), customers=customers)


def customer_of(identity: PresignedIdentity | TokenIdentity, account: str) -> CustomerIdentity:
    """A session of this account. :raises InputError: it has none."""
    for each in identity.customers:
        if each.account == account:
            return each
    raise InputError(
        f"there is no session of the account {account!r}",
        where=f"customers of {identity.known.provider}",
        remedy="name an account that the provider has",
    )


def create_maker(identity: PresignedIdentity | TokenIdentity) -> ProofMaker:
    """:raises InputError: something that is held is not what it should be."""
    if isinstance(identity, PresignedIdentity):
        return PresignedMaker(_endpoint(identity.known))
    return TokenMaker(identity.known.provider, identity.keys, identity.customers)


def create_door(identity: PresignedIdentity | TokenIdentity) -> IdentityDoor:
    """:raises InputError: something that is held is not what it should be."""
    if isinstance(identity, PresignedIdentity):
        return PresignedDoor(_endpoint(identity.known), identity.customers)
    return TokenDoor(IdentityEndpoint(identity.known.url).path, identity.keys)


def create_checker(known: KnownPresigned | KnownToken, audience: str, fetch: Fetch) -> ProofChecker:
    """:param audience: the provider that reads. :raises InputError: the URL is none."""
    if isinstance(known, KnownPresigned):
        return PresignedChecker(_endpoint(known), audience, fetch)
    return TokenChecker(known.provider, audience, KeySet(IdentityEndpoint(known.url).url, fetch))


def _endpoint(known: KnownPresigned) -> IdentityEndpoint:
    return IdentityEndpoint(known.url, known.region, known.service)


__all__ = [
    "IDENTITY_PATH",
    "KEYS_PATH",
    "KnownIdentity",
    "KnownPresigned",
    "KnownToken",
    "PresignedIdentity",
    "ProofKind",
    "ProviderIdentity",
    "TokenIdentity",
    "create_checker",
    "create_door",
    "create_identity",
    "create_maker",
    "customer_of",
]
