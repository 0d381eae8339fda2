"""The workflows, a few to a module: a state table each, and what its events do."""

from __future__ import annotations

from xcnet.coordinator.engine.machine import Machine
from xcnet.coordinator.workflows.admin import DisableChannel, DisableConnection, EnableChannel, Tell
from xcnet.coordinator.workflows.changes import Delete, Migrate, Update
from xcnet.coordinator.workflows.connect import Connect
from xcnet.coordinator.workflows.intent import Intent
from xcnet.coordinator.workflows.maintenance import FetchWindows, Maintenance, PeerWindow
from xcnet.coordinator.workflows.provision import FeatureWorkflow, Provision, Withdraw
from xcnet.coordinator.workflows.report import Report
from xcnet.coordinator.workflows.rotation import Rotate
from xcnet.coordinator.workflows.status import Audit, Notify, Refresh

MACHINES: tuple[type[Machine], ...] = (
    Intent,
    Connect,
    Provision,
    FeatureWorkflow,
    Notify,
    Refresh,
    Update,
    Migrate,
    Delete,
    Withdraw,
    Rotate,
    Maintenance,
    FetchWindows,
    PeerWindow,
    DisableChannel,
    EnableChannel,
    DisableConnection,
    Audit,
    Report,
    Tell,
)
"""Every kind there is, in the order in which a reader meets them."""

__all__ = ["MACHINES"]
