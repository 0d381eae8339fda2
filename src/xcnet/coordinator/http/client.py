"""The client of a peer's coordinator: every operation of the API as a method."""

from __future__ import annotations

import ssl

from xcnet.clock import Clock
from xcnet.coordinator.http.caller import PeerCaller
from xcnet.coordinator.http.client_connections import ConnectionMethods
from xcnet.coordinator.http.client_issues import IssueMethods
from xcnet.coordinator.http.client_resources import ResourceMethods
from xcnet.coordinator.http.facts import Signer
from xcnet.coordinator.http.fault_transport import FaultyTransport
from xcnet.coordinator.http.faults import FaultPoint
from xcnet.coordinator.http.transcript import Transcript
from xcnet.coordinator.http.transport import ClientLimits, Endpoint, HttpTransport, Transport


class CoordinatorClient(ResourceMethods, ConnectionMethods, IssueMethods):
    """A peer's API.

    Resources are given as :class:`xcnet.spec.names.ResourceName` in the *own* tree (the provider in front is who calls),
    or as a mapping of path parameters. Whether something is tried again is the caller's that it is made with:
    :class:`xcnet.coordinator.http.caller.PeerCaller` or :class:`xcnet.coordinator.http.retry.RetryingCaller`.
    """


def peer_caller(
    endpoint: Endpoint,
    ssl_context: ssl.SSLContext,
    signer: Signer | None,
    *,
    limits: ClientLimits | None = None,
    transcript: Transcript | None = None,
    faults: FaultPoint | None = None,
    local_address: str | None = None,
    clock: Clock | None = None,
) -> PeerCaller:
    """How one peer is called, once for each call.

    :param ssl_context: with the own certificate and the authority of the peer's. :param signer: signs every attempt.
    :param faults: what goes wrong on the way on purpose. :param local_address: IP address to call from.
    :raises InputError: the endpoint's URL is none.
    """
    limits = limits or ClientLimits()
    transport: Transport = HttpTransport(endpoint, ssl_context, limits, local_address=local_address)
    if faults is not None:
        transport = FaultyTransport(transport, faults)
    return PeerCaller(endpoint, transport, signer, transcript=transcript, seconds=limits.call_seconds, clock=clock)


__all__ = ["CoordinatorClient", "peer_caller"]
