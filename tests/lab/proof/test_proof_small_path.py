"""The proof on a path that is right, and on paths that are wrong in one way each: it has to see which."""

from collections.abc import Callable, Iterator

import pytest
from small_path import EDGES, TABLE, SmallPath, ip_batch, set_macsec

from xcnet.model.desired import CipherSuite
from xcnet.netlink import filters, links
from xcnet.netlink.macsec import Macsec
from xcnet.netlink.socket import NetlinkSocket
from xcnet.proof.balance import check_balance
from xcnet.proof.confidentiality import check_confidentiality
from xcnet.proof.decrypt import SakMaterial
from xcnet.proof.forgeries import check_forgeries
from xcnet.proof.mtu import check_mtu
from xcnet.proof.prove import prove
from xcnet.proof.results import CheckResult
from xcnet.secret import Secret

pytestmark = pytest.mark.lab

FORGERIES = ("replayed", "bit-flipped", "wrong key", "unknown SCI", "unused AN", "plaintext")
Build = Callable[..., SmallPath]


@pytest.fixture
def build() -> Iterator[Build]:
    made: list[SmallPath] = []

    def make(**settings: object) -> SmallPath:
        made.append(SmallPath(**settings))
        return made[-1].build()

    yield make
    for path in made:
        path.close()


def on_channel(path: SmallPath) -> dict[str, list[CheckResult]]:
    """Results of the checks on the first channel, by the check's name."""
    subject = path.subject()
    channel = subject.plan.channels[0]
    results, seen = check_confidentiality(subject, channel)
    by_name: dict[str, list[CheckResult]] = {}
    for result in [*results, *check_forgeries(subject, channel, seen)]:
        by_name.setdefault(result.check, []).append(result)
    return by_name


def failing(results: dict[str, list[CheckResult]]) -> set[str]:
    return {name for name, found in results.items() if not all(result.ok for result in found)}


def test_a_right_path_of_four_channels_is_proved(build: Build):
    steps: list[str] = []
    proof = prove(build(channels=4).subject(), lab="small", flows=500, step=steps.append)
    assert proof.ok, [result for result in proof.results if not result.ok]
    assert {result.check for result in proof.results} >= {
        "encrypted",
        "decrypts",
        "balanced",
        "MTU",
        *(f"{name} refused" for name in FORGERIES),
    }
    # Both ends of four channels are attacked in every way.
    assert sum(result.check.endswith("refused") for result in proof.results) == 2 * 4 * len(FORGERIES)
    assert steps


@pytest.mark.parametrize("cipher", [suite for suite in CipherSuite if suite is not CipherSuite.GCM_AES_XPN_256])
def test_every_cipher_suite_is_understood(build: Build, cipher: CipherSuite):
    assert failing(on_channel(build(cipher=cipher))) == set()


def test_encryption_that_is_off_is_seen(build: Build):
    path = build()
    set_macsec(1, 1, "encrypt", "off")
    results = on_channel(path)
    assert failing(results) == {"encrypted"}
    assert "0 legible" not in results["encrypted"][0].measured


def test_keys_that_do_not_fit_are_seen(build: Build):
    path = build()
    path.saks["ch1"] = tuple(
        SakMaterial(sak.sci, sak.an, sak.cipher_suite, Secret.random(32), sak.ssci, sak.salt)
        for sak in path.saks["ch1"]
    )
    assert "decrypts" in failing(on_channel(path))


def test_a_port_without_its_gate_is_seen(build: Build):
    path = build()
    with NetlinkSocket(netns=path.names[EDGES[0]]) as netlink:
        netlink.submit([filters.ungate(links.get(netlink, "ch1").index)])
    results = on_channel(path)
    # The port's own multicast may be on the fibre as well, now that nothing holds it back.
    assert {"plaintext refused"} <= failing(results) <= {"plaintext refused", "encrypted"}
    assert [result.ok for result in results["plaintext refused"]] == [False, True]


def test_replay_protection_that_is_off_is_seen(build: Build):
    path = build()
    with Macsec(path.names[EDGES[0]]) as family:
        family.set_replay("m1", None)
    results = on_channel(path)
    assert failing(results) == {"replayed refused"}
    assert [result.ok for result in results["replayed refused"]] == [False, True]
    assert ", 0 delivered" not in results["replayed refused"][0].measured


def test_forged_frames_that_are_delivered_are_seen(build: Build):
    path = build()
    # What is only authenticated, and at the far end only checked, is delivered with a wrong ICV.
    set_macsec(1, 1, "encrypt", "off")
    set_macsec(0, 1, "validate", "check")
    results = on_channel(path)
    assert "bit-flipped refused" in failing(results)
    assert [result.ok for result in results["bit-flipped refused"]] == [False, True]
    assert ", 0 delivered" not in results["bit-flipped refused"][0].measured


def test_a_channel_that_gets_no_flows_is_seen(build: Build):
    path = build(channels=4)
    three = " ".join(f"nexthop via 169.254.{n}.2 dev m{n}.v" for n in (1, 2, 3))
    ip_batch(EDGES[0], f"route replace 10.2.0.0/24 table {TABLE} {three}")
    subject = path.subject()
    results = check_balance(subject, subject.plan.connections[0], 400)
    assert [result.ok for result in results] == [False, True, True, True]
    assert "ch4 0.0%" in results[0].measured


@pytest.mark.usefixtures("impatient")
def test_flows_that_do_not_arrive_are_seen(build: Build):
    path = build(channels=2)
    ip_batch(EDGES[1], "link set m2.v down")
    subject = path.subject()
    results = check_balance(subject, subject.plan.connections[0], 100)
    assert not any(result.ok for result in results[:1])


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not come is not waited for as long as on a busy machine."""
    monkeypatch.setattr("xcnet.proof.mtu._PATIENCE", 0.5)
    monkeypatch.setattr("xcnet.proof.balance._PATIENCE", 0.5)


@pytest.mark.usefixtures("impatient")
def test_a_path_that_is_narrower_than_negotiated_is_seen(build: Build):
    path = build()
    for edge in EDGES:
        ip_batch(edge, "link set m1.v mtu 1500")
    subject = path.subject()
    results = check_mtu(subject, subject.plan.connections[0])
    assert len(results) == 4
    assert not any(result.ok for result in results)
    assert all("1600 do not pass" in result.measured for result in results)


def test_a_path_that_is_wider_than_negotiated_is_seen(build: Build):
    path = build()
    for edge in EDGES:
        ip_batch(edge, "link set m1 mtu 1704", "link set m1.v mtu 1700")
    subject = path.subject()
    results = check_mtu(subject, subject.plan.connections[0])
    assert not any(result.ok for result in results)
    assert [result for result in results if "one more passes" not in result.measured] == []
