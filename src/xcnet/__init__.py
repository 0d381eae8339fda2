"""xcnet: a network lab for private multicloud links, real MACsec and BGP on one machine."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xcnet.scenario.lab import Lab as Lab

    __version__: str


def __getattr__(name: str) -> Any:
    """``__version__`` and ``Lab``, found when asked for: what either needs is slow to read where a kernel is booting."""
    if name == "Lab":
        from xcnet.scenario.lab import Lab

        return Lab
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("xcnet")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0+unknown"


__all__ = ["Lab", "__version__"]
