"""Key derivation and wrapping against known values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xcnet.mka.kdf import derive_ick, derive_kek, derive_sak, icv, kdf, unwrap_sak, wrap_sak
from xcnet.secret import Secret

CAK = Secret(bytes.fromhex("135bd758b0ee5c11c55ff6ab19fdb199"))
CKN = bytes.fromhex("96437a93ccf10d9dfe347846cce52c7d")


def test_kek_and_ick_of_the_known_pair() -> None:
    assert derive_kek(CAK, CKN).reveal().hex() == "8f5a384c15d6ae9302b462e363d03ca6"
    assert derive_ick(CAK, CKN).reveal().hex() == "8f1c5cb1c8ed2e5f047906e0473aad4d"


def test_sak_of_the_known_members() -> None:
    members = bytes.fromhex("cd421cf86ba457938657675b" + "01020304050607080d1f36cf")
    sak = derive_sak(CAK, bytes(range(1, 17)), members, 1, 16)
    assert sak.reveal().hex() == "045205925831ae59c14550ed59cc003d"


def test_icv_is_aes_cmac_as_in_rfc_4493() -> None:
    key = Secret(bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c"))
    assert icv(key, b"").hex() == "bb1d6929e95937287fa37d129b756746"
    message = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")
    assert icv(key, message).hex() == "070a16b46b4d4144f79bdd9dd04a287c"


def test_wrapping_is_rfc_3394() -> None:
    kek = Secret(bytes(range(16)))
    wrapped = wrap_sak(kek, Secret(bytes.fromhex("00112233445566778899aabbccddeeff")))
    assert wrapped.hex() == "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"
    kek = Secret(bytes(range(32)))
    wrapped = wrap_sak(kek, Secret(bytes.fromhex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f")))
    assert wrapped.hex() == "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"


@pytest.mark.parametrize("length", [16, 32])
def test_keys_are_as_long_as_the_cak(length: int) -> None:
    cak = Secret(bytes(length))
    assert len(derive_kek(cak, b"x")) == len(derive_ick(cak, b"x")) == length
    assert derive_kek(cak, b"x") != derive_ick(cak, b"x")


def test_only_sixteen_bytes_of_the_name_count_and_shorter_ones_are_padded() -> None:
    assert derive_kek(CAK, b"n" * 16) == derive_kek(CAK, b"n" * 32)
    assert derive_kek(CAK, b"n") == derive_kek(CAK, b"n" + bytes(15))


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=40), st.integers(1, 64))
def test_a_longer_key_of_the_same_size_in_bits_is_no_prefix_of_a_shorter(
    key: bytes, context: bytes, length: int
) -> None:
    # The length is among what is authenticated, so that keys of two lengths have nothing in common.
    assert len(kdf(key, b"label", context, length)) == length
    assert kdf(key, b"label", context, length) != kdf(key, b"label", context, length + 1)[:length] or length < 4


keys = st.sampled_from([16, 32]).flatmap(lambda length: st.binary(min_size=length, max_size=length)).map(Secret)


@given(keys, keys, keys)
def test_what_is_wrapped_is_unwrapped_with_the_same_key_only(kek: Secret, sak: Secret, other: Secret) -> None:
    wrapped = wrap_sak(kek, sak)
    assert len(wrapped) == len(sak) + 8
    assert unwrap_sak(kek, wrapped) == sak
    assert other == kek or unwrap_sak(other, wrapped) is None


@given(st.binary(max_size=64))
def test_bytes_that_nobody_wrapped_give_nothing(wrapped: bytes) -> None:
    assert unwrap_sak(Secret(bytes(16)), wrapped) is None
