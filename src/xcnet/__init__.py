"""xcnet: a network lab for private multicloud links, real MACsec and BGP on one machine."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("xcnet")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
