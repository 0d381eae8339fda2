"""Activation keys through HTTP, and what time does to them: parameters, confirmation, single use, expiry, weekly key pairs."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import coordinator_sim
import pytest
from api_world import DAY, OTHER, Api, bare, connected, met
from coordinator_sim import ACCOUNTS, ENVIRONMENT
from cryptography.hazmat.primitives import serialization

from xcnet.coordinator.workflows.connect import ACCOUNT_HEADER
from xcnet.errors import InputError
from xcnet.spec.activation_key import KeyPair
from xcnet.spec.errors import Reason

BOTH = pytest.mark.parametrize("server", ["aws", "gcp"])
_WEEK = 7 * DAY


@cache
def _pairs() -> tuple[KeyPair, ...]:
    more = 6 - len(coordinator_sim.KEY_PAIRS)
    return (*coordinator_sim.KEY_PAIRS, *(KeyPair.generate() for _ in range(more)))


@pytest.fixture
def many_pairs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Six key pairs, so that a fifth week has one that none of the four before it had."""
    monkeypatch.setattr(coordinator_sim, "KEY_PAIRS", list(_pairs()))
    yield


def public_key(api: Api) -> str:
    return str(api.accepted("GetActivationKeyParameters")["encryption"]["publicKey"])


def confirmed(api: Api, body: dict[str, Any]) -> bool:
    return bool(api.accepted("ConfirmActivationKey", body)["keyValid"])


def not_valid(api: Api, body: dict[str, Any]) -> None:
    """The key is no good, and to have asked has changed nothing."""
    before = api.store()
    assert api.accepted("ConfirmActivationKey", body) == {"keyValid": False}
    assert api.store() == before


def states(api: Api) -> list[tuple[Any, ...]]:
    return api.rows("SELECT state FROM activations")


# -- parameters


@pytest.mark.operation("GetActivationKeyParameters", "accepted")
def test_whoever_makes_keys_learns_how() -> None:
    shown = bare().accepted("GetActivationKeyParameters")
    assert shown["supportedVersions"] == [1, 2]
    assert (shown["encryption"]["algorithm"], shown["encryption"]["keyFormat"]) == ("RSA-OAEP-256", "PKCS8")
    assert serialization.load_pem_public_key(shown["encryption"]["publicKey"].encode())


@pytest.mark.operation("GetActivationKeyParameters", "accepted")
def test_a_provider_that_does_not_encrypt_shows_no_public_key() -> None:
    shown = bare(activation_versions=(1,)).accepted("GetActivationKeyParameters")
    assert shown == {"supportedVersions": [1]}


@pytest.mark.operation("GetActivationKeyParameters", "refused")
def test_parameters_are_of_an_environment_that_is_shared() -> None:
    api = bare()
    api.refused(Reason.NOT_FOUND, "GetActivationKeyParameters", environment="nowhere", field="environment")
    api.refused(Reason.WRONG_PROVIDER, "GetActivationKeyParameters", provider="gcp")


@pytest.mark.usefixtures("many_pairs")
@pytest.mark.operation("GetActivationKeyParameters", "accepted")
def test_the_public_key_is_another_each_week() -> None:
    api = bare()
    seen = [public_key(api)]
    for _ in range(5):
        api.advance(_WEEK - 1.0)
        assert public_key(api) == seen[-1]
        api.advance(1.0)
        seen.append(public_key(api))
        assert len(api.rows("SELECT * FROM key_pairs")) == min(len(seen), 4)
    assert len(set(seen)) == 6
    assert [row[0] for row in api.rows("SELECT public FROM key_pairs ORDER BY seq")] == seen[-4:]


@pytest.mark.usefixtures("many_pairs")
@pytest.mark.parametrize(("weeks", "readable"), [(0, True), (1, True), (3, True), (4, False)])
def test_keys_made_with_any_of_the_four_latest_public_keys_are_accepted(weeks: int, readable: bool) -> None:
    maker = met("aws")
    uuid, key = maker.activation()
    assert json.loads(base64.b64decode(key))["version"] == 2
    taker = Api(maker.sim, "gcp")
    for _ in range(weeks):
        taker.advance(_WEEK)
    accept = {"key": key, "account": ACCOUNTS["gcp"], "attach": {"networks": ["10.20.0.0/24"]}}
    if not readable:
        with pytest.raises(InputError, match="no activation key that GCP can read"):
            taker.command("accept", **accept)
        return
    taker.command("accept", **accept)
    maker.sim.run(lambda: maker.sim.verified(uuid), what="verified at both sides")


