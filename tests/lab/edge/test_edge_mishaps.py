"""What goes wrong around a router's daemon: peers that die, SecYs that others touch, devices that vanish, ports that leave."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from ipaddress import ip_interface
from pathlib import Path

import pytest
from conftest_edge import Pair, Router, new_key

from xcnet.edge.client import EdgeClient
from xcnet.errors import LabError
from xcnet.model.desired import CipherSuite, KeyAgreement, VrfInterface
from xcnet.netlink import addresses, link_kinds, links
from xcnet.netlink.macsec import Macsec
from xcnet.netlink.macsec_changes import SaKey, add_rx_sa
from xcnet.netlink.macsec_types import sci_of
from xcnet.netlink.socket import NetlinkSocket
from xcnet.secret import Secret
from xcnet.waiting import Deadline, wait_until

pytestmark = pytest.mark.lab

ALLOWED = {b"\x88\xe5", b"\x88\x8e"}


def wait_closed(router: Router, seconds: float) -> None:
    def seen() -> str | None:
        with NetlinkSocket(netns=router.netns) as netlink:
            link = links.find(netlink, "ch1.sec")
        secured = router.status().channels[0].secured
        return None if not secured and (link is None or not link.up) else f"secured: {secured}, {link}"

    wait_until("the channel to close", seen, Deadline(seconds))


def test_the_peer_of_a_killed_daemon_closes_within_the_life_time(
    pair: Pair, observer: Callable[[], list[bytes]]
) -> None:
    pair.secure((new_key(),))
    pair.other.kill()
    wait_closed(pair.one, 7.5)
    with Macsec(pair.one.netns) as macsec:
        secy = next(iter(macsec.dump().values()))
    assert not secy.tx_sas
    assert not secy.rx_scs
    assert {frame[12:14] for frame in observer()} <= ALLOWED


def test_an_association_that_somebody_else_put_in_the_way_is_cleared_and_the_channel_secured_again(pair: Pair) -> None:
    pair.secure((new_key(),), pn_exhaustion=200)
    channel = pair.one.status().channels[0]
    assert channel.association_number is not None
    with Macsec(pair.one.netns) as macsec:
        index, secy = next(iter(macsec.dump().items()))
        peer = sci_of("02:00:00:00:00:02")
        assert peer in secy.rx_scs
        foreign = SaKey(Secret.random(32), os.urandom(16), 1, os.urandom(12))
        macsec.apply(add_rx_sa(index, peer, (channel.association_number + 1) % 4, foreign))
    sender = pair.udp(pair.one, 6004)
    for _ in range(300):
        sender.sendto(b"x", ("169.254.7.2", 6004))

    def refused() -> str | None:
        return (
            None if pair.one.events("macsec.kernel_refused") else "the new SAK has not met the foreign association yet"
        )

    wait_until("the kernel to refuse", refused, Deadline(10))
    for router in pair.both():
        router.wait_secured()
    assert pair.crosses()


def test_a_deleted_device_is_told_at_once_and_comes_back_with_the_next_apply(pair: Pair) -> None:
    pair.secure((new_key(),))
    with NetlinkSocket(netns=pair.one.netns) as netlink:
        netlink.submit([links.delete("ch1.sec")])

    def told() -> str | None:
        return "still secured" if pair.one.status().channels[0].secured else None

    wait_until("the channel to be told closed", told, Deadline(2))
    assert pair.one.state is not None
    assert "ch1.sec made" in pair.one.apply(pair.one.state)
    for router in pair.both():
        router.wait_secured()
    assert pair.crosses()


def test_priority_and_rekeying_are_changed_without_closing_the_channel(pair: Pair) -> None:
    key = new_key()
    pair.secure((key,))
    assert pair.one.status().channels[0].key_server is True
    pair.one.apply(pair.one.state_with((key,), key_server_priority=200, sak_rekey_seconds=3600, replay_window=32))

    def handed_over() -> str | None:
        roles = [router.status().channels[0].key_server for router in pair.both()]
        return None if roles == [False, True] else f"{roles}"

    wait_until("the other end to be key server", handed_over, Deadline(5))
    assert pair.crosses()
    for router in pair.both():
        assert not router.events("macsec.closed")


def test_a_disabled_channel_is_dark_and_an_enabled_one_secures_again(pair: Pair) -> None:
    key = new_key()
    pair.secure((key,))
    state = pair.one.state_with((key,))
    dark = state.model_copy(update={"channels": (state.channels[0].model_copy(update={"enabled": False}),)})
    pair.one.apply(dark)
    with NetlinkSocket(netns=pair.one.netns) as netlink:
        held = links.by_name(netlink)
    assert not held["ch1"].up
    assert not held["ch1.sec"].up
    wait_closed(pair.other, 2)
    pair.one.apply(state)
    for router in pair.both():
        router.wait_secured()
    assert pair.crosses()


def test_a_port_that_leaves_its_vrf_leaves_without_its_addresses(pair: Pair) -> None:
    pair.secure((new_key(),))
    router = pair.one
    assert router.state is not None
    with NetlinkSocket(netns=router.netns) as netlink:
        netlink.submit([link_kinds.dummy("host0")])
        before = router.state.model_copy(update={"ports": {"host0": 1500}})
        member = VrfInterface(name="host0", parent="host0", mtu=1500, addresses=(ip_interface("10.7.0.1/24"),))
        vrf = before.vrfs[0].model_copy(update={"interfaces": (*before.vrfs[0].interfaces, member)})
        router.apply(before.model_copy(update={"vrfs": (vrf,)}))
        joined = links.by_name(netlink)
        assert joined["host0"].master == joined["vrf-test"].index
        router.apply(before)
        left = links.get(netlink, "host0")
        assert left.master == 0
        assert [each for each in addresses.dump(netlink, left.index) if not each.link_local] == []
        assert router.apply(before) == []


def test_keys_stand_nowhere_but_in_memory(pair: Pair) -> None:
    key = new_key()
    pair.secure((key,))
    cak = key.cak.reveal()
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                text = (process / name).read_bytes()
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            assert cak not in text
            assert cak.hex().encode() not in text
    for router in pair.both():
        assert cak.hex() not in router.status().model_dump_json()
        for file in router.folder.iterdir():
            if file.is_file():
                assert cak.hex() not in file.read_text()


def test_wpa_supplicant_keeps_its_key_in_a_file_of_root_alone_and_ends_with_the_daemon(pair: Pair) -> None:
    key = new_key(16)
    common = {"cipher_suite": CipherSuite.GCM_AES_128}
    pair.one.apply(pair.one.state_with((key,), **common))
    pair.other.apply(pair.other.state_with((key,), key_agreement=KeyAgreement.WPA_SUPPLICANT, **common))
    pair.other.wait_secured(20)
    pid = int(pair.other.events("mka.wpa_supplicant_started")[0].data["pid"])
    config = pair.other.folder / "wpa-ch1.conf"
    assert config.stat().st_mode & 0o777 == 0o600
    command = Path(f"/proc/{pid}/cmdline").read_bytes()
    assert b"wpa_supplicant" in command
    assert key.cak.reveal().hex().encode() not in command
    pair.other.kill(signal.SIGKILL)

    def ended() -> str | None:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0]
        except FileNotFoundError:
            return None
        return None if state == "Z" else f"state {state}"

    wait_until("wpa_supplicant to end with its daemon", ended, Deadline(2))
    pair.other.start()
    pair.other.apply(pair.other.state_with((key,), key_agreement=KeyAgreement.WPA_SUPPLICANT, **common))
    for router in pair.both():
        router.wait_secured(25)
    assert pair.crosses()


def test_a_channel_closes_and_tells_why_when_its_wpa_supplicant_ends(
    pair: Pair, observer: Callable[[], list[bytes]]
) -> None:
    key = new_key(16)
    common = {"cipher_suite": CipherSuite.GCM_AES_128}
    pair.one.apply(pair.one.state_with((key,), **common))
    pair.other.apply(pair.other.state_with((key,), key_agreement=KeyAgreement.WPA_SUPPLICANT, **common))
    for router in pair.both():
        router.wait_secured(20)
    output = pair.other.folder / "wpa-ch1.log"
    with output.open("a") as file:
        file.write(f"Line 6: not a key: '{key.cak.reveal().hex()}'\n")
    os.kill(int(pair.other.events("mka.wpa_supplicant_started")[0].data["pid"]), signal.SIGKILL)
    wait_closed(pair.other, 2)
    wait_closed(pair.one, 12)
    assert pair.other.status().channels[0].association_number is None
    died = pair.other.events("mka.wpa_supplicant_died")
    assert died[0].data["said"][-1] == "Line 6: not a key: '<secret>'"
    assert {frame[12:14] for frame in observer()} <= ALLOWED


def test_a_channel_against_wpa_supplicant_closes_at_both_ends_when_one_is_killed(
    pair: Pair, observer: Callable[[], list[bytes]]
) -> None:
    key = new_key(16)
    common = {"cipher_suite": CipherSuite.GCM_AES_128}
    pair.one.apply(pair.one.state_with((key,), **common))
    pair.other.apply(pair.other.state_with((key,), key_agreement=KeyAgreement.WPA_SUPPLICANT, **common))
    for router in pair.both():
        router.wait_secured(20)
    pair.one.kill()
    wait_closed(pair.other, 12)
    assert {frame[12:14] for frame in observer()} <= ALLOWED


def test_who_asks_a_daemon_that_does_not_run_is_told_so(pair: Pair) -> None:
    pair.one.status()
    pair.one.kill()
    with pytest.raises(LabError, match="not running") as caught:
        asyncio.run(EdgeClient(pair.one.folder).status(deadline=Deadline(0.3)))
    assert caught.value.remedy
