"""MACsec keys through HTTP: who makes them, when, how many, and what of it is in the store."""

from __future__ import annotations

from typing import Any

import pytest
from api_world import Api, bare, met

from xcnet.spec.errors import Reason

_BAKE = 7200.0


def material(number: int, **changed: Any) -> dict[str, Any]:
    return {"ckn": f"{number:02x}" * 16, "cak": f"{number + 100:02x}" * 32, **changed}


def give(api: Api, channel: str, number: int) -> dict[str, Any]:
    return api.accepted("CreateMacSecKey", material(number), query={"macSecKeyId": f"k{number}"}, channel=channel)


def rotated() -> Api:
    """gcp's coordinator, where ch1's manager aws has just rotated a key; the old one is still there."""
    api = bare()
    for number, channel in ((1, "ch1"), (3, "ch3")):
        give(api, channel, number)
        api.uses(channel, material(number)["ckn"])
    give(api, "ch1", 11)
    api.uses("ch1", material(11)["ckn"])
    return api


def held(api: Api, channel: str) -> list[tuple[Any, ...]]:
    return api.rows("SELECT id, ckn, active FROM keys WHERE channel = ? ORDER BY seq", channel)


@pytest.mark.operation("CreateMacSecKey", "accepted")
def test_the_manager_gives_a_key_and_it_becomes_active_when_it_is_used() -> None:
    api = bare()
    shown = give(api, "ch1", 1)
    assert shown["name"].endswith("/channels/ch1/macSecKeys/k1")
    assert (shown["ckn"], shown["active"]) == (material(1)["ckn"], False)
    assert held(api, "ch1") == [("k1", material(1)["ckn"], 0)]
    assert [each.ckn for each in api.sim.providers["gcp"].live.network().channels[0].keys] == [material(1)["ckn"]]
    api.uses("ch1", material(1)["ckn"])
    assert held(api, "ch1") == [("k1", material(1)["ckn"], 1)]


@pytest.mark.operation("CreateMacSecKey", "accepted")
def test_first_keys_wait_for_nobody() -> None:
    api = rotated()  # the bake time of ch1 is running
    api.db.execute("DELETE FROM keys WHERE channel = 'ch3'")
    give(api, "ch3", 5)
    assert held(api, "ch3") == [("k5", material(5)["ckn"], 0)]


@pytest.mark.operation("CreateMacSecKey", "refused")
def test_only_the_manager_gives_keys() -> None:
    api = bare()
    api.refused(Reason.NOT_KEY_MANAGER, "CreateMacSecKey", material(2), query={"macSecKeyId": "k2"}, channel="ch2")
    other = bare("aws")
    other.refused(Reason.NOT_KEY_MANAGER, "CreateMacSecKey", material(1), query={"macSecKeyId": "k1"}, channel="ch1")


@pytest.mark.operation("CreateMacSecKey", "refused")
def test_a_channel_has_two_keys_at_most() -> None:
    api = bare()
    give(api, "ch1", 1)
    give(api, "ch1", 2)
    api.refused(Reason.TOO_MANY_KEYS, "CreateMacSecKey", material(3), query={"macSecKeyId": "k3"}, channel="ch1")


@pytest.mark.operation("CreateMacSecKey", "refused")
def test_an_interconnect_of_four_channels_has_five_keys_at_most() -> None:
    api = bare()
    # Two on ch1, two on ch2, one on ch4: the other rules never let it come so far.
    for channel, number in (("ch1", 1), ("ch1", 2), ("ch2", 3)):
        api.db.insert("keys", channel=channel, id=f"k{number}", ckn=f"{number:02x}", cak="00", created=0.0)
    assert api.rows("SELECT count(*) FROM keys") == [(5,)]
    api.refused(Reason.TOO_MANY_KEYS, "CreateMacSecKey", material(6), query={"macSecKeyId": "k6"}, channel="ch3")


@pytest.mark.operation("CreateMacSecKey", "refused")
def test_two_channels_do_not_rotate_at_once() -> None:
    api = bare()
    for number, channel in ((1, "ch1"), (3, "ch3")):
        give(api, channel, number)
        api.uses(channel, material(number)["ckn"])
    give(api, "ch1", 11)
    answer = api.refused(
        Reason.ROTATION_NOT_ALLOWED, "CreateMacSecKey", material(13), query={"macSecKeyId": "k13"}, channel="ch3"
    )
    assert "ch1" in answer.body["message"]


@pytest.mark.operation("CreateMacSecKey", "refused")
@pytest.mark.operation("CreateMacSecKey", "accepted")
@pytest.mark.parametrize("channel", ["ch1", "ch3"])
def test_nothing_rotates_for_two_hours_after_a_rotation(channel: str) -> None:
    api = rotated()
    api.accepted("DeleteMacSecKey", channel="ch1", macSecKey="k1")
    more = {"query": {"macSecKeyId": "k20"}, "channel": channel}
    api.refused(Reason.ROTATION_NOT_ALLOWED, "CreateMacSecKey", material(20), **more)
    api.advance(_BAKE - 1.0)
    api.refused(Reason.ROTATION_NOT_ALLOWED, "CreateMacSecKey", material(20), **more)
    api.advance(1.0)
    api.accepted("CreateMacSecKey", material(20), **more)
    assert len(held(api, channel)) == 2


