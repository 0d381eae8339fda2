"""For every test that runs in the engine: a kernel that is found and left clean."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from xcnet.netlink import netns


@pytest.fixture(scope="module", autouse=True)
def clean_kernel() -> Iterator[None]:
    """A module must not leave namespaces to those that come after it; what it does leave is removed and told."""
    before = set(netns.names())
    yield
    left = set(netns.names()) - before
    for name in left:
        netns.delete(name)
    assert not left, f"namespaces left behind: {', '.join(sorted(left))}"
