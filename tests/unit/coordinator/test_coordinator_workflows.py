"""Two coordinators against each other under a clock that is moved by hand: every workflow, from both sides."""

from __future__ import annotations

from typing import Any

import pytest
from coordinator_sim import ACCOUNTS, ENVIRONMENT, Simulation

from xcnet.errors import LabError

OTHER = {"aws": "gcp", "gcp": "aws"}
BOTH = pytest.mark.parametrize("side", ["aws", "gcp"])
_DAY = 86400.0


def rows(sim: Simulation, statement: str) -> list[list[tuple[Any, ...]]]:
    """What each provider's store says, aws before gcp."""
    return [[tuple(row) for row in each.live.database.all(statement)] for each in sim.providers.values()]


def counts(sim: Simulation) -> set[int]:
    """Rows that a connection leaves anywhere."""
    tables = ("connections", "features", "attachments", "internal_links", "calls", "workflows")
    return {
        each.live.database.value(f"SELECT count(*) FROM {table}") for each in sim.providers.values() for table in tables
    }


def keyed(**config: Any) -> Simulation:
    sim = Simulation(**config)
    sim.run()
    return sim


def connected(side: str = "aws", **config: Any) -> tuple[Simulation, str]:
    sim = keyed(**config)
    uuid = sim.connect(side)
    sim.run()
    return sim, uuid


def advance(sim: Simulation, seconds: float) -> None:
    for provider in sim.providers:
        sim.command(provider, "advance", seconds=seconds)
    sim.run()


@pytest.mark.operation("CreateMacSecKey", "accepted")
def test_coordinators_that_meet_give_every_channel_one_active_key() -> None:
    sim = keyed()
    held = rows(sim, "SELECT channel, ckn, active FROM keys ORDER BY channel")
    assert held[0] == held[1]
    assert [active for _channel, _ckn, active in held[0]] == [1, 1, 1, 1]
    assert sim.associations == {channel: ckn for channel, ckn, _active in held[0]}


@BOTH
@pytest.mark.operation("ConfirmActivationKey", "accepted")
@pytest.mark.operation("CreateConnection", "accepted")
@pytest.mark.operation("CreateFeature", "accepted")
@pytest.mark.operation("NotifyConnectionStatus", "accepted")
def test_a_connection_is_made_from_either_side(side: str) -> None:
    sim, uuid = connected(side)
    assert sim.verified(uuid)
    agreed = "SELECT channel, vlan, mtu, ipv4, ipv6, md5, state FROM features ORDER BY channel"
    first, second = rows(sim, agreed)
    assert first == second
    assert [each[0] for each in first] == ["ch1", "ch2", "ch3", "ch4"]
    assert {each[2] for each in first} == {8500}
    assert len({each[5] for each in first}) == 4
    own, peer = rows(sim, "SELECT own_asn, peer_asn, own_ipv4, peer_ipv4 FROM features ORDER BY channel")
    assert own == [(b, a, d, c) for a, b, c, d in peer]


@BOTH
@pytest.mark.operation("ConfirmActivationKey", "accepted")
def test_a_key_is_good_once(side: str) -> None:
    sim = keyed()
    keys: list[str] = []
    run = sim.run

    def noting(until: Any = None, **more: Any) -> None:
        run(until, **more)
        keys.extend(
            each for (each,) in rows(sim, "SELECT encoded FROM activations WHERE encoded IS NOT NULL")[side == "gcp"]
        )

    sim.run = noting  # type: ignore[method-assign]
    uuid = sim.connect(side)
    sim.run()
    assert sim.key_of(side, uuid) is None  # it is not kept when it is used
    accept = {"key": keys[0], "account": ACCOUNTS[OTHER[side]], "attach": {"networks": []}}
    with pytest.raises(LabError, match="accepted here already"):
        sim.command(OTHER[side], "accept", **accept)
    sim.command(side, "disconnect", connection=uuid)
    sim.run()
    again = sim.command(OTHER[side], "accept", **accept)
    sim.run()
    outcome = sim.outcome(OTHER[side], again["workflow"])
    assert outcome is not None and outcome[0] == "failed" and "used, expired or altered" in outcome[1]
    assert rows(sim, "SELECT * FROM attachments") == [[], []]


