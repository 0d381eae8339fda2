"""One picture of a running lab after the other, over one connection: its status, its coordinators' views, its last events."""

from __future__ import annotations

import time
from collections import deque
from types import TracebackType

from pydantic import BaseModel, ConfigDict

from xcnet.coordinator.daemon.views import ConnectionView, EnvironmentView
from xcnet.engine.client import LabClient
from xcnet.errors import XcnetError
from xcnet.events import Event
from xcnet.lab.coordination import Coordination
from xcnet.lab.directory import Directory
from xcnet.lab.paths import LabPaths
from xcnet.lab.record import LabRecord
from xcnet.lab.status import LabStatus
from xcnet.lab.timeline import EventSources

KEPT_EVENTS = 200
"""Events that a picture carries: more than any terminal has lines for."""


class ProviderPicture(BaseModel):
    """One provider as its coordinator answers.

    :param answers: False: it does not, and the rest is empty. :param ahead: policy time before the wall clock, seconds.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    answers: bool
    ahead: float = 0.0
    connections: tuple[ConnectionView, ...] = ()
    environments: tuple[EnvironmentView, ...] = ()


class Picture(BaseModel):
    """The lab at one moment.

    :param wall: when it was taken, seconds since the epoch.
    :param providers: key -> what its coordinator says. :param events: the last ones, the newest at the end.
    """

    model_config = ConfigDict(frozen=True)

    wall: float
    status: LabStatus
    providers: dict[str, ProviderPicture]
    events: tuple[Event, ...] = ()


class PictureTaker:
    """Use it in ``with``. :raises XcnetError: on entering, the lab does not answer, or was never fully brought up."""

    def __init__(self, paths: LabPaths) -> None:
        self._names = Directory.read(paths).providers
        record = LabRecord.read(paths)
        self._engine = record.engine if record else "unknown"
        self._paths = paths
        self._client = LabClient(paths.run_dir)
        self._sources = EventSources(paths)
        self._events: deque[Event] = deque(maxlen=KEPT_EVENTS)

    def __enter__(self) -> PictureTaker:
        self._client.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.__exit__(kind, error, trace)

    def take(self) -> Picture:
        """:raises XcnetError: the lab is gone. A coordinator that does not answer is shown as such."""
        wall = time.time()
        raw = self._client.call("status", {})
        talk = Coordination(self._paths, self._client)
        providers = {key: _provider(talk, key, name) for key, name in self._names.items()}
        self._events.extend(self._sources.new_events())
        return Picture(
            wall=wall,
            status=LabStatus.model_validate({**raw, "engine": self._engine}),
            providers=providers,
            events=tuple(self._events),
        )


def _provider(talk: Coordination, key: str, name: str) -> ProviderPicture:
    try:
        return ProviderPicture(
            name=name,
            answers=True,
            ahead=talk.query(key, "clock")["ahead"],
            connections=tuple(ConnectionView.model_validate(each) for each in talk.query(key, "connections")),
            environments=tuple(EnvironmentView.model_validate(each) for each in talk.query(key, "environments")),
        )
    except XcnetError:
        return ProviderPicture(name=name, answers=False)


__all__ = ["KEPT_EVENTS", "Picture", "PictureTaker", "ProviderPicture"]
