"""What was agreed out of band, for verification: environments, interconnects, channels."""

from __future__ import annotations

from collections import Counter
from typing import Any

from xcnet.conformance.registry import Group, NotTestable, Violation
from xcnet.conformance.session import Session, name_of
from xcnet.spec.names import environment as environment_name

_group = Group("Environments, interconnects, channels")


def _same(what: str, listed: dict[str, Any], got: dict[str, Any]) -> None:
    differing = sorted(name for name in listed.keys() | got.keys() if listed.get(name) != got.get(name))
    if differing:
        raise Violation(f"{what} is listed with another {', '.join(differing)} than it is shown with")


@_group.must(
    "environment-shown",
    "Every listed environment is in the caller's tree, and shown alike when asked for",
    "protocol, objects",
    "ListEnvironments",
    "GetEnvironment",
)
async def environments(session: Session) -> str | None:
    found = [each for page in await session.pages("ListEnvironments", "environments") for each in page]
    for each in found:
        name = name_of(each)
        if str(name) != str(environment_name(session.subject.caller, name.id)):
            raise Violation(f"{name} is listed in the tree of {session.subject.caller}")
        _same(str(name), each, (await session.fetch("GetEnvironment", {"environment": name.id})).object)
    if session.environment not in {name_of(each).id for each in found}:
        raise Violation(f"ListEnvironments does not show {session.environment}")
    return f"{len(found)} environments"


@_group.must("environment-sites", "An environment names one place at each of the two providers", "protocol, objects")
async def sites(session: Session) -> str | None:
    found = (await session.fetch("GetEnvironment")).object.get("providerSites") or []
    providers = sorted(str(each.get("providerId")).removeprefix("providers/") for each in found)
    if providers != sorted((session.subject.caller, session.subject.server)):
        raise Violation(f"GetEnvironment shows sites of {', '.join(providers) or 'nobody'}")
    return ", ".join(str(each.get("site")) for each in found)


@_group.must("environment-sizes", "An environment says which bandwidths can be ordered", "protocol, connecting")
async def sizes(session: Session) -> str | None:
    found = (await session.fetch("GetEnvironment")).object.get("supportedConnectionSizeMbps") or []
    if not found or any(not isinstance(each, int) or each <= 0 for each in found) or len(set(found)) != len(found):
        raise Violation(f"GetEnvironment shows supportedConnectionSizeMbps {found}")
    return f"{len(found)} sizes"


@_group.must(
    "interconnect-shown",
    "Every listed interconnect is shown alike when asked for",
    "protocol, objects",
    "ListInterconnects",
    "GetInterconnect",
)
async def interconnects(session: Session) -> str | None:
    found = await session.interconnects()
    if not found:
        raise NotTestable("the environment has no interconnect")
    for each in found:
        name = name_of(each)
        _same(str(name), each, (await session.fetch("GetInterconnect", {"interconnect": name.id})).object)
    return f"{len(found)} interconnects"


@_group.must("interconnect-sizes", "An interconnect's sizes fit its bandwidth and its environment", "protocol, objects")
async def capacity(session: Session) -> str | None:
    known = set(await session.sizes())
    for each in await session.interconnects():
        own = each.get("supportedConnectionSizeMbps") or []
        most = each.get("maxBandwidthMbps")
        if set(own) - known:
            raise Violation(f"{each.get('name')} offers {sorted(set(own) - known)}, which its environment does not")
        if isinstance(most, int) and own and min(own) > most:
            raise Violation(f"{each.get('name')} offers nothing that fits into its {most} Mbit/s")
    return None


@_group.must(
    "channel-shown",
    "Every listed channel is shown alike when asked for",
    "protocol, objects",
    "ListChannels",
    "GetChannel",
)
async def channels(session: Session) -> str | None:
    found = await session.channels()
    for each in found:
        name = name_of(each)
        _same(str(name), each, (await session.fetch("GetChannel", {"channel": name.id})).object)
    return f"{len(found)} channels"


@_group.must("channel-manager", "Every channel's MACsec keys are managed by one of the two", "protocol, MACsec keys")
async def managers(session: Session) -> str | None:
    both = {f"providers/{session.subject.caller}", f"providers/{session.subject.server}"}
    for each in await session.channels():
        if each.get("macsecManagerProvider") not in both:
            raise Violation(f"{each.get('name')} is managed by {each.get('macsecManagerProvider')!r}")
    return None


@_group.should("channel-managers-even", "The burden of managing keys is split evenly", "protocol, MACsec keys")
async def even(session: Session) -> str | None:
    count = Counter(str(each.get("macsecManagerProvider")) for each in await session.channels())
    both = [count[f"providers/{name}"] for name in (session.subject.caller, session.subject.server)]
    if max(both) - min(both) > 1:
        raise Violation(f"one provider manages {max(both)} channels, the other {min(both)}")
    return f"{both[0]} and {both[1]}"


@_group.should("channel-devices", "Channels of an interconnect are not all on one device", "protocol, security")
async def devices(session: Session) -> str | None:
    found = await session.channels()
    named = [str(each["obfuscatedDeviceId"]) for each in found if each.get("obfuscatedDeviceId")]
    if len(found) < 2 or len(named) < len(found):
        raise NotTestable(f"{len(named)} of {len(found)} channels say which device they are on")
    if len(set(named)) < 2:
        raise Violation(f"all {len(found)} channels are on one device")
    return f"{len(set(named))} devices"


@_group.should("channel-capacity", "Channels of an interconnect have one capacity", "protocol, objects")
async def capacities(session: Session) -> str | None:
    found = {each.get("aggregateChannelSizeGbps") for each in await session.channels()}
    if found == {None}:
        raise NotTestable("no channel says what it carries")
    if len(found) > 1:
        raise Violation(f"channels carry {', '.join(f'{each} Gbit/s' for each in sorted(found, key=str))}")
    return None
