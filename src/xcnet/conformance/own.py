"""This project's own coordinators as the server: real ones, over HTTPS, in this process, with doubles for routers."""

from __future__ import annotations

import contextlib
import ssl
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from xcnet.clock import SystemClock
from xcnet.conformance.registry import NotTestable
from xcnet.conformance.subject import CarriedKey, Subject
from xcnet.coordinator.auth import pki
from xcnet.coordinator.auth.authenticators import create_signer
from xcnet.coordinator.auth.proof import CustomerIdentity
from xcnet.coordinator.daemon.follow import DONE_ONLY
from xcnet.coordinator.daemon.local import LocalCoordinators, local_settings, serving
from xcnet.coordinator.daemon.settings import DaemonSettings
from xcnet.coordinator.daemon.trust import PeerSigner, ProofSource
from xcnet.coordinator.http.transport import Endpoint
from xcnet.errors import InputError, LabError
from xcnet.model.plan import Plan
from xcnet.secret import Secret

_STRANGER = "999999999999"
"""The account of a customer who has ordered nothing."""


class _OwnCustomer:
    """Orders at the server through its operators' socket; proves with a session at the caller."""

    def __init__(self, local: LocalCoordinators, server: str, caller: str) -> None:
        self._local = local
        self._server = server
        self._caller = caller
        self._accounts = {each: next(iter(local.settings[each].config.accounts)) for each in (server, caller)}
        self._proofs = ProofSource(local.settings[caller].trust.identity, SystemClock())
        self._orders = 0

    async def activation_key(self, environment: str, mbps: int) -> CarriedKey:
        """See :meth:`xcnet.conformance.subject.Customer.activation_key`."""
        self._orders += 1
        try:
            made = await self._local.command(
                self._server,
                "intent",
                follow=DONE_ONLY,
                environment=environment,
                mbps=mbps,
                account=self._accounts[self._server],
                peer_account=self._accounts[self._caller],
                attach={"name": f"order{self._orders}", "networks": [f"10.{self._orders % 250}.0.0/24"]},
            )
            key = await self._local.query(self._server, "activation-key", connection=made["uuid"])
        except LabError as error:
            raise NotTestable(f"no activation key is to be had: {error.cause}") from error
        return CarriedKey(str(made["uuid"]), Secret.from_text(key["key"]))

    async def proof(self, connection: str, *, stranger: bool = False) -> Secret | None:
        """See :meth:`xcnet.conformance.subject.Customer.proof`."""
        account = _STRANGER if stranger else self._accounts[self._caller]
        return self._proofs.make(account, connection, self._server)


def _with_stranger(settings: DaemonSettings) -> DaemonSettings:
    """With one more customer, who has a session and no connection."""
    identity = settings.trust.identity
    customers = (*identity.customers, CustomerIdentity.random(_STRANGER))
    trust = replace(settings.trust, identity=identity.model_copy(update={"customers": customers}))
    return replace(settings, trust=trust)


def subject_of(local: LocalCoordinators, server: str, caller: str) -> Subject:
    """One of running coordinators, called as another one."""
    settings = local.settings[caller]
    peer = settings.config.peers[server]
    credential = settings.trust.credential

    def tls(certificate: bool) -> ssl.SSLContext:
        if certificate:
            return pki.client_context(credential)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=credential.authority)
        return context

    return Subject(
        endpoint=Endpoint(server, peer.url, peer.address),
        caller=caller,
        tls=tls,
        customer=_OwnCustomer(local, server, caller),
        signer=PeerSigner(create_signer(settings.trust.auth.outbound[server]), SystemClock()),
    )


@contextlib.asynccontextmanager
async def own_server(plan: Plan, server: str, caller: str) -> AsyncIterator[Subject]:
    """A plan's coordinators while the context lasts.

    :raises InputError: they are no two of the plan's providers with an interconnect between them.
    """
    known = sorted(plan.coordinators)
    if caller not in plan.coordinators or server not in plan.coordinators[caller].peers:
        raise InputError(
            f"{caller} cannot call {server} here",
            where="--server, --caller",
            remedy=f"name two of {', '.join(known)}",
        )
    with tempfile.TemporaryDirectory(prefix="xcnet-") as folder:
        settings = local_settings(plan, Path(folder), adjust=_with_stranger)
        async with serving(settings) as local:
            yield subject_of(local, server, caller)


__all__ = ["own_server", "subject_of"]
