"""Activation keys that customers bring although they stand for nothing. Each ends with a refusal, and with nothing left of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from xcnet.errors import LabError, XcnetError
from xcnet.lab.coordination import GONE, VERIFIED, Coordination
from xcnet.lab.directory import Directory
from xcnet.spec import names
from xcnet.spec.activation_key import ActivationKey, encode

_NAME = "misused"
_NETWORKS = {0: ["192.0.2.0/24"], 1: ["198.51.100.0/24"]}
"""Documentation's own (RFC 5737), for the first and the second provider."""
_MOST_KEYS = 32


@dataclass(frozen=True, slots=True)
class _Order:
    """:param here: the provider that makes keys. :param there: where they are brought. :param accounts: of the customer."""

    here: str
    there: str
    environment: str
    mbps: int
    accounts: dict[str, str]


def misuse(how: str, talk: Coordination, lab: Directory) -> None:
    """:param how: see :class:`xcnet.scenario.doing.MisuseKey`. :raises XcnetError: it was refused; nothing of it is there any more."""
    first = lab.networks[0]
    here, there = next(each.providers for each in lab.environments if each.name == first.environment)
    order = _Order(here, there, first.environment, first.mbps, lab.customers[first.customer])
    _WAYS[how](talk, lab, order)


def _used(talk: Coordination, _lab: Directory, order: _Order) -> None:
    """A connection is made and deleted; its key is brought once more."""
    with _tidied(talk, order) as made:
        key = _key(talk, order)
        made.append(key["uuid"])
        _accept(talk, order, key["key"])
        talk.command(order.there, "disconnect", {"connection": key["uuid"]}, follow=GONE)
        _accept(talk, order, key["key"])


def _other_account(talk: Coordination, lab: Directory, order: _Order) -> None:
    others = [accounts for accounts in lab.customers.values() if accounts != order.accounts]
    if not others:
        raise LabError("the lab has one customer", where="misuse-key", remedy="use a topology with two")
    with _tidied(talk, order) as made:
        key = _key(talk, order)
        made.append(key["uuid"])
        _accept(talk, order, key["key"], account=others[0][order.there])


def _altered(talk: Coordination, _lab: Directory, order: _Order) -> None:
    """Written anew by the customer, in clear (version 1), for another bandwidth."""
    sizes = {
        size
        for each in talk.query(order.there, "environments")
        if each["name"] == order.environment
        for size in each["sizes_mbps"]
    }
    other = min((size for size in sizes if size > order.mbps), default=min(sizes))
    with _tidied(talk, order) as made:
        key = _key(talk, order)
        made.append(key["uuid"])
        forged = ActivationKey(
            version=1,
            destination_environment_uri=f"/{names.environment(order.here, order.environment)}",
            shared_connection_uuid=key["uuid"],
            connection_size_mbps=other,
            destination_account_id=order.accounts[order.there],
        )
        _accept(talk, order, encode(forged))


def _too_many(talk: Coordination, _lab: Directory, order: _Order) -> None:
    with _tidied(talk, order) as made:
        for number in range(_MOST_KEYS):
            made.append(_key(talk, order, f"{_NAME}-{number}")["uuid"])


_WAYS: dict[str, Callable[[Coordination, Directory, _Order], None]] = {
    "used": _used,
    "other-account": _other_account,
    "altered": _altered,
    "too-many": _too_many,
}


def _key(talk: Coordination, order: _Order, name: str = _NAME) -> dict[str, Any]:
    attach = {"name": name, "networks": _NETWORKS[0]}
    return talk.intent(order.here, order.there, order.environment, order.mbps, order.accounts, attach)


def _accept(talk: Coordination, order: _Order, key: str, account: str | None = None) -> None:
    parameters = {
        "key": key,
        "account": account or order.accounts[order.there],
        "attach": {"name": _NAME, "networks": _NETWORKS[1]},
    }
    talk.command(order.there, "accept", parameters, follow=VERIFIED)


@contextlib.contextmanager
def _tidied(talk: Coordination, order: _Order) -> Iterator[list[str]]:
    """UUIDs that are put into the list are gone at both sides afterwards, however far they have come.

    So is what nobody has heard the UUID of: a coordinator may die between the deed and its answer, and is asked once more then.
    """
    made: list[str] = []
    others = {each["uuid"] for each in talk.query(order.here, "connections")}
    try:
        yield made
    finally:
        with contextlib.suppress(XcnetError):
            held = [each for each in talk.query(order.here, "connections") if each["uuid"] not in others]
            made += [each["uuid"] for each in held if each["name"].startswith(_NAME)]
        for uuid in dict.fromkeys(made):
            for provider in (order.there, order.here):
                with contextlib.suppress(XcnetError):  # most of them are gone already
                    _delete(talk, provider, uuid)


def _delete(talk: Coordination, provider: str, uuid: str) -> None:
    held = [each for each in talk.query(provider, "connections") if each["uuid"] == uuid]
    if held:
        talk.command(provider, "disconnect", {"connection": uuid}, follow=GONE if held[0]["legs"] else None)


__all__ = ["misuse"]
