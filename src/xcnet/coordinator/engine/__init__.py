"""Workflows that survive: state tables as data, each transition one transaction, calls to peers through an outbox."""
