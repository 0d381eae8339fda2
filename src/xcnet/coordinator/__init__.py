"""The Connection Coordinator of one provider: server, client, negotiation, lifecycle, store."""
