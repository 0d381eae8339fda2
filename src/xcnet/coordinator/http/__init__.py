"""The transport of the Connection Coordinator API: server, client, the transcript of both, and faults between them.

The server's modules (``app``, ``gate``, ``server`` and below) and the client's (``client``, ``caller``, ``transport`` and
below) do not import each other: who only calls never loads FastAPI, who only serves never loads an HTTP client.
"""
