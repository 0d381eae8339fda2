"""What a new connection is attached to at one provider: what the customer says, a network of the topology's, or a new one."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from xcnet.errors import InputError

if TYPE_CHECKING:
    from xcnet.cli.talk import Talk

_MOST = 250


def choose_attachment(
    talk: Talk, provider: str, name: str | None, attach: str | None, networks: list[str] | None, side: int
) -> dict[str, Any]:
    """As the coordinator's commands take it.

    :param name: of the connection; the network's where absent. :param attach: a network of the topology's, by name.
    :param networks: CIDR: these, at the gateway itself. :param side: 0 where the key is made, 1 where it is accepted.
    :raises InputError: there is no such network, or it is in use.
    """
    if networks:
        return _clean({"name": name, "networks": [_network(each) for each in networks]})
    held = talk.coordinators.query(provider, "connections")
    names, ports = {each["name"] for each in held}, {each["port"] for each in held if each["port"]}
    known = [each for each in talk.directory.networks if each.provider == provider]
    free = [
        each
        for each in known
        if (each.port is None and each.name not in names) or (each.port and each.port not in ports)
    ]
    found = next((each for each in free if each.name == attach), None) if attach is not None else None
    if attach is not None and found is None and any(each.name == attach for each in known):
        raise InputError(
            f"the network {attach!r} is in use at {talk.directory.providers[provider]}",
            where="--attach",
            remedy="disconnect what is attached to it, or say --network",
        )
    if found is None and attach is None and name is None:
        found = next(iter(free), None)
    if found is not None:
        return _clean({"name": name or found.name, "port": found.port, "networks": list(found.networks)})
    taken = {network for each in held for network in each["networks"]}
    for number in range(_MOST):
        ipv4, ipv6 = f"10.{100 + side}.{number}.0/24", f"fd00:10:{100 + side}:{number:x}::/64"
        if ipv4 not in taken:
            return _clean({"name": name, "networks": [ipv4, ipv6]})
    raise InputError("there is no network left to make up", where="--network", remedy="say one yourself")


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise InputError(
            f"{text!r} is no subnet: {error}", where="--network", remedy="write e.g. 10.1.0.0/24"
        ) from None


def _clean(attach: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in attach.items() if value is not None}


__all__ = ["choose_attachment"]
