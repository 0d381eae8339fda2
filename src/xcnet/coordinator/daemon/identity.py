"""What the process shows in TLS, which can be replaced while it runs."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from xcnet.coordinator.auth import pki
from xcnet.coordinator.auth.pki import Credential


class TlsIdentity:
    """:param credential: what it begins with.

    :ivar client: for calling peers. :ivar server: for serving them.
    """

    def __init__(self, credential: Credential) -> None:
        self.client: ssl.SSLContext = pki.client_context(credential)
        self.server: ssl.SSLContext = pki.server_context(credential)
        self._provider = credential.provider
        self._certificate = credential.certificate
        self._retire: list[Callable[[], None]] = []

    @property
    def validity(self) -> tuple[float, float]:
        """From when to when the certificate that is shown is good, seconds since the epoch."""
        return pki.validity(self._certificate)

    def on_change(self, retire: Callable[[], None]) -> None:
        """:param retire: called when another credential is shown: connections that were made with the former are to end."""
        self._retire.append(retire)

    def replace(self, credential: Credential) -> None:
        """Show another one from now on. :raises InputError: its parts do not go together; what was shown stays."""
        pki.client_context(credential)
        for context in (self.client, self.server):
            pki.show(context, credential)
        self._certificate = credential.certificate
        for retire in self._retire:
            retire()


__all__ = ["TlsIdentity"]