@pytest.mark.operation("DeleteMacSecKey", "accepted")
@pytest.mark.operation("CreateMacSecKey", "refused")
def test_the_two_hours_begin_when_the_key_of_before_has_left() -> None:
    api = rotated()
    api.advance(3600.0)
    api.accepted("DeleteMacSecKey", channel="ch1", macSecKey="k1")
    api.advance(_BAKE - 1.0)
    more = {"query": {"macSecKeyId": "k20"}, "channel": "ch3"}
    api.refused(Reason.ROTATION_NOT_ALLOWED, "CreateMacSecKey", material(20), **more)
    api.advance(1.0)
    api.accepted("CreateMacSecKey", material(20), **more)


@pytest.mark.operation("CreateMacSecKey", "refused")
def test_a_key_of_the_same_id_or_name_is_refused() -> None:
    api = bare()
    give(api, "ch1", 1)
    api.refused(Reason.ALREADY_EXISTS, "CreateMacSecKey", material(2), query={"macSecKeyId": "k1"}, channel="ch1")
    for ckn in (material(1)["ckn"], "AB" * 16):
        api.db.execute("UPDATE keys SET ckn = lower(?)", ckn)
        api.refused(
            Reason.ALREADY_EXISTS,
            "CreateMacSecKey",
            material(2, ckn=ckn),
            query={"macSecKeyId": "k2"},
            channel="ch3",
            field="ckn",
        )


@pytest.mark.operation("CreateMacSecKey", "refused")
@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"cak": "00" * 16}, "cak"),
        ({"cak": "0" * 63}, "cak"),
        ({"cak": "zz" * 32}, "cak"),
        ({"cak": None}, "cak"),
        ({"ckn": ""}, "ckn"),
        ({"ckn": "0" * 33}, "ckn"),
        ({"ckn": "00" * 33}, "ckn"),
    ],
)
def test_what_is_no_key_is_refused_without_a_word_of_it(changed: dict[str, Any], field: str) -> None:
    body = material(1, **changed)
    answer = bare().refused(
        Reason.INVALID_ARGUMENT, "CreateMacSecKey", body, query={"macSecKeyId": "k1"}, channel="ch1", field=field
    )
    assert material(1)["cak"] not in str(answer)
    assert not changed.get("cak") or changed["cak"] not in str(answer)


@pytest.mark.operation("CreateMacSecKey", "refused")
@pytest.mark.parametrize("missing", ["cak", "ckn"])
def test_half_a_key_is_refused(missing: str) -> None:
    body = {name: value for name, value in material(1).items() if name != missing}
    more = {"query": {"macSecKeyId": "k1"}, "channel": "ch1"}
    bare().refused(Reason.INVALID_ARGUMENT, "CreateMacSecKey", body, field=missing, **more)


@pytest.mark.operation("CreateMacSecKey", "refused")
@pytest.mark.parametrize("query", [{}, {"macSecKeyId": ""}, {"macSecKeyId": "a/b"}, {"macSecKeyId": "x" * 129}])
def test_a_key_needs_an_id(query: dict[str, str]) -> None:
    bare().refused(
        Reason.INVALID_ARGUMENT, "CreateMacSecKey", material(1), query=query, channel="ch1", field="macSecKeyId"
    )


@pytest.mark.operation("ListMacSecKeys", "accepted")
@pytest.mark.operation("GetMacSecKey", "accepted")
def test_keys_are_shown_with_which_of_them_is_active() -> None:
    api = rotated()
    shown = api.accepted("ListMacSecKeys", channel="ch1")["macSecKeys"]
    assert [(each["ckn"], each["active"]) for each in shown] == [
        (material(1)["ckn"], False),
        (material(11)["ckn"], True),
    ]
    assert api.accepted("GetMacSecKey", channel="ch1", macSecKey="k11") == shown[1]
    assert [each["ckn"] for each in api.accepted("ListMacSecKeys", channel="ch3")["macSecKeys"]] == [material(3)["ckn"]]


@pytest.mark.operation("ListMacSecKeys", "refused")
def test_keys_of_a_channel_that_is_not_there_are_not_found() -> None:
    api = bare()
    api.refused(Reason.NOT_FOUND, "ListMacSecKeys", channel="ch9", field="channel")
    api.refused(Reason.WRONG_PROVIDER, "ListMacSecKeys", channel="ch1", provider="gcp")


