"""Captures as other programs read them; the verdict."""

import io

import pytest
from rich.console import Console
from scapy.utils import RawPcapNgReader

from xcnet.proof import pcapng
from xcnet.proof.results import CheckResult, Proof

TIME = 1_795_408_150_123_456_789


@pytest.mark.parametrize("size", [14, 60, 61, 62, 63, 1514])
def test_a_stream_is_read_by_scapy_with_names_and_nanoseconds(size: int):
    frame = bytes(range(256)) * 6
    frames = [frame[:size], frame[: size + 1]]
    data = pcapng.header("facility:a1", "xcnet") + b"".join(
        pcapng.packet(TIME + number, each, outgoing=bool(number), comment="one" if number else "")
        for number, each in enumerate(frames)
    )
    read = list(RawPcapNgReader(io.BytesIO(data)))
    assert [bytes(packet) for packet, _ in read] == frames
    for number, (_, meta) in enumerate(read):
        assert meta.tshigh << 32 | meta.tslow == TIME + number
        assert meta.tsresol == 1_000_000_000
        assert meta.ifname == b"facility:a1"
        assert meta.direction == (2 if number else 1)


def test_every_block_is_whole_and_says_its_length_twice():
    data = pcapng.header("x", "y") + pcapng.packet(TIME, b"z" * 61, outgoing=True, comment="why")
    blocks = 0
    while data:
        length = int.from_bytes(data[4:8], "little")
        assert length % 4 == 0
        assert data[length - 4 : length] == data[4:8]
        data = data[length:]
        blocks += 1
    assert blocks == 3


def result(ok: bool, check: str = "encrypted") -> CheckResult:
    return CheckResult(
        check=check, subject="ch1", expected="ciphertext", measured="plaintext" if not ok else "it", ok=ok
    )


def test_a_proof_holds_only_if_there_is_something_and_all_of_it_holds():
    assert not Proof(lab="l", results=(), seconds=0).ok
    assert Proof(lab="l", results=(result(True),), seconds=0).ok
    assert not Proof(lab="l", results=(result(True), result(False)), seconds=0).ok


def test_a_proof_survives_the_way_through_json_and_shows_what_failed():
    proof = Proof(lab="l", results=(result(True), result(False, "MTU")), seconds=1.5)
    assert Proof.model_validate_json(proof.model_dump_json()) == proof
    console = Console(width=120, file=io.StringIO())
    console.print(proof.as_table())
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "MTU" in text and "plaintext" in text and "✗" in text
