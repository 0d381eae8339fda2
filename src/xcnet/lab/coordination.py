"""A lab's coordinators seen from the host: commands with what comes of them as it happens, and queries."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from xcnet.engine.client import LabClient
from xcnet.errors import DeadlineError, InputError, LabError
from xcnet.events import Event
from xcnet.lab.paths import LabPaths

ANNOUNCED, DONE, VERIFIED, APPLIED, GONE = "announced", "done", "verified", "applied", "gone"
"""What a command can be followed to: maintenance that the peer knows of; its workflow's end; a connection that both sides see to work; routers that hold what was
decided; nothing being left of the connection."""

Heard = Callable[[str, Event], None]
"""Told of what a coordinator does: the provider, and the event."""


@dataclass(frozen=True, slots=True)
class Commanded:
    """:param answer: what the coordinator said at once. :param message: how its workflow ended, where it has words for that."""

    answer: dict[str, Any]
    message: str = ""


class CoordinatorEndedError(LabError):
    """It died while it was asked. :param answer: what it had said of a command by then; empty: nothing, it may not have taken it."""

    def __init__(self, cause: str, *, where: str, remedy: str, answer: dict[str, Any] | None = None) -> None:
        super().__init__(cause, where=where, remedy=remedy)
        self.answer = dict(answer or {})


class Coordination:
    """Talks to the coordinators of one lab over one connection.

    :param patience: seconds within which a command must have come to its end; None: whoever waits may give up, and does not have to.
    """

    def __init__(self, paths: LabPaths, client: LabClient, *, patience: float | None = None) -> None:
        self._paths = paths
        self._client = client
        self._patience = patience

    def query(self, provider: str, query: str, **parameters: Any) -> Any:
        """:raises XcnetError: there is nothing of that name, or the coordinator does not answer."""
        answers: list[Any] = []
        self._ask(
            provider, {"query": query, "parameters": parameters}, lambda message: answers.append(message["answer"])
        )
        if not answers:
            raise CoordinatorEndedError("the coordinator ended while it was asked", where=provider, remedy="ask again")
        return answers[0]

    def command(
        self,
        provider: str,
        command: str,
        parameters: dict[str, Any],
        *,
        follow: str | None = None,
        heard: Heard = lambda _provider, _event: None,
    ) -> Commanded:
        """:param follow: wait for this. :raises LabError: refused, or it came to nothing, with the reason.
        :raises DeadlineError: it did not end; it goes on at the coordinator."""
        answer: dict[str, Any] = {}
        end: dict[str, Any] = {}

        def take(message: dict[str, Any]) -> None:
            if "answer" in message:
                answer.update(message["answer"])
            elif "event" in message:
                heard(provider, Event(**message["event"]))
            elif "end" in message:
                end.update(message["end"])

        self._ask(provider, {"command": command, "parameters": parameters, "follow": follow}, take)
        if follow is not None and not end:
            raise CoordinatorEndedError(
                "the coordinator ended while it was followed",
                where=provider,
                remedy="it is started again and goes on where it was: see 'xcnet connections'",
                answer=answer,
            )
        if end.get("state") == "failed":
            raise LabError(end.get("message") or "it came to nothing", where=f"{command} at {provider}")
        return Commanded(answer, end.get("message", ""))

    def connect(
        self,
        here: str,
        there: str,
        environment: str,
        mbps: int,
        accounts: dict[str, str],
        attach: dict[str, dict[str, Any]],
        *,
        defer: bool = False,
        heard: Heard = lambda _provider, _event: None,
    ) -> dict[str, Any]:
        """The whole handshake, to a connection that both sides see to work; how the accepting side describes it then.

        :param here: makes the activation key. :param there: accepts it. :param accounts: provider -> the customer's.
        :param attach: provider -> what it is attached to there. :param defer: ``here`` is to drive.
        :raises XcnetError: it came to nothing.
        """
        made = self.intent(here, there, environment, mbps, accounts, attach[here], heard=heard)
        parameters = {"key": made["key"], "account": accounts[there], "attach": attach[there], "defer": defer}
        done = self.command(there, "accept", parameters, follow=VERIFIED, heard=heard)
        view: dict[str, Any] = self.query(there, "describe", connection=done.answer["uuid"])
        return view

    def intent(
        self,
        here: str,
        there: str,
        environment: str,
        mbps: int,
        accounts: dict[str, str],
        attach: dict[str, Any],
        *,
        heard: Heard = lambda _provider, _event: None,
    ) -> dict[str, Any]:
        """The first half: the activation key with what the coordinator said of it. See :meth:`connect`."""
        parameters = {
            "environment": environment,
            "mbps": mbps,
            "account": accounts[here],
            "peer_account": accounts[there],
            "attach": attach,
        }
        done = self.command(here, "intent", parameters, follow=DONE, heard=heard)
        return {**done.answer, **self.query(here, "activation-key", connection=done.answer["uuid"])}

    def rotate(
        self, providers: Iterable[str], channel: str, *, heard: Heard = lambda _provider, _event: None
    ) -> dict[str, Any]:
        """Have the manager of a channel's keys give it a fresh CAK; the new CKN, and the seconds that it took.

        :param providers: of the lab. :raises InputError: there is no such channel. :raises LabError: refused, or it failed.
        """
        started = time.monotonic()
        for provider in providers:
            found = self._channel(provider, channel)
            if found is not None and found["manager"] == provider:
                self.command(provider, "rotate", {"channel": channel}, follow=DONE, heard=heard)
                seconds = round(time.monotonic() - started, 3)
                keys = (self._channel(provider, channel) or found)["keys"]
                ckn = next((key["ckn"] for key in keys if key["active"]), "")
                return {"channel": channel, "manager": provider, "ckn": ckn, "seconds": seconds}
        raise InputError(f"there is no channel {channel!r}", where="channel", remedy="see 'xcnet environments'")

    def _channel(self, provider: str, name: str) -> dict[str, Any] | None:
        for environment in self.query(provider, "environments"):
            for interconnect in environment["interconnects"]:
                for channel in interconnect["channels"]:
                    if channel["name"] == name:
                        return dict(channel)
        return None

    def _ask(self, provider: str, request: dict[str, Any], take: Callable[[dict[str, Any]], None]) -> None:
        errors: list[dict[str, Any]] = []
        rest = b""

        def received(data: bytes) -> None:
            nonlocal rest
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                message = json.loads(line)
                if "error" in message:
                    errors.append(message)
                else:
                    take(message)

        # By standard input: an activation key is for nobody else's eyes.
        order = json.dumps(request).encode()
        try:
            self._client.stream(["coordinator", provider], received, stdin=order, seconds=self._patience)
        except TimeoutError:
            if self._patience is None:
                raise
            raise DeadlineError(
                f"{request.get('command') or request.get('query')} did not come to its end within {self._patience:g} s",
                where=provider,
                remedy="see 'xcnet events' and 'xcnet connections'",
            ) from None
        if errors:
            error = errors[0]["error"]
            kind = InputError if errors[0].get("status") == InputError.exit_code else LabError
            raise kind(error["cause"], where=error["where"], remedy=error["remedy"])


__all__ = [
    "ANNOUNCED",
    "APPLIED",
    "DONE",
    "GONE",
    "VERIFIED",
    "Commanded",
    "Coordination",
    "CoordinatorEndedError",
    "Heard",
]
