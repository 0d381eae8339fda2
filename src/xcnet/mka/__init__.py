"""MACsec Key Agreement (IEEE 802.1X-2020, clauses 9 and 11): the protocol without I/O."""

from xcnet.mka.config import PortConfig
from xcnet.mka.port import MkaPort

__all__ = ["MkaPort", "PortConfig"]
