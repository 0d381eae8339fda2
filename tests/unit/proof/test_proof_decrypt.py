"""Decryption against scapy's MACsec as a second opinion, and against hostile bytes."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.contrib.macsec import MACsecSA
from scapy.layers.l2 import Dot1Q, Ether

from xcnet.model.desired import CipherSuite
from xcnet.proof.decrypt import ICV_LENGTH, Decryptor, SakMaterial, parse_tag
from xcnet.secret import Secret

SCI = 0x0200000001010001
SUITES = list(CipherSuite)


def material(suite: CipherSuite, an: int = 1) -> SakMaterial:
    xpn = suite.extended_packet_numbers
    return SakMaterial(
        SCI, an, suite, Secret.random(suite.key_length), 2 if xpn else 0, Secret.random(12) if xpn else Secret(b"")
    )


def sent_by_scapy(sak: SakMaterial, clear: bytes, pn: int, *, encrypt: bool = True, send_sci: bool = True) -> bytes:
    xpn = sak.cipher_suite.extended_packet_numbers
    association = MACsecSA(
        sci=sak.sci,
        an=sak.an,
        pn=pn,
        key=sak.key.reveal(),
        icvlen=ICV_LENGTH,
        encrypt=encrypt,
        send_sci=send_sci,
        xpn_en=xpn,
        ssci=sak.ssci if xpn else None,
        salt=sak.salt.reveal() if xpn else None,
    )
    return bytes(association.encrypt(association.encap(Ether(clear))))


def clear_frame(payload: bytes) -> bytes:
    return bytes(Ether(src="02:00:00:00:01:01", dst="02:00:00:00:02:01") / Dot1Q(vlan=1100, type=0x0800) / payload)


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("encrypt", [True, False])
@pytest.mark.parametrize("size", [0, 10, 43, 44, 45, 100, 1500, 9000])
def test_what_scapy_protects_is_found_again(suite: CipherSuite, encrypt: bool, size: int):
    sak, clear = material(suite), clear_frame(os.urandom(size))
    assert Decryptor([sak]).decrypt(sent_by_scapy(sak, clear, 77, encrypt=encrypt)) == clear


def test_padding_behind_a_short_frame_is_left_out():
    sak, clear = material(CipherSuite.GCM_AES_128), clear_frame(b"tiny")
    frame = sent_by_scapy(sak, clear, 5)
    assert Decryptor([sak]).decrypt(frame + bytes(20)) == clear


def test_a_frame_without_an_sci_is_of_its_source_address_and_port_1():
    sak, clear = material(CipherSuite.GCM_AES_256), clear_frame(b"x" * 60)
    frame = sent_by_scapy(sak, clear, 5, send_sci=False)
    tag = parse_tag(frame)
    assert tag is not None and tag.sci == SCI
    assert Decryptor([sak]).decrypt(frame) == clear


def test_extended_packet_numbers_are_followed_over_the_end_of_32_bits():
    sak, clear = material(CipherSuite.GCM_AES_XPN_256), clear_frame(b"x" * 60)
    decryptor = Decryptor([sak])
    for pn in (2**32 - 2, 2**32 - 1, 2**32, 2**32 + 1, 2**32 - 3, 2**33 - 1, 2**33 + 5):
        assert decryptor.decrypt(sent_by_scapy(sak, clear, pn)) == clear, pn


def test_any_change_and_any_other_key_is_refused():
    sak, clear = material(CipherSuite.GCM_AES_XPN_128), clear_frame(b"secret" * 20)
    frame = sent_by_scapy(sak, clear, 9)
    for at in (0, 7, 14, 17, 22, 40, len(frame) - 1):
        changed = bytearray(frame)
        changed[at] ^= 0x01
        assert Decryptor([sak]).decrypt(bytes(changed)) is None, at
    assert Decryptor([material(CipherSuite.GCM_AES_XPN_128)]).decrypt(frame) is None
    assert Decryptor([]).decrypt(frame) is None


def test_a_newer_key_of_the_same_association_is_learned_and_late_frames_are_still_read():
    old, new = material(CipherSuite.GCM_AES_256), material(CipherSuite.GCM_AES_256)
    clear = clear_frame(b"x" * 60)
    decryptor = Decryptor([old])
    assert decryptor.decrypt(sent_by_scapy(new, clear, 1)) is None
    decryptor.replace([new])
    assert decryptor.decrypt(sent_by_scapy(new, clear, 1)) == clear
    assert decryptor.decrypt(sent_by_scapy(old, clear, 900)) == clear


def test_keys_are_not_shown():
    assert material(CipherSuite.GCM_AES_128).key.reveal().hex() not in repr(material(CipherSuite.GCM_AES_128))
    assert "<secret>" in repr(material(CipherSuite.GCM_AES_XPN_128))


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_never_an_error(data: bytes):
    decryptor = Decryptor([SakMaterial(SCI, 0, CipherSuite.GCM_AES_128, Secret(bytes(16)))])
    assert decryptor.decrypt(data) is None
    assert decryptor.decrypt(bytes(12) + b"\x88\xe5" + data) is None


@given(st.integers(0, 120), st.integers(0, 255), st.integers(0, 63))
def test_frames_that_are_cut_or_lie_about_their_length_are_never_an_error(length: int, control: int, short: int):
    frame = bytes(6) + SCI.to_bytes(8, "big")[:6] + b"\x88\xe5" + bytes((control, short)) + bytes(4)
    frame += SCI.to_bytes(8, "big") + bytes(120)
    sak = SakMaterial(SCI, control & 3, CipherSuite.GCM_AES_128, Secret(bytes(16)))
    assert Decryptor([sak]).decrypt(frame[:length]) is None