# -- confirmation


@BOTH
@pytest.mark.operation("ConfirmActivationKey", "accepted")
def test_an_unused_key_is_confirmed_and_as_often_as_one_asks(server: str) -> None:
    api = met(server)
    _uuid, key = api.activation()
    answer = api.call("ConfirmActivationKey", {"encodedKey": key})
    assert (answer.status, answer.body) == (200, {"keyValid": True})
    assert answer.headers[ACCOUNT_HEADER] == ACCOUNTS[server]
    assert states(api) == [("confirmed",)]
    assert confirmed(api, {"encodedKey": key})


@pytest.mark.operation("ConfirmActivationKey", "accepted")
def test_a_key_of_version_1_may_be_confirmed_taken_apart_and_must_match_in_all() -> None:
    api = met(activation_versions=(1,))
    _uuid, key = api.activation()
    clear = json.loads(base64.b64decode(key))
    assert clear["version"] == 1
    for name, value in (
        ("connectionSizeMbps", 2000),
        ("destinationAccountId", "someone-else"),
        ("destinationEnvironmentUri", f"/providers/aws/environments/{ENVIRONMENT}"),
        ("sharedConnectionUuid", "0f4f6a70-6f55-4d67-a1d5-5b1b9c1f0a01"),
        ("version", 2),
    ):
        not_valid(api, {"key": {**clear, name: value}})
    assert confirmed(api, {"key": clear})
    assert states(api) == [("confirmed",)]


@pytest.mark.operation("ConfirmActivationKey", "accepted")
def test_an_encrypted_key_is_not_confirmed_by_guessing_what_is_in_it() -> None:
    api = met()
    uuid, _key = api.activation()
    guess = {
        "version": 1,
        "destinationEnvironmentUri": f"/providers/gcp/environments/{ENVIRONMENT}",
        "sharedConnectionUuid": uuid,
        "connectionSizeMbps": 1000,
        "destinationAccountId": ACCOUNTS["aws"],
    }
    not_valid(api, {"key": guess})