@BOTH
@pytest.mark.operation("UpdateConnection", "accepted")
def test_bandwidth_changes_at_both_sides_or_at_none(side: str) -> None:
    sim, uuid = connected()
    started = sim.command(side, "resize", connection=uuid, mbps=5000)
    sim.run()
    assert sim.outcome(side, started["workflow"]) == ("done", "")
    assert rows(sim, "SELECT bandwidth_mbps, target_mbps FROM connections") == [[(5000, None)]] * 2
    with pytest.raises(LabError, match="free"):
        sim.connect(side, mbps=10_000)
    with pytest.raises(LabError, match="already"):
        sim.command(side, "resize", connection=uuid, mbps=5000)


@BOTH
@pytest.mark.operation("DeleteConnection", "accepted")
def test_a_deleted_connection_leaves_nothing(side: str) -> None:
    sim, uuid = connected()
    before = rows(sim, "SELECT channel, ckn FROM keys ORDER BY channel")
    started = sim.command(side, "disconnect", connection=uuid)
    sim.run()
    assert sim.outcome(side, started["workflow"]) == ("done", "")
    assert counts(sim) == {0}
    assert all(each.live.network().attachments == () for each in sim.providers.values())
    assert rows(sim, "SELECT channel, ckn FROM keys ORDER BY channel") == before


@BOTH
@pytest.mark.operation("CreateConnection", "accepted")
@pytest.mark.operation("DeleteConnection", "accepted")
def test_a_migration_makes_before_it_breaks(side: str) -> None:
    sim, uuid = connected(interconnects=2)
    (old,), _ = rows(sim, "SELECT interconnect FROM connections")
    seen: set[tuple[str, ...]] = set()
    worked = []

    def done() -> bool:
        legs = rows(sim, "SELECT interconnect FROM connections WHERE state = 'available' ORDER BY seq")[0]
        seen.add(tuple(leg[0] for leg in legs))
        worked.append(any(sim.providers["aws"].live.world.facts.up.get((uuid, f"ch{n}")) for n in range(1, 9)))
        return sim.outcome(side, started["workflow"]) is not None

    started = sim.command(side, "migrate", connection=uuid)
    sim.run(done, what="migrated")
    sim.run()
    new = "ic2" if old[0] == "ic1" else "ic1"
    assert sim.outcome(side, started["workflow"]) == ("done", "")
    assert rows(sim, "SELECT uuid, interconnect FROM connections") == [[(uuid, new)]] * 2
    assert (old[0], new) in seen
    assert all(worked)
    assert sim.verified(uuid)


@pytest.mark.operation("CreateMacSecKey", "accepted")
@pytest.mark.operation("DeleteMacSecKey", "accepted")
@pytest.mark.operation("RequestMacSecKeyRotation", "accepted")
def test_a_key_is_rotated_by_its_manager_and_for_whoever_asks() -> None:
    sim = keyed()
    before = sim.associations["ch1"]
    started = sim.command("aws", "rotate", channel="ch1")
    sim.run()
    assert sim.outcome("aws", started["workflow"]) == ("done", "")
    assert sim.associations["ch1"] != before
    held = rows(sim, "SELECT ckn, active FROM keys WHERE channel = 'ch1'")
    assert held[0] == held[1] == [(sim.associations["ch1"], 1)]
    with pytest.raises(LabError, match="may be rotated before"):
        sim.command("gcp", "rotate", channel="ch2")
    advance(sim, 7200.0)
    other = sim.associations["ch2"]
    sim.command("aws", "rotate", channel="ch2")  # gcp manages it, and is asked
    sim.run()
    assert sim.associations["ch2"] != other
    assert {active for each in rows(sim, "SELECT active FROM keys") for (active,) in each} == {1}


