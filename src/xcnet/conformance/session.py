"""What rules are handed: the peer's tree, requests into it, and connections that are made once and taken away at the end."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xcnet.conformance.proposals import Proposer
from xcnet.conformance.registry import NotTestable, Violation
from xcnet.conformance.subject import CarriedKey, Subject
from xcnet.conformance.wire import Json, Reply, Wire, listed
from xcnet.secret import Secret
from xcnet.spec.names import ResourceName, ResourceNameError
from xcnet.spec.operations import OPERATIONS

_MOST_PAGES = 200

Undo = Callable[[], Awaitable[None]]
Query = Mapping[str, str | int]


@dataclass
class MadeConnection:
    """A connection that the suite has made. :param features: channel -> feature id."""

    key: CarriedKey
    mbps: int
    interconnect: str
    shown: dict[str, Any]
    features: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.key.connection

    @property
    def ids(self) -> dict[str, str]:
        return {"connection": self.id, "interconnect": self.interconnect}


class Session:
    """One run against one server.

    :param wire: to it.
    """

    def __init__(self, subject: Subject, wire: Wire) -> None:
        self.subject = subject
        self.wire = wire
        self.environment = ""
        self.proposer = Proposer(subject.caller, subject.server)
        self.connections: dict[int, MadeConnection] = {}
        self.keys_held: list[CarriedKey] = []
        self._interconnects: list[dict[str, Any]] | None = None
        self._channels: dict[str, list[dict[str, Any]]] = {}
        self._undo: dict[str, Undo] = {}

    # -- requests

    async def call(
        self,
        operation: str,
        body: Json | bytes | None = None,
        query: Query | None = None,
        ids: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Reply:
        """One request. What ids do not say is the caller, the environment, and the interconnect worked on.

        Further arguments are those of :meth:`Wire.send`.
        """
        known = {"provider": self.subject.caller, "environment": self.environment, **(ids or {})}
        wanted = OPERATIONS[operation].path_parameters
        if "interconnect" in wanted and "interconnect" not in known:
            known["interconnect"] = (await self.interconnect()).id
        return await self.wire.send(operation, {name: known[name] for name in wanted}, query, body, **more)

    async def fetch(self, operation: str, ids: Mapping[str, str] | None = None, query: Query | None = None) -> Reply:
        """A read that must succeed. :raises Violation: it does not."""
        return expect(await self.call(operation, None, query, ids), 200)

    async def pages(
        self, operation: str, name: str, ids: Mapping[str, str] | None = None, size: int | None = None
    ) -> list[list[dict[str, Any]]]:
        """All pages of a list. :raises Violation: they do not end."""
        found = []
        query: dict[str, str | int] = {} if size is None else {"pageSize": size}
        for _ in range(_MOST_PAGES):
            reply = await self.fetch(operation, ids, query)
            found.append(listed(reply, name))
            token = reply.object.get("nextPageToken")
            if not token:
                return found
            query["pageToken"] = str(token)
        raise Violation(f"{operation} has more than {_MOST_PAGES} pages")

    # -- what is there

    async def open(self) -> None:
        """Look at the server for the first time. :raises Violation: it does not serve the caller there."""
        pages = await self.pages("ListEnvironments", "environments")
        shown = [name_of(each).get("environments") for page in pages for each in page]
        if not shown:
            raise Violation(f"ListEnvironments shows {self.subject.caller} no environment")
        wanted = self.subject.environment or shown[0]
        if wanted not in shown:
            raise Violation(f"ListEnvironments shows no environment {wanted!r}: there are {', '.join(shown)}")
        self.environment = wanted

    async def interconnects(self) -> list[dict[str, Any]]:
        """:raises Violation: the list is not in order."""
        if self._interconnects is None:
            self._interconnects = [
                each for page in await self.pages("ListInterconnects", "interconnects") for each in page
            ]
        return self._interconnects

    async def interconnect(self) -> ResourceName:
        """The one that is worked on: the first that takes connections. :raises NotTestable: there is none."""
        for each in await self.interconnects():
            if each.get("state") in (None, "INTERCONNECT_STATE_ACTIVE"):
                return name_of(each)
        raise NotTestable("the environment has no interconnect that takes connections")

    async def channels(self) -> list[dict[str, Any]]:
        """Of the interconnect that is worked on. :raises NotTestable: it has none."""
        within = (await self.interconnect()).id
        if within not in self._channels:
            found = await self.pages("ListChannels", "channels", {"interconnect": within})
            self._channels[within] = [each for page in found for each in page]
        if not self._channels[within]:
            raise NotTestable(f"the interconnect {within} has no channels")
        return self._channels[within]

    async def channel(self) -> str:
        """The id of one channel."""
        return name_of((await self.channels())[0]).id

    async def channels_managed_by(self, provider: str) -> list[str]:
        """Ids of the channels whose MACsec keys that provider makes. :raises NotTestable: there is none."""
        manager = f"providers/{provider}"
        found = [name_of(each).id for each in await self.channels() if each.get("macsecManagerProvider") == manager]
        if not found:
            raise NotTestable(f"no channel's MACsec keys are managed by {provider}")
        return found

    async def sizes(self) -> list[int]:
        """Bandwidths that can be ordered, the smallest first."""
        environment = (await self.fetch("GetEnvironment")).object
        found = environment.get("supportedConnectionSizeMbps") or []
        if not found:
            raise NotTestable("the environment names no bandwidth that can be ordered")
        return sorted(int(each) for each in found)

    # -- what is made

    def made(self, what: str, undo: Undo) -> None:
        """Something that is to be taken away at the end."""
        self._undo[what] = undo

    def gone(self, what: str) -> None:
        self._undo.pop(what, None)

    async def clean_up(self) -> list[str]:
        """Take away what was made, the latest first. Returns what could not be."""
        left = []
        while self._undo:
            what, undo = self._undo.popitem()
            try:
                await undo()
            except (Violation, NotTestable) as error:
                left.append(f"{what}: {error}")
        return left

    async def prove(self, connection: str, *, stranger: bool = False) -> Secret | None:
        """A fresh proof of the customer, where the server asks for one. :raises NotTestable: a stranger's where it does not."""
        if not self.subject.proves:
            if stranger:
                raise NotTestable("this server asks for no customers' proofs")
            return None
        return await self.subject.customer.proof(connection, stranger=stranger)

    async def unused_key(self) -> CarriedKey:
        """An activation key that no connection was made with yet: the same until its connection is made."""
        if not self.keys_held:
            mbps = (await self.sizes())[0]
            self.keys_held.append(await self.subject.customer.activation_key(self.environment, mbps))
        return self.keys_held[-1]

    async def order(self, key: CarriedKey, *, prove: bool = True, **more: Any) -> Reply:
        """Ask for the connection of an activation key, as its customer would have it, but for what is given."""
        ask: dict[str, Any] = {"bandwidthMbps": (await self.sizes())[0], "activationKey": key.encoded}
        ask.update(more.pop("body", {}))
        query = {"connectionId": key.connection, **more.pop("query", {})}
        if prove and "proof" not in more:
            more["proof"] = await self.prove(key.connection)
        return await self.call("CreateConnection", ask, query, confided=[key.encoded], **more)

    async def connection(self, number: int = 0) -> MadeConnection:
        """A connection that several rules share. :raises NotTestable: it cannot be made: CreateConnection's own rules say why."""
        if number not in self.connections:
            key = await self.unused_key()
            # A server may want to be asked before.
            await self.call("ConfirmActivationKey", {"encodedKey": key.encoded}, confided=[key.encoded])
            reply = await self.order(key)
            if not reply.ok:
                raise NotTestable(f"there is no connection to try it on: {reply}")
            self.keys_held.remove(key)
            mbps = (await self.sizes())[0]
            await self.keep(key, mbps, reply.object, number)
        return self.connections[number]

    async def keep(self, key: CarriedKey, mbps: int, shown: dict[str, Any], number: int) -> MadeConnection:
        """Remember a connection that was made, to take it away."""
        made = MadeConnection(key, mbps, (await self.interconnect()).id, shown)
        self.connections[number] = made
        self.made(f"connection {made.id}", lambda: self._delete(made))
        return made

    async def _delete(self, made: MadeConnection) -> None:
        proof = await self.prove(made.id)
        expect(await self.call("DeleteConnection", ids=made.ids, proof=proof), 200, 404)

    def forget(self, number: int) -> None:
        """The connection is gone."""
        made = self.connections.pop(number)
        self.gone(f"connection {made.id}")

    async def guidance(self, made: MadeConnection) -> dict[str, dict[str, Any]]:
        """What the server accepts: channel id -> guidance."""
        reply = expect(await self.call("GenerateFeatureGuidance", ids=made.ids), 200)
        found = {}
        for each in listed(reply, "featureGuidance"):
            try:
                found[ResourceName.parse(str(each.get("channel"))).get("channels")] = each
            except (ResourceNameError, KeyError):
                raise Violation(f"{reply} with guidance for {each.get('channel')!r}, which names no channel") from None
        return found

    async def feature_body(self, channel: str, config: Json) -> dict[str, Any]:
        """A proposal as it is sent."""
        name = (await self.interconnect()).child("channels", channel)
        config_of = {"featureType": "FEATURE_TYPE_L3_BASE", "l3BaseConfig": dict(config)}
        return {"channel": str(name), "featureConfig": config_of}

    async def propose(self, made: MadeConnection, channel: str, config: Json, feature: str | None = None) -> Reply:
        """Propose a feature."""
        body = await self.feature_body(channel, config)
        query = {"featureId": feature or new_id()}
        return await self.call("CreateFeature", body, query, made.ids)

    async def feature(self, number: int = 0) -> tuple[MadeConnection, str, str]:
        """A feature that several rules share: its connection, channel and id. :raises NotTestable: it cannot be made."""
        made = await self.connection(number)
        if not made.features:
            for channel, guided in (await self.guidance(made)).items():
                if guided.get("channelAdminState") == "ADMIN_STATE_DISABLED":
                    continue
                identifier = new_id()
                reply = await self.propose(made, channel, self.proposer.config(guided, channel), identifier)
                if not reply.ok:
                    raise NotTestable(f"there is no feature to try it on: {reply}")
                made.features[channel] = identifier
                break
            else:
                raise NotTestable("every channel is disabled")
        channel, identifier = next(iter(made.features.items()))
        return made, channel, identifier

    async def issue(self, **fields: Any) -> tuple[str, Reply]:
        """Open an issue, to be closed at the end. Returns its id and the answer."""
        identifier = new_id()
        body = {"title": "xcnet conformance", "body": "Opened by a test of the API; to be closed by it.", **fields}
        reply = await self.call("CreateIssue", body, {"issueId": identifier})
        if reply.ok:
            self.keep_issue(identifier)
        return identifier, reply

    def keep_issue(self, identifier: str) -> None:
        """Close it at the end."""

        async def close() -> None:
            expect(await self.call("CloseIssue", ids={"issue": identifier}), 200, 404, 409)

        self.made(f"issue {identifier}", close)


def new_id() -> str:
    return str(uuid.uuid4())


def key_material() -> dict[str, Any]:
    """A MACsec key as it is sent: 256 bits, under a random name."""
    return {"ckn": secrets.token_hex(32), "cak": Secret.from_text(secrets.token_hex(32))}


def expect(reply: Reply, *statuses: int, why: str = "") -> Reply:
    """:raises Violation: the status is another."""
    if reply.status not in statuses:
        due = " or ".join(map(str, statuses))
        raise Violation(f"{reply}; {due} is due" + (f": {why}" if why else ""))
    return reply


def name_of(item: Json) -> ResourceName:
    """:raises Violation: it has no name of a resource."""
    try:
        return ResourceName.parse(str(item.get("name")))
    except ResourceNameError:
        raise Violation(f"{item.get('name')!r} is no name of a resource") from None


__all__ = ["MadeConnection", "Session", "expect", "key_material", "name_of", "new_id"]
