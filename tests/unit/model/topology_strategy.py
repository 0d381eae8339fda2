"""Random valid topologies, as the text a person would write."""

import json
from typing import Any

from hypothesis import strategies as st

PROFILES = ["aws", "gcp"]


def _fibre(delay: int, loss: int) -> dict[str, Any]:
    return {"delay": f"{delay}ms", "loss": f"{loss / 10}%"}


@st.composite
def topologies(draw: st.DrawFn) -> str:
    """Up to four providers and three interconnects; JSON, which is YAML."""
    keys = [f"p{number}" for number in range(draw(st.integers(2, 4)))]
    edges = {key: draw(st.integers(1, 5)) for key in keys}
    facilities = [f"fac-{number}" for number in range(draw(st.integers(1, 3)))]
    interconnects: list[dict[str, Any]] = []
    used: set[str] = set()
    for number in range(draw(st.integers(1, 3))):
        first, second = draw(st.permutations(keys).map(lambda order: order[:2]))
        if {first, second} & used:
            # Interconnects share all devices of a provider or none; disjoint providers keep it simple, and the shared
            # case is the next branch.
            count = min(edges[first], edges[second])
            if not interconnects or set(interconnects[-1]["providers"]) != {first, second}:
                continue
            count = len(interconnects[-1]["channels"])
        else:
            count = draw(st.integers(1, min(edges[first], edges[second])))
        used |= {first, second}
        channels = []
        for index in range(count):
            channel: dict[str, Any] = {
                "name": f"ch{number}x{index}",
                "facility": draw(st.sampled_from(facilities)),
                "edges": {first: f"edge{index + 1}", second: f"edge{index + 1}"},
                "link": _fibre(draw(st.integers(0, 20)), draw(st.integers(0, 50))),
            }
            who = draw(st.sampled_from(["xcnet", "wpa_supplicant"]))
            if who != "xcnet":
                channel["key_agreement"] = {draw(st.sampled_from([first, second])): who}
            elif draw(st.booleans()):
                channel["cipher"] = "GCM-AES-256"
            channels.append(channel)
        interconnects.append({"name": f"ic{number}", "providers": [first, second], "channels": channels})
    connections = []
    for number in range(draw(st.integers(0, 4))):
        interconnect = draw(st.sampled_from(interconnects))
        v4, v6 = draw(st.sampled_from([(True, True), (True, False), (False, True)]))
        sides = {}
        for position, key in enumerate(interconnect["providers"]):
            side: dict[str, Any] = {}
            if draw(st.booleans()):
                side["host"] = f"host-with-a-{number}"[: draw(st.integers(6, 16))].rstrip("-") + f"{number}"
            if v4:
                side["ipv4"] = f"10.{position}.0.0/{draw(st.integers(16, 30))}"
            if v6:
                side["ipv6"] = f"fd10:{position}::/{draw(st.integers(48, 120))}"
            sides[key] = side
        connections.append(
            {
                "name": f"c{number}",
                "interconnect": interconnect["name"],
                "vlan": 1025 + number * draw(st.integers(1, 9)) * 10 + number,
                "bandwidth": "1Gbps",
                "md5": draw(st.booleans()),
                "sides": sides,
            }
        )
    if len({connection["vlan"] for connection in connections}) < len(connections):
        for number, connection in enumerate(connections):
            connection["vlan"] = 1100 + number
    hosts = [(key, side.get("host")) for c in connections for key, side in c["sides"].items() if side.get("host")]
    if len(set(hosts)) < len(hosts):
        for number, connection in enumerate(connections):
            for side in connection["sides"].values():
                if "host" in side:
                    side["host"] = f"app{number}"
    return json.dumps(
        {
            "name": "random",
            "timers": draw(st.sampled_from(["default", "fast"])),
            "providers": {
                key: {
                    "profile": draw(st.sampled_from(PROFILES)),
                    "edges": edges[key],
                    "overrides": {"asn": 64512 + index},
                }
                for index, key in enumerate(keys)
            },
            "facilities": facilities,
            "interconnects": interconnects,
            "connections": connections,
        }
    )
