"""Bandwidths: which can be had, and whether there is room. In Mbit/s."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from xcnet.spec.errors import ApiError, Reason


def free(capacity: int, reserved: Iterable[int]) -> int:
    """What is left of an interconnect's capacity; below zero where the capacity has been made smaller since."""
    return capacity - sum(reserved)


def check_size(mbps: int, sizes: Collection[int]) -> None:
    """:raises ApiError: 400 for a bandwidth that is not offered."""
    if mbps not in sizes:
        offered = ", ".join(str(size) for size in sorted(sizes))
        raise ApiError(
            Reason.UNSUPPORTED_SIZE, f"{mbps} Mbit/s is not offered; sizes are: {offered}", field="bandwidthMbps"
        )


def check_capacity(more_mbps: int, free_mbps: int) -> None:
    """:param more_mbps: what is needed beyond what is reserved. :raises ApiError: 409 where it does not fit."""
    if more_mbps > 0 and more_mbps > free_mbps:
        raise ApiError(
            Reason.NO_CAPACITY,
            f"{more_mbps} Mbit/s more are needed, {max(free_mbps, 0)} are free",
            field="bandwidthMbps",
        )


def check_update(current: int, wanted: int, *, sizes: Collection[int], free_mbps: int, in_flight: bool) -> None:
    """Whether a connection's bandwidth may be changed now. Growth needs room for the difference, less needs none.

    :param in_flight: another change of the connection is under way, at either side.
    :raises ApiError: 400 for a bandwidth that is not offered, 409 while another change is under way or for want of room.
    """
    check_size(wanted, sizes)
    if in_flight:
        raise ApiError(Reason.UPDATE_IN_FLIGHT, "another change of this connection is under way")
    check_capacity(wanted - current, free_mbps)


__all__ = ["check_capacity", "check_size", "check_update", "free"]
