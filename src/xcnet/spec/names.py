"""Resource names: ``providers/aws/environments/E/interconnects/I/connections/C``, built, read and compared as values."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Self

_SEGMENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._~-]{0,126}[A-Za-z0-9])?")

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

        :raises ValueError: no resource of this API can have that name.
        """
        start = text.find("providers/")
        words = text[start:].split("/") if start >= 0 else []
        if len(words) < 2 or len(words) % 2 or (start > 0 and text[start - 1] != "/"):
            raise ResourceNameError("not a resource name")
        parts = tuple(zip(words[::2], words[1::2], strict=True))
        above = tuple(collection for collection, _ in parts[:-1])
        if _PARENTS.get(parts[-1][0]) != above or not all(valid_id(each) for _, each in parts):
            raise ResourceNameError("not a resource name")
        return cls(parts)

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
