"""The kernel through pyroute2: namespaces, links, qdiscs, VRFs, the macsec family. Nothing above it knows a netlink attribute.

Requests are values (``links.change(...)``, ``link_kinds.vlan(...)``, ``addresses.add(...)``, ``filters.gate(...)``), sent
many at a time by ``NetlinkSocket.submit``; questions (``links.dump``, ``routes.dump``, ...) take the socket and answer with
plain dataclasses. MACsec devices are written and read through ``macsec.Macsec``, changes come from ``macsec_changes``.
"""
