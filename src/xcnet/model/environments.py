"""What providers agree on before any connection, as people write it: environments, and the customers known to them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from xcnet.model.fields import (
    CustomerName,
    EnvironmentName,
    InputModel,
    InterconnectName,
    ProviderName,
    SiteName,
    shown,
    wrong,
)
from xcnet.model.policy import Sizes

DEFERRAL_TIMEOUT_HOURS = 24
"""How long a connection may wait for the side that is to provision it, where nothing else is said."""


class Visibility(StrEnum):
    """Whom a provider shows an environment to."""

    PUBLIC = "public"
    PRIVATE = "private"


class Site(InputModel):
    """Where an environment is, in one provider's terms."""

    site: SiteName = Field(description="The provider's code for it, e.g. us-east-1.")
    display_name: str | None = Field(
        default=None, min_length=1, max_length=60, description="For people; the code where absent."
    )


def _site(value: Any) -> Any:
    return {"site": value} if isinstance(value, str) else value


_SITE_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string", "maxLength": 32},
            {
                "type": "object",
                "properties": {
                    "site": {"type": "string", "maxLength": 32},
                    "display_name": {"type": "string", "minLength": 1, "maxLength": 60},
                },
                "required": ["site"],
                "additionalProperties": False,
            },
        ]
    }
)


class Environment(InputModel):
    """Two places, one of each provider, between which customers can be connected."""

    name: EnvironmentName = Field(description="The same at both providers, e.g. aws-gcp-us-east.")
    sites: dict[ProviderName, Annotated[Site, BeforeValidator(_site), _SITE_SCHEMA]] = Field(
        min_length=2,
        max_length=2,
        description="Provider -> its site, or {site: us-east-1, display_name: US East}: {aws: us-east-1, gcp: us-east4}.",
    )
    interconnects: Annotated[tuple[InterconnectName, ...], Field(min_length=1, strict=False)] = Field(
        description="The interconnects in it; each interconnect is in one environment."
    )
    sizes: Sizes | None = Field(
        default=None,
        description="Bandwidths to be had, e.g. [500Mbps, 1Gbps]; all that both profiles have where absent.",
    )
    defer_provisioning: bool = Field(
        default=False, description="The side that receives an activation key leaves the provisioning to the other."
    )
    deferral_timeout_hours: int = Field(
        default=DEFERRAL_TIMEOUT_HOURS,
        ge=1,
        le=8760,
        description="A deferred connection not provisioned by then is deleted.",
    )
    visibility: Annotated[Visibility, Field(strict=False)] = Field(
        default=Visibility.PUBLIC, description="Shown to all customers (public), or to those who know of it (private)."
    )


def _account(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        raise wrong(f"the account {value} is written as a number", f'put quotes around it: "{value}"')
    if isinstance(value, str) and not (1 <= len(value) <= 64 and value.isascii() and value.isprintable()):
        raise wrong(f"{shown(value)} is no account", "write 1 to 64 printable ASCII characters")
    return value


class Customer(InputModel):
    """Somebody who orders connections: one account at each provider."""

    name: CustomerName = Field(description="What the lab calls the customer.")
    accounts: dict[
        ProviderName,
        Annotated[str, BeforeValidator(_account), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 64})],
    ] = Field(min_length=1, description='Provider -> account, in quotes: {aws: "111122223333", gcp: acme-prod}.')


__all__ = ["DEFERRAL_TIMEOUT_HOURS", "Customer", "Environment", "Site", "Visibility"]
