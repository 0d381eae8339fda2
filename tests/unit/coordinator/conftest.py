"""Holds tests to what their ``operation`` markers say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from api_world import SEEN

from xcnet.coordinator.core import Core
from xcnet.coordinator.service import ApiRequest, ApiResponse
from xcnet.spec.errors import ApiError


@pytest.fixture(autouse=True)
def marked_operations_were_called(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test marked for an operation has had it accepted, or refused, by a core or by the HTTP in front of one."""
    SEEN.clear()
    serve = Core.serve

    def noting(core: Core, asked: ApiRequest) -> ApiResponse:
        try:
            answer = serve(core, asked)
        except ApiError as error:
            SEEN.append((asked.operation.id, error.status))
            raise
        SEEN.append((asked.operation.id, 200))
        return answer

    monkeypatch.setattr(Core, "serve", noting)
    yield
    for marker in request.node.iter_markers("operation"):
        operation, how = marker.args
        statuses = {status for each, status in SEEN if each == operation}
        if how == "accepted":
            assert 200 in statuses, f"{operation} was not accepted here: {sorted(statuses)}"
        else:
            assert any(400 <= status < 500 for status in statuses), f"{operation} was not refused: {sorted(statuses)}"
