"""kill -9 of either coordinator in the middle of anything: both come to the same end, and nobody else's traffic notices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from coordinated import OTHER, PROVIDERS, Traffic, World

Settled = Callable[[], Any]
"""Whether both coordinators have come to the end that was ordered."""


@pytest.fixture(scope="module")
def bystander(lab: World) -> Iterator[str]:
    """Another customer's connection, which runs all the time; its UUID."""
    yield lab.connect("red")["uuid"]
    lab.disconnect_all()


@pytest.fixture
def unmoved(lab: World, bystander: str) -> Iterator[None]:
    """The bystander's traffic in both directions over both families: nothing of it may be lost while the test runs."""
    flows: list[Traffic] = []
    with lab.traffic("aws-red", "gcp-red") as there, lab.traffic("gcp-red", "aws-red", 6) as back:
        flows += [there, back]
        yield
    assert [each.lost for each in flows] == [0, 0]
    assert all(leg["verified"] for leg in lab.legs(bystander))


@pytest.fixture
def blue(lab: World, bystander: str) -> Iterator[str]:
    """The connection that something is done to; its UUID."""
    del bystander
    connection = lab.connect("blue", "gcp", 500)["uuid"]
    yield connection
    lab.disconnect(connection)


def at_rest(lab: World, connection: str) -> bool:
    """Both have it with one leg each, alike, seen by both to work, and nothing of it is under way."""
    views = [lab.view(provider, connection) for provider in PROVIDERS]
    legs = [leg for view in views for leg in view["legs"]]
    if len(legs) != 2 or not all(leg["verified"] and leg["target_mbps"] is None for leg in legs):
        return False
    shared = [
        (
            leg["interconnect"],
            leg["bandwidth_mbps"],
            sorted((each["id"], each["channel"], each["vlan"], tuple(each["subnets"])) for each in leg["features"]),
        )
        for leg in legs
    ]
    return shared[0] == shared[1] and not any(view["workflows"] for view in views)


@pytest.mark.parametrize("killed", PROVIDERS)
@pytest.mark.parametrize("here", PROVIDERS)
def test_killed_while_connecting(lab: World, bystander: str, unmoved: None, here: str, killed: str) -> None:
    del unmoved
    connection = lab.begin_connect("blue", here, 500)
    lab.kill(killed)
    lab.until("the connection works", lambda: at_rest(lab, connection))
    assert lab.pings("aws-blue", "10.20.0.2")
    reserved = [
        {(each["channel"], each["vlan"]) for leg in lab.legs(uuid) for each in leg["features"]}
        for uuid in (bystander, connection)
    ]
    assert not reserved[0] & reserved[1]
    lab.disconnect(connection)


@pytest.mark.parametrize("killed", PROVIDERS)
def test_killed_while_resizing(lab: World, blue: str, unmoved: None, killed: str) -> None:
    del unmoved
    lab.talk.command("aws", "resize", {"connection": blue, "mbps": 1000})
    lab.kill(killed)
    lab.until(
        "both have it", lambda: at_rest(lab, blue) and {leg["bandwidth_mbps"] for leg in lab.legs(blue)} == {1000}
    )


@pytest.mark.parametrize("killed", PROVIDERS)
def test_killed_while_migrating(lab: World, blue: str, unmoved: None, killed: str) -> None:
    del unmoved
    (old,) = {leg["interconnect"] for leg in lab.legs(blue)}
    lab.talk.command("aws", "migrate", {"connection": blue, "to": None})
    lab.kill(killed)
    lab.until(
        "both have moved", lambda: at_rest(lab, blue) and old not in {leg["interconnect"] for leg in lab.legs(blue)}
    )
    assert lab.pings("gcp-blue", "10.10.0.2")


@pytest.mark.parametrize("killed", PROVIDERS)
def test_killed_while_rotating(lab: World, bystander: str, unmoved: None, killed: str) -> None:
    del bystander, unmoved
    for provider in PROVIDERS:
        lab.talk.command(provider, "advance", {"seconds": 7200.0})
    found = lab.channels("aws")["ch1"]
    (old,) = (key["ckn"] for key in found["keys"])
    lab.talk.command(found["manager"], "rotate", {"channel": "ch1"})
    lab.kill(killed)

    def rotated() -> bool:
        held = [lab.channels(provider)["ch1"] for provider in PROVIDERS]
        keys = [[(key["ckn"], key["active"]) for key in each["keys"]] for each in held]
        return keys[0] == keys[1] and len(keys[0]) == 1 and keys[0][0][1] and keys[0][0][0] != old

    lab.until("one new key is in use at both", rotated)
    assert old not in {lab.channels(provider)["ch1"]["association"] for provider in PROVIDERS}


@pytest.mark.parametrize("killed", PROVIDERS)
def test_killed_while_disconnecting(lab: World, bystander: str, unmoved: None, killed: str) -> None:
    del bystander, unmoved
    before = lab.state()
    connection = lab.connect("blue", "gcp", 500)["uuid"]
    lab.talk.command(OTHER[killed], "disconnect", {"connection": connection})
    lab.kill(killed)
    lab.until("it is gone", lambda: not any(lab.has(provider, connection) for provider in PROVIDERS))
    after = lab.state()
    for node, held in before.items():
        assert after[node] == held, node
