"""What every coordinator of a plan is started with: where it is, and what they trust each other by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xcnet.coordinator.auth.pki import Credential, LabAuthority
from xcnet.coordinator.auth.profiles import create_auth
from xcnet.coordinator.auth.proof_profiles import create_identity
from xcnet.coordinator.config import CoordinatorConfig
from xcnet.coordinator.daemon.settings import HTTPS_PORT, DaemonSettings, Trust
from xcnet.coordinator.planned import api_url, config_of, limits_of, seed_of
from xcnet.model.plan import Plan

CERTIFICATE_SECONDS = 90 * 86400.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where one coordinator lives.

    :param folder: for its store and its operators' socket. :param store: for its store alone; None: ``folder``.
    :param routers: own router -> its folder of sockets.
    :param transcript: file for its exchanges with peers. :param events: file for its event stream.
    :param address: IP address that it alone serves at and where its peers find it, in place of the plan's; None for the
        plan's, where every peer has an address of its own to reach it at.
    :param metrics_port: see :class:`xcnet.coordinator.daemon.settings.DaemonSettings`.
    """

    folder: Path
    routers: Mapping[str, Path] = field(default_factory=dict)
    transcript: Path | None = None
    events: Path | None = None
    address: str | None = None
    port: int = HTTPS_PORT
    metrics_port: int | None = None
    store: Path | None = None


def assemble(
    plan: Plan, lab: str, places: Mapping[str, Place], now: float, authority: LabAuthority | None = None
) -> dict[str, DaemonSettings]:
    """Settings of all the plan's coordinators, with fresh certificates, signing keys and customers' sessions.

    :param lab: its name, which the certificate authority bears. :param places: provider -> where it lives; all of them.
    :param now: seconds since the epoch. :param authority: who certifies them all; a fresh one by default.
    """
    authority = authority or LabAuthority.create(lab, now)
    policies = {provider: plan.profiles[provider].coordinator for provider in plan.coordinators}
    auth = create_auth({provider: policy.request_authentication.value for provider, policy in policies.items()})
    configs = {provider: _placed(config_of(plan, provider), places) for provider in plan.coordinators}
    identities = {
        provider: create_identity(
            policy.customer_identity.value, provider, configs[provider].api_uri, configs[provider].accounts
        )
        for provider, policy in policies.items()
    }
    settings = {}
    for provider, planned in plan.coordinators.items():
        place = places[provider]
        network = plan.networks[provider].network
        settings[provider] = DaemonSettings(
            node=planned.node,
            config=configs[provider],
            network=network,
            routers=place.routers,
            folder=place.folder,
            transcript=place.transcript,
            events=place.events,
            trust=Trust(
                credential=certify(authority, plan, provider, now, address=place.address),
                auth=auth[provider],
                identity=identities[provider],
                known={peer: identities[peer].known for peer in planned.peers},
            ),
            seed=seed_of(plan, provider),
            given={node: plan.routers[node] for node in (network.gateway, *network.edges.values())},
            http=limits_of(policies[provider]),
            host=place.address or "0.0.0.0",
            port=place.port,
            metrics_port=place.metrics_port,
            store_folder=place.store,
        )
    return settings


def certify(
    authority: LabAuthority,
    plan: Plan,
    provider: str,
    now: float,
    lifetime: float = CERTIFICATE_SECONDS,
    address: str | None = None,
) -> Credential:
    """A certificate for one coordinator. :param now: seconds since the epoch, when it begins; its lifetime is in seconds.

    :param address: the only IP address that it serves at; None: those that the plan gives it.
    """
    planned = plan.coordinators[provider]
    addresses = [str(link.address.ip) for link in planned.peers.values()] if address is None else [address]
    return authority.issue(provider, [planned.node], addresses, now, lifetime)


def _placed(config: CoordinatorConfig, places: Mapping[str, Place]) -> CoordinatorConfig:
    """With everybody's URL and address as they are."""
    peers = {}
    for name, peer in config.peers.items():
        address = places[name].address or peer.address
        peers[name] = peer.model_copy(update={"url": _url(name, places[name]), "address": address})
    return config.model_copy(update={"api_uri": _url(config.provider, places[config.provider]), "peers": peers})


def _url(provider: str, place: Place) -> str:
    url = api_url(provider)
    return url if place.port == HTTPS_PORT else f"{url}:{place.port}"


__all__ = ["CERTIFICATE_SECONDS", "Place", "assemble", "certify"]
