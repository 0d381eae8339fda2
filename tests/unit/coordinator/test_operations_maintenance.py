"""Maintenance through HTTP: windows are shown, notifications have them fetched, and no two overlap."""

from __future__ import annotations

import pytest
from api_world import DAY, Api, bare, connected, met

from xcnet.errors import InputError, LabError
from xcnet.spec.errors import Reason

BOTH = pytest.mark.parametrize("server", ["aws", "gcp"])


def windows(api: Api, channel: str) -> list[dict[str, str]]:
    events: list[dict[str, str]] = api.accepted("GetMaintenanceEvents", channel=channel)["events"]
    return events


def planted(api: Api, provider: str, channel: str, identifier: str, start: float, stop: float) -> None:
    """A window in a provider's store of which its peer has not heard."""
    core = api.sim.providers[provider].live
    now = core.world.now()
    core.database.insert(
        "maintenance", owner=provider, channel=channel, id=identifier, start=now + start, stop=now + stop
    )


@BOTH
@pytest.mark.operation("GetMaintenanceEvents", "accepted")
@pytest.mark.operation("NotifyMaintenance", "accepted")
def test_a_window_is_shown_by_its_owner_and_known_to_the_peer(server: str) -> None:
    api = met(server)
    started = api.command("schedule", channel="ch1", start=600, duration=300)
    api.sim.run()
    (shown,) = windows(api, "ch1")
    assert shown["maintenanceId"] == started["maintenance"]
    ((start, stop),) = api.rows("SELECT start, stop FROM maintenance")
    assert stop - start == 300
    assert windows(api, "ch2") == []
    theirs = Api(api.sim, api.caller)
    assert theirs.rows("SELECT owner, channel, id FROM maintenance") == [(server, "ch1", started["maintenance"])]
    assert windows(theirs, "ch1") == []  # it is not theirs to show


@pytest.mark.operation("GetMaintenanceEvents", "accepted")
def test_a_window_that_is_over_or_cancelled_is_not_shown_any_more() -> None:
    api, _uuid = connected()
    api.command("schedule", channel="ch1", start=600, duration=300)
    cancelled = api.command("schedule", channel="ch2", start=2000, duration=300)
    api.sim.run()
    assert len(windows(api, "ch1")) == len(windows(api, "ch2")) == 1
    api.command("cancel", maintenance=cancelled["maintenance"])
    api.sim.run()
    assert (len(windows(api, "ch1")), windows(api, "ch2")) == (1, [])
    over = "SELECT * FROM maintenance"
    api.sim.run(lambda: api.rows(over) == [], seconds=2000, what="the work is over")
    assert windows(api, "ch1") == []


@pytest.mark.operation("GetMaintenanceEvents", "refused")
def test_windows_of_a_channel_that_is_not_there_are_not_found() -> None:
    api = bare()
    api.refused(Reason.NOT_FOUND, "GetMaintenanceEvents", channel="ch9", field="channel")
    api.refused(Reason.WRONG_PROVIDER, "GetMaintenanceEvents", channel="ch1", provider="gcp")


@BOTH
@pytest.mark.operation("NotifyMaintenance", "accepted")
def test_a_notification_has_the_callers_list_fetched_whatever_it_says(server: str) -> None:
    api = met(server)
    planted(api, api.caller, "ch3", "m1", 600, 900)
    said = {"events": [{"maintenanceId": "made-up", "startTime": "2031-01-01T00:00:00Z"}]}
    assert api.accepted("NotifyMaintenance", said, channel="ch3") == {}
    api.sim.run()
    assert api.rows("SELECT owner, channel, id FROM maintenance") == [(api.caller, "ch3", "m1")]
    assert api.rows("SELECT kind, state FROM workflows") == [("peer-window", "scheduled")]
    # And what the caller does not show any more is gone.
    api.sim.providers[api.caller].live.database.execute("DELETE FROM maintenance")
    api.accepted("NotifyMaintenance", {}, channel="ch3")
    api.sim.run()
    assert api.rows("SELECT * FROM maintenance") == []


