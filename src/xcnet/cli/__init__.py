"""What a person types."""

from xcnet.cli.app import main

__all__ = ["main"]
