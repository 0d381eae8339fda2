"""FRR's log lines as events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xcnet.frr.logs import parse_log_line

LINES = [
    (
        "2026/11/23 04:29:10.192089 BGP: [N9HHH-F8H1M] %ADJCHANGE: neighbor fd00:0:0:1::2(right) in vrf prod Up",
        ("bgp.established", "prod/fd00:0:0:1::2", {"vrf": "prod", "peer": "fd00:0:0:1::2"}),
    ),
    (
        "2026/11/23 04:29:13.000503 BGP: [PXVXG-TFNNT] %ADJCHANGE: neighbor 169.254.1.2((none)) in vrf prod Down BGP Notification received",
        ("bgp.down", "prod/169.254.1.2", {"vrf": "prod", "peer": "169.254.1.2", "reason": "BGP Notification received"}),
    ),
    (
        "2026/11/23 04:29:13.000494 BGP: [HZN6M-XRM1G] %NOTIFICATION(Hard Reset): received from neighbor 169.254.1.2 6/10 (Cease/BFD Down) 0 bytes ",
        (
            "bgp.notification",
            "169.254.1.2",
            {
                "peer": "169.254.1.2",
                "direction": "received from",
                "code": 6,
                "subcode": 10,
                "meaning": "Cease/BFD Down",
            },
        ),
    ),
    (
        "2026/11/23 04:29:17 BGP: [G0Z5W-3Q1YJ][EC 33554507] %MAXPFXEXCEED: No. of IPv4 Unicast prefix received from 169.254.1.2(right) 3 exceed, limit 2",
        (
            "bgp.prefix_limit_exceeded",
            "169.254.1.2",
            {"peer": "169.254.1.2", "family": "IPv4 Unicast", "received": 3, "limit": 2},
        ),
    ),
    (
        "2026/11/23 04:29:17.190375 BGP: [MCWSV-FHNYK] %MAXPFX: No. of IPv4 Unicast prefix received from 169.254.1.2(right) reaches 2, max 2",
        (
            "bgp.prefix_limit_near",
            "169.254.1.2",
            {"peer": "169.254.1.2", "family": "IPv4 Unicast", "received": 2, "limit": 2},
        ),
    ),
    (
        "2026/11/23 04:29:14.013483 BGP: [M59KS-A3ZXZ] bgp_update_receive: rcvd End-of-RIB for IPv6 Unicast from fd00:0:0:1::2 in vrf prod",
        ("bgp.end_of_rib", "prod/fd00:0:0:1::2", {"vrf": "prod", "peer": "fd00:0:0:1::2", "family": "IPv6 Unicast"}),
    ),
    (
        "2026/11/23 04:29:13.752292 BFD: [SEY1D-NT8EQ] state-change: [mhop:no peer:fd00:0:0:1::2 local:fd00:0:0:1::1 vrf:prod ifname:l1.1100] up -> down reason:control-expired",
        (
            "bfd.down",
            "prod/fd00:0:0:1::2",
            {"vrf": "prod", "peer": "fd00:0:0:1::2", "interface": "l1.1100", "was": "up", "reason": "control-expired"},
        ),
    ),
    (
        "2026/11/23 04:29:14.085408 BFD: [J1C6V-VMRW5] state-change: [mhop:no peer:169.254.1.2 local:169.254.1.1 vrf:prod ifname:l1.1100] init -> up",
        ("bfd.up", "prod/169.254.1.2", {"vrf": "prod", "peer": "169.254.1.2", "interface": "l1.1100", "was": "init"}),
    ),
    (
        "2026/11/23 04:29:09 BGP: [T83RR-8SM5G] bgpd 8.4.4 starting: vty@0, bgp@<all>:179",
        ("frr.started", "bgpd", {"version": "8.4.4"}),
    ),
]


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_lines_of_interest_become_events(line: str, expected: tuple[str, str, dict]):
    event = parse_log_line(line, source="edge.bgpd", wall_minus_monotonic=1_000_000_000.0)
    assert event is not None
    assert (event.kind, event.subject, event.data) == expected
    assert event.source == "edge.bgpd"
    assert event.wall - event.monotonic == pytest.approx(1_000_000_000.0)


def test_times_are_utc_to_the_microsecond():
    event = parse_log_line(LINES[0][0], source="x", wall_minus_monotonic=0.0)
    assert event is not None
    assert event.wall == pytest.approx(1795408150.192089, abs=1e-6)


def test_other_time_formats_of_newer_versions_are_read():
    line = LINES[0][0].replace("2026/11/23 04:29:10.192089", "2026-11-23T04:29:10.192089Z")
    event = parse_log_line(line, source="x", wall_minus_monotonic=0.0)
    assert event is not None
    assert event.wall == pytest.approx(1795408150.192089, abs=1e-6)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "2026/11/23 04:29:09 ZEBRA: [NNACN-54BDA][EC 4043309110] Disabling MPLS support (no kernel support)",
        "2026/13/23 04:29:10.19 BGP: [N9HHH-F8H1M] %ADJCHANGE: neighbor 1.1.1.1(x) in vrf prod Up",
        "2026/11/23 04:29:10.19 BGP: [N9HHH-F8H1M] %ADJCHANGE: neighbor 1.1.1.1(x) in vrf prod Sideways",
        "core_handler: memstats: Host config : 6 * (variably sized)",
    ],
)
def test_other_lines_are_passed_over(line: str):
    assert parse_log_line(line, source="x", wall_minus_monotonic=0.0) is None


@given(st.text())
def test_junk_is_never_an_error(text: str):
    parse_log_line(text, source="x", wall_minus_monotonic=0.0)


@given(st.sampled_from([line for line, _ in LINES]), st.integers(0, 200), st.text(max_size=20))
def test_damaged_lines_are_never_an_error(line: str, at: int, junk: str):
    parse_log_line(line[:at] + junk + line[at + len(junk) :], source="x", wall_minus_monotonic=0.0)
    parse_log_line(line[:at], source="x", wall_minus_monotonic=0.0)