@pytest.mark.operation("NotifyMaintenance", "accepted")
def test_notifications_that_come_while_the_list_is_fetched_have_it_fetched_once_more() -> None:
    api = met()
    for _ in range(3):
        api.accepted("NotifyMaintenance", {}, channel="ch1")
    assert api.rows("SELECT kind FROM workflows") == [("fetch-windows",)]
    api.sim.requests.clear()
    api.sim.run()
    assert [each[1] for each in api.sim.requests] == ["GetMaintenanceEvents", "GetMaintenanceEvents"]


@pytest.mark.operation("NotifyMaintenance", "refused")
def test_a_notification_about_a_channel_that_is_not_there_fetches_nothing() -> None:
    api = bare()
    api.refused(Reason.NOT_FOUND, "NotifyMaintenance", {}, channel="ch9", field="channel")
    api.refused(Reason.WRONG_PROVIDER, "NotifyMaintenance", {}, channel="ch1", provider="gcp")
    wrong = {"events": [{"startTime": "yesterday"}]}
    api.refused(Reason.INVALID_ARGUMENT, "NotifyMaintenance", wrong, channel="ch1")


# -- one channel at a time


@BOTH
@pytest.mark.operation("GetMaintenanceEvents", "accepted")
def test_a_window_that_overlaps_one_of_the_interconnect_is_not_published(server: str) -> None:
    api = met(server, interconnects=2)
    api.command("schedule", channel="ch1", start=600, duration=600)
    api.sim.run()
    for owner in (server, api.caller):
        for channel, start in (("ch1", 900), ("ch2", 0), ("ch4", 1199)):
            before = api.store()
            with pytest.raises(LabError, match="overlaps maintenance"):
                api.sim.command(owner, "schedule", channel=channel, start=start, duration=601)
            assert api.store() == before
    assert [len(windows(api, channel)) for channel in ("ch1", "ch2", "ch4")] == [1, 0, 0]
    # When the first ends, and on another interconnect, there is room.
    api.command("schedule", channel="ch2", start=1200, duration=60)
    api.command("schedule", channel="ch5", start=600, duration=600)
    api.sim.run()
    assert [row[0] for row in api.rows("SELECT channel FROM maintenance ORDER BY channel")] == ["ch1", "ch2", "ch5"]


@pytest.mark.operation("NotifyMaintenance", "accepted")
def test_of_two_windows_published_at_the_same_moment_one_gives_way() -> None:
    api = met()
    own = api.command("schedule", channel="ch2", start=600, duration=600)
    theirs = api.sim.command("aws", "schedule", channel="ch1", start=700, duration=600)
    api.sim.run()
    outcome = api.sim.outcome("gcp", own["workflow"])
    assert outcome is not None and outcome[0] == "failed" and "overlapping window" in outcome[1]
    assert api.sim.outcome("aws", theirs["workflow"]) is None
    held = [each.live.database.all("SELECT owner, channel FROM maintenance") for each in api.sim.providers.values()]
    assert [[tuple(row) for row in side] for side in held] == [[("aws", "ch1")]] * 2


@pytest.mark.operation("GetMaintenanceEvents", "accepted")
def test_an_emergency_waits_for_nobody_and_is_published_all_the_same() -> None:
    api = met()
    api.command("schedule", channel="ch1", start=600, duration=600)
    api.sim.run()
    api.command("schedule", channel="ch2", start=700, duration=60, emergency=True)
    api.sim.run()
    assert len(windows(api, "ch1")) == len(windows(api, "ch2")) == 1
    assert len(Api(api.sim, "aws").rows("SELECT * FROM maintenance")) == 2


def test_planned_work_is_announced_ahead() -> None:
    api = met(maintenance_notice=7 * DAY)
    with pytest.raises(InputError, match="ahead"):
        api.command("schedule", channel="ch1", start=6 * DAY, duration=600)
    api.command("schedule", channel="ch1", start=0, duration=60, emergency=True)
    api.command("schedule", channel="ch1", start=7 * DAY, duration=600)


def test_work_in_the_past_or_without_an_end_is_refused() -> None:
    api = met()
    for start, duration in ((-10, 60), (600, 0), (600, -1)):
        with pytest.raises(ValueError, match="greater than"):
            api.command("schedule", channel="ch1", start=start, duration=duration)
    assert api.rows("SELECT * FROM maintenance") == []
