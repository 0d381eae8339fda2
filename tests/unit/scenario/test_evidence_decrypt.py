"""A run's captures decrypted on request: with kept keys, which nobody else may read, and refused with a remedy otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
from evidence_world import PLAIN, TIME, clear_frame, report_with_capture, sak

from xcnet.errors import InputError
from xcnet.lab.recording import Recorded
from xcnet.proof.pcapng_reader import read
from xcnet.scenario.evidence import keys
from xcnet.scenario.evidence.decrypt import chosen, decrypt
from xcnet.scenario.evidence.gather import Gathered
from xcnet.scenario.evidence.run import _keep_keys
from xcnet.scenario.report.write import read_result


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XCNET_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def decrypted(folder: Path, out: Path, *channels: str):
    (capture,) = chosen(read_result(folder), folder, channels)
    return decrypt(folder, capture, out)


def test_frames_under_every_kept_key_are_found_again_in_their_order(tmp_path: Path) -> None:
    made = report_with_capture(tmp_path / "report", locked=2)
    assert PLAIN not in made.capture.read_bytes()
    found = decrypted(made.folder, tmp_path / "out", "ch2")
    packets = list(read(found.file))
    assert [packet.data for packet in packets[:5]] == [clear_frame()] * 5
    assert packets[5].data[12:14] == b"\x88\xe5" and packets[7].data[12:14] == b"\x88\x8e"
    assert [packet.time_ns - TIME for packet in packets] == list(range(8))
    assert [packet.outgoing for packet in packets] == [bool(number % 2) for number in range(8)]
    assert (found.decrypted, found.locked, found.clear) == (5, 2, 1)


def test_plaintext_is_this_users_alone_and_not_in_the_report(tmp_path: Path) -> None:
    made = report_with_capture(tmp_path / "report")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "ch2.decrypted.pcapng").touch(0o644)
    found = decrypted(made.folder, tmp_path / "out")
    assert found.file == tmp_path / "out" / "ch2.decrypted.pcapng"
    assert found.file.stat().st_mode & 0o777 == 0o600
    assert not any(PLAIN in path.read_bytes() for path in made.folder.rglob("*") if path.is_file())


def test_keys_are_kept_for_this_user_alone_by_their_captures_digest(tmp_path: Path, state: Path) -> None:
    made = report_with_capture(tmp_path / "report")
    (file,) = (state / "keys").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert (state / "keys").stat().st_mode & 0o777 == 0o700
    assert file.stem == chosen(read_result(made.folder), made.folder, [])[0].sha256
    assert {each.an for each in keys.find(file.stem).saks} == {1, 2}, "another channel's keys are not its"
    assert keys.forget(file.stem) and not keys.forget(file.stem)


def test_a_file_of_keys_that_was_there_is_replaced_and_closed(state: Path) -> None:
    (state / "keys").mkdir(parents=True)
    (state / "keys" / "d1.json").write_text("older")
    (state / "keys" / "d1.json").chmod(0o644)
    keys.keep("d1", "ch2", [sak()])
    assert (state / "keys" / "d1.json").stat().st_mode & 0o777 == 0o600
    assert len(keys.find("d1").saks) == 1


def test_without_keys_it_is_refused(tmp_path: Path) -> None:
    made = report_with_capture(tmp_path / "report", kept=False)
    with pytest.raises(InputError, match="kept no keys") as refused:
        decrypted(made.folder, tmp_path / "out")
    assert "--keep-keys" in refused.value.remedy
    assert not (tmp_path / "out").exists()


def test_keys_that_others_may_read_are_refused(tmp_path: Path, state: Path) -> None:
    made = report_with_capture(tmp_path / "report")
    (file,) = (state / "keys").iterdir()
    file.chmod(0o640)
    with pytest.raises(InputError, match=r"other users may read these keys \(mode 0640\)"):
        decrypted(made.folder, tmp_path / "out")


@pytest.mark.parametrize("content", [b"{", b"{}", b"\xff\xfe", b'{"channel": "ch2", "saks": [{"key": "zz"}]}'])
def test_damaged_keys_are_refused_without_showing_them(content: bytes, tmp_path: Path, state: Path) -> None:
    made = report_with_capture(tmp_path / "report")
    (file,) = (state / "keys").iterdir()
    file.write_bytes(content)
    with pytest.raises(InputError, match="damaged") as refused:
        decrypted(made.folder, tmp_path / "out")
    assert refused.value.where == str(file)


def test_frames_that_were_cut_are_refused_with_the_way_to_whole_ones(tmp_path: Path) -> None:
    made = report_with_capture(tmp_path / "report", cut=True)
    with pytest.raises(InputError, match="frames of ch2 are cut short") as refused:
        decrypted(made.folder, tmp_path / "out")
    assert "--keep-keys, which captures whole frames" in refused.value.remedy


def test_a_capture_that_was_changed_or_is_gone_is_refused(tmp_path: Path) -> None:
    made = report_with_capture(tmp_path / "report")
    made.capture.write_bytes(made.capture.read_bytes()[:-4] + b"\0\0\0\0")
    with pytest.raises(InputError, match="changed since"):
        decrypted(made.folder, tmp_path / "out")
    made.capture.unlink()
    with pytest.raises(InputError, match="No such file"):
        decrypted(made.folder, tmp_path / "out")


def test_a_channel_without_capture_is_refused(tmp_path: Path) -> None:
    made = report_with_capture(tmp_path / "report")
    with pytest.raises(InputError, match="no capture of a channel 'ch3'") as refused:
        decrypted(made.folder, tmp_path / "out", "ch3")
    assert "ch2" in refused.value.remedy
    nothing = read_result(made.folder).model_copy(update={"evidence": ()})
    with pytest.raises(InputError, match="captured nothing"):
        chosen(nothing, made.folder, [])


def test_keys_that_cannot_be_kept_cost_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = report_with_capture(tmp_path / "report", kept=False)
    gathered = Gathered(tmp_path / "other")
    gathered.found += read_result(made.folder).evidence
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XCNET_STATE", str(tmp_path / "file"))
    _keep_keys(gathered, Recorded(channels={}, saks=made.saks))
    assert gathered.problems == ["the keys cannot be kept: Not a directory: its captures cannot be decrypted"]
