"""A run's captures decrypted, with the keys that were kept for it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xcnet import __version__
from xcnet.errors import InputError
from xcnet.model.problems import did_you_mean
from xcnet.proof import pcapng
from xcnet.proof.decrypt import ETHERTYPE_MACSEC, Decryptor
from xcnet.proof.pcapng_reader import read
from xcnet.scenario.evidence import keys
from xcnet.scenario.evidence.gather import digest
from xcnet.scenario.report.evidence import CAPTURES
from xcnet.scenario.results import Evidence, RunResult

_MACSEC = ETHERTYPE_MACSEC.to_bytes(2, "big")


@dataclass(frozen=True, slots=True)
class Decrypted:
    """:param file: written. :param decrypted: frames; :param locked: those that no kept key opens; :param clear: those that were
    never encrypted, key agreement's.
    """

    channel: str
    file: Path
    decrypted: int
    locked: int
    clear: int


def chosen(result: RunResult, folder: Path, channels: Sequence[str]) -> list[Evidence]:
    """The captures of these channels, of all where none is named.

    :raises InputError: the run has none, or none of that channel.
    """
    captures = {each.subject: each for each in result.evidence if each.group == CAPTURES}
    if not captures:
        raise InputError(
            "this run captured nothing", where=str(folder), remedy="run the scenario again with --keep-keys"
        )
    for name in channels:
        if name not in captures:
            raise InputError(
                f"there is no capture of a channel '{name}'", where="--channel", remedy=did_you_mean(name, captures)
            )
    return [captures[name] for name in channels or captures]


def decrypt(folder: Path, capture: Evidence, out: Path) -> Decrypted:
    """Write ``CHANNEL.decrypted.pcapng``, readable for this user alone.

    :param folder: the report's. :param out: where to.
    :raises InputError: the capture is not there or not what was recorded, its frames are cut short, there are no keys, or it
        cannot be written.
    """
    source = folder / capture.path
    _check(source, capture)
    kept = keys.find(capture.sha256)
    decryptor = Decryptor(kept.material)
    target = out / f"{capture.subject}.decrypted.pcapng"
    opened = locked = clear = 0
    try:
        out.mkdir(parents=True, exist_ok=True)
        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        os.fchmod(fd, 0o600)  # also one that was there
        with os.fdopen(fd, "wb") as stream:
            stream.write(pcapng.header(f"{capture.subject} decrypted", f"xcnet {__version__}"))
            for packet in read(source):
                data, comment = packet.data, ""
                if data[12:14] == _MACSEC:
                    plain = decryptor.decrypt(data)
                    data, comment = (data, "no SAK fits this frame") if plain is None else (plain, "decrypted")
                    opened += plain is not None
                    locked += plain is None
                else:
                    clear += 1
                stream.write(pcapng.packet(packet.time_ns, data, outgoing=packet.outgoing, comment=comment))
    except OSError as error:
        raise InputError(
            f"the file cannot be written: {error.strerror}",
            where=str(target),
            remedy="choose another folder with --out",
        ) from None
    return Decrypted(capture.subject, target, opened, locked, clear)


def _check(source: Path, capture: Evidence) -> None:
    """:raises InputError: it is not the capture that was recorded, whole frames and all."""
    try:
        found = digest(source)
    except OSError as error:
        raise InputError(
            f"the capture cannot be read: {error.strerror}",
            where=str(source),
            remedy="name the whole folder of a report, its evidence included",
        ) from None
    if found != capture.sha256:
        raise InputError(
            "this is not the capture that the run recorded: it was changed since",
            where=str(source),
            remedy="take the report's folder from where it was made once more",
        )
    if any(len(packet.data) < packet.length for packet in read(source)):
        raise InputError(
            f"the frames of {capture.subject} are cut short, and a frame is decrypted whole or not at all",
            where=str(source),
            remedy="run the scenario again with --keep-keys, which captures whole frames",
        )


__all__ = ["Decrypted", "chosen", "decrypt"]
