"""A lab as a mermaid flow chart, and the words that drawings of it share."""

from __future__ import annotations

from collections.abc import Iterator

from xcnet.model.plan import Impairment, NodeKind, Plan, PlannedChannel, PlannedConnection

_SHAPES = {
    NodeKind.HOST: ("([", "])"),
    NodeKind.GATEWAY: ("{{", "}}"),
    NodeKind.COORDINATOR: ("[[", "]]"),
}


def to_mermaid(plan: Plan) -> str:
    """The lab for Markdown pages: a ``flowchart`` with one subgraph for each provider."""
    return "\n".join(["flowchart LR", *(f"  {line}" for line in _lines(plan)), ""])


def _lines(plan: Plan) -> Iterator[str]:
    for key, provider in plan.providers.items():
        yield f'subgraph p_{_identifier(key)}["{_quoted(provider.display_name)} · AS {provider.asn}"]'
        for node in plan.nodes:
            if node.provider == key:
                opening, closing = _SHAPES.get(node.kind, ("[", "]"))
                words = "<br/>".join([node.name, *node_words(plan, node.name)])
                yield f'  {_node(node.name)}{opening}"{_quoted(words)}"{closing}'
        yield "end"
    for node in plan.nodes:
        if node.kind is NodeKind.FACILITY:
            yield f'{_node(node.name)}[/"{node.name}"/]'
    for link in plan.links:
        if link.channel is None:
            line = "-.-" if link.kind == "management" else "---"
            yield f"{_node(link.a[0])} {line} {_node(link.b[0])}"
    for channel in plan.channels:
        left, right = channel.ends
        words = f'"{channel.name} · {cipher(plan, channel)}"'
        yield f"{_node(left.node)} ===|{words}| {_node(channel.facility)}"
        yield f'{_node(channel.facility)} ===|"{channel.name}"| {_node(right.node)}'


def _node(name: str) -> str:
    # A prefix, because words such as 'end' are mermaid's own.
    return f"n_{_identifier(name)}"


def _identifier(name: str) -> str:
    return name.replace("-", "_")


def _quoted(text: str) -> str:
    return text.replace('"', "#quot;")


def node_words(plan: Plan, name: str) -> list[str]:
    """What to write below a node's name: a host's addresses, or what such a node is called."""
    node = plan.node(name)
    for host in plan.hosts:
        if host.node == name:
            return [str(address) for address in host.addresses]
    if node.provider is None or node.provider not in plan.providers:
        return []
    if node.kind is NodeKind.COORDINATOR:
        return ["Connection Coordinator"]
    provider = plan.providers[node.provider]
    return [provider.gateway if node.kind is NodeKind.GATEWAY else provider.edge]


def cipher(plan: Plan, channel: PlannedChannel) -> str:
    """The channel's cipher suite."""
    for own in plan.routers[channel.ends[0].node].channels:
        if own.name == channel.name:
            return own.macsec.cipher_suite.value
    return ""


def channel_words(plan: Plan, channel: PlannedChannel) -> str:
    """What the channel's fibre does."""
    for link in plan.links:
        if link.channel == channel.name:
            return impairment_words(link.impairment)
    return ""


def impairment_words(impairment: Impairment) -> str:
    """``1 ms ± 0.1 ms · 0.1 % loss · 10 Gbit/s``; empty for a perfect fibre."""
    words = []
    if impairment.delay:
        jitter = f" ± {impairment.jitter * 1e3:g} ms" if impairment.jitter else ""
        words.append(f"{impairment.delay * 1e3:g} ms{jitter}")
    if impairment.loss:
        words.append(f"{impairment.loss * 100:g} % loss")
    if impairment.rate:
        words.append(rate_words(impairment.rate))
    return " · ".join(words)


def rate_words(bits_per_second: int) -> str:
    """``1 Gbit/s``."""
    for unit, size in (("Tbit/s", 10**12), ("Gbit/s", 10**9), ("Mbit/s", 10**6), ("kbit/s", 10**3)):
        if bits_per_second >= size:
            return f"{bits_per_second / size:g} {unit}"
    return f"{bits_per_second} bit/s"


def subnets(plan: Plan, connection: PlannedConnection) -> list[str]:
    """``10.10.0.0/24 ↔ 10.20.0.0/24``, one for each address family."""
    sides = [
        vrf.networks
        for node in plan.nodes
        if node.kind is NodeKind.GATEWAY
        for vrf in plan.routers[node.name].vrfs
        if vrf.connection == connection.name
    ]
    return [" ↔ ".join(str(network) for network in networks) for networks in zip(*sides, strict=False)]


__all__ = ["channel_words", "cipher", "impairment_words", "node_words", "rate_words", "subnets", "to_mermaid"]
