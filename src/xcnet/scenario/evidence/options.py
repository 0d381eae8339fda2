"""How much evidence a run is to leave."""

from __future__ import annotations

from dataclasses import dataclass

from xcnet.errors import InputError
from xcnet.lab.capture_mode import Capture
from xcnet.scenario.document import Scenario


@dataclass(frozen=True, slots=True)
class EvidenceOptions:
    """:param capture: None: as the scenario says. :param keys: keep what decrypts the captures, for this user alone."""

    capture: Capture | None = None
    keys: bool = False

    def __post_init__(self) -> None:
        """:raises InputError: keys without whole frames decrypt nothing."""
        if self.keys and self.capture in (Capture.NONE, Capture.HEADERS):
            raise InputError(
                f"keys decrypt nothing of a capture of {self.capture}",
                where="--keep-keys",
                remedy="leave --capture out, or write --capture full: a frame is decrypted whole or not at all",
            )

    def of(self, scenario: Scenario) -> Capture:
        if self.keys:
            return Capture.FULL
        return self.capture if self.capture is not None else scenario.capture


__all__ = ["EvidenceOptions"]
