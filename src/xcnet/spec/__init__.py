"""The Connection Coordinator API as data: wire types, resource names, operations, errors, activation keys.

No I/O lives here. The server, the client, the conformance checks and the documents are all driven by :data:`OPERATIONS`.
"""
