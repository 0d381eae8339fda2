"""Features that two cannot have at once, and what cannot be changed."""

from __future__ import annotations

import asyncio

from xcnet.conformance.registry import Group, NotTestable, Violation
from xcnet.conformance.session import Session, expect, new_id

_group = Group("Conflicts of features")
_FEATURES = "protocol, features"
_LIMITS = "amendment 5"


@_group.must("feature-same-id", "A feature that is there is a conflict", _FEATURES, "CreateFeature")
async def same_id(session: Session) -> str | None:
    made, channel, identifier = await session.feature(1)
    config = session.proposer.config((await session.guidance(made))[channel], channel)
    expect(await session.propose(made, channel, config, identifier), 409, why="the feature exists already")
    return None


@_group.must("feature-second", "A connection has one feature of the type on a channel", _LIMITS, "CreateFeature")
async def second(session: Session) -> str | None:
    made, channel, _ = await session.feature(1)
    config = session.proposer.config((await session.guidance(made))[channel], channel)
    reply = await session.propose(made, channel, config)
    expect(reply, 409, why=f"the connection has a FEATURE_TYPE_L3_BASE on {channel}")
    return None


@_group.must("feature-taken", "A VLAN or a subnet that another feature has is a conflict", _FEATURES, "CreateFeature")
async def taken(session: Session) -> str | None:
    other, channel, identifier = await session.feature(1)
    made = await session.connection(0)
    if channel in made.features:
        raise NotTestable(f"both connections have a feature on {channel} already")
    held = (await session.fetch("GetFeature", {**other.ids, "feature": identifier})).object
    there = held["featureConfig"]["l3BaseConfig"]
    config = session.proposer.config((await session.guidance(made))[channel], channel)
    reply = await session.propose(made, channel, {**config, "vlanId": there["vlanId"]})
    expect(reply, 409, why=f"VLAN {there['vlanId']} is another feature's on {channel}")
    if "ipv4Subnet" in there:
        subnet = {name: there[name] for name in ("ipv4Subnet", "ipv4SubnetPrefixLength")}
        hosts = {end["provider"]: end.get("hostIpv4") for end in there["providerBgpConfigs"]}
        ends = [{**end, "hostIpv4": hosts[end["provider"]]} for end in config["providerBgpConfigs"]]
        reply = await session.propose(made, channel, {**config, **subnet, "providerBgpConfigs": ends})
        expect(reply, 409, why=f"{there['ipv4Subnet']} is another feature's")
    return None


@_group.must("feature-race", "Of two proposals for one VLAN at once, one is taken", _FEATURES, "CreateFeature")
async def race(session: Session) -> str | None:
    one, two = await session.connection(0), await session.connection(1)
    guidance = await session.guidance(one)
    free = [each for each in guidance if each not in one.features and each not in two.features]
    if not free:
        # Room is made on one channel.
        channel = next((each for each in two.features if each not in one.features), None)
        if channel is None:
            raise NotTestable("no channel is free")
        expect(await session.call("DeleteFeature", ids={**two.ids, "feature": two.features.pop(channel)}), 200)
        guidance = await session.guidance(one)
    else:
        channel = free[0]
    guided = guidance[channel]
    config = session.proposer.config(guided, channel)
    pair = [
        (one, new_id(), config),
        (two, new_id(), {**session.proposer.config(guided, channel), "vlanId": config["vlanId"]}),
    ]
    replies = await asyncio.gather(*(session.propose(made, channel, asked, name) for made, name, asked in pair))
    for (made, name, _), reply in zip(pair, replies, strict=True):
        if reply.ok:
            made.features[channel] = name
    statuses = sorted(reply.status for reply in replies)
    if statuses != [200, 409]:
        raise Violation(
            f"two proposals for VLAN {config['vlanId']} on {channel} are answered {statuses}; 200 and 409 are due"
        )
    return f"VLAN {config['vlanId']}"


@_group.must(
    "feature-not-updatable",
    "A feature of a type that is not updatable is not updated: 405",
    "amendment 3",
    "UpdateFeature",
)
async def not_updatable(session: Session) -> str | None:
    made, channel, identifier = await session.feature(1)
    ids = {**made.ids, "feature": identifier}
    shown = (await session.fetch("GetFeature", ids)).object
    if shown.get("updatable") is True:
        raise NotTestable("the feature says that it is updatable")
    body = await session.feature_body(channel, shown["featureConfig"]["l3BaseConfig"])
    reply = await session.call("UpdateFeature", body, {"updateMask": "featureConfig"}, ids)
    expect(reply, 405, why="FEATURE_TYPE_L3_BASE is not updatable")
    return None


@_group.must("feature-deleted", "A deleted feature is gone, and its channel is free", _FEATURES, "DeleteFeature")
async def deleted(session: Session) -> str | None:
    made, channel, identifier = await session.feature(0)
    ids = {**made.ids, "feature": identifier}
    expect(await session.call("DeleteFeature", ids=ids), 200)
    del made.features[channel]
    expect(await session.call("GetFeature", ids=ids), 404)
    expect(await session.call("DeleteFeature", ids=ids), 404)
    config = session.proposer.config((await session.guidance(made))[channel], channel)
    again = new_id()
    expect(await session.propose(made, channel, config, again), 200, why="the channel is free again")
    made.features[channel] = again
    return channel
