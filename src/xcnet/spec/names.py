"""Resource names: ``providers/aws/environments/E/interconnects/I/connections/C``, built, read and compared as values."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Self

_SEGMENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._~-]{0,126}[A-Za-z0-9])?")

_BEFORE = re.compile(r"(?!/?providers(?:/|$))[^\s?#]*")
"""Of a URI, what may stand before a name: no query, no fragment, and nothing that begins as a name of its own."""

_PARENTS = {
    "providers": (),
    "environments": ("providers",),
    "interconnects": ("providers", "environments"),
    "channels": ("providers", "environments", "interconnects"),
    "macSecKeys": ("providers", "environments", "interconnects", "channels"),
    "connections": ("providers", "environments", "interconnects"),
    "features": ("providers", "environments", "interconnects", "connections"),
    "issues": ("providers",),
}
"""Collection -> the collections above it, outermost first."""

_MOST_WORDS = 2 * (1 + max(len(above) for above in _PARENTS.values()))


class ResourceNameError(ValueError):
    """A resource name that is none."""


@dataclass(frozen=True, slots=True)
class ResourceName:
    """One resource: alternating collections and ids.

    :param parts: ``(("providers", "aws"), ("environments", "aws-gcp-us-east"), ...)``.
    """

    parts: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """From ``providers/aws/environments/...``, with or without a leading slash or scheme and host before it.

        :raises ResourceNameError: no resource of this API can have that name.
        """
        words = text.rsplit("/", _MOST_WORDS)
        # The longest name first: a host or a path before it may hold the same words.
        for count in range(len(words) - len(words) % 2, 0, -2):
            before, name = words[:-count], words[-count:]
            parts = tuple(zip(name[::2], name[1::2], strict=True))
            above = tuple(collection for collection, _ in parts[:-1])
            if _PARENTS.get(parts[-1][0]) != above or not all(valid_id(each) for _, each in parts):
                continue
            if _BEFORE.fullmatch("/".join(before)) is not None:
                return cls(parts)
        raise ResourceNameError("not a resource name")

    @classmethod
    def provider(cls, provider: str) -> Self:
        return cls((("providers", provider),))

    def child(self, collection: str, identifier: str) -> Self:
        """The resource of that id in a collection right below this one."""
        return replace(self, parts=(*self.parts, (collection, identifier)))

    def get(self, collection: str) -> str:
        """The id in one of the collections that the name goes through. :raises KeyError: it does not."""
        for each, identifier in self.parts:
            if each == collection:
                return identifier
        raise KeyError(collection)

    @property
    def collection(self) -> str:
        return self.parts[-1][0]

    @property
    def id(self) -> str:
        return self.parts[-1][1]

    @property
    def parent(self) -> Self:
        return replace(self, parts=self.parts[:-1])

    def seen_by(self, provider: str) -> Self:
        """The same resource in another provider's tree: only the caller in front differs."""
        return replace(self, parts=(("providers", provider), *self.parts[1:]))

    def __str__(self) -> str:
        return "/".join(f"{collection}/{identifier}" for collection, identifier in self.parts)


def valid_id(text: str) -> bool:
    """Whether it can be one segment of a name: 1 to 128 letters, digits, ``. _ ~ -``, not beginning or ending with one of these."""
    return _SEGMENT.fullmatch(text) is not None


def environment(provider: str, environment_id: str) -> ResourceName:
    return ResourceName.provider(provider).child("environments", environment_id)


def interconnect(provider: str, environment_id: str, interconnect_id: str) -> ResourceName:
    return environment(provider, environment_id).child("interconnects", interconnect_id)


__all__ = ["ResourceName", "ResourceNameError", "environment", "interconnect", "valid_id"]
