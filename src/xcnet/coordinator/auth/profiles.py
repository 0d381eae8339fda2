"""What callers hold and what servers know, for each way of authentication that a provider's profile may name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from xcnet.coordinator.auth import bearer, jws, sigv4
from xcnet.coordinator.auth.sigv4_keys import SigV4Credentials
from xcnet.secret import Secret

AuthProfile = Literal["sigv4", "jwt"]
"""How a provider wants to be called."""

_Seconds = Annotated[float, Field(gt=0, le=3600)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SigV4Inbound(_Model):
    """:param keys: calling provider -> the access keys it was handed. :param skew: seconds that the clocks may be apart."""

    profile: Literal["sigv4"] = "sigv4"
    region: str = sigv4.REGION
    service: str = sigv4.SERVICE
    keys: dict[str, tuple[SigV4Credentials, ...]]
    skew: _Seconds = sigv4.SKEW_SECONDS


class JwtInbound(_Model):
    """:param provider: whose server it is. :param keys: calling provider -> its public keys, PEM.
    :param skew: seconds that the clocks may be apart.
    """

    profile: Literal["jwt"] = "jwt"
    provider: str
    keys: dict[str, tuple[str, ...]]
    skew: _Seconds = bearer.SKEW_SECONDS


class SigV4Outbound(_Model):
    """:param credentials: handed out by the provider that is called."""

    profile: Literal["sigv4"] = "sigv4"
    region: str = sigv4.REGION
    service: str = sigv4.SERVICE
    credentials: SigV4Credentials


class JwtOutbound(_Model):
    """:param provider: who calls. :param audience: who is called. :param key: the caller's, P-256, PKCS #8, PEM."""

    profile: Literal["jwt"] = "jwt"
    provider: str
    audience: str
    key: Secret
    lifetime: Annotated[float, Field(gt=0, le=bearer.LONGEST_SECONDS)] = bearer.LIFETIME_SECONDS


InboundAuth = Annotated[SigV4Inbound | JwtInbound, Field(discriminator="profile")]
OutboundAuth = Annotated[SigV4Outbound | JwtOutbound, Field(discriminator="profile")]


class ProviderAuth(_Model):
    """:param inbound: what it knows of those that call it. :param outbound: provider that it calls -> what it calls it with."""

    inbound: InboundAuth
    outbound: dict[str, OutboundAuth]


def create_auth(profiles: Mapping[str, AuthProfile]) -> dict[str, ProviderAuth]:
    """Fresh keys for providers that all call each other, each in the way that the called one's profile names.

    :param profiles: provider -> how it wants to be called.
    """
    inbound: dict[str, SigV4Inbound | JwtInbound] = {}
    outbound: dict[str, dict[str, SigV4Outbound | JwtOutbound]] = {provider: {} for provider in profiles}
    own = {provider: jws.new_key() for provider in profiles}
    for server, profile in profiles.items():
        callers = [each for each in profiles if each != server]
        if profile == "sigv4":
            handed = {caller: SigV4Credentials.random() for caller in callers}
            inbound[server] = SigV4Inbound(keys={caller: (each,) for caller, each in handed.items()})
            for caller in callers:
                outbound[caller][server] = SigV4Outbound(credentials=handed[caller])
        else:
            inbound[server] = JwtInbound(
                provider=server, keys={caller: (jws.public_pem(own[caller]),) for caller in callers}
            )
            for caller in callers:
                outbound[caller][server] = JwtOutbound(provider=caller, audience=server, key=own[caller])
    return {each: ProviderAuth(inbound=inbound[each], outbound=outbound[each]) for each in profiles}


__all__ = [
    "AuthProfile",
    "InboundAuth",
    "JwtInbound",
    "JwtOutbound",
    "OutboundAuth",
    "ProviderAuth",
    "SigV4Inbound",
    "SigV4Outbound",
    "create_auth",
]
