"""How environments and connections are shown."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from xcnet.cli.tables import Column, NarrowingTable


def mbps_text(value: int) -> str:
    """A bandwidth in the unit that it is whole in."""
    return f"{value // 1000} Gbit/s" if value % 1000 == 0 else f"{value} Mbit/s"


def _yes(value: bool | None) -> Text:
    if value is None:
        return Text("-", style="dim")
    return Text("yes", style="green") if value else Text("no", style="red")


def environments_view(found: list[dict[str, Any]], names: dict[str, str]) -> RenderableType:
    """:param found: of all providers, one after the other."""
    places = NarrowingTable(
        "Environments",
        [Column("environment"), Column("provider"), Column("where"), Column("peer"), Column("bandwidths", spare=1)],
    )
    parts = NarrowingTable(
        "Channels",
        [
            Column("provider"), Column("interconnect"), Column("free"), Column("channel"), Column("edge"), Column("keys by"),
            Column("state"), Column("CKN in use"), Column("connections", number=True), Column("demarc", spare=1),
        ],
    )  # fmt: skip
    for each in found:
        sizes = each["sizes_mbps"]
        places.add_row(
            each["name"],
            names.get(each["provider"], each["provider"]),
            each["sites"].get(each["provider"], "-"),
            names.get(each["peer"], each["peer"]),
            f"{mbps_text(sizes[0])} to {mbps_text(sizes[-1])}" if sizes else "-",
        )
        for interconnect in each["interconnects"]:
            for channel in interconnect["channels"]:
                state = "enabled" if channel["enabled"] else ", ".join(channel["holds"])
                parts.add_row(
                    names.get(each["provider"], each["provider"]),
                    interconnect["name"],
                    mbps_text(interconnect["free_mbps"]),
                    channel["name"],
                    channel["edge"],
                    names.get(channel["manager"], channel["manager"]),
                    Text(state, style="green" if channel["enabled"] else "yellow"),
                    (channel["association"] or "-")[:8],
                    str(channel["features"]),
                    channel["demarc"],
                )
    return Group(places, Text(), parts)


def connections_view(held: dict[str, list[dict[str, Any]]], names: dict[str, str]) -> RenderableType:
    """:param held: provider -> its connections."""
    table = NarrowingTable(
        "Connections",
        [
            Column("connection"), Column("provider"), Column("state"), Column("bandwidth"), Column("interconnect"), Column("channels"),
            Column("enabled"), Column("networks", spare=1), Column("UUID", spare=2),
        ],
    )  # fmt: skip
    for provider, found in held.items():
        for each in found:
            legs = each["legs"]
            leg = legs[-1] if legs else None
            table.add_row(
                each["name"],
                names.get(provider, provider),
                _state(each),
                mbps_text(leg["bandwidth_mbps"]) if leg else "-",
                ", ".join(each["interconnect"] for each in legs) or "-",
                f"{sum(f['state'] == 'final' for f in leg['features'])} of {len(leg['features'])}" if leg else "-",
                _yes(leg["enabled"] and leg["peer_enabled"] is not False) if leg else "-",
                ", ".join(each["networks"]),
                each["uuid"],
            )
    return table


def _state(view: dict[str, Any]) -> Text:
    if not view["legs"]:
        return Text(f"key {view['activation']}" if view["activation"] else "new", style="yellow")
    leg = view["legs"][-1]
    return Text("verified", style="green") if leg["verified"] else Text(leg["state"], style="yellow")


def connection_view(view: dict[str, Any], provider: str, names: dict[str, str]) -> RenderableType:
    """One connection as one provider sees it."""
    heading = Text.assemble((view["name"], "bold"), f" at {names.get(provider, provider)}: ", _state(view))
    lines = [
        f"UUID      {view['uuid']}",
        f"customer  {view['account']} here, {view['peer_account'] or 'not known yet'} at the peer",
        f"network   {', '.join(view['networks'])} on {view['port'] or 'the gateway itself'}",
        f"VRF       {view['vrf']}, table {view['table']}",
    ]
    parts: list[RenderableType] = [heading, *(Text(line) for line in lines)]
    for leg in view["legs"]:
        target = f", changing to {mbps_text(leg['target_mbps'])}" if leg["target_mbps"] else ""
        parts.append(Text())
        parts.append(
            Text(
                f"{leg['interconnect']}: {leg['state']}, {mbps_text(leg['bandwidth_mbps'])}{target}; {leg['role']}"
                f"{', drives' if leg['drives'] else ''}"
            )
        )
        parts.append(
            Text.assemble(
                "works here: ", _yes(leg["final"]), "; the peer knows: ", _yes(leg["acknowledged"]),
                "; works there: ", _yes(leg["peer_final"]), "; enabled: ", _yes(leg["enabled"]),
                " here, ", _yes(leg["peer_enabled"]), " there",
            )
        )  # fmt: skip
        table = NarrowingTable(
            "Features",
            [
                Column("channel"), Column("state"), Column("VLAN", number=True), Column("MTU", number=True), Column("own"),
                Column("peer"), Column("AS"), Column("up"), Column("carries"), Column("made by", spare=1),
            ],
        )  # fmt: skip
        for feature in leg["features"]:
            table.add_row(
                feature["channel"],
                feature["state"],
                str(feature["vlan"]),
                str(feature["mtu"]),
                ", ".join(feature["own"]),
                ", ".join(feature["peer"]),
                f"{feature['own_asn']} - {feature['peer_asn']}",
                _yes(feature["up"]),
                _yes(feature["carrying"]),
                names.get(provider if feature["made_here"] else leg["peer"], "-"),
            )
        parts.append(table)
    for each in view["workflows"]:
        parts.append(Text(f"under way: {each['kind']}, {each['state']}: {each['waits_for']}", style="yellow"))
    return Group(*parts)


__all__ = ["connection_view", "connections_view", "environments_view", "mbps_text"]