@pytest.mark.operation("GetMaintenanceEvents", "accepted")
@pytest.mark.operation("NotifyMaintenance", "accepted")
def test_work_on_a_channel_drains_it_and_gives_it_back() -> None:
    sim, uuid = connected()
    started = sim.command("aws", "schedule", channel="ch1", start=600, duration=600)
    sim.run()
    assert rows(sim, "SELECT owner, channel FROM maintenance") == [[("aws", "ch1")]] * 2
    sim.run(
        lambda: rows(sim, "SELECT channel, level, drained FROM holds") == [[("ch1", "drain", 1)]] * 2,
        seconds=700,
        what="the window has begun, and the channel is drained",
    )
    assert sim.verified(uuid)
    sim.run(lambda: sim.outcome("aws", started["workflow"]) is not None, seconds=2000, what="the window is over")
    sim.run()
    assert rows(sim, "SELECT * FROM holds") == rows(sim, "SELECT * FROM maintenance") == [[], []]


def test_two_channels_are_never_worked_on_at_once() -> None:
    sim = keyed()
    sim.command("aws", "schedule", channel="ch1", start=600, duration=600)
    sim.run()
    with pytest.raises(LabError):
        sim.command("gcp", "schedule", channel="ch3", start=900, duration=600)


@BOTH
def test_whoever_is_asked_to_drives(side: str) -> None:
    sim = keyed()
    uuid = sim.connect(side, defer=True)
    sim.run()
    assert sim.verified(uuid)
    drivers = dict(
        zip(sim.providers, (each[0][0] for each in rows(sim, "SELECT driver FROM connections")), strict=True)
    )
    assert drivers == {side: "own", OTHER[side]: "peer"}


def test_three_of_four_channels_are_enough() -> None:
    sim = Simulation()
    sim.broken_channels = {"ch4"}
    sim.run(lambda: sum(each is not None for each in sim.associations.values()) == 3, what="keys")
    uuid = sim.connect("aws")
    states = rows(sim, "SELECT channel FROM features WHERE state = 'final' ORDER BY channel")
    assert states == [[("ch1",), ("ch2",), ("ch3",)]] * 2
    sim.broken_channels = set()
    sim.observe()
    sim.run(
        lambda: rows(sim, "SELECT count(*) FROM features WHERE state = 'final'") == [[(4,)], [(4,)]], what="the fourth"
    )
    assert sim.verified(uuid)


def test_what_stops_working_is_told_and_so_is_its_return() -> None:
    sim, uuid = connected()
    sim.broken_channels = {"ch1", "ch2", "ch3", "ch4"}
    sim.observe()
    sim.run()
    assert rows(sim, "SELECT own_final, peer_final FROM connections") == [[(0, 0)]] * 2
    sim.broken_channels = set()
    sim.observe()
    sim.run()
    assert sim.verified(uuid)


@BOTH
def test_a_disabled_channel_is_drained_and_comes_back(side: str) -> None:
    sim, uuid = connected()
    started = sim.command(side, "disable-channel", channel="ch2")
    sim.run()
    assert sim.outcome(side, started["workflow"]) == ("done", "")
    view = sim.providers[side].live.network()
    assert [each.enabled for each in view.channels] == [True, False, True, True]
    assert sim.verified(uuid)
    sim.command(side, "enable-channel", channel="ch2")
    sim.run()
    assert all(each.enabled for each in sim.providers[side].live.network().channels)
    assert sim.verified(uuid)


