"""What each detector finds, what it does not, and when it has done with it."""

from __future__ import annotations

import random

import pytest
from monitor_world import BURST, PROD, Shown

from xcnet.coordinator.monitor.findings import Kind
from xcnet.coordinator.monitor.machine import Outcome
from xcnet.coordinator.monitor.seen import Prefixes, Probes
from xcnet.spec.issues import Priority


def test_nothing_is_found_where_all_is_well() -> None:
    shown = Shown()
    shown.seconds(600)
    assert shown.outcome.findings == ()
    assert shown.outcome.holds == frozenset()


# -- channel-down


def test_a_channel_that_stays_dark_is_found_with_those_who_use_it() -> None:
    shown = Shown()
    shown.seconds(5)
    shown.change("ch2", ready=False, carrier=False)
    assert shown.until(lambda outcome: bool(outcome.findings), within=10) == 4
    found = shown.found(Kind.CHANNEL_DOWN, "ch2")
    assert found is not None
    assert found.connections == (PROD,)
    assert found.priority is Priority.P2
    assert "light" in found.words


def test_an_outage_shorter_than_the_policy_says_is_no_trouble() -> None:
    shown = Shown()
    for _ in range(3):
        shown.seconds(20)
        shown.change("ch2", ready=False)
        shown.seconds(2)
        shown.change("ch2", ready=True)
    shown.seconds(5)
    assert shown.outcome.findings == ()


def test_a_secured_channel_without_sessions_is_down_for_those_alone_that_have_none() -> None:
    shown = Shown()
    shown.change("ch2", broken=(PROD,), connections=(PROD, "other"))
    shown.seconds(6)
    found = shown.found(Kind.CHANNEL_DOWN, "ch2")
    assert found is not None
    assert found.connections == (PROD,)


def test_a_channel_that_never_worked_is_not_waited_for() -> None:
    shown = Shown()
    shown.change("ch2", ready=False, expected=False)
    shown.seconds(60)
    assert shown.outcome.findings == ()


def test_of_a_router_that_does_not_answer_nothing_is_said() -> None:
    shown = Shown()
    shown.seconds(5)
    shown.change("ch2", known=False, ready=False)
    shown.seconds(60)
    assert shown.outcome.findings == ()


def test_a_channel_is_down_until_it_was_well_for_the_hold_period() -> None:
    shown = Shown(hold_seconds=10)
    shown.change("ch2", ready=False)
    shown.seconds(10)
    shown.change("ch2", ready=True)
    shown.seconds(8)
    shown.change("ch2", ready=False)
    shown.seconds(1)
    shown.change("ch2", ready=True)
    shown.seconds(10)
    assert shown.found(Kind.CHANNEL_DOWN, "ch2") is not None
    shown.seconds(1)
    assert shown.found(Kind.CHANNEL_DOWN, "ch2") is None


@pytest.mark.parametrize("kind", ["planned", "excused"])
def test_planned_work_is_no_trouble(kind: str) -> None:
    shown = Shown()
    shown.seconds(5)
    shown.change("ch2", planned=kind == "planned", excused=kind == "excused", ready=False, drops=9)
    shown.seconds(60)
    assert shown.troubles - {("channel-down", "ch2"), ("flap", "ch2")} == set()
    if kind == "planned":
        assert shown.troubles == set()


def test_trouble_stands_while_somebody_works_on_the_channel() -> None:
    shown = Shown(hold_seconds=5)
    shown.change("ch2", ready=False)
    shown.seconds(5)
    shown.change("ch2", planned=True)
    shown.seconds(60)
    shown.change("ch2", ready=True)
    shown.seconds(60)
    assert shown.found(Kind.CHANNEL_DOWN, "ch2") is not None
    shown.change("ch2", planned=False)
    shown.seconds(7)
    assert shown.outcome.findings == ()


# -- grey-loss


@pytest.mark.parametrize("share", [0.03, 0.05, 0.2])
def test_a_lossy_channel_is_found_within_twenty_seconds(share: float) -> None:
    """Both ways lose their share, as a bad fibre pair does: an echo passes twice."""
    echo = 1 - (1 - share) ** 2
    late = 0
    for seed in range(200):
        rng = random.Random(seed)
        shown = Shown()

        def lose(_second: int, rng: random.Random = rng, shown: Shown = shown) -> None:
            shown.losing["ch2"] = sum(rng.random() < echo for _ in range(BURST))

        shown.seconds(20, lose)
        late += shown.found(Kind.GREY_LOSS, "ch2") is None
        assert shown.troubles <= {("grey-loss", "ch2")}
    assert late <= 4


