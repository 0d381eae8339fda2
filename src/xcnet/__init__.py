"""xcnet: a network lab for private multicloud links, real MACsec and BGP on one machine."""


def __getattr__(name: str) -> str:
    """``__version__``, found out when asked for: reading the installed metadata is slow where a kernel is booting."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("xcnet")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0+unknown"


__all__ = ["__version__"]
