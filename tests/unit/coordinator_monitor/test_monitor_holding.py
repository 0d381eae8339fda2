"""Which channel is used last: never two of an interconnect, never the last, never where the others do not carry what is sold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from monitor_world import BURST, CHANNELS, Shown

from xcnet.coordinator.monitor.holding import to_hold
from xcnet.coordinator.monitor.seen import ChannelSeen, InterconnectSeen


def interconnect(*channels: ChannelSeen, sold: tuple[int, ...] = (1000,)) -> InterconnectSeen:
    return InterconnectSeen("ic1", "gcp", channels, sold)


def four(**changes: dict[str, bool]) -> InterconnectSeen:
    return interconnect(*(ChannelSeen(name=name, **changes.get(name, {})) for name in CHANNELS))


def test_one_of_four_is_held() -> None:
    assert to_hold(four(), {"ch2"}, "aws") == "ch2"


def test_of_two_lossy_channels_none_is_held_as_two_others_do_not_carry_what_is_sold() -> None:
    assert to_hold(four(), {"ch2", "ch3"}, "aws") is None


def test_what_is_held_is_let_go_when_another_fails() -> None:
    assert to_hold(four(ch2={"held": True, "idle": True}), {"ch2"}, "aws") == "ch2"
    seen = interconnect(
        *(ChannelSeen(name=name, held=name == "ch2", idle=name == "ch2", ready=name != "ch4") for name in CHANNELS)
    )
    assert to_hold(seen, {"ch2"}, "aws") is None


def test_planned_work_on_any_channel_goes_before() -> None:
    assert to_hold(four(ch4={"planned": True}), {"ch2"}, "aws") is None
    assert to_hold(four(ch2={"held": True}, ch4={"planned": True}), {"ch2"}, "aws") is None


def test_what_the_peer_has_taken_down_itself_is_out_already() -> None:
    assert to_hold(four(ch4={"excused": True, "ready": False}), {"ch2"}, "aws") is None


def test_the_peers_own_hold_of_a_flapping_channel_does_not_end_this_ones() -> None:
    """It is shown as disabled by the peer, and is down at this moment: both go on holding it."""
    flapping = {"held": True, "excused": True, "ready": False}
    assert to_hold(four(ch2=flapping), {"ch2"}, "aws") == "ch2"


def test_the_last_channel_is_never_held() -> None:
    assert to_hold(interconnect(ChannelSeen(name="ch1")), {"ch1"}, "aws") is None
    down = interconnect(ChannelSeen(name="ch1"), ChannelSeen(name="ch2", ready=False))
    assert to_hold(down, {"ch1"}, "aws") is None


def test_one_of_two_is_held_as_either_carries_all() -> None:
    assert to_hold(interconnect(ChannelSeen(name="ch1"), ChannelSeen(name="ch2")), {"ch2"}, "aws") == "ch2"


def test_a_channel_that_the_peer_drains_is_out_already() -> None:
    assert to_hold(four(ch3={"idle": True}), {"ch2"}, "aws") is None


def test_the_same_channel_may_be_drained_by_both() -> None:
    assert to_hold(four(ch2={"idle": True}), {"ch2"}, "aws") == "ch2"


def test_of_two_providers_that_took_different_channels_the_later_one_lets_go() -> None:
    for me, peer, kept in (("aws", "gcp", "ch2"), ("gcp", "aws", None)):
        channels = tuple(
            ChannelSeen(name=name, held=name == "ch2", idle=name in ("ch2", "ch3")) for name in ("ch1", "ch2", "ch3")
        )
        seen = InterconnectSeen("ic1", peer, channels, ())
        assert to_hold(seen, {"ch2"}, me) == kept


def test_another_channel_is_not_taken_before_the_first_is_back() -> None:
    assert to_hold(four(ch2={"held": True, "idle": True}), {"ch3"}, "aws") is None


def test_physical_capacity_counts_too() -> None:
    seen = InterconnectSeen(
        "ic1", "gcp", tuple(ChannelSeen(name=each) for each in CHANNELS), (100, 250), member_mbps=100
    )
    assert to_hold(seen, {"ch2"}, "aws") is None


flags = st.booleans()
channels = st.builds(
    ChannelSeen,
    name=st.just("?"),
    known=flags,
    ready=flags,
    planned=flags,
    held=flags,
    idle=flags,
    excused=flags,
)


@given(
    st.lists(channels, min_size=1, max_size=6),
    st.sets(st.integers(0, 5)),
    st.lists(st.integers(1, 10_000), max_size=4),
    st.sampled_from(["aws", "gcp"]),
)
def test_whatever_is_seen_what_is_held_leaves_enough(
    seen: list[ChannelSeen], wanting: set[int], sold: list[int], me: str
) -> None:
    from dataclasses import replace

    named = tuple(replace(each, name=f"ch{number}") for number, each in enumerate(seen))
    whole = InterconnectSeen("ic1", "azure", named, tuple(sold))
    wanted = {f"ch{number}" for number in wanting}
    held = to_hold(whole, wanted, me)
    if held is None:
        return
    assert held in wanted
    others = [each for each in named if each.name != held]
    assert not any(each.planned for each in named)
    assert not any(each.held for each in others) or any(each.held and each.name == held for each in named)
    if sold:
        good = [each for each in others if each.works and each.name not in wanted]
        assert good
        assert len(good) >= len(named) - 1


@given(
    st.lists(
        st.tuples(st.sampled_from(CHANNELS), st.sampled_from(["lossy", "well", "cut", "mended", "plan", "done"])),
        max_size=40,
    )
)
def test_over_any_story_at_most_one_channel_is_held_and_it_is_never_the_last(story: list[tuple[str, str]]) -> None:
    shown = Shown(hold_seconds=3)
    for name, what in story:
        match what:
            case "lossy" | "well":
                shown.losing[name] = 3 if what == "lossy" else 0
            case "cut" | "mended":
                shown.change(name, ready=what == "mended")
            case "plan" | "done":
                shown.change(name, planned=what == "plan")
        for _ in range(4):
            outcome = shown.second()
            assert len(outcome.holds) <= 1
            for held in outcome.holds:
                others = [each for each in shown.channels.values() if each.name != held]
                assert sum(each.works and not each.planned for each in others) == len(CHANNELS) - 1
    assert BURST
