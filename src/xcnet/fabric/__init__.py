"""Mininet nodes, links and cross-connects, built in batches."""

import sys

if sys.version_info >= (3, 12):
    import setuptools  # noqa: F401 - brings back distutils, which Mininet still imports
