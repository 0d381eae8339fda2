"""SAKs kept for decrypting a run's captures: in the user's state folder, for this user alone, and never beside a report.

A file is named after its capture's digest: keys and capture find each other, and neither can be taken for another.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from xcnet.edge.report import SakReport
from xcnet.errors import InputError
from xcnet.lab.paths import state_root
from xcnet.proof.decrypt import SakMaterial

_OPEN_TO_OTHERS = 0o077


class KeptKeys(BaseModel):
    """:param channel: whose they were."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channel: str
    saks: tuple[SakReport, ...]

    @property
    def material(self) -> tuple[SakMaterial, ...]:
        return tuple(
            SakMaterial(each.sci, each.an, each.cipher_suite, each.key, each.ssci, each.salt) for each in self.saks
        )


def _file(digest: str) -> Path:
    return state_root() / "keys" / f"{digest}.json"


def keep(digest: str, channel: str, saks: Iterable[SakReport]) -> None:
    """:param digest: of the capture, SHA-256. :raises InputError: the state folder cannot be written."""
    path = _file(digest)
    kept = KeptKeys(channel=channel, saks=tuple(each for each in saks if each.channel == channel))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        # Nobody else's from the first byte on.
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as stream:
            stream.write(kept.model_dump_json(context={"reveal": True}) + "\n")
    except OSError as error:
        raise InputError(
            f"the keys cannot be kept: {error.strerror}", where=str(path.parent), remedy="make that folder writable"
        ) from None


def find(digest: str) -> KeptKeys:
    """:raises InputError: none were kept, or somebody else can read them, or the file is damaged."""
    path = _file(digest)
    remedy = "run the scenario again with --keep-keys"
    try:
        mode = path.stat().st_mode
        if mode & _OPEN_TO_OTHERS:
            raise InputError(
                f"other users may read these keys (mode {mode & 0o777:04o})",
                where=str(path),
                remedy=f"close them: chmod 600 {path}",
            )
        return KeptKeys.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("this user has kept no keys for this capture", where=str(path.parent), remedy=remedy) from None
    except OSError as error:
        raise InputError(f"the keys cannot be read: {error.strerror}", where=str(path), remedy=remedy) from None
    except ValueError as error:
        what = "are not such" if isinstance(error, ValidationError) else "are no text"
        raise InputError(f"the keys {what}: the file is damaged", where=str(path), remedy=remedy) from None


def forget(digest: str) -> bool:
    """Whether there were any."""
    try:
        _file(digest).unlink()
    except FileNotFoundError:
        return False
    return True


__all__ = ["KeptKeys", "find", "forget", "keep"]
