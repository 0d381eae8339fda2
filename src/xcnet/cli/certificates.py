"""Certificates that commands are given as files, for servers that are not of a lab."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Annotated

import typer

from xcnet.errors import InputError

_PANEL = "Certificates"

Authority = Annotated[
    Path | None, typer.Option("--ca", help="Who has signed the server's certificate (PEM).", rich_help_panel=_PANEL)
]
Certificate = Annotated[Path | None, typer.Option("--cert", help="The own certificate (PEM).", rich_help_panel=_PANEL)]
Key = Annotated[Path | None, typer.Option("--key", help="Its key (PEM).", rich_help_panel=_PANEL)]


def tls_context(ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext:
    """A TLS context. :raises InputError: a file is missing, or does not hold what it must."""
    if key is not None and cert is None:
        raise InputError("--key is for the certificate of --cert", where=str(key), remedy="add --cert")
    try:
        context = ssl.create_default_context(cafile=ca)
        if cert is not None:
            context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError, ValueError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or "no PEM"
        named = ", ".join(str(each) for each in (ca, cert, key) if each is not None)
        raise InputError(
            f"the certificates cannot be read: {reason}", where=named, remedy="name PEM files that can be read"
        ) from None
    return context


__all__ = ["Authority", "Certificate", "Key", "tls_context"]