def test_ten_minutes_with_the_odd_loss_are_no_trouble() -> None:
    """One probe of ten thousand on each of four channels, thirty times over."""
    for seed in range(30):
        rng = random.Random(seed)
        shown = Shown()

        def lose(_second: int, rng: random.Random = rng, shown: Shown = shown) -> None:
            for name in shown.channels:
                shown.losing[name] = sum(rng.random() < 1e-4 for _ in range(BURST))

        shown.seconds(600, lose)
        assert shown.outcome.findings == ()


def test_bursts_that_are_lost_whole_are_an_outage_and_not_grey() -> None:
    shown = Shown()
    shown.losing["ch2"] = BURST
    shown.seconds(60)
    assert shown.found(Kind.GREY_LOSS, "ch2") is None


def test_one_lump_of_losses_is_not_grey_however_large() -> None:
    shown = Shown()
    shown.losing["ch2"] = BURST - 1
    shown.seconds(3)
    shown.losing["ch2"] = 0
    shown.seconds(60)
    assert shown.outcome.findings == ()


def test_probes_lost_to_shaping_say_nothing_of_the_fibre() -> None:
    shown = Shown()
    shown.change("ch2", busy=True)
    shown.losing["ch2"] = 3
    shown.seconds(60)
    assert shown.outcome.findings == ()


def test_the_hold_period_begins_with_the_last_loss() -> None:
    shown = Shown(hold_seconds=30)
    shown.losing["ch2"] = 1
    shown.seconds(10)
    assert shown.outcome.holds == {"ch2"}
    shown.losing["ch2"] = 0
    shown.seconds(20)
    shown.losing["ch2"] = 1
    shown.seconds(1)
    shown.losing["ch2"] = 0
    shown.seconds(30)
    assert shown.outcome.holds == {"ch2"}
    shown.seconds(1)
    assert shown.outcome.holds == frozenset()
    assert shown.outcome.findings == ()


def test_counters_that_begin_anew_are_no_loss() -> None:
    shown = Shown()
    shown.seconds(30)
    shown.change("ch2", probes=Probes(0, 0))
    shown.seconds(30)
    assert shown.outcome.findings == ()


@pytest.mark.parametrize("hold", [3, 12, 60])
def test_what_is_over_is_not_found_again_by_what_was_before(hold: int) -> None:
    """Also where the hold period is shorter than what is looked back over."""
    shown = Shown(hold_seconds=hold)
    shown.losing["ch2"] = 2
    shown.seconds(20)
    shown.losing["ch2"] = 0
    shown.until(lambda outcome: not outcome.findings, within=hold + 2)
    for _ in range(60):
        assert shown.second() == Outcome()


# -- flap


def test_a_channel_that_flaps_is_damped_and_let_go_once_it_is_quiet() -> None:
    shown = Shown(hold_seconds=20, flap={"count": 3, "window_seconds": 30})

    def flap(second: int) -> None:
        if second % 4 == 0:
            shown.change("ch2", drops=shown.channels["ch2"].drops + 1)

    shown.seconds(5)
    shown.seconds(8, flap)
    assert shown.outcome.holds == frozenset()
    shown.seconds(4, flap)
    assert shown.outcome.holds == {"ch2"}
    assert shown.troubles == {("flap", "ch2")}
    shown.seconds(16)
    assert shown.outcome.holds == {"ch2"}
    shown.until(lambda outcome: not outcome.holds, within=30)
    for _ in range(60):
        assert shown.second().findings == ()


def test_as_many_drops_over_a_longer_time_are_no_flap() -> None:
    shown = Shown(flap={"count": 3, "window_seconds": 30})
    for _ in range(10):
        shown.change("ch2", drops=shown.channels["ch2"].drops + 1)
        shown.seconds(16)
    assert shown.outcome.findings == ()


# -- macsec-errors


def test_refused_frames_that_rise_are_found() -> None:
    shown = Shown(macsec_errors={"frames": 20, "window_seconds": 10}, hold_seconds=10)
    shown.seconds(15)
    shown.change("ch2", refused=19)
    shown.seconds(10)
    assert shown.outcome.findings == ()
    shown.change("ch2", refused=39)
    shown.seconds(1)
    assert shown.troubles == {("macsec-errors", "ch2")}
    assert shown.outcome.holds == frozenset()
    shown.seconds(12)
    for _ in range(60):
        assert shown.second().findings == ()


def test_frames_refused_while_a_channel_is_being_secured_do_not_count() -> None:
    shown = Shown()
    shown.seconds(15)
    shown.change("ch2", ready=False)
    shown.seconds(2)
    shown.change("ch2", ready=True, refused=500)
    shown.seconds(30)
    assert shown.outcome.findings == ()


