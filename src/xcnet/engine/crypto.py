"""The kernel's ciphers, put together before anybody needs one in a hurry."""

from __future__ import annotations

import contextlib
import socket

MACSEC_CIPHER = ("aead", "gcm(aes)")


def instantiate_ciphers() -> None:
    """Have the kernel put MACsec's cipher together, which it does when the first asks for it, and keep it.

    Tasks that ask while another's request is under way ask again without pause until it is through. On one processor, a
    task of real-time priority that does so keeps the processor from the one that it waits for, for ever. Where the
    kernel has no such interface for programs, nothing happens: then the first MACsec device does it, as everywhere.
    """
    with contextlib.suppress(OSError), socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET, 0) as request:
        request.bind(MACSEC_CIPHER)


__all__ = ["instantiate_ciphers"]
