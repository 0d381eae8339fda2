"""The kernel through pyroute2: namespaces, links, qdiscs, VRFs, the macsec family. Nothing above it knows a netlink attribute."""
