"""The live view and the metrics of a running lab, while a channel is cut in its building."""

from __future__ import annotations

import json
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from signal import SIGINT
from typing import Any

from labtool import Xcnet

_SETTLE_SECONDS = 30.0


def value(text: str, sample: str, **labels: str) -> float | None:
    """Of the one sample with these labels at least."""
    from prometheus_client.parser import text_string_to_metric_families

    found = [
        each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
        if each.name == sample and labels.items() <= each.labels.items()
    ]
    assert len(found) <= 1
    return found[0] if found else None


def until(what: str, holds: Callable[[], Any]) -> Any:
    end = time.monotonic() + _SETTLE_SECONDS
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {_SETTLE_SECONDS:.0f} s")


def port_of(xcnet: Xcnet, channel: str) -> tuple[str, str]:
    """A building's cross-connect, and its port to one end of the channel."""
    facility = next(each["facility"] for each in xcnet.json("top")["channels"] if each["name"] == channel)
    links = json.loads(xcnet.ok("exec", facility, "--", "ip", "-j", "link"))
    names = [each["ifname"] for each in links if re.search(rf"\b{channel}\b", each["ifname"])]
    assert names, [each["ifname"] for each in links]
    return facility, names[0]


def test_a_channel_cut_in_its_building_is_seen_on_every_picture(xcnet: Xcnet) -> None:
    xcnet.ok("up", "aws-google", "--name", "seen", timeout=300)
    until("all works", lambda: value(xcnet.ok("metrics", "--provider", "aws"), "xcnet_connection_features_up") == 4)
    text = xcnet.ok("metrics", "--provider", "aws")
    assert value(text, "xcnet_channel_secured", channel="ch1") == 1
    frames = value(text, "xcnet_channel_frames_total", channel="ch1", direction="out")
    assert frames is not None
    assert frames > 0
    page = xcnet.ok("exec", "gcp-coord", "--", "curl", "-s", "http://127.0.0.1:9400/metrics")
    assert value(page, "xcnet_channel_secured", provider="gcp", channel="ch1") == 1
    whole = xcnet.json("top")
    assert whole["health"] == "up"
    assert all(end["bfd_up"] == end["bfd_all"] == 2 for each in whole["channels"] for end in each["ends"])

    facility, port = port_of(xcnet, "ch1")
    xcnet.ok("exec", facility, "--", "ip", "link", "set", port, "down")

    def closed() -> str | None:
        now = xcnet.ok("metrics", "--provider", "aws")
        gone = value(now, "xcnet_channel_secured", channel="ch1") == 0
        return now if gone and value(now, "xcnet_connection_features_up", connection="prod") == 3 else None

    text = until("the gauges show the cut", closed)
    assert value(text, "xcnet_channel_secured", channel="ch2") == 1
    picture = until("the view shows the cut", lambda: _cut(xcnet.json("top")))
    assert [each["name"] for each in picture["channels"] if each["health"] != "up"] == ["ch1"]
    assert any(each["mood"] == "bad" for each in picture["events"])
    assert re.search(r"^ch1 .*down", xcnet.ok("top", "--once"), re.MULTILINE)


def _cut(picture: dict[str, Any]) -> dict[str, Any] | None:
    (channel,) = [each for each in picture["channels"] if each["name"] == "ch1"]
    (connection,) = picture["connections"]
    silent = not any(end["secured"] or end["bfd_up"] for end in channel["ends"])
    return picture if silent and connection["next_hops"] == 12 else None


def test_all_providers_are_scraped_at_one_local_port(default_lab: Xcnet) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    serving = default_lab.start("metrics", "--serve", str(port), "--name", "default")
    try:
        for provider in ("aws", "gcp"):
            # The coordinators take over a lab that is up, and have the connection verified a little later.
            until(f"{provider} is served", lambda provider=provider: _verified(_get(port, f"/{provider}"), provider))
        taken = default_lab("metrics", "--serve", str(port), "--name", "default")
        assert taken.returncode == 2
        assert "cannot be served" in taken.stderr
    finally:
        serving.send_signal(SIGINT)
    assert serving.wait(20) == 0


def _verified(page: str | None, provider: str) -> bool:
    return page is not None and value(page, "xcnet_connection_verified", provider=provider) == 1


def _get(port: int, path: str) -> str | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return str(answer.read().decode())
    except urllib.error.URLError:
        return None
