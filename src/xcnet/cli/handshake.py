"""What coordinators do, a line for each step, as it happens."""

from __future__ import annotations

from typing import Any

from rich.markup import escape

from xcnet.cli.output import err
from xcnet.events import Event

_HIDDEN = frozenset(
    {"workflow.notify", "workflow.refresh", "workflow.feature", "router.applied", "activation.confirmed"}
)


class Steps:
    """:param names: provider -> what it is called. :param quiet: collect only (``--json``)."""

    def __init__(self, names: dict[str, str], *, quiet: bool = False) -> None:
        self._names = names
        self._quiet = quiet
        self._first: float | None = None
        self.events: list[dict[str, Any]] = []

    def __call__(self, provider: str, event: Event) -> None:
        if self._first is None:
            self._first = event.monotonic
        at = event.monotonic - self._first
        self.events.append(
            {"seconds": round(at, 6), "provider": provider, "kind": event.kind, "subject": event.subject, **event.data}
        )
        if self._quiet:
            return
        told = self._told(provider, event)
        if told is not None:
            who, what = told
            err.print(f"[dim]{at:8.3f} s[/]  {escape(who):<24} {what}")

    def _name(self, provider: str) -> str:
        return self._names.get(provider, provider)

    def _told(self, provider: str, event: Event) -> tuple[str, str] | None:
        """(who, what); None for what people need not see."""
        data = event.data
        if event.kind == "api.response":
            return self._exchange(provider, event)
        if event.kind in _HIDDEN:
            return None
        if event.kind.startswith("workflow."):
            return self._workflow(provider, event)
        words = " ".join(f"{name}={value}" for name, value in data.items() if not isinstance(value, dict | list))
        what = _PHRASES.get(event.kind, f"{event.kind} {words}")
        try:
            return self._name(provider), escape(what.format(**data))
        except KeyError:
            return self._name(provider), escape(f"{event.kind} {words}")

    def _exchange(self, provider: str, event: Event) -> tuple[str, str]:
        data = event.data
        ways = (provider, data["peer"]) if data["side"] == "client" else (data["peer"], provider)
        who = " → ".join(self._name(each) for each in ways)
        status = data.get("status") or data.get("ending")
        colour = "green" if isinstance(status, int) and status < 300 else "yellow"
        reason = f" {data['reason']}" if data.get("reason") else ""
        return who, f"{escape(event.subject)} [{colour}]{status}{reason}[/] [dim]{data.get('ms', 0):.0f} ms[/]"

    def _workflow(self, provider: str, event: Event) -> tuple[str, str] | None:
        kind, state = event.kind.removeprefix("workflow."), event.data.get("state", "")
        message = f": {event.data['message']}" if event.data.get("message") else ""
        if state == "failed":
            return self._name(provider), f"[red]{escape(kind)} failed[/]{escape(message)}"
        if state == "done":
            return self._name(provider), f"[green]{escape(kind)} done[/]{escape(message)}"
        return self._name(provider), f"[dim]{escape(kind)}: {escape(state)}[/]"


_PHRASES = {
    "activation.issued": "activation key made (version {version}, {mbps} Mbit/s)",
    "connection.created": "connection on {interconnect} ({mbps} Mbit/s, {role})",
    "connection.state": "connection on {interconnect}: {state}",
    "connection.final": "seen to work: sessions up, routes in the forwarding table",
    "connection.lost": "does not work any more",
    "connection.peer_final": "the other side sees it work",
    "connection.verified": "verified at both sides",
    "connection.depreferred": "traffic leaves {interconnect}",
    "connection.drained": "nothing is sent over {interconnect} any more",
    "connection.enabled": "enabled on {interconnect}",
    "feature.reserved": "{channel}: VLAN {vlan}, {subnet} reserved",
    "feature.state": "{channel}: {state}",
    "feature.released": "{channel}: VLAN {vlan} free again",
    "key.installed": "key {ckn:.8} on the router",
    "key.active": "key {ckn:.8} in use",
    "key.removed": "key {ckn:.8} gone",
    "router.failed": "a router could not take its state: {cause}",
    "network.applied": "routers hold generation {generation}",
    "channel.draining": "draining ({reason})",
    "channel.drained": "nothing is sent over it any more",
    "channel.down": "taken down ({reason})",
    "channel.restoring": "up again, and not used yet ({reason})",
    "channel.released": "in use again ({reason})",
}

__all__ = ["Steps"]
