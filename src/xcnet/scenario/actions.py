"""What customers and operators do in a scenario, done through a lab's coordinators as the command line does it."""

from __future__ import annotations

from functools import singledispatch

from xcnet.errors import InputError, LabError
from xcnet.lab.coordination import ANNOUNCED, APPLIED, DONE, GONE, Coordination
from xcnet.lab.directory import Directory
from xcnet.model.fields import MEGABIT
from xcnet.scenario import document as doc
from xcnet.scenario.misuse import misuse


@singledispatch
def act(action: doc.Action, _talk: Coordination, _lab: Directory) -> None:
    """Do it, and return when it is done.

    :raises XcnetError: it was refused, or came to nothing.
    """
    raise TypeError(f"nobody does {type(action).__name__}")


@act.register
def _(action: doc.Rotate, talk: Coordination, lab: Directory) -> None:
    talk.rotate(lab.providers, action.channel)


@act.register
def _(action: doc.Resize, talk: Coordination, lab: Directory) -> None:
    provider, connection = _holder(talk, lab, action.connection, action.by)
    talk.command(provider, "resize", {"connection": connection, "mbps": action.bandwidth // MEGABIT}, follow=APPLIED)


@act.register
def _(action: doc.Migrate, talk: Coordination, lab: Directory) -> None:
    provider, connection = _holder(talk, lab, action.connection, action.by)
    talk.command(provider, "migrate", {"connection": connection}, follow=APPLIED)


@act.register
def _(action: doc.Disconnect, talk: Coordination, lab: Directory) -> None:
    provider, connection = _holder(talk, lab, action.connection, action.by)
    talk.command(provider, "disconnect", {"connection": connection}, follow=GONE)


@act.register
def _(action: doc.Connect, talk: Coordination, lab: Directory) -> None:
    connect_order(talk, lab, action.order)


@act.register
def _(action: doc.MisuseKey, talk: Coordination, lab: Directory) -> None:
    misuse(action.how, talk, lab)


@act.register
def _(action: doc.Maintenance, talk: Coordination, _lab: Directory) -> None:
    parameters = {
        "channel": action.channel,
        "start": action.start,
        "duration": action.duration,
        "emergency": action.emergency,
    }
    talk.command(action.by, "schedule", parameters, follow=ANNOUNCED)


@act.register
def _(action: doc.Advance, talk: Coordination, lab: Directory) -> None:
    for provider in lab.providers:
        talk.command(provider, "advance", {"seconds": action.by})


@act.register
def _(action: doc.DisableChannel, talk: Coordination, _lab: Directory) -> None:
    talk.command(action.by, "disable-channel", {"channel": action.channel}, follow=DONE)


@act.register
def _(action: doc.EnableChannel, talk: Coordination, _lab: Directory) -> None:
    talk.command(action.by, "enable-channel", {"channel": action.channel}, follow=DONE)


def connect_order(talk: Coordination, lab: Directory, name: str | None = None) -> None:
    """Have one of the topology's connections made, from the activation key to both sides seeing it work.

    :param name: the first by default. :raises XcnetError: there is none of that name, or it came to nothing.
    """
    known = list(dict.fromkeys(network.name for network in lab.networks))
    order = name if name is not None else next(iter(known), None)
    if order not in known:
        raise InputError(
            f"the topology has no connection {name!r}",
            where="connection",
            remedy=f"it has: {', '.join(known) or 'none'}",
        )
    sides = {network.provider: network for network in lab.networks if network.name == order}
    first = next(iter(sides.values()))
    here, there = next(each.providers for each in lab.environments if each.name == first.environment)
    attach = {
        provider: {"name": order, "port": side.port, "networks": list(side.networks)}
        for provider, side in sides.items()
    }
    talk.connect(here, there, first.environment, first.mbps, lab.customers[first.customer], attach)


def unverified(talk: Coordination, lab: Directory) -> list[str]:
    """Connections that one of their sides does not see to work, as ``NAME at PROVIDER``."""
    return [
        f"{each['name']} at {display}"
        for provider, display in lab.providers.items()
        for each in talk.query(provider, "connections")
        if not (each["legs"] and each["legs"][-1]["verified"])
    ]


def _holder(talk: Coordination, lab: Directory, wanted: str | None, by: str | None) -> tuple[str, str]:
    """The first provider (``by`` alone, where it is given) that has a connection, and its name; the first where none is named."""
    for provider in [by] if by is not None else lab.providers:
        for each in talk.query(provider, "connections"):
            if wanted in (None, each["name"], each["uuid"]):
                return provider, each["uuid"]
    raise LabError(
        f"there is no connection {wanted or ''}".strip(),
        where="connection",
        remedy="let a step make one, or take it away",
    )


__all__ = ["act", "connect_order", "unverified"]
