"""A connection's life on a running lab: made from either side, changed under traffic, deleted without a trace."""

from __future__ import annotations

import pytest
from coordinated import OTHER, PROVIDERS, World

from xcnet.lab.coordination import APPLIED, DONE, GONE
from xcnet.lab.manager import call_in_lab

AWS_4, AWS_6, GCP_4, GCP_6 = "10.10.0.2", "fd00:10:10::2", "10.20.0.2", "fd00:10:20::2"
EDGES = [f"{provider}-edge{number}" for provider in PROVIDERS for number in (1, 2, 3, 4)]


def in_use(world: World, channel: str) -> dict[str, str]:
    """The CKNs that either side shows as active; and the router's own at that side."""
    shown = {}
    for provider in PROVIDERS:
        found = world.channels(provider)[channel]
        (active,) = (key["ckn"] for key in found["keys"] if key["active"])
        assert found["association"] == active
        shown[provider] = active
    return shown


@pytest.mark.parametrize("here", PROVIDERS)
def test_a_connection_begun_at_either_provider_carries_both_families(world: World, here: str) -> None:
    made = world.connect("red", here)
    for leg in world.legs(made["uuid"]):
        assert leg["verified"]
        assert len(leg["features"]) == 4
        assert all(feature["up"] and feature["carrying"] for feature in leg["features"])
    drivers = {provider: world.view(provider, made["uuid"])["legs"][0]["drives"] for provider in PROVIDERS}
    assert drivers == {here: False, OTHER[here]: True}
    assert world.pings("aws-red", GCP_4)
    assert world.pings("aws-red", GCP_6)
    assert world.pings("gcp-red", AWS_4)
    assert world.pings("gcp-red", AWS_6)


def test_a_deleted_connection_leaves_kernels_and_routing_daemons_as_they_were(world: World) -> None:
    before = world.state()
    made = world.connect("red")
    between = world.state()
    assert all(between[node]["links"] != before[node]["links"] for node in before)
    assert all(between[node]["frr"] != before[node]["frr"] for node in before)
    world.talk.command("gcp", "disconnect", {"connection": made["uuid"]}, follow=GONE)
    world.until("the other side has nothing of it left", lambda: not world.held("aws"))
    after = world.state()
    for node, held in before.items():
        assert after[node] == held, node
    assert not world.pings("aws-red", GCP_4)


def test_two_customers_with_the_same_prefixes_do_not_see_each_other(world: World) -> None:
    made = [world.connect("red", "aws"), world.connect("blue", "gcp", 500)]
    vrfs = {each["uuid"]: [world.view(side, each["uuid"])["vrf"] for side in PROVIDERS] for each in made}
    seen = call_in_lab(
        world.paths,
        "crossing:cross",
        {
            "source": "aws-gw",
            "target": "gcp-gw",
            "connections": vrfs,
            "address": {"4": "10.20.0.1", "6": "fd00:10:20::1"},
        },
    )
    assert seen == {"own": 4, "crossed": 0, "missing": []}
    world.talk.command("aws", "disconnect", {"connection": made[0]["uuid"]}, follow=GONE)
    assert not world.pings("aws-red", GCP_4)
    assert world.pings("aws-blue", GCP_4)


def test_a_resize_changes_the_shaping_and_loses_nothing(world: World) -> None:
    made = world.connect("red")
    before = call_in_lab(world.paths, "inside:shaped", {"nodes": EDGES})
    with world.traffic("aws-red", "gcp-red") as there, world.traffic("gcp-red", "aws-red", 6) as back:
        for provider, mbps in (("aws", 2000), ("gcp", 500), ("gcp", 5000)):
            world.talk.command(provider, "resize", {"connection": made["uuid"], "mbps": mbps}, follow=APPLIED)
            world.until(
                "both have it", lambda mbps=mbps: {leg["bandwidth_mbps"] for leg in world.legs(made["uuid"])} == {mbps}
            )
    assert (there.lost, back.lost) == (0, 0)
    after = call_in_lab(world.paths, "inside:shaped", {"nodes": EDGES})
    # N+1: three of the four channels carry all of it.
    assert {tuple(rates) for rates in before.values()} == {("333333Kbit",)}
    assert {tuple(rates) for rates in after.values()} == {("1666Mbit",)}