# -- asymmetry


def test_a_connection_that_works_at_one_side_only_is_found() -> None:
    shown = Shown(hold_seconds=5)
    shown.change("ch2", one_way=(PROD,))
    shown.seconds(15)
    assert shown.outcome.findings == ()
    shown.seconds(2)
    assert shown.troubles == {("asymmetry", "ch2")}
    assert "this side sends 1 connection over it" in shown.outcome.findings[0].words
    shown.change("ch2", one_way=())
    shown.seconds(7)
    assert shown.outcome.findings == ()
    # The other way round it is this side that does not use it.
    shown.change("ch2", unanswered=(PROD,))
    shown.seconds(17)
    assert shown.troubles == {("asymmetry", "ch2")}
    assert "your side sends over it" in shown.outcome.findings[0].words


# -- prefix-limit


def test_a_session_near_its_limit_is_found_before_it_is_torn_down() -> None:
    shown = Shown(hold_seconds=5)
    shown.change("ch2", prefixes=Prefixes(PROD, 4, 799, 1000))
    shown.seconds(60)
    assert shown.outcome.findings == ()
    shown.change("ch2", prefixes=Prefixes(PROD, 4, 800, 1000))
    shown.seconds(4)
    assert shown.troubles == {("prefix-limit", "ch2")}
    shown.change("ch2", prefixes=Prefixes(PROD, 4, 790, 1000))
    shown.seconds(60)
    assert shown.troubles == {("prefix-limit", "ch2")}, "a route more or less is no change"
    shown.change("ch2", prefixes=Prefixes(PROD, 4, 700, 1000))
    shown.seconds(7)
    assert shown.outcome.findings == ()


# -- capacity


def test_one_channel_less_is_a_risk_two_are_urgent_and_none_is_an_emergency() -> None:
    shown = Shown(hold_seconds=10)
    shown.seconds(5)
    seen = []
    for count in range(1, 5):
        shown.change(f"ch{count}", ready=False)
        shown.seconds(10)
        found = shown.found(Kind.CAPACITY, "ic1")
        assert found is not None
        seen.append(found.priority)
    assert seen == [Priority.P3, Priority.P1, Priority.P1, Priority.P0]
    for count in range(1, 5):
        shown.change(f"ch{count}", ready=True)
    shown.seconds(12)
    assert shown.outcome.findings == ()


def test_trouble_on_a_channel_is_more_urgent_once_the_others_do_not_carry_what_is_sold() -> None:
    shown = Shown()
    shown.change("ch2", ready=False)
    shown.seconds(10)
    found = shown.found(Kind.CHANNEL_DOWN, "ch2")
    assert found is not None
    assert found.priority is Priority.P2
    shown.change("ch3", ready=False)
    shown.seconds(10)
    found = shown.found(Kind.CHANNEL_DOWN, "ch2")
    assert found is not None
    assert found.priority is Priority.P1


def test_an_interconnect_of_one_channel_is_not_at_risk_while_it_works() -> None:
    shown = Shown(channels=("ch1",))
    shown.seconds(60)
    assert shown.outcome.findings == ()


def test_an_interconnect_without_customers_is_not_at_risk() -> None:
    shown = Shown(sold=())
    shown.change("ch2", ready=False)
    shown.seconds(60)
    assert shown.troubles == {("channel-down", "ch2")}


# -- all


def test_what_is_switched_off_is_not_found() -> None:
    off = {"action": "none"}
    shown = Shown(grey_loss=off, capacity=off, channel_down=off)
    shown.losing["ch1"] = 2
    shown.change("ch2", ready=False)
    shown.seconds(60)
    assert shown.outcome.findings == ()
    assert shown.outcome.holds == frozenset()


def test_what_is_only_reported_moves_nothing() -> None:
    shown = Shown(grey_loss={"action": "report"})
    shown.losing["ch2"] = 2
    shown.seconds(60)
    assert shown.troubles == {("grey-loss", "ch2")}
    assert shown.outcome.holds == frozenset()


def test_a_new_process_neither_finds_anew_nor_forgets() -> None:
    shown = Shown(hold_seconds=10)
    shown.losing["ch2"] = 2
    shown.seconds(20)
    shown.losing["ch2"] = 0
    shown.restart()
    shown.seconds(5)
    assert shown.troubles == {("grey-loss", "ch2")}
    assert shown.outcome.holds == {"ch2"}
    shown.seconds(7)
    assert shown.outcome.findings == ()
    assert shown.outcome.holds == frozenset()
