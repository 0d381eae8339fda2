"""Guidance: what a server accepts, so that it can be followed."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from xcnet.conformance.registry import Group, Violation
from xcnet.conformance.session import Session, name_of

_group = Group("Guidance")
_REFERENCE = "protocol, guidance"


@_group.must("guidance-channels", "There is guidance for every channel, once", _REFERENCE, "GenerateFeatureGuidance")
async def channels(session: Session) -> str | None:
    made = await session.connection()
    guided = sorted(await session.guidance(made))
    there = sorted(name_of(each).id for each in await session.channels())
    if guided != there:
        raise Violation(f"there is guidance for {', '.join(guided)}, and the channels are {', '.join(there)}")
    return f"{len(guided)} channels"


def _ranges(channel: str, guided: dict[str, Any], name: str, lowest: int, highest: int) -> None:
    for each in guided.get(name) or []:
        start, stop = each.get("start", lowest), each.get("stop", highest)
        if not lowest <= start <= stop <= highest:
            raise Violation(f"{channel}: {name} {start} to {stop} is no range from {lowest} to {highest}")


@_group.must(
    "guidance-ranges", "VLANs, MTUs and AS numbers are ranges that can be", _REFERENCE, "GenerateFeatureGuidance"
)
async def ranges(session: Session) -> str | None:
    made = await session.connection()
    for channel, each in (await session.guidance(made)).items():
        guided = each.get("l3BaseGuidance") or {}
        _ranges(channel, guided, "vlanRanges", 1025, 4094)
        _ranges(channel, guided, "mtuRanges", 68, 65535)
        _ranges(channel, guided, "asnRanges", 0, 2**32 - 1)
        prefixes = guided.get("maxReceivedBgpRoutePrefixes")
        if prefixes is not None and prefixes < 1:
            raise Violation(f"{channel}: maxReceivedBgpRoutePrefixes is {prefixes}")
    return None


@_group.must("guidance-subnets", "Subnets are networks, and what is excluded lies in them", _REFERENCE)
async def subnets(session: Session) -> str | None:
    made = await session.connection()
    count = 0
    for channel, each in (await session.guidance(made)).items():
        guided = each.get("l3BaseGuidance") or {}
        for version in (4, 6):
            for part in guided.get(f"ipv{version}SubnetGuidance") or []:
                count += 1
                _subnet(channel, version, part)
            longest = 32 if version == 4 else 128
            lengths = guided.get(f"ipv{version}AllowedSubnetPrefixLengths") or []
            if any(not 0 < length < longest for length in lengths):
                raise Violation(f"{channel}: IPv{version} prefix lengths {lengths} leave no two hosts")
    return f"{count} subnets"


def _subnet(channel: str, version: int, part: dict[str, Any]) -> None:
    try:
        include = ip_network(part["includeSubnet"]) if "includeSubnet" in part else None
        others = [ip_network(text) for text in part.get("excludeSubnets") or []]
        preferred = ip_network(part["preferredSubnet"]) if "preferredSubnet" in part else None
    except ValueError as error:
        raise Violation(f"{channel}: {error}") from None
    named = [each for each in (include, preferred, *others) if each is not None]
    if any(each.version != version for each in named):
        raise Violation(f"{channel}: IPv{version} guidance has a network of the other family")
    if include is None or preferred is None:
        return
    if not preferred.subnet_of(include):  # type: ignore[arg-type]
        raise Violation(f"{channel}: {preferred} is preferred, and not in {include}")
    if any(preferred.overlaps(each) for each in others):
        raise Violation(f"{channel}: {preferred} is preferred, and excluded")
