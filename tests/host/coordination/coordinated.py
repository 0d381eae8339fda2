"""A running lab with two customers, whose connections tests make, change and delete through the coordinators."""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from xcnet.engine.client import LabClient
from xcnet.errors import XcnetError
from xcnet.lab.coordination import GONE, Coordination
from xcnet.lab.directory import Directory
from xcnet.lab.manager import call_in_lab
from xcnet.lab.paths import LabPaths
from xcnet.model.load import load_topology
from xcnet.model.planner import make_plan

TOPOLOGY = "two-interconnects"
PROVIDERS = ("aws", "gcp")
OTHER = {"aws": "gcp", "gcp": "aws"}
SETTLE_SECONDS = 60.0
"""For both coordinators to agree after one was killed: it is started again, and everything it had under way is done."""


@dataclass
class Traffic:
    """What a stream of datagrams came to; whole once its context has ended."""

    sent: int = 0
    lost: int = 0


class World:
    """:param paths: of the lab. :param client: to it."""

    def __init__(self, paths: LabPaths, client: LabClient) -> None:
        self.paths = paths
        self.client = client
        self.talk = Coordination(paths, client)
        self.directory = Directory.read(paths)
        self._plan = make_plan(load_topology(TOPOLOGY), bare=True)

    # -- connections

    def connect(self, customer: str, here: str = "aws", mbps: int = 1000) -> dict[str, Any]:
        """Both halves of the handshake, to verified; as the accepting side describes it."""
        return self.talk.connect(here, OTHER[here], self._environment, mbps, *self._of(customer))

    def begin_connect(self, customer: str, here: str = "aws", mbps: int = 1000) -> str:
        """To the acceptance, and no further; its UUID."""
        accounts, attach = self._of(customer)
        there = OTHER[here]
        made = self.talk.intent(here, there, self._environment, mbps, accounts, attach[here])
        parameters = {"key": made["key"], "account": accounts[there], "attach": attach[there], "defer": False}
        return str(self.talk.command(there, "accept", parameters).answer["uuid"])

    @property
    def _environment(self) -> str:
        return self.directory.environments[0].name

    def _of(self, customer: str) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
        attach = {
            each.provider: {"name": each.name, "port": each.port, "networks": list(each.networks)}
            for each in self.directory.networks
            if each.customer == customer
        }
        return self.directory.customers[customer], attach

    def disconnect_all(self) -> None:
        """Nothing of any customer is left; a coordinator that has just been killed is waited for."""
        for each in {each["uuid"] for provider in PROVIDERS for each in self.held(provider)}:
            self.disconnect(each)

    def disconnect(self, connection: str) -> None:
        """By whoever has it, until nobody has."""
        holder = next(each for each in PROVIDERS if self.has(each, connection))
        self.talk.command(holder, "disconnect", {"connection": connection}, follow=GONE)
        self.until("the connection is gone", lambda: not any(self.has(each, connection) for each in PROVIDERS))

    def has(self, provider: str, connection: str) -> bool:
        return any(each["uuid"] == connection for each in self.held(provider))

    def held(self, provider: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.talk.query(provider, "connections")
        return found

    def view(self, provider: str, connection: str) -> dict[str, Any]:
        found: dict[str, Any] = self.talk.query(provider, "describe", connection=connection)
        return found

    def legs(self, connection: str) -> list[dict[str, Any]]:
        """As each provider has it: its one leg. A connection that has two at the moment fails the comparison it is for."""
        return [leg for provider in PROVIDERS for leg in self.view(provider, connection)["legs"]]

    def channels(self, provider: str) -> dict[str, dict[str, Any]]:
        found = self.talk.query(provider, "environments")
        return {
            channel["name"]: channel
            for environment in found
            for interconnect in environment["interconnects"]
            for channel in interconnect["channels"]
        }

    def ends(self, provider: str, channels: Sequence[str]) -> list[tuple[str, str]]:
        """One side's node and port of each of these channels."""
        return [
            (end.node, end.port)
            for channel in self._plan.channels
            for end in channel.ends
            if channel.name in channels and end.provider == provider
        ]

    # -- what is seen

    def until(self, what: str, holds: Callable[[], Any], seconds: float = SETTLE_SECONDS) -> Any:
        """Look until it holds. A coordinator that does not answer, as it was killed, is asked again.

        :raises AssertionError: not in time, with what was seen last.
        """
        end, seen = time.monotonic() + seconds, ""
        while time.monotonic() < end:
            try:
                if found := holds():
                    return found
                seen = "it does not hold"
            except XcnetError as error:
                seen = str(error)
            time.sleep(0.05)
        states = {provider: self._said(provider) for provider in PROVIDERS}
        raise AssertionError(f"{what}: not within {seconds:.0f} s; last: {seen}; {states}")

    def _said(self, provider: str) -> Any:
        try:
            return self.held(provider)
        except XcnetError as error:
            return str(error)

    def execute(self, node: str, *argv: str) -> tuple[int, str]:
        chunks: list[bytes] = []
        status = self.client.stream(["exec", node, *argv], chunks.append)
        return status, b"".join(chunks).decode(errors="replace")

    def pings(self, source: str, address: str) -> bool:
        return self.execute(source, "ping", "-c", "2", "-i", "0.2", "-W", "2", address)[0] == 0

    @property
    def routers(self) -> list[str]:
        return list(self.directory.routers)

    def state(self) -> dict[str, Any]:
        """What every router's kernel and FRR hold."""
        found: dict[str, Any] = call_in_lab(self.paths, "inside:kernel", {"nodes": self.routers})
        for router in self.routers:
            chunks: list[bytes] = []
            self.client.stream(["vtysh", router, "-c", "show running-config"], chunks.append)
            found[router]["frr"] = b"".join(chunks).decode().splitlines()
        return found

    def kill(self, provider: str) -> None:
        """kill -9 of its coordinator; the lab starts it again."""
        assert self.client.call("coordinator-kill", {"provider": provider})

    @contextlib.contextmanager
    def traffic(self, source: str, target: str, version: int = 4, rate: int = 200) -> Iterator[Traffic]:
        """Datagrams of 64 flows in one direction while the context lasts."""
        stop = self.paths.run_dir / f"traffic-{uuid.uuid4().hex}.stop"
        seen, failed = Traffic(), []

        def run() -> None:
            parameters = {
                "rate": rate,
                "most_seconds": 180.0,
                "stop_file": str(stop),
                "hosts": [source, target],
                "version": version,
            }
            try:
                found = call_in_lab(self.paths, "traffic:measure", parameters)
                seen.sent, seen.lost = found["sent"], found["lost"]
            except XcnetError as error:
                failed.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        begun = stop.with_name(stop.name + ".begun")
        try:
            self.until("traffic passes", lambda: failed or begun.exists(), 20.0)
            yield seen
        finally:
            stop.touch()
            thread.join()
        if failed:
            raise failed[0]
        assert seen.sent > 0


__all__ = ["OTHER", "PROVIDERS", "TOPOLOGY", "Traffic", "World"]
