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
    for option, path in (("--ca", ca), ("--cert", cert), ("--key", key)):
        if path is not None:
            _check_readable(path, option)
    try:
        context = ssl.create_default_context(cafile=ca)
    except (ssl.SSLError, ValueError):
        raise InputError(
            "the file holds no certificate in PEM", where=str(ca), remedy="name another with --ca"
        ) from None
    if cert is not None:
        try:
            context.load_cert_chain(cert, key)
        except (ssl.SSLError, ValueError):
            # OpenSSL's own words differ from version to version, and name none of the files.
            raise InputError(
                "there is no certificate in PEM with its key"
                if key is None
                else "these are no certificate and its key in PEM",
                where=str(cert) if key is None else f"{cert}, {key}",
                remedy="name the key's file with --key" if key is None else "name others with --cert and --key",
            ) from None
    return context


def _check_readable(path: Path, option: str) -> None:
    """:raises InputError: it is not."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise InputError(
            f"the file cannot be read: {error.strerror}", where=str(path), remedy=f"name another with {option}"
        ) from None


__all__ = ["Authority", "Certificate", "Key", "tls_context"]
