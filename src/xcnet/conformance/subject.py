"""What the suite is given from outside: the server, who calls it and how, and a customer with keys and proofs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xcnet.conformance.registry import NotTestable
from xcnet.coordinator.http.facts import Signer
from xcnet.coordinator.http.transport import Endpoint
from xcnet.secret import Secret
from xcnet.spec import activation_key

_HOOK_SECONDS = 60.0
_MOST_SHOWN = 200
"""Characters of what a command says on its standard error."""


@dataclass(frozen=True, slots=True)
class CarriedKey:
    """An activation key that a customer has brought. :param connection: the UUID in it. :param encoded: as it was carried."""

    connection: str
    encoded: Secret


class Customer(Protocol):
    """Somebody with an account at the server's provider and one at the caller's, who orders connections."""

    async def activation_key(self, environment: str, mbps: int) -> CarriedKey:
        """Order at the server's provider, to accept at the caller's. :raises NotTestable: it cannot be had."""
        ...

    async def proof(self, connection: str, *, stranger: bool = False) -> Secret | None:
        """A fresh proof for the server that the customer takes part; None where this server asks for none.

        :param stranger: of another customer of the caller's. :raises NotTestable: it cannot be had.
        """
        ...


@dataclass(frozen=True)
class Subject:
    """:param endpoint: of the server; its provider is the server's.
    :param caller: the provider as which the suite calls, which the server knows.
    :param tls: a fresh TLS context, with the caller's certificate or without one.
    :param signer: signs as the caller; None where the server's profile asks for no signature.
    :param environment: id of the environment to work in; None: the first that the server lists.
    :param proves: whether the server's profile demands customers' proofs.
    """

    endpoint: Endpoint
    caller: str
    tls: Callable[[bool], ssl.SSLContext]
    customer: Customer
    signer: Signer | None = None
    environment: str | None = None
    has_certificate: bool = True
    proves: bool = True

    @property
    def server(self) -> str:
        return self.endpoint.provider


class _Answer(BaseModel):
    """What a command for activation keys prints: JSON."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(min_length=1)]
    connection: Annotated[str, Field(min_length=1)]


@dataclass(frozen=True)
class CommandCustomer:
    """Asks commands of the implementer's, which are run by the shell. What they are asked for stands in their environment.

    :param key_command: prints an activation key for ``$XCNET_MBPS`` in ``$XCNET_ENVIRONMENT``: the key as a customer gets it
        (version 1), or ``{"key": ..., "connection": UUID}``. :param proof_command: prints a proof for ``$XCNET_CONNECTION``
        of the customer (``$XCNET_CUSTOMER`` is ``owner``) or of another one (``stranger``).
    """

    key_command: str | None = None
    proof_command: str | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def activation_key(self, environment: str, mbps: int) -> CarriedKey:
        """See :meth:`Customer.activation_key`."""
        if self.key_command is None:
            raise NotTestable("there is no activation key to be had: give --key-command")
        said = await self._run(self.key_command, {"XCNET_ENVIRONMENT": environment, "XCNET_MBPS": str(mbps)})
        try:
            if said.startswith("{"):
                answer = _Answer.model_validate_json(said)
                return CarriedKey(answer.connection, Secret.from_text(answer.key))
            return CarriedKey(_uuid_of(said), Secret.from_text(said))
        except (ValidationError, ValueError):
            raise NotTestable(
                "what --key-command prints is neither a key of version 1 nor JSON with key and connection"
            ) from None

    async def proof(self, connection: str, *, stranger: bool = False) -> Secret | None:
        """See :meth:`Customer.proof`."""
        if self.proof_command is None:
            if stranger:
                raise NotTestable("there is no proof to be had: give --proof-command")
            return None
        whose = "stranger" if stranger else "owner"
        said = await self._run(self.proof_command, {"XCNET_CONNECTION": connection, "XCNET_CUSTOMER": whose})
        if not said:
            raise NotTestable(f"--proof-command prints no proof of the {whose}")
        return Secret.from_text(said)

    async def _run(self, command: str, environment: dict[str, str]) -> str:
        async with self._lock:
            process = await asyncio.create_subprocess_shell(
                command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**os.environ, **environment},
                start_new_session=True,
            )
            try:
                out, err = await asyncio.wait_for(process.communicate(), _HOOK_SECONDS)
            except TimeoutError:
                raise NotTestable(f"a command has said nothing for {_HOOK_SECONDS:.0f} s: {command}") from None
            finally:
                # With what the shell has started; also when the run is interrupted.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
            if process.returncode:
                words = err.decode(errors="replace").strip()[:_MOST_SHOWN]
                raise NotTestable(f"a command ends with status {process.returncode}: {words or command}")
            return out.decode(errors="replace").strip()


def _uuid_of(encoded: str) -> str:
    """Of a key of version 1. :raises ValueError: it is none."""
    return activation_key.open_key(activation_key.parse(encoded), ()).shared_connection_uuid


__all__ = ["CarriedKey", "CommandCustomer", "Customer", "Subject"]
