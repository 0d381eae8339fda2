"""Named namespaces are made, seen by others, entered and left by this thread alone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading

import pytest

from xcnet.errors import KernelError
from xcnet.netlink import link_kinds, links, netns, sysctl
from xcnet.netlink.netns import Netns
from xcnet.netlink.socket import NetlinkSocket
from xcnet.waiting import Deadline, wait_until

pytestmark = pytest.mark.lab


def _here() -> int:
    with Netns.current() as current:
        return current.inode


def test_a_new_namespace_is_known_to_iproute2_and_making_it_leaves_the_thread_where_it_was(
    spaces: tuple[Netns, Netns],
) -> None:
    here = _here()
    assert spaces[0].name in subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
    assert _here() == here
    assert spaces[0].inode not in (here, spaces[1].inode)


def test_an_error_inside_a_namespace_brings_the_thread_back(spaces: tuple[Netns, Netns]) -> None:
    here, seen = _here(), []
    with pytest.raises(RuntimeError), spaces[0].entered():
        seen.append(_here())
        raise RuntimeError
    assert seen == [spaces[0].inode]
    assert _here() == here


def test_a_thread_that_ran_before_does_not_follow(spaces: tuple[Netns, Netns]) -> None:
    here, seen = _here(), []
    go, done = threading.Event(), threading.Event()

    def watch() -> None:
        go.wait(5)
        seen.append(_here())
        done.set()

    thread = threading.Thread(target=watch)
    thread.start()
    with spaces[0].entered():
        go.set()
        done.wait(5)
    thread.join()
    assert seen == [here]


def test_a_name_is_taken_only_once(spaces: tuple[Netns, Netns]) -> None:
    with pytest.raises(KernelError, match=r"there is a namespace .* already") as refused:
        netns.create(spaces[0].name)
    assert refused.value.remedy


def test_deleting_takes_the_interfaces_along_and_twice_is_no_error(spaces: tuple[Netns, Netns]) -> None:
    one = netns.create(f"gone{os.getpid()}")
    with NetlinkSocket() as anywhere, NetlinkSocket(netns=spaces[0]) as inside:
        anywhere.submit([link_kinds.veth(link_kinds.VethEnd("x", one), link_kinds.VethEnd("y", spaces[0]))])
        one.close()
        assert netns.delete(one.name)
        assert not netns.delete(one.name)
        assert one.name not in netns.names()
        # The kernel takes a namespace apart in its own time.
        wait_until("the pair to be gone", lambda: "y is there" if links.find(inside, "y") else None, Deadline(5))


def test_a_file_left_without_its_mount_can_be_deleted() -> None:
    path = netns.DIRECTORY / f"stale{os.getpid()}"
    netns.DIRECTORY.mkdir(exist_ok=True)
    path.touch()
    assert netns.delete(path.name)
    assert not path.exists()


def test_opening_an_unknown_name_says_so() -> None:
    with pytest.raises(KernelError, match="cannot open namespace nowhere"):
        netns.open_named("nowhere")


def test_a_socket_stays_in_its_namespace_and_works_inside_a_running_loop(spaces: tuple[Netns, Netns]) -> None:
    async def main() -> list[str]:
        with NetlinkSocket(netns=spaces[0]) as inside:
            inside.submit([link_kinds.dummy("d0")])
            return [link.name for link in links.dump(inside)]

    assert asyncio.run(main()) == ["lo", "d0"]


def test_parameters_are_those_of_the_namespace(spaces: tuple[Netns, Netns]) -> None:
    sysctl.write({"net/ipv4/ip_forward": 1}, spaces[0])
    assert sysctl.read("net/ipv4/ip_forward", spaces[0]) == "1"
    assert sysctl.read("net/ipv4/ip_forward", spaces[1]) == "0"


def test_an_unknown_parameter_is_refused_with_its_name(spaces: tuple[Netns, Netns]) -> None:
    with pytest.raises(KernelError, match="cannot set the kernel parameter net/ipv4/nonsense"):
        sysctl.write({"net/ipv4/nonsense": 1}, spaces[0])
