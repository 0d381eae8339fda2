"""The transport of the Connection Coordinator API: server, client, the transcript of both, and faults between them.

The server's modules (``app``, ``gate``, ``server`` and below) and the client's (``client``, ``caller``, ``transport`` and
below) do not import each other: who only calls never loads FastAPI, who only serves never loads an HTTP client.

A coordinator serves and calls in one event loop, beside whatever else runs there::

    transcript = Transcript(folder / f"aws-coord{SUFFIX}", "aws", events=events)
    faults = FaultPoint(events=events)

    gate = create_app(                              # the ASGI application
        service,                                    # coordinator.service.Service: one request in, one answer or ApiError out
        verifier,                                   # who signed a request
        provider="aws",                             # who serves
        proofs=proofs,                              # checks customers' proofs
        open_routes={door.path: identity_route},    # GETs for whoever has a certificate, signed or not
        document=document,                          # spec.document.document: served at /openapi.json
        limits=limits, transcript=transcript, faults=faults,
    )
    server = await start_server(
        gate, pki.server_context(credential), identify=pki.identify, host="198.19.0.0", port=443, limits=limits
    )

    caller = peer_caller(                           # one attempt for each call, connections kept alive
        Endpoint(peer, "https://peer-coord", "198.19.0.1"),
        pki.client_context(credential), signer, transcript=transcript, faults=faults,
    )
    outcome = await attempt(caller, call, prove, since=first)   # engine.calls: Answered, Refused, NotSent, Unknown
    client = CoordinatorClient(caller)              # the same by operation: await client.get_connection(name)
    patient = CoordinatorClient(RetryingCaller(caller))     # tries again, and settles what it does not know

    await caller.close()
    await server.stop()                             # what is being answered is let end

Nothing here takes signals, changes the loop or the logging, or writes to standard output.
"""