@BOTH
def test_a_channel_stays_up_a_second_after_its_own_side_is_drained(side: str) -> None:
    """The peer's routers hear of it by BGP, and nothing tells when they have moved."""
    sim, _uuid = connected()
    sim.command(side, "disable-channel", channel="ch2")
    database = sim.providers[side].live.database
    sim.run(lambda: bool(database.value("SELECT drained FROM holds")), what="this side is drained")
    moment = sim.clock.monotonic()
    assert channel_at(sim, side, "ch2") == (True, True)
    sim.run(lambda: not channel_at(sim, side, "ch2")[0], what="it is down")
    assert sim.clock.monotonic() - moment >= 1.0


def test_a_channel_may_be_enabled_while_the_peers_routers_have_their_time() -> None:
    sim, uuid = connected()
    disabled = sim.command("aws", "disable-channel", channel="ch2")
    database = sim.providers["aws"].live.database
    sim.run(lambda: bool(database.value("SELECT drained FROM holds")), what="this side is drained")
    with pytest.raises(LabError, match="disabled already"):
        sim.command("aws", "disable-channel", channel="ch2")
    sim.command("aws", "enable-channel", channel="ch2")
    sim.run()
    assert sim.outcome("aws", disabled["workflow"]) == ("failed", "the channel was enabled again")
    assert channel_at(sim, "aws", "ch2") == (True, False)
    assert sim.verified(uuid)


@BOTH
def test_a_feature_is_deleted_a_second_after_its_own_side_is_drained(side: str) -> None:
    sim, uuid = connected()
    began = sim.clock.monotonic()
    started = sim.command(side, "withdraw", connection=uuid, channel="ch2")
    sim.run(lambda: any(each[:2] == (side, "DeleteFeature") for each in sim.requests), what="the peer deletes it")
    assert sim.clock.monotonic() - began >= 1.0
    sim.run(lambda: sim.outcome(side, started["workflow"]) is not None, what="it is withdrawn")
    assert sim.outcome(side, started["workflow"]) == ("done", "")


def channel_at(sim: Simulation, side: str, name: str) -> tuple[bool, bool]:
    """Whether its routers are to have it up, and as the last resort only."""
    return next(
        (each.enabled, each.drained) for each in sim.providers[side].live.network().channels if each.name == name
    )


@BOTH
def test_an_enabled_channel_is_the_last_resort_until_it_works(side: str) -> None:
    sim, _uuid = connected()
    sim.command(side, "disable-channel", channel="ch2")
    sim.run()
    assert channel_at(sim, side, "ch2") == (False, True)
    sim.broken_channels = {"ch2"}
    started = sim.command(side, "enable-channel", channel="ch2")
    sim.run(lambda: channel_at(sim, side, "ch2")[0], what="it is up again")
    sim.run(lambda: sim.providers[side].applied == sim.providers[side].live.network(), what="the routers have it")
    assert channel_at(sim, side, "ch2") == (True, True)
    assert sim.outcome(side, started["workflow"]) is None
    sim.broken_channels = set()
    sim.observe()
    sim.run(lambda: sim.outcome(side, started["workflow"]) is not None, seconds=30.0, what="it is in use again")
    assert channel_at(sim, side, "ch2") == (True, False)


@BOTH
def test_a_channel_that_does_not_come_up_is_given_back_after_a_while(side: str) -> None:
    sim, _uuid = connected()
    sim.command(side, "disable-channel", channel="ch2")
    sim.run()
    sim.broken_channels = {"ch2"}
    started = sim.command(side, "enable-channel", channel="ch2")
    sim.run()
    assert sim.outcome(side, started["workflow"]) == ("done", "")
    assert channel_at(sim, side, "ch2") == (True, False)


