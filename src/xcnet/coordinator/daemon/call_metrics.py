"""Calls of the API as they are counted for Prometheus, from the events that end them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from xcnet.events import Event
from xcnet.spec.operations import OPERATIONS

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds: from what a call takes on an idle machine to its longest."""


class CallMetrics:
    """Counted since the process began. :param registry: what they are shown in."""

    def __init__(self, registry: CollectorRegistry, provider: str) -> None:
        self._provider = provider
        self._requests = Counter(
            "xcnet_api_requests",
            "Exchanges of the API that have ended, by what was answered: an HTTP status, or how it ended without one.",
            ("provider", "operation", "code", "side"),
            registry=registry,
        )
        self._seconds = Histogram(
            "xcnet_api_request_seconds",
            "How long exchanges of the API took.",
            ("provider", "operation", "side"),
            buckets=_BUCKETS,
            registry=registry,
        )

    def tell(self, event: Event) -> None:
        """Counts the end of an exchange; every other event is none of it."""
        if event.kind != "api.response":
            return
        data = event.data
        # What belongs to no operation bears a method, which a caller may invent: not for a label.
        operation = event.subject if event.subject in OPERATIONS else "unknown"
        side = str(data.get("side", ""))
        code = str(data["status"]) if data.get("status") else str(data.get("ending", "none"))
        self._requests.labels(self._provider, operation, code, side).inc()
        self._seconds.labels(self._provider, operation, side).observe(float(data.get("ms", 0.0)) / 1000)


__all__ = ["CallMetrics"]
