"""Mininet nodes, links and cross-connects, built in batches."""
