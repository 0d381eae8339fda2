"""Netlink's framing: messages in a datagram, verdicts with the kernel's words; broken input ends quietly."""

from __future__ import annotations

import errno
import struct

from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from xcnet.netlink import batch
from xcnet.netlink.request import NLM_F_ACK, NLM_F_DUMP, Request, refusal


def _message(kind: int, body: bytes, *, flags: int = 0, sequence: int = 1) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, flags, sequence, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def test_messages_of_a_datagram_come_out_in_order_without_their_padding() -> None:
    first, second = _message(16, b"abcde", sequence=7), _message(17, b"", sequence=8)
    frames = list(batch.split(first + bytes(3) + second))
    assert [(frame.type, frame.sequence, frame.data) for frame in frames] == [(16, 7, first), (17, 8, second)]


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    for frame in batch.split(data):
        batch.verdict(frame)


@given(st.binary(max_size=100), st.integers(0, 0xFFFF))
def test_arbitrary_verdicts_never_raise(body: bytes, flags: int) -> None:
    for kind in (batch.NLMSG_ERROR, batch.NLMSG_DONE):
        verdict = batch.verdict(batch.Frame(kind, flags, 1, _message(kind, body, flags=flags)))
        assert verdict.errno >= 0


def test_an_acknowledgement_is_no_error() -> None:
    (frame,) = batch.split(_message(batch.NLMSG_ERROR, struct.pack("=i", 0) + _message(16, b"")))
    assert batch.verdict(frame) == batch.Verdict(0, "")


def test_the_kernels_words_are_found_behind_a_capped_and_behind_a_quoted_request() -> None:
    words = _attribute(1, b"Invalid MTU\0")
    capped = struct.pack("=i", -errno.EINVAL) + struct.pack("=IHHII", 400, 16, 1, 1, 0) + words
    whole = struct.pack("=i", -errno.EINVAL) + _message(16, b"12345678") + _attribute(2, bytes(4)) + words
    for body, flags in ((capped, 0x300), (whole, 0x200)):
        (frame,) = batch.split(_message(batch.NLMSG_ERROR, body, flags=flags))
        assert batch.verdict(frame) == batch.Verdict(errno.EINVAL, "Invalid MTU")


def test_the_end_of_a_dump_may_carry_an_error_and_words() -> None:
    body = struct.pack("=i", -errno.ENOENT) + _attribute(1, b"no such table\0")
    (frame,) = batch.split(_message(batch.NLMSG_DONE, body, flags=0x200))
    assert batch.verdict(frame) == batch.Verdict(errno.ENOENT, "no such table")


def test_a_request_encodes_the_same_again_and_keeps_its_flags() -> None:
    message = ifinfmsg()
    message["attrs"] = [
        ("IFLA_IFNAME", "ch1"),
        (
            "IFLA_LINKINFO",
            {"attrs": [("IFLA_INFO_KIND", "vlan"), ("IFLA_INFO_DATA", {"attrs": [("IFLA_VLAN_ID", 5)]})]},
        ),
    ]
    request = Request(message, 16, "make it", flags=0x600)
    first, second = request.encode(9), request.encode(9)
    assert first == second
    assert struct.unpack_from("=IHHI", first) == (len(first), 16, 0x601, 9)
    assert struct.unpack_from("=H", request.encode(9, NLM_F_ACK | NLM_F_DUMP), 6)[0] == 0x601 | NLM_F_ACK | NLM_F_DUMP


def test_a_refusal_says_what_was_asked_and_what_to_do() -> None:
    request = Request(ifinfmsg(), 16, "make VLAN 5", tolerate=frozenset({errno.EEXIST}))
    error = refusal(request, errno.EBUSY, "", "namespace x")
    assert error.cause == "cannot make VLAN 5: the kernel says EBUSY: Device or resource busy"
    assert (error.where, error.errno) == ("namespace x", errno.EBUSY)
    assert error.remedy
    special = Request(ifinfmsg(), 16, "make VLAN 5", remedy="do this")
    assert refusal(special, errno.EINVAL, "bad VLAN", "").remedy == "do this"
    assert "bad VLAN" in refusal(special, errno.EINVAL, "bad VLAN", "").cause
    assert request.tolerating(errno.ENOENT).tolerate == {errno.EEXIST, errno.ENOENT}
