"""What providers hold to call each other: made in matching pairs, written and read again, and used."""

from __future__ import annotations

from itertools import permutations

import pytest
from auth_world import AWS, GCP, NOW, refused, request, shows_none_of, with_headers
from pydantic import TypeAdapter, ValidationError

from xcnet.coordinator.auth.authenticators import RequestSigner, RequestVerifier, create_signer, create_verifier
from xcnet.coordinator.auth.bearer import BearerSigner, BearerVerifier
from xcnet.coordinator.auth.profiles import (
    AuthProfile,
    InboundAuth,
    JwtInbound,
    JwtOutbound,
    OutboundAuth,
    ProviderAuth,
    SigV4Inbound,
    SigV4Outbound,
    create_auth,
)
from xcnet.coordinator.auth.sigv4 import SigV4Signer, SigV4Verifier
from xcnet.coordinator.auth.verdict import AuthError, AuthReason

PROFILES: dict[str, AuthProfile] = {AWS: "sigv4", GCP: "jwt", "azure": "jwt", "oracle": "sigv4"}


@pytest.fixture(scope="module")
def made() -> dict[str, ProviderAuth]:
    """Through the form in which it travels."""
    written = {each: auth.model_dump_json(context={"reveal": True}) for each, auth in create_auth(PROFILES).items()}
    return {each: ProviderAuth.model_validate_json(text) for each, text in written.items()}


@pytest.mark.parametrize(("caller", "server"), list(permutations(PROFILES, 2)))
def test_each_can_call_each_other(made: dict[str, ProviderAuth], caller: str, server: str) -> None:
    signer: RequestSigner = create_signer(made[caller].outbound[server])
    verifier: RequestVerifier = create_verifier(made[server].inbound)
    facts = request(tls_provider=caller)
    signed = with_headers(facts, signer.sign(facts, NOW))
    assert verifier.verify(signed, NOW) == caller
    with refused(AuthReason.REPLAYED):
        verifier.verify(signed, NOW)
    with refused(AuthReason.REPLAYED):
        create_verifier(made[server].inbound, started=NOW + 1).verify(signed, NOW + 1)


@pytest.mark.parametrize(("thief", "caller", "server"), list(permutations(PROFILES, 3)))
def test_none_can_call_as_another(made: dict[str, ProviderAuth], thief: str, caller: str, server: str) -> None:
    """What a provider is called with, by one of its peers, does not let it call a third as that peer."""
    facts = request(tls_provider=thief)
    verifier = create_verifier(made[server].inbound)
    added = create_signer(made[caller].outbound[server]).sign(facts, NOW)
    with refused(AuthReason.WRONG_CALLER):
        verifier.verify(with_headers(facts, added), NOW)
    added = create_signer(made[thief].outbound[caller]).sign(facts, NOW)
    with pytest.raises(AuthError) as caught:
        verifier.verify(with_headers(facts, added), NOW)
    assert caught.value.reason in (
        AuthReason.UNKNOWN_KEY,
        AuthReason.WRONG_AUDIENCE,
        AuthReason.WRONG_ALGORITHM,
        AuthReason.MISSING_CREDENTIALS,
    )


def test_a_profile_asks_for_its_own_way_of_signing(made: dict[str, ProviderAuth]) -> None:
    facts = request(tls_provider=GCP)
    with refused(AuthReason.WRONG_ALGORITHM):
        create_verifier(made[AWS].inbound).verify(
            with_headers(facts, create_signer(made[GCP].outbound["azure"]).sign(facts, NOW)), NOW
        )
    facts = request(tls_provider=AWS)
    with refused(AuthReason.MISSING_CREDENTIALS):
        create_verifier(made[GCP].inbound).verify(
            with_headers(facts, create_signer(made[AWS].outbound["oracle"]).sign(facts, NOW)), NOW
        )


def test_nobody_holds_what_only_another_may(made: dict[str, ProviderAuth]) -> None:
    """A server that is called with tokens has no private key of its callers'."""
    inbound = made[GCP].inbound
    assert isinstance(inbound, JwtInbound)
    assert "PRIVATE" not in inbound.model_dump_json(context={"reveal": True})
    assert inbound.keys.keys() == PROFILES.keys() - {GCP}


def test_profiles_words_choose_the_classes(made: dict[str, ProviderAuth]) -> None:
    assert isinstance(made[AWS].inbound, SigV4Inbound)
    assert isinstance(made[GCP].outbound[AWS], SigV4Outbound)
    assert isinstance(made[AWS].outbound[GCP], JwtOutbound)
    assert isinstance(create_verifier(made[AWS].inbound), SigV4Verifier)
    assert isinstance(create_verifier(made[GCP].inbound), BearerVerifier)
    assert isinstance(create_signer(made[GCP].outbound[AWS]), SigV4Signer)
    assert isinstance(create_signer(made[AWS].outbound[GCP]), BearerSigner)


def test_what_is_held_is_not_shown(made: dict[str, ProviderAuth]) -> None:
    sigv4, token = made[GCP].outbound[AWS], made[AWS].outbound[GCP]
    assert isinstance(sigv4, SigV4Outbound)
    assert isinstance(token, JwtOutbound)
    secret = sigv4.credentials.secret
    for auth in made.values():
        shows_none_of(auth, "PRIVATE", secret.reveal_text(), secret.reveal().hex(), token.key.reveal().hex())
        text = auth.model_dump_json()
        assert secret.reveal().hex() not in text
        assert token.key.reveal().hex() not in text


def test_another_profile_is_refused() -> None:
    inbound: TypeAdapter[InboundAuth] = TypeAdapter(InboundAuth)
    outbound: TypeAdapter[OutboundAuth] = TypeAdapter(OutboundAuth)
    for each in (inbound, outbound):
        with pytest.raises(ValidationError):
            each.validate_python({"profile": "none", "keys": {}})


def test_a_capacity_that_was_asked_for_is_kept(made: dict[str, ProviderAuth]) -> None:
    for caller, server in ((GCP, AWS), (AWS, GCP)):
        verifier = create_verifier(made[server].inbound, capacity=1)
        signer = create_signer(made[caller].outbound[server])
        facts = request(tls_provider=caller)
        assert verifier.verify(with_headers(facts, signer.sign(facts, NOW)), NOW) == caller
        with refused(AuthReason.TOO_MANY_LIVE):
            verifier.verify(with_headers(facts, signer.sign(facts, NOW)), NOW)
