"""The rules, by what they are about; imported in the order in which they are run."""

from __future__ import annotations


def load() -> None:
    """Have every rule declared."""
    from xcnet.conformance.rules import (  # noqa: F401, I001
        transport,
        requests,
        resources,
        pages,
        activation,
        connections,
        guidance,
        features,
        conflicts,
        changes,
        issues,
        idempotency,
        maintenance,
        keys,
        rotation,
        deletion,
        limits,
        answers,
    )


__all__ = ["load"]