def test_a_rotation_loses_nothing_and_active_follows_what_the_routers_use(world: World) -> None:
    world.connect("red")
    before = in_use(world, "ch1")
    assert len(set(before.values())) == 1
    with world.traffic("aws-red", "gcp-red") as there, world.traffic("gcp-red", "aws-red", 6) as back:
        manager = world.channels("aws")["ch1"]["manager"]
        world.talk.command(manager, "rotate", {"channel": "ch1"}, follow=DONE)
        world.until("one key is left", lambda: all(len(world.channels(each)["ch1"]["keys"]) == 1 for each in PROVIDERS))
    after = in_use(world, "ch1")
    assert len(set(after.values())) == 1
    assert after != before
    assert (there.lost, back.lost) == (0, 0)
    for provider in PROVIDERS:
        world.talk.command(provider, "advance", {"seconds": 7200.0})


def test_a_migration_keeps_the_uuid_and_loses_nothing(world: World) -> None:
    made = world.connect("red")
    uuid, old = made["uuid"], made["legs"][0]["interconnect"]
    with world.traffic("aws-red", "gcp-red") as there, world.traffic("gcp-red", "aws-red", 6) as back:
        world.talk.command("aws", "migrate", {"connection": uuid, "to": None}, follow=APPLIED)
        world.until(
            "both have moved",
            lambda: [leg["interconnect"] != old and leg["verified"] for leg in world.legs(uuid)] == [True, True],
        )
    assert (there.lost, back.lost) == (0, 0)
    assert {leg["interconnect"] for leg in world.legs(uuid)} == {"ic1", "ic2"} - {old}


def test_a_channel_is_drained_before_it_is_disabled(world: World) -> None:
    made = world.connect("red")
    (channel, *_rest) = sorted(feature["channel"] for feature in made["legs"][0]["features"])

    def holds() -> list[str]:
        found: list[str] = world.channels("aws")[channel]["holds"]
        return found

    def carrying() -> set[bool]:
        return {
            feature["carrying"]
            for leg in world.legs(made["uuid"])
            for feature in leg["features"]
            if feature["channel"] == channel
        }

    with world.traffic("aws-red", "gcp-red") as there, world.traffic("gcp-red", "aws-red", 6) as back:
        world.talk.command("aws", "disable-channel", {"channel": channel}, follow=APPLIED)
        world.until("no traffic goes over it", lambda: holds() == ["admin"] and carrying() == {False})
        world.talk.command("aws", "enable-channel", {"channel": channel}, follow=APPLIED)
        world.until("traffic goes over it again", lambda: holds() == [] and carrying() == {True})
    assert (there.lost, back.lost) == (0, 0)


def test_the_loss_of_readiness_is_noticed_and_told(world: World) -> None:
    made = world.connect("red")
    uuid, channels = made["uuid"], [feature["channel"] for feature in made["legs"][0]["features"]]
    ports = world.ends("aws", channels)
    for node, port in ports:
        assert world.execute(node, "ip", "link", "set", port, "down")[0] == 0
    try:
        world.until(
            "both see it lost, and know that the other does",
            lambda: not any(leg["final"] or leg["peer_final"] for leg in world.legs(uuid)),
        )
    finally:
        for node, port in ports:
            assert world.execute(node, "ip", "link", "set", port, "up")[0] == 0
    world.until("it works again", lambda: all(leg["verified"] for leg in world.legs(uuid)))
    assert world.pings("aws-red", GCP_4)
    assert world.pings("aws-red", GCP_6)
