"""What providers agree on before any connection: written in the topology, or made up the same way each time."""

from __future__ import annotations

from ipaddress import ip_network
from uuid import UUID

import pytest

from xcnet.model.accounts import is_account
from xcnet.model.environments import Visibility
from xcnet.model.load import load_profile, load_topology, parse_topology, read_shipped
from xcnet.model.plan import Plan
from xcnet.model.plan_agreed import PlannedSite
from xcnet.model.planner import make_plan
from xcnet.model.policy import CustomerIdentity, RequestAuthentication

MINIMAL = read_shipped("minimal")


def plan_of(*changes: tuple[str, str], text: str = MINIMAL) -> Plan:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return make_plan(parse_topology(text))


def test_environment_is_made_up_for_two_providers() -> None:
    (environment,) = plan_of().environments
    assert (environment.name, environment.interconnects) == ("aws-gcp", ("ic1",))
    assert environment.sites == {
        "aws": PlannedSite("aws-site", "AWS site"),
        "gcp": PlannedSite("gcp-site", "Google Cloud site"),
    }
    assert environment.sizes_bps == tuple(sorted(environment.sizes_bps))
    assert {500_000_000, 1_000_000_000} <= set(environment.sizes_bps)
    # Sizes of one provider alone are not to be had.
    assert not {20_000_000_000, 25_000_000_000} & set(environment.sizes_bps)
    assert (environment.defer_provisioning, environment.visibility) == (False, Visibility.PUBLIC)


def test_shipped_environment_is_where_both_providers_are() -> None:
    plan = make_plan(load_topology("aws-google"))
    (environment,) = plan.environments
    assert environment.name == "aws-gcp-us-east"
    assert environment.sites["aws"] == PlannedSite("us-east-1", "US East (N. Virginia)")
    assert environment.sites["gcp"].site == "us-east4"
    assert plan.interconnects[0].environment == "aws-gcp-us-east"


def test_interconnects_between_which_a_connection_may_move_are_in_one_environment() -> None:
    plan = make_plan(load_topology("two-interconnects"))
    assert [environment.interconnects for environment in plan.environments] == [("ic1", "ic2")]
    assert plan.environments[0].sites["aws"].display_name == "us-east-1"


def test_everything_about_an_environment_can_be_written() -> None:
    (environment,) = plan_of(
        (
            "connections:",
            "environments:\n  - {name: east, sites: {gcp: us-east4, aws: us-east-1}, interconnects: [ic1], "
            "sizes: [1Gbps, 100Mbps], defer_provisioning: true, deferral_timeout_hours: 3, visibility: private}\n"
            "connections:",
        )
    ).environments
    assert environment.sizes_bps == (100_000_000, 1_000_000_000)
    assert (environment.defer_provisioning, environment.deferral_timeout_hours) == (True, 3)
    assert environment.visibility is Visibility.PRIVATE


@pytest.mark.parametrize(
    ("channel", "interconnect", "capacity"),
    [
        ("", "", 100_000_000_000),
        (", link: {rate: 10Gbps}", "", 10_000_000_000),
        (", link: {rate: 10Gbps}", "\n    capacity: 2Gbps", 2_000_000_000),
    ],
)
def test_capacity_is_that_of_the_slowest_channel_unless_written(channel: str, interconnect: str, capacity: int) -> None:
    plan = plan_of(
        ("gcp: edge1}}", f"gcp: edge1}}{channel}}}"), ("providers: [aws, gcp]", f"providers: [aws, gcp]{interconnect}")
    )
    assert plan.interconnects[0].capacity_bps == capacity


def test_interconnect_can_be_closed_and_keeps_its_connections() -> None:
    plan = plan_of(("providers: [aws, gcp]", "providers: [aws, gcp]\n    closed: true"))
    assert plan.interconnects[0].closed
    assert [connection.name for connection in plan.connections] == ["prod"]


def test_keys_are_made_in_turns() -> None:
    plan = make_plan(load_topology("aws-google"))
    assert [channel.macsec_manager for channel in plan.channels] == ["aws", "gcp", "aws", "gcp"]
    assert [channel.cross_connect_manager for channel in plan.channels] == ["gcp", "aws", "gcp", "aws"]


def test_written_managers_count_for_the_others() -> None:
    text = read_shipped("aws-google")
    for name in ("ch1", "ch2"):
        text = text.replace(f"name: {name},", f"name: {name}, macsec_manager: gcp,")
    assert [channel.macsec_manager for channel in plan_of(text=text).channels] == ["gcp", "gcp", "aws", "aws"]


def test_channels_have_a_demarcation_and_a_member_size() -> None:
    (channel,) = plan_of().channels
    assert (channel.demarc, channel.member_bps) == ("fac-a:ch1", 100_000_000_000)
    (channel,) = plan_of(("gcp: edge1}}", "gcp: edge1}, demarc: DA3 row 7, link: {rate: 10Gbps}}")).channels
    assert (channel.demarc, channel.member_bps) == ("DA3 row 7", 10_000_000_000)


