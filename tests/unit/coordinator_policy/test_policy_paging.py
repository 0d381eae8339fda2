"""Pages are stable while rows come and go; a token is good for nothing but the page after its own."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_world import refused

from xcnet.coordinator.policy.paging import Pager
from xcnet.secret import Secret
from xcnet.spec.errors import Reason

_PAGER = Pager(Secret(b"k" * 32))
_SCOPE = ("ListConnections", "gcp", "gcp", "us-east", "ic1")
_GOOD = _PAGER.token(42, _SCOPE, 10)


# -- sizes


@pytest.mark.parametrize(
    ("asked", "shown"), [(None, 50), (0, 50), (1, 1), (50, 50), (1000, 1000), (1001, 1000), (2**31 - 1, 1000)]
)
def test_no_size_is_the_default_and_too_large_a_one_the_most(asked: int | None, shown: int) -> None:
    assert Pager.size(asked, default=50, most=1000) == shown


@pytest.mark.parametrize("asked", [-1, -(2**31)])
def test_a_negative_size_is_refused(asked: int) -> None:
    with refused(Reason.INVALID_ARGUMENT, "pageSize"):
        Pager.size(asked, default=50, most=1000)


# -- tokens


@pytest.mark.parametrize("last", [0, 1, 2**31, 2**63 - 1])
def test_a_token_leads_back_to_its_row(last: int) -> None:
    assert _PAGER.read(_PAGER.token(last, _SCOPE, 10), _SCOPE, 10) == last


def test_a_token_can_stand_in_a_url_and_does_not_show_what_it_is_bound_to() -> None:
    assert set(_GOOD) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert b"ic1" not in base64.urlsafe_b64decode(_GOOD)


@pytest.mark.parametrize(
    ("scope", "size"),
    [
        (("ListFeatures", *_SCOPE[1:]), 10),
        ((_SCOPE[0], "aws", *_SCOPE[2:]), 10),
        ((*_SCOPE[:4], "ic2"), 10),
        (_SCOPE[:4], 10),
        ((*_SCOPE, ""), 10),
        (("ListConnections", "gcp", "gcp", "us-eastic1"), 10),
        (_SCOPE, 11),
        (_SCOPE, None),
        (_SCOPE, "10"),
    ],
    ids=[
        "another operation", "another caller", "another parent", "a parent above", "a parent below", "joined names",
        "another size", "no size", "a size in words",
    ],
)  # fmt: skip
def test_a_token_is_only_good_with_the_same_parameters(scope: tuple[str, ...], size: Any) -> None:
    with refused(Reason.BAD_PAGE_TOKEN, "pageToken"):
        _PAGER.read(_GOOD, scope, size)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "=",
        "....",
        "A" * 32,
        _GOOD + "AAAA",
        _GOOD[:-4],
        _GOOD[:-1],
        _GOOD + "=",
        _GOOD.replace("-", "+"),
        _GOOD + "\n",
        "é" * 32,
        "A" * 10_000,
        "\0",
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with refused(Reason.BAD_PAGE_TOKEN, "pageToken"):
        _PAGER.read(token, _SCOPE, 10)


def test_a_token_of_another_key_is_refused() -> None:
    with refused(Reason.BAD_PAGE_TOKEN):
        Pager(Secret(b"j" * 32)).read(_GOOD, _SCOPE, 10)


@given(st.integers(0, 24 * 8 - 1))
def test_a_token_with_any_bit_changed_is_refused(bit: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(_GOOD))
    raw[bit // 8] ^= 1 << bit % 8
    with refused(Reason.BAD_PAGE_TOKEN):
        _PAGER.read(base64.urlsafe_b64encode(raw).decode(), _SCOPE, 10)


_SCOPES = st.lists(st.text(max_size=3), min_size=1, max_size=3).map(tuple)
_SIZES = st.none() | st.integers(0, 3)


@given(_SCOPES, _SIZES, _SCOPES, _SIZES, st.integers(0, 2**62))
def test_tokens_cannot_be_mixed(
    scope: tuple[str, ...], size: int | None, other: tuple[str, ...], other_size: int | None, last: int
) -> None:
    token = _PAGER.token(last, scope, size)
    if (scope, size) == (other, other_size):
        assert _PAGER.read(token, other, other_size) == last
    else:
        with refused(Reason.BAD_PAGE_TOKEN):
            _PAGER.read(token, other, other_size)


# -- lists that change


@settings(max_examples=200)
@given(
    st.integers(0, 30),
    st.integers(1, 7),
    st.lists(st.lists(st.integers(-40, 40), max_size=4), max_size=40),
)
def test_rows_that_stay_are_shown_once_while_others_come_and_go(
    count: int, size: int, changes: list[list[int]]
) -> None:
    """:param changes: between two pages: a row to delete, or below zero, a new one."""
    rows = set(range(1, count + 1))
    following = count + 1
    stayed = set(rows)
    shown: list[int] = []
    token = None
    pending = list(changes)
    while True:
        after = _PAGER.read(token, _SCOPE, size) if token is not None else 0
        page = sorted(row for row in rows if row > after)[: size + 1]
        shown += page[:size]
        if len(page) <= size:
            break
        token = _PAGER.token(page[size - 1], _SCOPE, size)
        for change in pending.pop(0) if pending else []:
            if change < 0:
                rows.add(following)
                following += 1
            else:
                rows.discard(change)
                stayed.discard(change)
    assert len(shown) == len(set(shown))
    assert stayed <= set(shown)
    assert shown == sorted(shown)