@BOTH
def test_a_channel_may_be_disabled_again_before_it_works(side: str) -> None:
    sim, uuid = connected()
    sim.command(side, "disable-channel", channel="ch2")
    sim.run()
    enabled = sim.command(side, "enable-channel", channel="ch2")
    disabled = sim.command(side, "disable-channel", channel="ch2")
    sim.run()
    assert sim.outcome(side, enabled["workflow"]) == ("failed", "the channel was disabled again")
    assert sim.outcome(side, disabled["workflow"]) == ("done", "")
    assert channel_at(sim, side, "ch2") == (False, True)
    sim.command(side, "enable-channel", channel="ch2")
    sim.run()
    assert channel_at(sim, side, "ch2") == (True, False)
    assert sim.verified(uuid)


@BOTH
def test_a_channel_may_be_enabled_before_it_is_drained(side: str) -> None:
    sim, uuid = connected()
    disabled = sim.command(side, "disable-channel", channel="ch2")
    enabled = sim.command(side, "enable-channel", channel="ch2")
    sim.run()
    assert sim.outcome(side, disabled["workflow"]) == ("failed", "the channel was enabled again")
    assert sim.outcome(side, enabled["workflow"]) == ("done", "")
    assert channel_at(sim, side, "ch2") == (True, False)
    assert sim.verified(uuid)


def test_what_joins_a_connection_in_use_is_its_last_resort_until_it_works() -> None:
    sim, uuid = connected()

    def ends() -> set[tuple[str, bool]]:
        return {
            (end.channel, end.drained)
            for provider in sim.providers.values()
            for attachment in provider.live.network().attachments
            for end in attachment.features
            if end.channel == "ch4"
        }

    for side in sim.providers:
        sim.providers[side].live.database.execute("DELETE FROM features WHERE channel = 'ch4'")
        sim.providers[side].live.database.execute("UPDATE connections SET complete_after = 0")
    sim.broken_channels = {"ch4"}
    sim.observe()
    advance(sim, 60.0)
    sim.run(lambda: len(ends()) > 0, what="the missing feature is there")
    sim.run()
    assert ends() == {("ch4", True)}
    sim.broken_channels = set()
    sim.observe()
    sim.run()
    assert ends() == {("ch4", False)}
    assert sim.verified(uuid)


@pytest.mark.operation("CreateIssue", "accepted")
@pytest.mark.operation("AddComment", "accepted")
@pytest.mark.operation("CloseIssue", "accepted")
def test_an_issue_and_its_comments_are_at_both_sides() -> None:
    sim = keyed()
    name = f"providers/aws/environments/{ENVIRONMENT}/interconnects/ic1/channels/ch2"
    issue = {"title": "frames lost", "body": "since noon", "channelContexts": [{"name": name}]}
    opened = sim.command("aws", "open-issue", peer="gcp", issue=issue)
    sim.run()
    sim.command("gcp", "comment", peer="aws", issue=opened["issue"], body="looking")
    sim.command("aws", "comment", peer="gcp", issue=opened["issue"], body="thanks")
    sim.run()
    sim.command("aws", "close-issue", peer="gcp", issue=opened["issue"])
    sim.run()
    (at_aws,), (at_gcp,) = rows(sim, "SELECT direction, id, state FROM issues")
    assert at_aws[1] == at_gcp[1] == opened["issue"]
    assert (at_aws[0], at_gcp[0]) == ("out", "in")
    assert at_gcp[2] == "STATE_CLOSED"
    comments = sim.providers["gcp"].live.database.all("SELECT author, body FROM comments ORDER BY seq")
    assert [tuple(each) for each in comments] == [("gcp", "looking"), ("aws", "thanks")]


def test_what_was_never_accepted_is_cleaned_up() -> None:
    sim = keyed()
    sim.command(
        "aws",
        "intent",
        environment=ENVIRONMENT,
        mbps=1000,
        account=ACCOUNTS["aws"],
        peer_account=ACCOUNTS["gcp"],
        attach={"networks": ["10.1.0.0/24"]},
    )
    sim.run()
    assert rows(sim, "SELECT state FROM activations")[0] == [("issued",)]
    advance(sim, 8 * _DAY)
    assert rows(sim, "SELECT * FROM attachments") == [[], []]
