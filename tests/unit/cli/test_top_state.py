"""What the live view reckons from two pictures of a lab."""

from __future__ import annotations

from dataclasses import replace

import pytest
from topmade import PEER, channel, channel_view, connection, end, picture, provider, session, with_status

from xcnet.cli.mood import Mood, mood, worth_showing
from xcnet.cli.top_state import top_state
from xcnet.events import Event
from xcnet.lab.status import ChannelStatus, Health, NodeStatus


def test_rates_are_what_the_counters_gained_in_the_labs_own_time() -> None:
    state = top_state(picture(62.5), picture(60.0))
    assert [[each.frames_per_second for each in ch.ends] for ch in state.channels] == [[20.0, 10.0], [20.0, 10.0]]


def test_there_is_no_rate_without_an_earlier_picture_nor_where_counters_began_anew() -> None:
    assert top_state(picture()).channels[0].ends[0].frames_per_second is None
    restarted = (channel("ch1", "fac-a", (end("aws-edge1", sent=3), end("gcp-edge1", sent=700))),)
    state = top_state(with_status(picture(61.0), channels=restarted), picture(60.0))
    assert [each.frames_per_second for each in state.channels[0].ends] == [None, 100.0]


def test_the_loss_of_probes_is_of_those_between_two_pictures() -> None:
    def ends(answered: int, lost: int) -> tuple[ChannelStatus, ...]:
        return (channel("ch1", "fac-a", (end("aws-edge1", probes=(answered, lost)), end("gcp-edge1"))),)

    before = with_status(picture(60.0), channels=ends(1000, 100))
    state = top_state(with_status(picture(61.0), channels=ends(1095, 105)), before)
    assert [each.lost for each in state.channels[0].ends] == [5.0, None]
    assert top_state(before).channels[0].ends[0].lost is None
    anew = top_state(with_status(picture(61.0), channels=ends(10, 0)), before)
    assert anew.channels[0].ends[0].lost is None


def test_sessions_are_counted_at_the_ends_of_their_own_channel() -> None:
    sessions = (session("ch1", "aws-edge1"), session("ch1", "aws-edge1", "down"), session("ch1", "gcp-edge1", None))
    ends = top_state(with_status(picture(), sessions=sessions)).channels[0].ends
    assert [(each.bfd_up, each.bfd_all) for each in ends] == [(1, 2), (0, 0)]


@pytest.mark.parametrize(
    ("here", "there", "use"),
    [
        ({}, {}, "in use"),
        ({"enabled": False, "holds": ("admin",)}, {}, "draining, disabled"),
        ({"enabled": False, "holds": ("admin",), "drained": True}, {}, "drained, disabled"),
        (
            {"enabled": False, "holds": ("3f2a",), "drained": True},
            {"enabled": False, "holds": ("3f2a",)},
            "draining, maintenance",
        ),
        (
            {"enabled": False, "holds": ("3f2a",), "drained": True, "down": True},
            {"enabled": False, "holds": ("3f2a",), "drained": True},
            "down, maintenance",
        ),
        ({"enabled": False, "holds": ("monitor",), "drained": True}, {}, "drained, monitor"),
        ({"enabled": False, "holds": ("monitor", "3f2a"), "drained": True}, {}, "drained, maintenance"),
    ],
)
def test_a_channel_that_is_held_says_how_far_and_why(
    here: dict[str, object], there: dict[str, object], use: str
) -> None:
    sides = {
        "aws": provider("aws", (channel_view("ch1", **here), channel_view("ch2"))),
        "gcp": provider("gcp", (channel_view("ch1", **there), channel_view("ch2"))),
    }
    assert [each.use for each in top_state(picture(providers=sides)).channels] == [use, "in use"]


def test_a_connection_is_one_row_of_both_sides_and_whole_only_with_all_it_should_have() -> None:
    (whole,) = top_state(picture()).connections
    assert (whole.name, whole.mbps, whole.next_hops, whole.whole) == ("prod", 1000, 4, True)
    lame = provider("gcp", (), connections=(connection("gcp", (True, False)),))
    (lacking,) = top_state(picture(providers={**picture().providers, "gcp": lame})).connections
    assert lacking.features_up == {"aws": (2, 2), "gcp": (1, 2)}
    assert not lacking.whole
    unverified = provider("gcp", (), connections=(connection("gcp", verified=False),))
    (pending,) = top_state(picture(providers={**picture().providers, "gcp": unverified})).connections
    assert pending.states == {"aws": "verified", "gcp": "final"}
    assert not pending.whole


def test_processes_and_coordinators_that_are_missing_are_named() -> None:
    dead = NodeStatus(
        name="gcp-edge2", kind="router", provider="gcp", processes={"bgpd": "not running", "zebra": "running"},
        health=Health.DEGRADED,
    )  # fmt: skip
    silent = {**picture().providers, "gcp": provider("gcp", (), answers=False)}
    state = top_state(with_status(picture(providers=silent), nodes=(dead,)))
    assert state.missing == ("gcp-edge2 bgpd", "GCP's coordinator does not answer")


def test_the_clock_that_is_farthest_ahead_is_shown() -> None:
    sides = {key: provider(key, (), ahead=ahead) for key, ahead in zip(PEER, (0.1, 7200.0), strict=True)}
    assert top_state(picture(providers=sides)).ahead == 7200.0


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("bgp.established", {}, Mood.GOOD),
        ("bgp.down", {}, Mood.BAD),
        ("bfd.up", {}, Mood.GOOD),
        ("bfd.init", {}, Mood.PLAIN),
        ("bfd.down", {}, Mood.BAD),
        ("link.carrier_lost", {}, Mood.BAD),
        ("link.carrier_found", {}, Mood.GOOD),
        ("macsec.closed", {}, Mood.BAD),
        ("macsec.kernel_refused", {}, Mood.BAD),
        ("channel.draining", {}, Mood.PLAIN),
        ("fault.api", {}, Mood.BAD),
        ("api.response", {"status": 200}, Mood.PLAIN),
        ("api.response", {"status": 409}, Mood.BAD),
        ("api.response", {"status": 0, "ending": "refused"}, Mood.BAD),
        ("workflow.connect", {"state": "failed"}, Mood.BAD),
        ("workflow.connect", {"state": "done"}, Mood.PLAIN),
    ],
)
def test_news_are_good_or_bad_by_their_kind(kind: str, data: dict[str, object], expected: Mood) -> None:
    assert mood(Event(0.0, 0.0, "node.process", kind, "subject", data)) is expected


def test_everyday_events_are_left_out_unless_they_are_bad() -> None:
    exchange = Event(0.0, 0.0, "aws-coord.coordinator", "api.response", "GetChannel", {"status": 200})
    assert not worth_showing(exchange)
    assert worth_showing(replace(exchange, data={"status": 503}))
    assert [each.kind for each in top_state(picture()).events] == ["macsec.secured", "bgp.down", "connection.enabled"]
