"""Features: taken where guidance is followed, refused as a whole where it is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from xcnet.conformance.registry import Group, NotTestable, Violation
from xcnet.conformance.session import MadeConnection, Session, expect, name_of, new_id
from xcnet.conformance.wire import Reply

_group = Group("Features")
_REFERENCE = "protocol, features"
_SCHEMAS = "amendment 4"

Config = dict[str, Any]


async def _free(session: Session) -> AsyncIterator[tuple[MadeConnection, str, dict[str, Any]]]:
    """Channels on which the second connection has no feature: the connection, the channel, its guidance."""
    made = await session.connection(1)
    for channel, guided in (await session.guidance(made)).items():
        if channel not in made.features and guided.get("channelAdminState") != "ADMIN_STATE_DISABLED":
            yield made, channel, guided


async def _one(session: Session) -> tuple[MadeConnection, str, dict[str, Any]]:
    async for each in _free(session):
        return each
    raise NotTestable("there is no channel on which a feature could be proposed")


async def _refused(session: Session, change: Callable[[Config, dict[str, Any]], Config | None], why: str) -> Reply:
    """What is proposed with one thing wrong is refused with 400, and is not there."""
    made, channel, guided = await _one(session)
    config = change(session.proposer.config(guided, channel), guided.get("l3BaseGuidance") or {})
    if config is None:
        raise NotTestable("guidance allows everything that could be wrong")
    identifier = new_id()
    reply = await session.propose(made, channel, config, identifier)
    if reply.ok:
        made.features[channel] = identifier
    expect(reply, 400, why=why)
    gone = await session.call("GetFeature", ids={**made.ids, "feature": identifier})
    expect(gone, 404, why="what was refused is not made")
    return reply


def _outside(ranges: list[dict[str, int]], lowest: int, highest: int) -> int | None:
    """A number that none of the ranges has."""
    edges = [each.get("start", lowest) - 1 for each in ranges] + [each.get("stop", highest) + 1 for each in ranges]
    for number in edges:
        inside = any(each.get("start", lowest) <= number <= each.get("stop", highest) for each in ranges)
        if lowest <= number <= highest and not inside:
            return number
    return None


@_group.must("feature-vlan", "A VLAN that is not guided is refused with 400", _REFERENCE, "CreateFeature")
async def vlan(session: Session) -> str | None:
    def change(config: Config, guided: dict[str, Any]) -> Config:
        wrong = _outside(guided.get("vlanRanges") or [], 1, 4094)
        return {**config, "vlanId": wrong if wrong is not None else 1024}

    await _refused(session, change, "the VLAN is in no guided range")
    return None


@_group.must("feature-mtu", "An MTU that is not guided is refused with 400", _REFERENCE, "CreateFeature")
async def mtu(session: Session) -> str | None:
    def change(config: Config, guided: dict[str, Any]) -> Config | None:
        wrong = _outside(guided.get("mtuRanges") or [], 1280, 65535)
        return None if wrong is None else {**config, "mtuBytes": wrong}

    await _refused(session, change, "the MTU is in no guided range")
    return None


@_group.must("feature-asn", "An AS number of the server's side that is not guided is refused with 400", _REFERENCE)
async def asn(session: Session) -> str | None:
    server = f"providers/{session.subject.server}"

    def change(config: Config, guided: dict[str, Any]) -> Config | None:
        wrong = _outside(guided.get("asnRanges") or [], 1, 2**32 - 2)
        if wrong is None:
            return None
        ends = [{**end, "asn": wrong} if end["provider"] == server else end for end in config["providerBgpConfigs"]]
        return {**config, "providerBgpConfigs": ends}

    await _refused(session, change, "the AS number of the server's side is in no guided range")
    return None


@_group.must("feature-length", "A prefix length that is not allowed is refused with 400", _REFERENCE, "CreateFeature")
async def length(session: Session) -> str | None:
    def change(config: Config, guided: dict[str, Any]) -> Config | None:
        allowed = guided.get("ipv4AllowedSubnetPrefixLengths") or []
        wrong = next((each for each in (24, 25, 26, 27) if each not in allowed), None) if allowed else None
        return None if wrong is None else {**config, "ipv4SubnetPrefixLength": wrong}

    await _refused(session, change, "the prefix length is not allowed")
    return None


@_group.must("feature-subnet", "A subnet that is not guided is refused with 400", _REFERENCE, "CreateFeature")
async def subnet(session: Session) -> str | None:
    def change(config: Config, guided: dict[str, Any]) -> Config | None:
        if not any("includeSubnet" in each for each in guided.get("ipv4SubnetGuidance") or []):
            return None
        # RFC 5737: for documentation, and in nobody's pool.
        hosts = ("192.0.2.1", "192.0.2.2")
        ends = [{**end, "hostIpv4": host} for end, host in zip(config["providerBgpConfigs"], hosts, strict=True)]
        return {**config, "ipv4Subnet": "192.0.2.0", "ipv4SubnetPrefixLength": 30, "providerBgpConfigs": ends}

    await _refused(session, change, "the subnet is in none that is guided")
    return None


@_group.must("feature-host", "A BGP address outside the feature's subnet is refused with 400", _REFERENCE)
async def host(session: Session) -> str | None:
    def change(config: Config, _: dict[str, Any]) -> Config:
        first, *others = config["providerBgpConfigs"]
        return {**config, "providerBgpConfigs": [{**first, "hostIpv4": "192.0.2.1"}, *others]}

    await _refused(session, change, "a BGP address is not in the subnet")
    return None


@_group.must("feature-ends", "Both providers have one end of the BGP sessions each", _REFERENCE, "CreateFeature")
async def ends(session: Session) -> str | None:
    def stranger(config: Config, _: dict[str, Any]) -> Config:
        first, *others = config["providerBgpConfigs"]
        return {**config, "providerBgpConfigs": [{**first, "provider": "providers/xcnet-nobody"}, *others]}

    def single(config: Config, _: dict[str, Any]) -> Config:
        return {**config, "providerBgpConfigs": config["providerBgpConfigs"][:1]}

    await _refused(session, stranger, "a third provider has an end")
    await _refused(session, single, "one provider has no end")
    return None


@_group.must("feature-required", "A proposal without what is required is refused with 400", _SCHEMAS, "CreateFeature")
async def required(session: Session) -> str | None:
    for name in ("md5BgpPassword", "mtuBytes", "providerBgpConfigs", "vlanId"):

        def change(config: Config, _: dict[str, Any], name: str = name) -> Config:
            return {field: value for field, value in config.items() if field != name}

        await _refused(session, change, f"{name} is required")
    return None


@_group.must("feature-channel", "A feature on a channel that is not there is refused with 400", _REFERENCE)
async def channel_unknown(session: Session) -> str | None:
    made, channel, guided = await _one(session)
    body = await session.feature_body(channel, session.proposer.config(guided, channel))
    here = await session.interconnect()
    for wrong in (str(here.child("channels", new_id())), "xcnet", str(here)):
        reply = await session.call("CreateFeature", {**body, "channel": wrong}, {"featureId": new_id()}, made.ids)
        expect(reply, 400, 404, why=f"the channel is {wrong}")
    return None


@_group.must("feature-disabled", "A channel that is disabled takes no feature", _REFERENCE, "CreateFeature")
async def disabled(session: Session) -> str | None:
    made = await session.connection(1)
    for channel, guided in (await session.guidance(made)).items():
        if guided.get("channelAdminState") == "ADMIN_STATE_DISABLED":
            reply = await session.propose(made, channel, session.proposer.config(guided, channel))
            expect(reply, 409, why="the channel is disabled")
            return channel
    raise NotTestable("no channel is disabled")


@_group.must(
    "feature-accepted", "A proposal that follows guidance is taken, and shown as it is", _REFERENCE, "CreateFeature"
)
async def accepted(session: Session) -> str | None:
    made, channel, guided = await _one(session)
    config = session.proposer.config(guided, channel)
    identifier = new_id()
    answered = expect(await session.propose(made, channel, config, identifier), 200).object
    made.features[channel] = identifier
    got = (await session.fetch("GetFeature", {**made.ids, "feature": identifier})).object
    for shown in (answered, got):
        kept = (shown.get("featureConfig") or {}).get("l3BaseConfig") or {}
        for name in ("vlanId", "mtuBytes", "ipv4Subnet", "ipv4SubnetPrefixLength", "ipv6Subnet"):
            if kept.get(name) != config.get(name):
                raise Violation(f"{name} was proposed as {config.get(name)} and is shown as {kept.get(name)}")
        if name_of(shown).id != identifier or str(shown.get("channel", "")).rsplit("/", 1)[-1] != channel:
            raise Violation(f"the feature {identifier} on {channel} is shown as {shown.get('name')}")
    return channel


@_group.must("feature-parallel", "Proposals on all channels at once are all taken", _REFERENCE, "CreateFeature")
async def parallel(session: Session) -> str | None:
    free = [each async for each in _free(session)]
    if len(free) < 2:
        raise NotTestable("fewer than two channels are free")
    made = free[0][0]
    proposals = [(channel, session.proposer.config(guided, channel), new_id()) for _, channel, guided in free]
    replies = await asyncio.gather(*(session.propose(made, *each) for each in proposals))
    for (channel, _, identifier), reply in zip(proposals, replies, strict=True):
        if reply.ok:
            made.features[channel] = identifier
    for reply in replies:
        expect(reply, 200, why="each is on a channel of its own")
    return f"{len(replies)} at once"


@_group.must("feature-listed", "Every feature is listed as it is shown", _REFERENCE, "ListFeatures", "GetFeature")
async def listed(session: Session) -> str | None:
    made, _, _ = await session.feature(1)
    found = {
        name_of(each).id: each for page in await session.pages("ListFeatures", "features", made.ids) for each in page
    }
    if found.keys() != set(made.features.values()):
        raise Violation(f"ListFeatures shows {len(found)} features where {len(made.features)} are")
    for identifier, each in found.items():
        shown = (await session.fetch("GetFeature", {**made.ids, "feature": identifier})).object
        if each.get("featureConfig") != shown.get("featureConfig"):
            raise Violation(f"ListFeatures shows {identifier} otherwise than GetFeature")
    return f"{len(found)} features"


@_group.must("feature-state", "A feature is pending or final", _REFERENCE, "GetFeature")
async def state(session: Session) -> str | None:
    made, _, identifier = await session.feature(1)
    found = (await session.fetch("GetFeature", {**made.ids, "feature": identifier})).object.get("provisioningState")
    if found not in ("PROVISIONING_STATE_PENDING", "PROVISIONING_STATE_FINAL"):
        raise Violation(f"provisioningState is {found!r}")
    return str(found)
