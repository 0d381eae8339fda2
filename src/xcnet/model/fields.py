"""Field types of topologies and profiles: quantities with units, names, networks; each knows its mistakes and their remedy."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError


class InputModel(BaseModel):
    """Base of everything a person writes: unknown fields are mistakes, and ``"1"`` is not a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def wrong(cause: str, remedy: str) -> PydanticCustomError:
    """A validation error in the form that :mod:`xcnet.model.problems` shows: what is wrong, and what would be right."""
    return PydanticCustomError("xcnet", "{cause}", {"cause": cause, "remedy": remedy})


def shown(value: Any) -> str:
    """A value as it stands in an error: short, on one line, quoted if it is text."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = f"'{value}'" if isinstance(value, str) else str(value)
    text = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
    return text if len(text) <= 60 else text[:56] + "...'"


def _quantity(what: str, units: dict[str, float], example: str, limit: str) -> Callable[[Any], float]:
    written = re.compile(rf"(\d+(?:\.\d+)?) ?({'|'.join(sorted(units, key=len, reverse=True))})")

    def parse(value: Any) -> float:
        if value == 0 and not isinstance(value, bool):
            return 0.0
        match = written.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise wrong(
                f"{shown(value)} is not a {what}", f"write a number and its unit ({', '.join(units)}), e.g. {example}"
            )
        found = float(match[1]) * units[match[2]]
        if found > highest:
            raise wrong(f"{shown(value)} is more than {limit}", f"write {limit} or less")
        return found

    number, unit = re.findall(r"\d+|\D+", limit)
    highest = float(number) * units[unit]
    return parse


parse_duration = _quantity("duration", {"us": 1e-6, "ms": 1e-3, "s": 1.0}, "1.5ms", "60s")
"""Seconds from ``250us``, ``1.5ms``, ``2s``; zero needs no unit."""

parse_rate = _quantity("rate", {"bps": 1.0, "kbps": 1e3, "Mbps": 1e6, "Gbps": 1e9, "Tbps": 1e12}, "10Gbps", "10Tbps")
"""Bits per second from ``10Gbps`` and the like."""

parse_span = _quantity("span of time", {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}, "90s", "30d")
"""Seconds from ``200ms``, ``90s``, ``5m``, ``2h``, ``14d``; zero needs no unit."""

_parse_share = _quantity("percentage", {"%": 0.01}, "0.1%", "100%")


MEGABIT = 1_000_000


def _positive(value: int) -> int:
    if value <= 0:
        raise wrong("a rate of zero carries nothing", "write a rate above zero, e.g. 1Gbps")
    return value


def _quantity_schema(units: str, example: str) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": rf"^\d+(\.\d+)? ?({units})$"}, {"type": "number", "const": 0}],
            "examples": [example],
        }
    )


_RATE_SCHEMA = _quantity_schema("[kMGT]?bps", "10Gbps")

Duration = Annotated[float, BeforeValidator(parse_duration), _quantity_schema("us|ms|s", "1ms")]
"""Seconds, at most a minute."""

Span = Annotated[float, BeforeValidator(parse_span), _quantity_schema("ms|s|m|h|d", "90s")]
"""Seconds, at most thirty days."""

Share = Annotated[
    float,
    BeforeValidator(_parse_share),
    PlainSerializer(lambda share: f"{share * 100:.9f}%", when_used="json"),
    _quantity_schema("%", "0.1%"),
]
"""0 to 1, written as a percentage."""

_WRITTEN_RATE = PlainSerializer(lambda rate: f"{rate}bps", when_used="json")

Rate = Annotated[
    int,
    AfterValidator(_positive),
    BeforeValidator(lambda value: round(parse_rate(value))),
    _WRITTEN_RATE,
    _RATE_SCHEMA,
]
"""Bits per second, above zero."""


def written_rate(bits_per_second: int) -> str:
    """A rate as one writes it: ``500Mbps``, ``2.5Gbps``."""
    for unit, size in (("Tbps", 10**12), ("Gbps", 10**9), ("Mbps", MEGABIT), ("kbps", 10**3)):
        if bits_per_second >= size:
            return f"{bits_per_second / size:.12g}{unit}"
    return f"{bits_per_second}bps"


def _whole_megabits(value: int) -> int:
    if value % MEGABIT:
        raise wrong("the Connection Coordinator counts whole Mbit/s", "write a multiple of 1Mbps, e.g. 500Mbps")
    return value


Size = Annotated[
    int,
    AfterValidator(_whole_megabits),
    AfterValidator(_positive),
    BeforeValidator(lambda value: round(parse_rate(value))),
    _WRITTEN_RATE,
    _RATE_SCHEMA,
]
"""Bits per second, whole Mbit/s, above zero."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

