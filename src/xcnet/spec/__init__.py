"""The Connection Coordinator API as data: wire types, resource names, operations, errors, activation keys.

The server, the client, the conformance checks and the served document are all driven by :data:`OPERATIONS`. Nothing here does
I/O but reading a copy of the public specification (:mod:`xcnet.spec.upstream`), which the document is compared with.
"""
