"""What a coordinator's process is started with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xcnet.coordinator.auth.pki import Credential
from xcnet.coordinator.auth.profiles import ProviderAuth
from xcnet.coordinator.auth.proof_profiles import KnownIdentity, PresignedIdentity, TokenIdentity
from xcnet.coordinator.config import CoordinatorConfig
from xcnet.coordinator.http.limits import HttpLimits
from xcnet.coordinator.seed import Seed
from xcnet.model.desired import RouterState
from xcnet.model.network import ProviderNetwork

STORE_NAME = "coordinator.db"
HTTPS_PORT = 443
METRICS_HOST, METRICS_PORT = "127.0.0.1", 9400


@dataclass(frozen=True, slots=True)
class Trust:
    """What a provider shows, and what it knows of the others.

    :param credential: for TLS, as server and as client. :param auth: how requests are signed and verified.
    :param identity: its customers' sessions. :param known: peer -> how that one's customers prove who they are.
    """

    credential: Credential
    auth: ProviderAuth
    identity: PresignedIdentity | TokenIdentity
    known: Mapping[str, KnownIdentity]


@dataclass(frozen=True, slots=True)
class DaemonSettings:
    """:param node: of the process. :param network: what routers' states are rendered for.
    :param routers: router -> its folder of sockets.
    :param folder: for the store and the operators' socket, on a file system that can map memory and hold sockets.
    :param store_folder: for the store alone; None: ``folder``.
    :param transcript: file for the exchanges with peers. :param events: file for the event stream.
    :param seed: what a fresh store begins with. :param http: the server's bounds.
    :param given: what the routers were started with, which counts only while the store is fresh.
    :param host: IP address to serve at. :param metrics_port: at the node's loopback address, for Prometheus; None: none.
    """

    node: str
    config: CoordinatorConfig
    network: ProviderNetwork
    routers: Mapping[str, Path]
    folder: Path
    transcript: Path | None
    events: Path | None
    trust: Trust
    seed: Seed | None = None
    given: Mapping[str, RouterState] = field(default_factory=dict)
    http: HttpLimits = field(default_factory=HttpLimits)
    host: str = "0.0.0.0"
    port: int = HTTPS_PORT
    metrics_port: int | None = None
    store_folder: Path | None = None

    @property
    def store(self) -> Path:
        return (self.store_folder or self.folder) / STORE_NAME


__all__ = ["HTTPS_PORT", "METRICS_HOST", "METRICS_PORT", "STORE_NAME", "DaemonSettings", "Trust"]
