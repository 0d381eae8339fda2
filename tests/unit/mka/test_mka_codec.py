"""MKPDUs to bytes and back; a second opinion by scapy; any bytes at all give an MKPDU or one kind of error."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mka_strategies import mkpdus

from xcnet.mka.codec import GROUP_ADDRESS, Mkpdu, MkpduError, decode, encode
from xcnet.mka.kdf import wrap_sak
from xcnet.mka.parameters import Basic, DistributedSak, KeyUse, Member, Peers, SakUse, Unknown, Xpn
from xcnet.model.desired import CipherSuite
from xcnet.secret import Secret

ICK = Secret(bytes(16))
SOURCE = bytes.fromhex("020000000001")
BASIC = Basic(3, 16, True, True, 2, SOURCE + b"\0\1", Member(b"m" * 12, 7), b"name")


def frame_of(*parameters: object) -> bytes:
    return encode(SOURCE, Mkpdu(BASIC, parameters), ICK)  # type: ignore[arg-type]


@given(mkpdus)
def test_what_is_encoded_is_decoded_to_the_same(mkpdu: Mkpdu) -> None:
    frame = encode(SOURCE, mkpdu, ICK)
    sealed = decode(frame)
    assert sealed.mkpdu == mkpdu
    assert sealed.source == SOURCE
    assert sealed.sealed_with(ICK)
    assert not sealed.sealed_with(Secret(bytes(15) + b"\1"))


@given(mkpdus, st.binary(max_size=40))
def test_padding_behind_the_mkpdu_is_passed_over(mkpdu: Mkpdu, padding: bytes) -> None:
    sealed = decode(encode(SOURCE, mkpdu, ICK) + padding)
    assert sealed.mkpdu == mkpdu
    assert sealed.sealed_with(ICK)


@given(mkpdus, st.data())
def test_a_flipped_bit_is_seen(mkpdu: Mkpdu, data: st.DataObject) -> None:
    frame = bytearray(encode(SOURCE, mkpdu, ICK))
    position = data.draw(st.integers(0, len(frame) * 8 - 1))
    frame[position // 8] ^= 1 << position % 8
    with contextlib.suppress(MkpduError):
        assert not decode(bytes(frame)).sealed_with(ICK)


@given(mkpdus, st.data())
def test_a_cut_frame_is_refused(mkpdu: Mkpdu, data: st.DataObject) -> None:
    frame = encode(SOURCE, mkpdu, ICK)
    with pytest.raises(MkpduError):
        decode(frame[: data.draw(st.integers(0, len(frame) - 1))])


@given(st.binary(max_size=400))
def test_any_bytes_give_an_mkpdu_or_an_error(data: bytes) -> None:
    with contextlib.suppress(MkpduError):
        decode(data)


@given(st.binary(max_size=1400))
def test_any_body_behind_a_right_header_gives_an_mkpdu_or_an_error(body: bytes) -> None:
    frame = GROUP_ADDRESS + SOURCE + b"\x88\x8e\x03\x05" + len(body).to_bytes(2, "big") + body
    with contextlib.suppress(MkpduError):
        decode(frame)


@given(mkpdus, st.data())
def test_overwritten_lengths_give_an_mkpdu_or_an_error(mkpdu: Mkpdu, data: st.DataObject) -> None:
    frame = bytearray(encode(SOURCE, mkpdu, ICK))
    for _ in range(3):
        frame[data.draw(st.integers(14, len(frame) - 17))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(MkpduError):
        decode(bytes(frame))


@pytest.mark.parametrize(
    ("cipher", "length"),
    [
        (CipherSuite.GCM_AES_128, 28),
        (CipherSuite.GCM_AES_256, 52),
        (CipherSuite.GCM_AES_XPN_128, 36),
        (CipherSuite.GCM_AES_XPN_256, 52),
    ],
)
def test_a_distributed_sak_has_the_length_that_its_suite_gives_it(cipher: CipherSuite, length: int) -> None:
    wrapped = wrap_sak(ICK, Secret(bytes(cipher.key_length)))
    assert len(DistributedSak(1, 1, 1, cipher, wrapped).encode()) == 4 + length


def test_the_length_of_the_frame_is_a_multiple_of_four_and_counts_the_icv() -> None:
    for length in range(1, 33):
        basic = Basic(3, 16, True, True, 2, SOURCE + b"\0\1", Member(b"m" * 12, 7), b"n" * length)
        frame = encode(SOURCE, Mkpdu(basic), ICK)
        stated = int.from_bytes(frame[16:18], "big")
        assert stated == len(frame) - 18
        assert stated % 4 == 0


def test_an_icv_indicator_before_the_icv_is_understood() -> None:
    body = BASIC.encode() + b"\xff\0\0\x10" + bytes(16)
    frame = GROUP_ADDRESS + SOURCE + b"\x88\x8e\x03\x05" + len(body).to_bytes(2, "big") + body
    assert decode(frame).mkpdu == Mkpdu(BASIC)


def test_unknown_parameter_sets_are_passed_over() -> None:
    unknown = Unknown(77, 1, 2, b"future")
    sealed = decode(frame_of(unknown, Xpn(1, 2)))
    assert sealed.mkpdu.parameters == (unknown, Xpn(1, 2))


def test_scapy_reads_what_is_encoded_here() -> None:
    from scapy.layers.eap import (
        MKAPDU,
        MKABasicParamSet,
        MKADistributedSAKParamSet,
        MKALivePeerListParamSet,
        MKASAKUseParamSet,
    )
    from scapy.layers.l2 import Ether

    def number(value: int | bytes) -> int:
        return value if isinstance(value, int) else int.from_bytes(value, "big")

    use = KeyUse(b"s" * 12, 5, 2, 99, transmits=True, receives=True)
    old = KeyUse(b"o" * 12, 4, 1, 98, transmits=False, receives=True)
    wrapped = wrap_sak(ICK, Secret(b"k" * 16))
    sak = DistributedSak(2, 1, 5, CipherSuite.GCM_AES_128, wrapped)
    live = Peers(True, (Member(b"p" * 12, 42),))
    packet = Ether(frame_of(live, SakUse(use, old), sak))
    assert MKAPDU in packet
    basic = packet[MKABasicParamSet]
    assert basic.key_server_priority == 16
    assert basic.key_server == 1
    assert basic.macsec_desired == 1
    assert basic.macsec_capability == 2
    assert basic.actor_member_id == b"m" * 12
    assert basic.actor_message_number == 7
    assert basic.algorithm_agility == 0x0080C201
    assert bytes(basic.cak_name) == b"name"
    assert packet[MKALivePeerListParamSet].member_id_message_num[0].member_id == b"p" * 12
    assert number(packet[MKALivePeerListParamSet].member_id_message_num[0].message_number) == 42
    read = packet[MKASAKUseParamSet]
    assert (read.latest_key_an, read.latest_key_tx, read.latest_key_rx) == (2, 1, 1)
    assert (read.old_key_an, read.old_key_tx, read.old_key_rx) == (1, 0, 1)
    assert read.latest_key_key_server_member_id == b"s" * 12
    assert (number(read.latest_key_key_number), number(read.latest_key_lowest_acceptable_pn)) == (5, 99)
    read = packet[MKADistributedSAKParamSet]
    assert (read.distributed_an, read.confidentiality_offset, number(read.key_number)) == (2, 1, 5)
    assert read.sak_aes_key_wrap == wrapped
