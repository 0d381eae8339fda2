"""asyncssh, imported without the processes that its import would start, and the algorithms both ends agree on."""

from __future__ import annotations

import ctypes.util
from typing import Any

# Looking for an optional post-quantum library, asyncssh has ctypes ask gcc and ldconfig where it is. Neither end here
# uses it, and in a user-mode kernel those processes cost most of a second.
_find_library = ctypes.util.find_library


def _nothing_found(name: str) -> str | None:  # noqa: ARG001 - called with it
    return None


ctypes.util.find_library = _nothing_found
try:
    import asyncssh
    from asyncssh.stream import SSHTCPStreamSession
finally:
    ctypes.util.find_library = _find_library

ALGORITHMS: dict[str, Any] = {
    "kex_algs": ["curve25519-sha256"],
    "encryption_algs": ["aes128-gcm@openssh.com"],
    "signature_algs": ["ssh-ed25519"],
    "compression_algs": None,
}
"""One of each: both ends are this program, and AES-GCM is what the processor does itself, in user-mode kernels too."""

USER = "root"
"""The only user there is: who may read the lab's key is who started the lab."""

ERROR_SIGNAL = "ERROR@xcnet"
"""A request that ends with this "signal" (RFC 4254 section 6.10, a local name) failed; its message is the error as JSON."""

__all__ = ["ALGORITHMS", "ERROR_SIGNAL", "USER", "SSHTCPStreamSession", "asyncssh"]
