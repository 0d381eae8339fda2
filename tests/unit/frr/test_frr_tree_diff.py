"""The differ: what it tells a daemon, without a daemon."""

from hypothesis import given
from hypothesis import strategies as st

from xcnet.frr import diff
from xcnet.frr.tree import parse

RUNNING = """
frr version 8.4.4
frr defaults traditional
!
hostname edge
log file /x informational
!
bgp route-map delay-timer 1
router bgp 65001 vrf prod
 bgp router-id 1.1.1.1
 no bgp ebgp-requires-policy
 coalesce-time 10
 neighbor 10.0.0.2 remote-as 65002
 neighbor 10.0.0.2 password old
 neighbor 10.0.0.2 bfd
 neighbor 10.0.0.2 bfd profile tx300-rx300-x3
 neighbor 10.0.0.2 timers 30 90
 neighbor 10.0.0.2 timers connect 1
 !
 address-family ipv4 unicast
  network 10.1.0.0/16
  neighbor 10.0.0.2 activate
  neighbor 10.0.0.2 maximum-prefix 100
  maximum-paths 16
  maximum-paths ibgp 16
 exit-address-family
exit
!
ip prefix-list prod-in seq 5 permit 10.2.0.0/16 le 32
!
route-map prod-external-ipv4 permit 10
 match ip address prefix-list prod-in
exit
!
line vty
!
"""


def changed(old: str, new: str) -> diff.Commands:
    return diff.bgpd(parse(RUNNING), parse(RUNNING.replace(old, new)))


def test_equal_configurations_need_nothing_and_foreign_lines_are_left_alone():
    assert not diff.bgpd(parse(RUNNING), parse(RUNNING))
    without_foreign = RUNNING.replace("hostname edge\n", "").replace("log file /x informational\n", "")
    assert not diff.bgpd(parse(RUNNING), parse(without_foreign))


def test_a_new_password_replaces_the_old_one_without_a_gap_and_waits_for_the_listener():
    commands = changed("password old", "password new")
    assert commands.first == []
    assert commands.then == ["router bgp 65001 vrf prod", "neighbor 10.0.0.2 password new", "exit"]
    assert commands.passwords_in == {"prod"}
    assert commands.begun_in == set()


def test_a_first_neighbour_with_a_password_waits_where_it_makes_bgpd_listen():
    bare = parse("router bgp 65001 vrf prod\n bgp router-id 1.1.1.1\nexit\n")
    commands = diff.bgpd(bare, parse(RUNNING))
    first = "\n".join(commands.first)
    assert "neighbor 10.0.0.2 remote-as 65002\nneighbor 10.0.0.2 shutdown\nexit" in first
    assert "password" not in first
    assert commands.passwords_in == commands.begun_in == {"prod"}
    starts = commands.then.index("no neighbor 10.0.0.2 shutdown")
    assert starts > max(index for index, line in enumerate(commands.then) if "password" in line or "activate" in line)


def test_a_neighbour_left_waiting_by_a_crash_is_started():
    stopped = RUNNING.replace(" neighbor 10.0.0.2 bfd\n", " neighbor 10.0.0.2 shutdown\n neighbor 10.0.0.2 bfd\n")
    assert "no neighbor 10.0.0.2 shutdown" in list(diff.bgpd(parse(stopped), parse(RUNNING)))


def test_a_removed_password_is_not_repeated_in_the_command():
    commands = changed(" neighbor 10.0.0.2 password old\n", "")
    assert "no neighbor 10.0.0.2 password" in commands.then
    assert not any("old" in line for line in commands)
    assert commands.passwords_in == set()


def test_masking_hides_a_password_and_nothing_else():
    assert diff.masked("neighbor fd00::2 password s3cret") == "neighbor fd00::2 password <secret>"
    assert diff.masked("neighbor fd00::2 timers 1 3") == "neighbor fd00::2 timers 1 3"


def test_changed_timers_touch_only_the_timers():
    assert list(changed("timers 30 90", "timers 3 9")) == [
        "router bgp 65001 vrf prod",
        "neighbor 10.0.0.2 timers 3 9",
        "exit",
    ]


def test_a_removed_neighbour_goes_with_one_command_and_is_not_mentioned_again():
    want = "\n".join(line for line in RUNNING.splitlines() if "10.0.0.2" not in line)
    commands = list(diff.bgpd(parse(RUNNING), parse(want)))
    assert commands == ["router bgp 65001 vrf prod", "no neighbor 10.0.0.2", "exit"]


def test_bfd_is_taken_off_before_nothing_else_refers_to_it():
    want = "\n".join(line for line in RUNNING.splitlines() if " bfd" not in line)
    assert list(diff.bgpd(parse(RUNNING), parse(want))) == [
        "router bgp 65001 vrf prod",
        "no neighbor 10.0.0.2 bfd profile tx300-rx300-x3",
        "no neighbor 10.0.0.2 bfd",
        "exit",
    ]


