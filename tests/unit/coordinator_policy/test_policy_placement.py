"""The interconnect with most free bandwidth comes first; one that does not take the connection comes not at all."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from xcnet.coordinator.policy.placement import Candidate, rank
from xcnet.spec.resources import InterconnectState


def _candidate(name: str = "ic1", **changed: Any) -> Candidate:
    fields: dict[str, Any] = {
        "own_state": InterconnectState.ACTIVE,
        "peer_state": InterconnectState.ACTIVE,
        "own_free_mbps": 5000,
        "peer_free_mbps": 5000,
        "sizes": (500, 1000),
    }
    return Candidate(name=name, **{**fields, **changed})


def test_most_free_first_by_the_lesser_of_both_sides_and_equals_by_name() -> None:
    candidates = [
        _candidate("b", own_free_mbps=4000, peer_free_mbps=9000),
        _candidate("a", own_free_mbps=9000, peer_free_mbps=3000),
        _candidate("d", own_free_mbps=2000, peer_free_mbps=2000),
        _candidate("c", own_free_mbps=2000, peer_free_mbps=7000),
    ]
    for order in permutations(candidates):
        assert rank(order, 1000) == ["b", "a", "c", "d"]


@pytest.mark.parametrize(
    ("changed", "taken"),
    [
        ({"own_free_mbps": 1000}, True),
        ({"own_free_mbps": 999}, False),
        ({"peer_free_mbps": 1000}, True),
        ({"peer_free_mbps": 999}, False),
        ({"own_free_mbps": -1}, False),
        ({"own_state": InterconnectState.PENDING}, False),
        ({"own_state": InterconnectState.CLOSED}, False),
        ({"peer_state": InterconnectState.PENDING}, False),
        ({"peer_state": InterconnectState.CLOSED}, False),
        ({"sizes": (1000,)}, True),
        ({"sizes": (999, 1001)}, False),
        ({"sizes": ()}, False),
    ],
)
def test_an_interconnect_is_ranked_only_if_it_takes_the_connection(changed: dict[str, Any], taken: bool) -> None:
    assert rank([_candidate(**changed)], 1000) == (["ic1"] if taken else [])


def test_nothing_to_rank_is_no_error() -> None:
    assert rank([], 1000) == []
