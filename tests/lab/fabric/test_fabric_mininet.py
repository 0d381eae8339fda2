"""A fabric is a Mininet network: its objects, shells and command line do what stock Mininet's do."""

from __future__ import annotations

import contextlib
import io
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from mininet.log import lg, setLogLevel
from mininet.net import Mininet

from xcnet.fabric.console import LabCLI
from xcnet.fabric.network import Fabric, build, leftovers
from xcnet.fabric.node import LabNode
from xcnet.model.plan import Plan
from xcnet.netlink import links
from xcnet.netlink.socket import NetlinkSocket

pytestmark = pytest.mark.lab


def test_nodes_and_links_are_mininets(fabric: Fabric) -> None:
    net = fabric.mininet
    assert isinstance(net, Mininet)
    assert [host.name for host in net.hosts] == [planned.name for planned in fabric.plan.nodes]
    (link,) = net.linksBetween(net["gw"], net["edge-a"])
    assert str(link) == "edge-a<->gw0"
    assert link.status() == "(OK OK)"
    assert net["host"].IP() == "10.10.0.2"
    assert net["host"].MAC() == "02:00:00:00:00:01"
    assert net["edge-a"].connectionsTo(net["fac"])[0][1].name == "ch1-aws"


def test_a_shell_starts_at_the_first_command_and_keeps_its_state(fabric: Fabric) -> None:
    node = fabric.node("host")
    assert not node.has_shell
    assert node.cmd("cd /run; answer=42; ls /sys/class/net").split() == ["eth0", "lo"]
    assert node.has_shell
    assert node.cmd("echo $answer in $PWD").strip() == "42 in /run"
    assert str(Path(f"/proc/{node.pid}/ns/net").readlink()) == f"net:[{fabric.netns('host').inode}]"
    assert not fabric.node("gw").has_shell


def test_programs_run_in_the_nodes_namespace_with_its_environment(plan: Plan) -> None:
    with build(plan, "environment", environment={"XCNET_TEST": "tagged"}) as fabric:
        node = fabric.node("host")
        out, err, code = node.pexec("ip -4 -br address show eth0")
        assert (err, code) == ("", 0)
        assert "10.10.0.2/24" in out
        _out, _err, code = node.pexec(["sh", "-c", "exit 7"])
        assert code == 7
        process = node.popen(["sh", "-c", "echo $XCNET_TEST; readlink /proc/self/ns/net"])
        stdout, _stderr = process.communicate()
        assert stdout.decode().split() == ["tagged", f"net:[{fabric.netns('host').inode}]"]
        assert node.cmd("echo $XCNET_TEST").strip() == "tagged"


def test_private_directories_are_the_nodes_own(fabric: Fabric) -> None:
    node = LabNode("private", netns=fabric.netns("gw"), privateDirs=["/run/xcnet-private"])
    try:
        node.cmd("touch /run/xcnet-private/mine")
        assert node.pexec("ls /run/xcnet-private")[0].split() == ["mine"]
        assert list(Path("/run/xcnet-private").iterdir()) == []
    finally:
        node.terminate()


@contextlib.contextmanager
def _nothing_to_read() -> Iterator[IO[str]]:
    """Mininet polls its input, which a plain file does not allow."""
    reading, writing = os.pipe()
    os.close(writing)
    with os.fdopen(reading) as stream:
        yield stream


def test_the_command_line_takes_hyphens_in_names(fabric: Fabric, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("nodes\nlinks\nedge-a ip -br link show ch1\n")
    shown_by_mininet = logging.StreamHandler(said := io.StringIO())
    lg.addHandler(shown_by_mininet)
    setLogLevel("info")
    try:
        with _nothing_to_read() as nothing:
            LabCLI(fabric.mininet, stdin=nothing, script=str(script))
    finally:
        setLogLevel("output")
        lg.removeHandler(shown_by_mininet)
    shown = said.getvalue()
    assert "edge-a edge-b fac gw host" in shown
    assert "ch1<->ch1-aws (OK OK)" in shown
    assert "02:00:00:00:00:05" in shown


def test_interfaces_can_be_changed_through_mininets_verbs(fabric: Fabric) -> None:
    interface = fabric.node("gw").intf("host")
    interface.setIP("10.10.0.1/24")
    assert interface.updateIP() == "10.10.0.1"
    interface.setMAC("02:00:00:00:00:99")
    assert interface.updateMAC() == "02:00:00:00:00:99"
    assert interface.isUp()
    interface.rename("customer")
    assert fabric.node("gw").intf("customer") is interface
    assert not fabric.node("gw").has_shell


def test_a_link_can_be_deleted_and_its_node_lives_on(fabric: Fabric) -> None:
    net = fabric.mininet
    (link,) = net.linksBetween(net["host"], net["gw"])
    net.delLink(link)
    with NetlinkSocket(netns=fabric.netns("host")) as netlink:
        assert links.find(netlink, "eth0") is None
    assert net["host"].intfList() == []
    assert fabric.node("host").cmd("echo here").strip() == "here"


def test_mininets_stop_ends_shells_and_removes_everything(plan: Plan) -> None:
    fabric = build(plan, "stopped")
    pid = fabric.node("host").pid
    fabric.mininet.stop()
    assert leftovers("stopped") == []
    assert not Path(f"/proc/{pid}").exists()
