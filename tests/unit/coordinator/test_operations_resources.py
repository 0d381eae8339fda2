"""Providers, environments, interconnects and channels through HTTP: what is shown, and to whom nothing is."""

from __future__ import annotations

from typing import Any

import pytest
from api_world import Api, bare, met
from coordinator_sim import ENVIRONMENT, channels_of

from xcnet.spec.errors import Reason

HOME = f"providers/aws/environments/{ENVIRONMENT}"


def walk(api: Api, operation: str, field: str, size: int, **ids: str) -> list[list[dict[str, Any]]]:
    """The pages of a list."""
    pages, query = [], {"pageSize": size}
    while True:
        body = api.accepted(operation, query=query, **ids)
        pages.append(body[field])
        if "nextPageToken" not in body:
            return pages
        query = {"pageSize": size, "pageToken": body["nextPageToken"]}


@pytest.mark.operation("ListProviders", "accepted")
def test_a_caller_sees_itself_and_the_server() -> None:
    shown = bare().accepted("ListProviders")
    both = [{"name": "providers/aws", "displayName": "AWS"}, {"name": "providers/gcp", "displayName": "GCP"}]
    assert shown["providers"] == shown["environments"] == both


@pytest.mark.operation("ListProviders", "refused")
def test_nobody_sees_anything_without_a_signature() -> None:
    answer = bare().refused(Reason.UNAUTHENTICATED, "ListProviders", signed=None)
    assert "www-authenticate" in answer.headers


@pytest.mark.operation("ListProviders", "refused")
def test_a_signature_and_a_certificate_of_two_providers_are_none() -> None:
    bare().refused(Reason.UNAUTHENTICATED, "ListProviders", signed="aws", certificate="azure")


@pytest.mark.operation("GetProvider", "accepted")
def test_either_provider_can_be_looked_up() -> None:
    api = bare()
    assert api.accepted("GetProvider") == {"name": "providers/aws", "displayName": "AWS"}
    assert api.accepted("GetProvider", provider="gcp") == {"name": "providers/gcp", "displayName": "GCP"}


@pytest.mark.operation("GetProvider", "refused")
def test_a_third_provider_is_none_of_the_callers_business() -> None:
    api = bare()
    api.refused(Reason.WRONG_PROVIDER, "GetProvider", provider="azure", field="provider")
    api.refused(Reason.METHOD_NOT_ALLOWED, "GetProvider", method="DELETE")


@pytest.mark.operation("ListEnvironments", "accepted")
def test_shared_environments_are_listed() -> None:
    (shown,) = bare().accepted("ListEnvironments")["environments"]
    assert shown["name"] == HOME
    assert shown["supportedConnectionSizeMbps"] == [100, 500, 1000, 2000, 5000, 10_000]
    assert [each["site"] for each in shown["providerSites"]] == ["us-east-1", "us-east4"]


@pytest.mark.operation("ListEnvironments", "refused")
def test_the_environments_of_another_callers_tree_are_not_listed() -> None:
    api = bare()
    api.refused(Reason.WRONG_PROVIDER, "ListEnvironments", provider="gcp")
    api.refused(Reason.BAD_PAGE_TOKEN, "ListEnvironments", query={"pageToken": "A" * 32})
    api.refused(Reason.INVALID_ARGUMENT, "ListEnvironments", query={"pageSize": -1}, field="pageSize")


@pytest.mark.operation("GetEnvironment", "accepted")
def test_an_environment_says_how_connections_are_made_in_it() -> None:
    shown = bare().accepted("GetEnvironment")
    assert shown["name"] == HOME
    assert shown["apiUri"] == "https://gcp-coord"
    assert shown["deferConnectionProvisioning"] is False
    assert shown["supportedFeatures"] == ["FEATURE_TYPE_L3_BASE"]


@pytest.mark.operation("GetEnvironment", "refused")
def test_an_environment_that_is_not_there_is_not_found() -> None:
    api = bare()
    api.refused(Reason.NOT_FOUND, "GetEnvironment", environment="aws-gcp-eu", field="environment")
    api.refused(Reason.WRONG_PROVIDER, "GetEnvironment", provider="gcp")