def test_customer_is_made_up_with_an_account_of_each_providers_kind() -> None:
    (customer,) = plan_of().customers
    assert customer.name == "lab"
    assert is_account(CustomerIdentity.PRESIGNED_CALL, customer.accounts["aws"])
    assert is_account(CustomerIdentity.IDENTITY_TOKEN, customer.accounts["gcp"])
    assert plan_of().customers == plan_of().customers
    assert plan_of(("name: minimal", "name: other")).customers != plan_of().customers


def test_orders_are_the_customers_own_or_the_first_customers() -> None:
    plan = make_plan(load_topology("two-interconnects"))
    assert [(order.name, order.customer) for order in plan.orders] == [("red", "red"), ("blue", "blue")]
    assert plan.orders[1].sides["aws"].account == "444455556666"
    text = read_shipped("two-interconnects").replace("    customer: blue\n", "")
    assert [order.customer for order in plan_of(text=text).orders] == ["red", "red"]


def test_made_up_customer_can_be_named() -> None:
    assert plan_of(("vlan: 1100", "vlan: 1100\n    customer: lab")).orders[0].customer == "lab"


def test_order_says_what_the_customer_has_at_either_side() -> None:
    plan = plan_of(("gcp: {host: app, ", "gcp: {mtu: 1500, "))
    (order,) = plan.orders
    assert (order.interconnect, order.environment, order.bandwidth_bps, order.vlan) == ("ic1", "aws-gcp", 10**8, 1100)
    aws, gcp = order.sides["aws"], order.sides["gcp"]
    assert (aws.host, aws.port, aws.mtu) == ("aws-app", "aws-app", 8500)
    assert (gcp.host, gcp.port, gcp.mtu) == (None, None, 1500)
    assert gcp.networks == (ip_network("10.20.0.0/24"), ip_network("fd00:10:20::/64"))


def test_shared_identities_are_the_same_in_every_run_and_differ_between_labs_and_connections() -> None:
    plans = [make_plan(load_topology(name)) for name in ("aws-google", "minimal", "two-interconnects", "aws-google")]
    identities = [[order.uuid for order in plan.orders] for plan in plans]
    assert identities[0] == identities[3]
    assert len({uuid for each in identities for uuid in each}) == 4
    assert all(isinstance(uuid, UUID) and uuid.version == 5 for each in identities for uuid in each)


def test_terms_are_what_both_sides_routers_have() -> None:
    plan = make_plan(load_topology("aws-google"))
    (connection,) = plan.connections
    assert [terms.channel for terms in connection.features] == list(connection.channels)
    for terms in connection.features:
        for key, start in plan.networks.items():
            (attachment,) = start.attachments
            own = next(each for each in attachment.features if each.channel == terms.channel)
            assert own == terms.end(key, rate=333_333_334)


def test_channels_subnets_keep_away_from_what_either_side_excludes() -> None:
    plan = plan_of(
        (
            "{profile: aws, edges: 1}",
            "{profile: aws, edges: 1, overrides: {coordinator: {ipv4: "
            "{exclude: [169.254.0.0/24], preferred: 169.254.1.0/24}}}}",
        )
    )
    assert plan.connections[0].features[0].subnets[0] == ip_network("169.254.1.0/30")


def test_shipped_profiles_say_how_their_coordinators_behave() -> None:
    aws, gcp = load_profile("aws").coordinator, load_profile("gcp").coordinator
    assert (aws.request_authentication, gcp.request_authentication) == (
        RequestAuthentication.SIGV4,
        RequestAuthentication.JWT,
    )
    assert (aws.customer_identity, gcp.customer_identity) == (
        CustomerIdentity.PRESIGNED_CALL,
        CustomerIdentity.IDENTITY_TOKEN,
    )
    assert load_profile("gcp").asn_ranges == ((16550, 16550),)
    for policy in (aws, gcp):
        assert (policy.quotas.connections_per_account, policy.quotas.pending_per_account) == (10, 4)
        assert (policy.macsec.bake_minutes, policy.cleanup_days) == (120, 7)
        assert policy.vlan_ranges == ((1025, 4094),)
        assert policy.activation_key.versions == (1, 2)
    # A handshake needs prefix lengths that both accept.
    assert set(aws.ipv4.lengths) & set(gcp.ipv4.lengths)
    assert set(aws.ipv6.lengths) & set(gcp.ipv6.lengths)


def test_three_of_four_channels_are_enough_to_provision() -> None:
    policy = load_profile("aws").coordinator
    assert [policy.required_channels(channels) for channels in (1, 2, 3, 4, 8, 10)] == [1, 2, 3, 3, 6, 8]
    exact = policy.model_copy(update={"required_channels_share": 0.7})
    assert exact.required_channels(10) == 7
