"""The keys of one run: the warm process's own, and the one that whoever started it is known by. Both Ed25519."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xcnet.engine.rundir import RunDir

if TYPE_CHECKING:
    from xcnet.engine.sshlib import asyncssh


def make_keys(run: RunDir) -> None:
    """Write a new pair of keys into the run folder, mode 0600, replacing any there."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    for file in (run.host_key, run.client_key):
        text = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        run.write_private(file, text.decode())


def read_keys(run: RunDir) -> tuple[asyncssh.SSHKey, asyncssh.SSHKey]:
    """The warm process's key and the starter's.

    :raises OSError: there are none: nothing was started here, or another user did.
    """
    from xcnet.engine.sshlib import asyncssh

    return asyncssh.import_private_key(run.host_key.read_bytes()), asyncssh.import_private_key(
        run.client_key.read_bytes()
    )


__all__ = ["make_keys", "read_keys"]
