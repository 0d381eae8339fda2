"""Frames that an attacker makes of those that passed, and when an old one is old enough."""

from __future__ import annotations

import pytest

from xcnet.model.desired import CipherSuite
from xcnet.proof.attacks import AHEAD, Recording, Tally, altered, in_clear, of_nobody
from xcnet.proof.decrypt import Decryptor, SakMaterial, parse_tag
from xcnet.proof.forgeries import _protect
from xcnet.secret import Secret

SAK = SakMaterial(
    0x0200_0000_0001_0001, 1, CipherSuite.GCM_AES_XPN_256, Secret(bytes(range(32))), 7, Secret(bytes(range(12)))
)
CLEAR = bytes.fromhex("020000000002020000000001") + bytes.fromhex("0800") + bytes(100)


def frame(pn: int, sak: SakMaterial = SAK) -> bytes:
    return _protect(CLEAR, sak, pn)


def pn_of(data: bytes | None) -> int:
    tag = parse_tag(data or b"")
    assert tag is not None
    return tag.pn


def test_an_altered_frame_is_of_the_same_channel_and_does_not_verify() -> None:
    made = altered(frame(5))
    tag = parse_tag(made)
    assert tag is not None
    assert (tag.sci, tag.an, tag.pn) == (SAK.sci, SAK.an, 5 + AHEAD)
    assert Decryptor([SAK]).decrypt(frame(5)) == CLEAR
    assert Decryptor([SAK]).decrypt(made) is None


def test_a_frame_of_nobody_names_another_channel_between_the_same_stations() -> None:
    made = of_nobody(frame(5))
    tag = parse_tag(made)
    assert tag is not None
    assert tag.sci != SAK.sci
    assert made[:12] == frame(5)[:12]


def test_a_frame_in_clear_is_no_protected_one() -> None:
    assert parse_tag(in_clear(frame(5))) is None
    for make in (altered, of_nobody):
        with pytest.raises(ValueError):
            make(CLEAR)


def test_frames_are_late_once_the_window_has_passed_them() -> None:
    recording = Recording(window=3)
    for pn in range(10, 14):
        recording.take(frame(pn))
    assert recording.late() is None
    recording.take(frame(14))
    assert pn_of(recording.late()) == 10
    recording.take(frame(16))
    assert {pn_of(recording.late()) for _ in range(3)} == {10, 11, 12}
    assert pn_of(recording.newest) == 16


def test_packet_numbers_that_pass_their_lower_half_go_on() -> None:
    recording = Recording(window=3)
    for pn in (0xFFFF_FFFD, 0xFFFF_FFFF, 1, 3):
        recording.take(frame(pn))
    assert pn_of(recording.late()) == 0xFFFF_FFFD


def test_another_key_begins_anew() -> None:
    recording = Recording(window=0)
    recording.take(frame(1))
    recording.take(frame(2))
    assert recording.late() is not None
    recording.take(frame(1, SakMaterial(SAK.sci, 2, SAK.cipher_suite, SAK.key, SAK.ssci, SAK.salt)))
    assert recording.late() is None
    recording.take(CLEAR)
    assert pn_of(recording.newest) == 1


def test_counters_that_begin_anew_are_added_up() -> None:
    tally = Tally({"InPktsLate": 5, "gate": 1})
    tally.take({"InPktsLate": 7, "gate": 1})
    tally.take({"InPktsLate": 3, "gate": 1})
    tally.take({"gate": 4})
    tally.take({"InPktsLate": 4, "gate": 4})
    assert tally.total == {"InPktsLate": 6, "gate": 3}