def test_an_instance_that_is_not_wanted_goes_and_its_policies_after_it():
    commands = diff.bgpd(parse(RUNNING), parse("bgp route-map delay-timer 1\n"))
    assert commands.first == ["no router bgp 65001 vrf prod"]
    assert commands.then == [
        "no route-map prod-external-ipv4 permit 10",
        "no ip prefix-list prod-in seq 5 permit 10.2.0.0/16 le 32",
    ]


def test_another_autonomous_system_number_replaces_the_instance():
    commands = changed("router bgp 65001", "router bgp 65009")
    assert commands.first.index("no router bgp 65001 vrf prod") < commands.first.index("router bgp 65009 vrf prod")


def test_a_prefix_list_entry_with_the_same_number_is_replaced_once():
    assert list(changed("permit 10.2.0.0/16 le 32", "permit 10.3.0.0/16 le 32")) == [
        "no ip prefix-list prod-in seq 5 permit 10.2.0.0/16 le 32",
        "ip prefix-list prod-in seq 5 permit 10.3.0.0/16 le 32",
    ]


POLICIES = "\nroute-map draining permit 10\n set community graceful-shutdown additive\nexit\n"
PLAIN = RUNNING.replace(
    "  maximum-paths 16\n", "  neighbor 10.0.0.2 route-map prod-external-ipv4 in\n  maximum-paths 16\n"
)
DRAINED = (
    PLAIN.replace(
        "route-map prod-external-ipv4 in", "route-map prod-drained-ipv4 in\n  neighbor 10.0.0.2 route-map draining out"
    )
    + POLICIES
    + POLICIES.replace("draining", "prod-drained-ipv4")
)


def test_draining_replaces_one_policy_and_adds_the_other_when_both_are_there():
    commands = diff.bgpd(parse(PLAIN), parse(DRAINED))
    assert [line for line in commands.first if line.startswith("route-map")] == [
        "route-map draining permit 10",
        "route-map prod-drained-ipv4 permit 10",
    ]
    assert commands.then == [
        "router bgp 65001 vrf prod",
        "address-family ipv4 unicast",
        "neighbor 10.0.0.2 route-map prod-drained-ipv4 in",
        "neighbor 10.0.0.2 route-map draining out",
        "exit-address-family",
        "exit",
    ]
    assert not diff.bgpd(parse(DRAINED), parse(DRAINED))


def test_undraining_takes_the_outbound_policy_away_and_only_replaces_the_inbound_one():
    commands = diff.bgpd(parse(DRAINED), parse(PLAIN))
    assert commands.first == []
    assert commands.then == [
        "router bgp 65001 vrf prod",
        "address-family ipv4 unicast",
        "no neighbor 10.0.0.2 route-map draining out",
        "neighbor 10.0.0.2 route-map prod-external-ipv4 in",
        "exit-address-family",
        "exit",
        "no route-map draining permit 10",
        "no route-map prod-drained-ipv4 permit 10",
    ]


def test_an_unwanted_line_that_somebody_typed_is_taken_back():
    running = RUNNING.replace(
        " neighbor 10.0.0.2 timers 30 90", " neighbor 10.0.0.2 timers 30 90\n neighbor 10.0.0.2 shutdown"
    )
    assert list(diff.bgpd(parse(running), parse(RUNNING))) == [
        "router bgp 65001 vrf prod",
        "no neighbor 10.0.0.2 shutdown",
        "exit",
    ]


def test_profiles_of_bfd_are_made_completed_and_removed_around_the_sessions():
    running = parse(
        "debug bfd peer\nbfd\n profile tx1000-rx1000-x5\n exit\n profile tx10-rx10-x3\n  transmit-interval 10\n exit\n"
    )
    want = parse(
        "debug bfd peer\nbfd\n profile tx1000-rx1000-x5\n  detect-multiplier 5\n  transmit-interval 1000\n exit\n"
    )
    commands = diff.bfdd(running, want)
    assert commands.first == [
        "bfd",
        "no profile tx1000-rx1000-x5",
        "profile tx1000-rx1000-x5",
        "detect-multiplier 5",
        "transmit-interval 1000",
        "exit",
        "exit",
    ]
    assert commands.then == ["bfd", "no profile tx10-rx10-x3", "exit"]


@given(st.text())
def test_parsing_takes_any_text(text: str):
    parse(text)


@given(st.text(alphabet="ab !#\n", max_size=60), st.text(alphabet="ab !#\n", max_size=60))
def test_comparing_takes_any_two_texts(one: str, two: str):
    diff.bgpd(parse(one), parse(two))
    diff.bfdd(parse(one), parse(two))