@pytest.mark.operation("ListInterconnects", "accepted")
def test_interconnects_come_in_pages() -> None:
    pages = walk(bare(interconnects=3), "ListInterconnects", "interconnects", 2)
    names = [[each["name"] for each in page] for page in pages]
    assert names == [[f"{HOME}/interconnects/ic{number}" for number in group] for group in ((1, 2), (3,))]


@pytest.mark.operation("ListInterconnects", "refused")
def test_a_page_token_is_good_for_the_same_request_alone() -> None:
    api = bare(interconnects=3)
    token = api.accepted("ListInterconnects", query={"pageSize": 1})["nextPageToken"]
    for operation, query in (
        ("ListInterconnects", {"pageSize": 2, "pageToken": token}),
        ("ListInterconnects", {"pageToken": token}),
        ("ListInterconnects", {"pageSize": 1, "pageToken": token[:-1] + "!"}),
        ("ListChannels", {"pageSize": 1, "pageToken": token}),
        ("ListConnections", {"pageSize": 1, "pageToken": token}),
    ):
        api.refused(Reason.BAD_PAGE_TOKEN, operation, query=query, field="pageToken")


@pytest.mark.operation("ListInterconnects", "refused")
def test_there_are_no_interconnects_of_an_unknown_environment() -> None:
    bare().refused(Reason.NOT_FOUND, "ListInterconnects", environment="nowhere", field="environment")


@pytest.mark.operation("GetInterconnect", "accepted")
def test_an_interconnect_says_how_much_it_takes() -> None:
    shown = bare(capacity=20_000).accepted("GetInterconnect")
    assert shown["name"] == f"{HOME}/interconnects/ic1"
    assert shown["maxBandwidthMbps"] == 20_000
    assert shown["state"] == "INTERCONNECT_STATE_ACTIVE"


@pytest.mark.operation("GetInterconnect", "refused")
def test_an_interconnect_that_is_not_there_is_not_found() -> None:
    api = bare()
    api.refused(Reason.NOT_FOUND, "GetInterconnect", interconnect="ic9", field="interconnect")
    api.refused(Reason.NOT_FOUND, "GetInterconnect", environment="nowhere", field="environment")


@pytest.mark.operation("ListChannels", "accepted")
def test_channels_come_in_pages_whatever_their_number() -> None:
    pages = walk(bare(channels=5), "ListChannels", "channels", 2)
    names = [each["name"].rpartition("/")[2] for page in pages for each in page]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert names == list(channels_of(1, 5))


@pytest.mark.operation("ListChannels", "refused")
def test_a_page_token_of_one_interconnect_is_not_good_for_another() -> None:
    api = bare(interconnects=2)
    token = api.accepted("ListChannels", query={"pageSize": 1})["nextPageToken"]
    query = {"pageSize": 1, "pageToken": token}
    api.refused(Reason.BAD_PAGE_TOKEN, "ListChannels", query=query, interconnect="ic2", field="pageToken")
    api.refused(Reason.NOT_FOUND, "ListChannels", interconnect="ic9", field="interconnect")


@pytest.mark.operation("GetChannel", "accepted")
def test_a_channel_says_who_manages_it_and_whether_it_is_used() -> None:
    api = met()
    shown = api.accepted("GetChannel", channel="ch2")
    assert shown["macsecManagerProvider"] == "providers/gcp"
    assert shown["crossConnectManagerProvider"] == "providers/aws"
    assert shown["obfuscatedDeviceId"] == "device-1"
    assert shown["adminState"] == "ADMIN_STATE_ENABLED"
    api.command("disable-channel", channel="ch2")
    api.sim.run()
    assert api.accepted("GetChannel", channel="ch2")["adminState"] == "ADMIN_STATE_DISABLED"


@pytest.mark.operation("GetChannel", "refused")
def test_a_channel_is_found_in_its_own_interconnect_alone() -> None:
    api = bare(interconnects=2)
    assert api.accepted("GetChannel", channel="ch5", interconnect="ic2")["name"].endswith("/ic2/channels/ch5")
    api.refused(Reason.NOT_FOUND, "GetChannel", channel="ch5", field="channel")
    api.refused(Reason.NOT_FOUND, "GetChannel", channel="-x", field="channel")
