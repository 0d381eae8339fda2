"""Mininet's command line for a fabric: the stock one, made to understand node names with hyphens."""

from __future__ import annotations

from mininet.cli import CLI


class LabCLI(CLI):  # type: ignore[misc]
    """``LabCLI(fabric.mininet)``: stock ``CLI`` takes ``aws-app ip route`` for a command named ``aws``."""

    identchars = CLI.identchars + "-."


__all__ = ["LabCLI"]
