"""What every part of a coordinator's core is handed: its store, its configuration, the time, chance, and what is seen now."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from xcnet.coordinator.config import ChannelConfig, CoordinatorConfig, EnvironmentConfig, InterconnectConfig
from xcnet.coordinator.policy.reservations import Reservations
from xcnet.coordinator.store.database import Database
from xcnet.secret import Secret
from xcnet.spec.errors import ApiError, Reason

_OFFSET, _GENERATION = "clock_offset", "generation"


@dataclass(frozen=True, slots=True)
class ChannelFact:
    """One own channel end as its router reports it.

    :param association: CKN of the CA that protects its traffic; None while it is closed.
    :param settled: no key of before is installed any more.
    """

    association: str | None = None
    settled: bool = False


@dataclass
class Facts:
    """What the own network shows now; lost with the process, and seen again by the next one.

    :param applied: generation of the desired state that the routers hold.
    :param up: (connection UUID, channel) -> sessions of both families established, and routes in the forwarding table of those that the customer uses.
    :param carrying: (connection UUID, channel) -> the own gateway sends over it.
    """

    applied: int = 0
    channels: dict[str, ChannelFact] = field(default_factory=dict)
    up: dict[tuple[str, str], bool] = field(default_factory=dict)
    carrying: dict[tuple[str, str], bool] = field(default_factory=dict)


Emit = Callable[[str, str, dict[str, Any]], None]
"""Told of what happens: kind, subject, further fields."""


class World:
    """:param wall: seconds since the epoch, without what policy time was advanced by.
    :param emit: told of what happened, once it is committed.
    """

    def __init__(
        self,
        config: CoordinatorConfig,
        database: Database,
        *,
        wall: Callable[[], float],
        rng: random.Random,
        emit: Emit,
        key_source: Callable[[int], Secret] = Secret.random,
    ) -> None:
        self.config = config
        self.rules = config.rules
        self.me = config.provider
        self.db = database
        self.rng = rng
        self._emit = emit
        self.key_source = key_source
        self.facts = Facts()
        self._wall = wall
        self._offset: float | None = None
        self._woken: set[str] = set()
        self.reservations: Reservations | None = None
        """Kept by :mod:`xcnet.coordinator.acts.features`; None where it has to be put together anew."""
        database.after_rollback(self._undone)

    def emit(self, kind: str, subject: str, **data: Any) -> None:
        """Tell of something, as soon as it is committed. Never a secret."""
        self.db.after_commit(lambda: self._emit(kind, subject, data))

    # -- policy time

    def wall(self) -> float:
        """Seconds since the epoch, as everybody else's clock shows them: for signatures and certificates."""
        return self._wall()

    def now(self) -> float:
        """Policy time: seconds since the epoch, and what it was advanced by."""
        return self._wall() + self.offset

    @property
    def offset(self) -> float:
        """Seconds that policy time is ahead of :meth:`wall`."""
        if self._offset is None:
            self._offset = float(self.meta(_OFFSET) or 0.0)
        return self._offset

    def advance(self, seconds: float) -> None:
        """Move policy time forward. Inside a transaction."""
        self.set_meta(_OFFSET, str(float(self.meta(_OFFSET) or 0.0) + seconds))
        self._offset = None

    # -- small state

    def meta(self, name: str) -> str | None:
        value: str | None = self.db.value("SELECT value FROM meta WHERE name = ?", name)
        return value

    def set_meta(self, name: str, value: str) -> None:
        self.db.execute(
            "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            name,
            value,
        )

    @property
    def generation(self) -> int:
        """Counts changes of what the own network should be."""
        return int(self.meta(_GENERATION) or 0)

    def network_changed(self) -> int:
        """Say, inside the transaction that changes it, that the network should be another. Returns the generation."""
        generation = self.generation + 1
        self.set_meta(_GENERATION, str(generation))
        return generation

    def new_id(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def forget_reservations(self) -> None:
        """Something was released, or undone."""
        self.reservations = None

    def _undone(self) -> None:
        self.forget_reservations()
        self._offset = None

    # -- waking workflows

    def wake(self, *subjects: str) -> None:
        """Have the workflows about these look again."""
        self._woken.update(subjects)

    def woken(self) -> set[str]:
        """Taken once."""
        taken, self._woken = self._woken, set()
        return taken

    # -- configuration, with the API's errors

    def environment(self, name: str, peer: str) -> EnvironmentConfig:
        """:raises ApiError: there is none that is shared with this peer."""
        found = self.config.environment(name)
        if found is None or found.peer != peer:
            raise ApiError(Reason.NOT_FOUND, f"there is no environment {name!r}", field="environment")
        return found

    def interconnect(self, environment: str, name: str, peer: str) -> InterconnectConfig:
        """:raises ApiError: there is none of that name there."""
        for each in self.environment(environment, peer).interconnects:
            if each.name == name:
                return each
        raise ApiError(Reason.NOT_FOUND, f"there is no interconnect {name!r}", field="interconnect")

    def channel(self, environment: str, interconnect: str, name: str, peer: str) -> ChannelConfig:
        """:raises ApiError: there is none of that name there."""
        for each in self.interconnect(environment, interconnect, peer).channels:
            if each.name == name:
                return each
        raise ApiError(Reason.NOT_FOUND, f"there is no channel {name!r}", field="channel")


__all__ = ["ChannelFact", "Emit", "Facts", "World"]