@pytest.mark.operation("ConfirmActivationKey", "accepted")
def test_what_nobody_made_or_somebody_altered_is_not_valid() -> None:
    api = met()
    _uuid, key = api.activation()
    content = json.loads(base64.b64decode(key))
    altered = base64.b64encode(json.dumps({**content, "version": 1}).encode()).decode()
    for text in ("AAAA", "", altered, key[: len(key) // 2]):
        not_valid(api, {"encodedKey": text})


@pytest.mark.operation("ConfirmActivationKey", "refused")
def test_a_confirmation_is_of_a_key_and_in_an_environment() -> None:
    api = met()
    _uuid, key = api.activation()
    api.refused(Reason.INVALID_ARGUMENT, "ConfirmActivationKey", {}, field="encodedKey")
    api.refused(Reason.INVALID_ARGUMENT, "ConfirmActivationKey", {"key": {"version": 1}})
    body = {"encodedKey": key}
    api.refused(Reason.NOT_FOUND, "ConfirmActivationKey", body, environment="nowhere", field="environment")
    api.refused(Reason.WRONG_PROVIDER, "ConfirmActivationKey", body, provider="gcp")
    api.refused(Reason.UNAUTHENTICATED, "ConfirmActivationKey", body, signed=None)
    assert states(api) == [("issued",)]


@BOTH
@pytest.mark.operation("ConfirmActivationKey", "accepted")
@pytest.mark.operation("CreateConnection", "refused")
def test_a_used_key_is_dead(server: str) -> None:
    api = met(server)
    uuid, key = api.activation()
    assert confirmed(api, {"encodedKey": key})
    body = {"bandwidthMbps": 1000, "activationKey": key}
    more: dict[str, Any] = {"query": {"connectionId": uuid}}
    api.accepted("CreateConnection", body, proof=api.proof(), **more)
    not_valid(api, {"encodedKey": key})
    api.accepted("DeleteConnection", connection=uuid, proof=api.proof())
    not_valid(api, {"encodedKey": key})
    api.refused(Reason.INVALID_ARGUMENT, "CreateConnection", body, proof=api.proof(), field="activationKey", **more)


@BOTH
@pytest.mark.operation("ConfirmActivationKey", "accepted")
@pytest.mark.operation("CreateConnection", "refused")
def test_an_expired_key_is_dead_and_what_was_kept_for_it_is_free(server: str) -> None:
    api = met(server, activation_lifetime=3600.0)
    uuid, key = api.activation()
    assert len(api.rows("SELECT * FROM attachments")) == 1
    api.advance(3599.0)
    assert confirmed(api, {"encodedKey": key})
    api.advance(1.0)
    assert states(api) == [("dead",)]
    assert api.rows("SELECT * FROM attachments") == []
    assert api.sim.key_of(server, uuid) is None
    not_valid(api, {"encodedKey": key})
    body = {"bandwidthMbps": 1000, "activationKey": key}
    more: dict[str, Any] = {"query": {"connectionId": uuid}, "proof": api.proof()}
    api.refused(Reason.INVALID_ARGUMENT, "CreateConnection", body, field="activationKey", **more)


# -- cleaning up


def cleaned_up(api: Api) -> list[str]:
    events = api.sim.providers[api.server].events
    return [str(data["why"]) for kind, _subject, data, _time in events if kind == "connection.cleaned_up"]


@BOTH
def test_a_connection_that_was_never_finished_is_deleted_after_seven_days(server: str) -> None:
    api = met(server)
    uuid = api.create()
    api.advance(_WEEK - 1.0)
    api.sim.run()
    assert api.rows("SELECT uuid, finalised FROM connections") == [(uuid, None)]
    assert cleaned_up(api) == []
    api.advance(1.0)
    api.sim.run()
    assert cleaned_up(api) == ["it was never finished"]
    assert api.rows("SELECT * FROM connections") == api.rows("SELECT * FROM attachments") == []


@BOTH
def test_a_connection_that_the_peer_has_lost_is_deleted_after_seven_days(server: str) -> None:
    api, uuid = connected(server)
    lost = api.sim.providers[OTHER[server]].live
    lost.database.execute("DELETE FROM connections")
    lost.database.execute("DELETE FROM attachments")
    api.advance(DAY)  # the daily audit notices
    api.sim.run()
    ((since,),) = api.rows("SELECT missing_since FROM connections")
    assert since is not None
    api.advance(_WEEK - 60.0)
    api.sim.run()
    assert api.rows("SELECT uuid FROM connections") == [(uuid,)]
    api.advance(60.0)
    api.sim.run()
    assert cleaned_up(api) == ["the other provider has not had it for too long"]
    assert api.rows("SELECT * FROM connections") == api.rows("SELECT * FROM attachments") == []


@BOTH
def test_a_connection_that_both_sides_have_stays_for_as_long_as_it_likes(server: str) -> None:
    api, uuid = connected(server)
    for _ in range(10):
        api.advance(DAY)
        api.sim.run()
    assert cleaned_up(api) == []
    assert api.sim.verified(uuid)


@pytest.mark.operation("CreateIssue", "accepted")
@pytest.mark.operation("CreateIssue", "refused")
def test_the_outcome_of_a_request_is_remembered_for_a_day() -> None:
    api = bare()
    body = {"title": "T", "body": "B"}
    more: dict[str, Any] = {
        "query": {"issueId": "i1"},
        "request_id": "5f0c2f8e-3ad0-4a0e-9b1a-0b6f3f6a9a10",
    }
    first = api.accepted("CreateIssue", body, **more)
    api.advance(10 * DAY)  # of policy time, which is not what a caller's clock shows
    assert api.accepted("CreateIssue", body, **more) == first
    api.sim.clock.advance(DAY)
    api.sim.providers["gcp"].live.pump()
    assert api.rows("SELECT * FROM requests") == []
    api.refused(Reason.ALREADY_EXISTS, "CreateIssue", body, field="issueId", **more)