@pytest.mark.operation("GetMacSecKey", "refused")
def test_a_key_is_found_on_its_own_channel_alone() -> None:
    api = rotated()
    api.refused(Reason.NOT_FOUND, "GetMacSecKey", channel="ch1", macSecKey="k3", field="macSecKey")
    api.refused(Reason.NOT_FOUND, "GetMacSecKey", channel="ch9", macSecKey="k1", field="channel")


@pytest.mark.operation("DeleteMacSecKey", "accepted")
def test_the_key_of_before_is_deleted() -> None:
    api = rotated()
    assert api.accepted("DeleteMacSecKey", channel="ch1", macSecKey="k1") == {}
    assert held(api, "ch1") == [("k11", material(11)["ckn"], 1)]
    assert [each.ckn for each in api.sim.providers["gcp"].live.network().channels[0].keys] == [material(11)["ckn"]]


@pytest.mark.operation("DeleteMacSecKey", "accepted")
def test_a_key_that_never_worked_is_skipped_by_a_newer_one() -> None:
    api = bare()
    give(api, "ch1", 1)
    api.uses("ch1", material(1)["ckn"])
    give(api, "ch1", 11)
    api.accepted("DeleteMacSecKey", channel="ch1", macSecKey="k11")
    give(api, "ch1", 12)
    assert [each[0] for each in held(api, "ch1")] == ["k1", "k12"]


@pytest.mark.operation("DeleteMacSecKey", "refused")
def test_an_active_key_is_not_deleted() -> None:
    api = rotated()
    api.refused(Reason.KEY_ACTIVE, "DeleteMacSecKey", channel="ch1", macSecKey="k11", field="macSecKey")


@pytest.mark.operation("DeleteMacSecKey", "refused")
def test_only_the_manager_deletes_keys() -> None:
    api = met()
    (identifier,) = [each[0] for each in held(api, "ch2")]
    for named in (identifier, "no-such-key"):  # nor is anybody else told which there are
        api.refused(Reason.NOT_KEY_MANAGER, "DeleteMacSecKey", channel="ch2", macSecKey=named)


@pytest.mark.operation("DeleteMacSecKey", "refused")
@pytest.mark.operation("CreateMacSecKey", "refused")
def test_a_key_deleted_before_it_came_does_not_come() -> None:
    api = bare()
    api.refused(Reason.NOT_FOUND, "DeleteMacSecKey", channel="ch1", macSecKey="k1", but=("tombstones",))
    api.refused(Reason.BEING_DELETED, "CreateMacSecKey", material(1), query={"macSecKeyId": "k1"}, channel="ch1")


@pytest.mark.operation("RequestMacSecKeyRotation", "accepted")
def test_the_manager_rotates_for_who_asks() -> None:
    api = met()
    before = api.sim.associations["ch2"]
    api.accepted("RequestMacSecKeyRotation", {"reason": "a leak"}, channel="ch2")
    told = [each[:3] for each in api.sim.providers["gcp"].events if each[0] == "key.rotation_requested"]
    assert told == [("key.rotation_requested", "ch2", {"by": "aws", "reason": "a leak"})]
    api.sim.run()
    assert api.sim.associations["ch2"] not in (before, None)
    assert held(api, "ch2")[0][1:] == (api.sim.associations["ch2"], 1)


@pytest.mark.operation("RequestMacSecKeyRotation", "refused")
def test_who_does_not_manage_a_channels_keys_is_not_asked_to_rotate() -> None:
    api = met()
    api.refused(Reason.NOT_KEY_MANAGER, "RequestMacSecKeyRotation", {"reason": "x"}, channel="ch1")
    api.refused(Reason.NOT_FOUND, "RequestMacSecKeyRotation", {"reason": "x"}, channel="ch9", field="channel")


@pytest.mark.operation("RequestMacSecKeyRotation", "refused")
def test_a_rotation_is_not_to_be_had_in_the_bake_time_nor_during_another() -> None:
    api = met()
    api.accepted("RequestMacSecKeyRotation", {}, channel="ch2")
    api.refused(Reason.ROTATION_NOT_ALLOWED, "RequestMacSecKeyRotation", {}, channel="ch4")
    api.sim.run()
    for channel in ("ch2", "ch4"):
        api.refused(Reason.ROTATION_NOT_ALLOWED, "RequestMacSecKeyRotation", {}, channel=channel)
    api.advance(_BAKE)
    api.accepted("RequestMacSecKeyRotation", {}, channel="ch4")


@pytest.mark.operation("RequestMacSecKeyRotation", "accepted")
def test_a_channel_that_is_rotated_already_is_not_rotated_twice() -> None:
    api = met()
    for _ in range(3):
        api.accepted("RequestMacSecKeyRotation", {}, channel="ch2")
    assert api.rows("SELECT kind, subject FROM workflows") == [("rotate", "ch2")]
    api.sim.run()
    assert api.rows("SELECT count(*) FROM outcomes WHERE kind = 'rotate' AND subject = 'ch2'") == [
        (2,)
    ]  # and the first
