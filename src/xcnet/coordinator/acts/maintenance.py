"""Maintenance windows in the store: the own ones, and the peer's as they were last fetched."""

from __future__ import annotations

import sqlite3

from xcnet.coordinator.policy.maintenance import Window
from xcnet.coordinator.world import World


def windows(world: World, interconnect: str) -> list[Window]:
    """Those of both sides on an interconnect's channels, that are not over."""
    config = world.config.interconnect(interconnect)
    assert config is not None
    found: list[Window] = []
    for channel in config.channels:
        rows = world.db.all("SELECT * FROM maintenance WHERE channel = ? AND stop > ?", channel.name, world.now())
        found += [_window(row) for row in rows]
    return found


def own(world: World, channel: str | None = None) -> list[Window]:
    rows = world.db.all(
        "SELECT * FROM maintenance WHERE owner = ? AND channel = coalesce(?, channel) ORDER BY start", world.me, channel
    )
    return [_window(row) for row in rows]


def of_peer(world: World, channel: str) -> list[Window]:
    rows = world.db.all("SELECT * FROM maintenance WHERE owner <> ? AND channel = ? ORDER BY start", world.me, channel)
    return [_window(row) for row in rows]


def every(world: World) -> list[Window]:
    return [_window(row) for row in world.db.all("SELECT * FROM maintenance ORDER BY start, channel")]


def add(world: World, window: Window) -> None:
    world.db.insert(
        "maintenance",
        owner=window.owner,
        channel=window.channel,
        id=window.id,
        start=window.start,
        stop=window.end,
        emergency=int(window.emergency),
    )
    world.emit(
        "maintenance.published", window.channel, maintenance=window.id, owner=window.owner, start=window.start,
        end=window.end, emergency=window.emergency,
    )  # fmt: skip


def remove(world: World, owner: str, channel: str, identifier: str) -> None:
    if world.db.execute(
        "DELETE FROM maintenance WHERE owner = ? AND channel = ? AND id = ?", owner, channel, identifier
    ):
        world.emit("maintenance.withdrawn", channel, maintenance=identifier, owner=owner)


def _window(row: sqlite3.Row) -> Window:
    return Window(
        channel=row["channel"],
        id=row["id"],
        start=row["start"],
        end=row["stop"],
        owner=row["owner"],
        emergency=bool(row["emergency"]),
    )


__all__ = ["add", "every", "of_peer", "own", "remove", "windows"]