RESERVED = frozenset({"all", "default", "lo", "eth0", "gw0", "none", "any", "self"})
"""Words that the kernel's sysctl tree, the lab's own interfaces or the command line use with a meaning of their own."""


def _name(kind: str, limit: int, why: str) -> tuple[AfterValidator, WithJsonSchema]:
    def check(value: str) -> str:
        if value in RESERVED or value.startswith("vrf-"):
            raise wrong(f"'{value}' is a reserved word", f"choose another name for the {kind}")
        if not _NAME.fullmatch(value):
            raise wrong(
                f"{shown(value)} is not a name for a {kind}",
                "use lower-case letters, digits and single hyphens, a letter first",
            )
        if len(value) > limit:
            raise wrong(
                f"'{value}' has {len(value)} characters, the name of a {kind} at most {limit}", f"shorten it: {why}"
            )
        return value

    pattern = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
    return AfterValidator(check), WithJsonSchema({"type": "string", "pattern": pattern, "maxLength": limit})


_IFNAMSIZ = "the kernel's interface names have at most 15 characters"

TopologyName = Annotated[str, *_name("topology", 32, "it is part of file and process names")]
ProviderName = Annotated[str, *_name("provider", 8, "it is part of node and interface names")]
EdgeName = Annotated[str, *_name("edge", 10, f"EDGE.VLAN is an interface of the gateway, and {_IFNAMSIZ}")]
GatewayName = Annotated[str, *_name("gateway", 16, "it is part of the node's name")]
HostName = Annotated[str, *_name("host", 16, "it is part of the node's name")]
FacilityName = Annotated[str, *_name("facility", 24, "it is the node's name")]
InterconnectName = Annotated[str, *_name("interconnect", 24, "it is a word in tables")]
EnvironmentName = Annotated[str, *_name("environment", 40, "it is part of addresses and a word in tables")]
SiteName = Annotated[str, *_name("site", 32, "it is a word in tables")]
CustomerName = Annotated[str, *_name("customer", 24, "it is a word in tables")]
ChannelName = Annotated[str, *_name("channel", 10, f"CHANNEL.VLAN is an interface, and {_IFNAMSIZ}")]
ConnectionName = Annotated[str, *_name("connection", 11, f"vrf-CONNECTION is an interface, and {_IFNAMSIZ}")]


def _network(version: int) -> Callable[[Any], IPv4Network | IPv6Network]:
    family, make = (IPv4Network, "10.10.0.0/24") if version == 4 else (IPv6Network, "fd00:10:10::/64")

    def parse(value: Any) -> IPv4Network | IPv6Network:
        if isinstance(value, family):
            return value
        if not isinstance(value, str) or "/" not in value:
            raise wrong(f"{shown(value)} is not an IPv{version} network", f"write address/length, e.g. {make}")
        try:
            network: IPv4Network | IPv6Network = family(value, strict=False)
        except ValueError:
            raise wrong(
                f"{shown(value)} is not an IPv{version} network", f"write address/length, e.g. {make}"
            ) from None
        if network.network_address != family(f"{value.split('/')[0]}/{network.max_prefixlen}").network_address:
            raise wrong(f"'{value}' has bits set beyond its prefix length", f"write {network}")
        return network

    return parse


_MADE_BEFORE = Field(strict=False)
"""Strictness would want text again behind the validator that has made a network of it."""

Network4 = Annotated[
    IPv4Network,
    _MADE_BEFORE,
    BeforeValidator(_network(4)),
    WithJsonSchema({"type": "string", "pattern": r"^\d+\.\d+\.\d+\.\d+/\d+$", "examples": ["10.10.0.0/24"]}),
]
Network6 = Annotated[
    IPv6Network,
    _MADE_BEFORE,
    BeforeValidator(_network(6)),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9a-fA-F:.]+/\d+$", "examples": ["fd00:10:10::/64"]}),
]

__all__ = [
    "MEGABIT",
    "RESERVED",
    "ChannelName",
    "ConnectionName",
    "CustomerName",
    "Duration",
    "EdgeName",
    "EnvironmentName",
    "FacilityName",
    "GatewayName",
    "HostName",
    "InputModel",
    "InterconnectName",
    "Network4",
    "Network6",
    "ProviderName",
    "Rate",
    "Share",
    "SiteName",
    "Size",
    "Span",
    "TopologyName",
    "parse_duration",
    "parse_rate",
    "parse_span",
    "shown",
    "written_rate",
    "wrong",
]
