"""A channel between two real daemons: secured quickly, closed whenever it is not, rolled over without loss."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

import pytest
from conftest_edge import Pair, kernel_picture, new_key

from xcnet.model.desired import CipherSuite, KeyAgreement
from xcnet.waiting import Deadline, wait_until

pytestmark = pytest.mark.lab

ALLOWED = {b"\x88\xe5", b"\x88\x8e"}


@pytest.mark.parametrize("suite", list(CipherSuite))
def test_a_channel_secures_and_carries_traffic_with_every_cipher_suite(pair: Pair, suite: CipherSuite) -> None:
    pair.secure((new_key(suite.key_length),), cipher_suite=suite)
    assert pair.crosses()
    held = pair.one.status().channels[0]
    assert held.cipher_suite is suite
    assert held.counters["OutPktsEncrypted"] > 0
    assert held.counters["InPktsOK"] > 0


def test_not_one_clear_frame_passes_from_before_the_keys_to_after_their_loss(
    pair: Pair, observer: Callable[[], list[bytes]]
) -> None:
    key = new_key()
    pair.one.apply(pair.one.state_with((key,)))
    pair.secure((key,))
    assert pair.crosses()
    pair.other.apply(pair.other.state_with((new_key(),)))
    closed = pair.one

    def seen() -> str | None:
        return "still secured" if closed.status().channels[0].secured else None

    wait_until("the channel to close", seen, Deadline(12))
    assert not pair.crosses()
    frames = observer()
    assert len(frames) > 10
    assert {frame[12:14] for frame in frames} <= ALLOWED


def test_a_wrong_key_never_secures(pair: Pair) -> None:
    for router in pair.both():
        router.apply(router.state_with((new_key(),)))
    time.sleep(3)  # long enough for twenty times what agreement takes; there is no state to wait for
    for router in pair.both():
        channel = router.status().channels[0]
        assert not channel.secured
        assert channel.live_peers == 0
    assert not pair.crosses()


def test_a_cak_is_rolled_over_under_traffic_without_losing_or_repeating_a_packet(pair: Pair) -> None:
    old = new_key()
    pair.secure((old,))
    assert pair.crosses()
    sender, receiver = pair.udp(pair.one, 6001), pair.udp(pair.other, 6002)
    sent = 0
    stop = threading.Event()

    def send() -> None:
        nonlocal sent
        while not stop.is_set():
            sender.sendto(sent.to_bytes(8, "big"), ("169.254.7.2", 6002))
            sent += 1
            time.sleep(0.002)

    received: list[int] = []

    def receive() -> None:
        receiver.settimeout(0.5)
        while True:
            try:
                received.append(int.from_bytes(receiver.recv(100), "big"))
            except TimeoutError:
                if stop.is_set():
                    return

    threads = [threading.Thread(target=receive), threading.Thread(target=send)]
    for thread in threads:
        thread.start()
    new = new_key()
    for keys in ((old, new), (new,)):
        for router in pair.both():
            router.apply(router.state_with(keys))

        def on_new() -> str | None:
            held = [router.status().channels[0].association for router in pair.both()]
            return None if held == [new.ckn, new.ckn] else f"{held}"

        if keys != (new,):
            # The old key is still wanted: say which is preferred, and wait for the change of principal.
            for router in pair.both():
                router.apply(router.state_with((old.model_copy(update={"preferred": False}), new)))
        wait_until("the new key to be the principal", on_new, Deadline(10))
    stop.set()
    for thread in threads:
        thread.join()
    assert received == list(range(sent))
    assert [router.status().channels[0].associations for router in pair.both()] == [(new.ckn,), (new.ckn,)]


def test_a_killed_daemon_comes_back_and_agrees_anew(pair: Pair) -> None:
    key = new_key()
    pair.secure((key,))
    pair.one.kill(signal.SIGKILL)
    pair.one.start()
    pair.one.apply(pair.one.state_with((key,)))
    pair.one.wait_secured(20)

    def one_key() -> str | None:
        held = [router.status().channels[0] for router in pair.both()]
        same = {(channel.key_number, channel.association_number, channel.old_key_installed) for channel in held}
        return None if len(same) == 1 and all(channel.secured for channel in held) else f"{same}"

    wait_until("both ends to use one key again", one_key, Deadline(20))
    assert pair.crosses()


def test_a_stopped_daemon_leaves_the_channel_closed_and_empty(pair: Pair) -> None:
    pair.secure((new_key(),))
    pair.one.kill(signal.SIGTERM)
    assert not pair.crosses()


def test_carrier_loss_closes_the_channel_at_once_and_its_return_opens_it(pair: Pair) -> None:
    from xcnet.netlink import links
    from xcnet.netlink.socket import NetlinkSocket

    pair.secure((new_key(),))
    with NetlinkSocket(netns=pair.other.netns) as netlink:
        netlink.submit([links.change("ch1", up=False)])

        def closed() -> str | None:
            return "secured" if pair.one.status().channels[0].secured else None

        wait_until("the channel to close", closed, Deadline(2))
        netlink.submit([links.change("ch1", up=True)])
    for router in pair.both():
        router.wait_secured()
    assert pair.crosses()


def test_applying_the_same_state_twice_changes_nothing(pair: Pair) -> None:
    pair.secure((new_key(),))
    assert pair.one.state is not None
    before = kernel_picture(pair.one)
    assert pair.one.apply(pair.one.state) == []
    assert kernel_picture(pair.one) == before


def test_what_leaves_the_state_leaves_the_kernel(pair: Pair) -> None:
    pair.secure((new_key(),))
    assert pair.one.state is not None
    pair.one.apply(pair.one.state.model_copy(update={"vrfs": ()}))
    picture = kernel_picture(pair.one)
    assert "vrf-test" not in picture
    assert "ch1.1100" not in picture
    assert "ch1.sec" in picture
    pair.one.apply(pair.one.state.model_copy(update={"vrfs": (), "channels": ()}))
    assert "ch1.sec" not in kernel_picture(pair.one)


def test_a_sak_is_replaced_when_its_packet_numbers_run_out(pair: Pair) -> None:
    pair.secure((new_key(),), pn_exhaustion=200)
    sender = pair.udp(pair.one, 6003)
    for number in range(300):
        sender.sendto(b"x", ("169.254.7.2", 6003))
        if number % 50 == 0:
            time.sleep(0.01)

    def replaced() -> str | None:
        number = pair.one.status().channels[0].key_number
        return None if number is not None and number >= 2 else f"key number {number}"

    wait_until("a fresh SAK", replaced, Deadline(10))
    assert pair.crosses()


@pytest.mark.parametrize("foreign", ["key server", "member"])
def test_wpa_supplicant_secures_against_us_and_carries_traffic(pair: Pair, foreign: str) -> None:
    key = new_key(16)
    theirs = 1 if foreign == "key server" else 200
    common = {"cipher_suite": CipherSuite.GCM_AES_128}
    pair.one.apply(pair.one.state_with((key,), key_server_priority=100, **common))
    pair.other.apply(
        pair.other.state_with((key,), key_server_priority=theirs, key_agreement=KeyAgreement.WPA_SUPPLICANT, **common)
    )
    pair.one.wait_secured(20)
    pair.other.wait_secured(20)
    assert pair.one.status().channels[0].key_server is (foreign == "member")
    assert pair.crosses()
