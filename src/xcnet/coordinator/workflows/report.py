"""``report``: the issue at the peer about something that the monitor has found, from its opening to its close."""

from __future__ import annotations

from typing import ClassVar

from xcnet.coordinator.acts import findings, holds, issues, wire
from xcnet.coordinator.engine.machine import Machine
from xcnet.coordinator.engine.tables import ANSWERED, DONE, FAILED, REFUSED, TIMER, StateTable, Transition
from xcnet.spec import names
from xcnet.spec.issues import (
    AddCommentRequest,
    ChannelContext,
    CloseIssueRequest,
    Comment,
    ConnectionContext,
    InterconnectContext,
    Issue,
    IssueContext,
    Priority,
)
from xcnet.spec.resources import AdminState, Channel

_ASK_AGAIN = 30.0
"""Seconds until the peer is asked again whether it is the one that has a channel out of use."""


class Report(Machine):
    """Subject: the issue's id. Data: peer, kind, interconnect, channel, connections, priority, title, body."""

    TABLE: ClassVar = StateTable(
        "report",
        "An issue at the peer about something that the monitor has found; what is found is in the store, not here.",
        ("asking", "opening"),
        {
            "asking": "whether the peer has the channel out of use itself",
            "excused": "the peer to put it to use again, or the channel to work",
            "opening": "the peer has the issue",
            "open": "something to add, or the end of it",
            "commenting": "the peer has the comment",
            "closing": "the peer has closed it",
        },
        (
            Transition(
                "asking", ANSWERED, ("opening", "excused", DONE), "opened, unless the peer knows, or it works by now"
            ),
            Transition("asking", REFUSED, ("opening", DONE), "the peer does not say: opened"),
            Transition("excused", TIMER, ("asking",), "asked again"),
            Transition("excused", "cleared", (DONE,), "nothing was opened"),
            Transition("opening", ANSWERED, ("open",), "noted"),
            Transition("opening", REFUSED, ("opening", FAILED), "tried once more without the connections concerned"),
            Transition("open", "news", ("commenting",), "the comment is sent"),
            Transition("open", "cleared", ("closing",), "the peer is asked to close it"),
            Transition("commenting", ANSWERED, ("open",), "noted"),
            Transition("commenting", REFUSED, ("open",), "the peer has closed it by itself"),
            Transition("closing", ANSWERED, (DONE,), "noted"),
            Transition("closing", REFUSED, (DONE,), "the peer does not have it any more"),
        ),
    )

    @property
    def _peer(self) -> str:
        return str(self.data["peer"])

    @property
    def _ids(self) -> dict[str, str]:
        return {"issue": self.subject}

    def begin(self) -> None:
        if self.row.state == "asking":
            self._ask()
        else:
            self._open()

    def guard(self) -> str | None:
        if self.row.state == "open" and findings.notes(self.db, self.subject):
            return "news"
        if self.row.state in ("open", "excused") and not findings.standing(self.db, self.subject):
            return "cleared"
        return None

    # -- before it is opened

    def _ask(self) -> None:
        interconnect = self.data["interconnect"]
        ids = {
            "environment": self.world.config.environment_of(interconnect).name,
            "interconnect": interconnect,
            "channel": self.data["channel"],
        }
        self.call("GetChannel", self._peer, ids, forever=True)

    def asking_answered(self, payload: object) -> str:
        body = self.answer(payload).body
        assert isinstance(body, Channel)
        if not findings.standing(self.db, self.subject):
            return self._nothing()
        disabled = body.admin_state is AdminState.DISABLED
        if disabled or holds.restorable(self.world, self.data["channel"]):
            if disabled:
                self.world.emit("monitor.excused", self.data["channel"], by=self._peer)
            self.timer(_ASK_AGAIN)
            return "excused"
        self._open()
        return "opening"

    def asking_refused(self, _payload: object) -> str:
        if not findings.standing(self.db, self.subject):
            return self._nothing()
        self._open()
        return "opening"

    def excused_timer(self, _payload: object) -> str:
        self._ask()
        return "asking"

    def excused_cleared(self, _payload: object) -> str:
        return self._nothing()

    def _nothing(self) -> str:
        self._forget_notes()
        return self.done("it is well again, and the peer was not told")

    # -- open

    def _open(self) -> None:
        body = self._issue()
        if issues.find(self.world, issues.OUT, self._peer, self.subject) is None:
            issues.open_issue(self.world, issues.OUT, self._peer, self.subject, body)
        self.call("CreateIssue", self._peer, {}, body, query={"issueId": self.subject}, forever=True)

    def _issue(self) -> Issue:
        me, interconnect = self.world.me, self.data["interconnect"]
        environment = self.world.config.environment_of(interconnect).name
        within = names.interconnect(me, environment, interconnect)
        channel = self.data["channel"]
        return Issue(
            title=self.data["title"],
            body=self.data["body"],
            priority=Priority(self.data["priority"]),
            issue_context=IssueContext.INTERCONNECT,
            interconnect_contexts=[InterconnectContext(name=str(within))],
            channel_contexts=[ChannelContext(name=str(wire.channel_name(me, environment, interconnect, channel)))]
            if channel is not None
            else None,
            connection_contexts=[
                ConnectionContext(name=str(within.child("connections", uuid))) for uuid in self.data["connections"]
            ]
            or None,
        )

    def opening_answered(self, payload: object) -> str:
        self._note(payload)
        findings.count_opened(self.world)
        return "open"

    def opening_refused(self, payload: object) -> str:
        if self.data["connections"]:
            # One of them may be gone there already.
            self.data["connections"] = []
            self.db.execute("DELETE FROM issues WHERE direction = 'out' AND id = ?", self.subject)
            self._open()
            return "opening"
        self.db.execute("DELETE FROM issues WHERE direction = 'out' AND id = ?", self.subject)
        self._forget_notes()
        return self.fail(f"the peer refuses the issue: {self.error(payload).message}")

    def open_news(self, _payload: object) -> str:
        _number, body = findings.notes(self.db, self.subject)[0]
        request = AddCommentRequest(comment=Comment(body=body))
        self.call("AddComment", self._peer, self._ids, request, forever=True)
        return "commenting"

    def commenting_answered(self, _payload: object) -> str:
        number, _body = findings.notes(self.db, self.subject)[0]
        self.db.execute("DELETE FROM notes WHERE seq = ?", number)
        self.world.wake(self.subject)
        return "open"

    def commenting_refused(self, _payload: object) -> str:
        self._forget_notes()
        return "open"

    def open_cleared(self, _payload: object) -> str:
        self.call("CloseIssue", self._peer, self._ids, CloseIssueRequest(), forever=True)
        return "closing"

    def closing_answered(self, payload: object) -> str:
        self._note(payload)
        return self.done()

    def closing_refused(self, payload: object) -> str:
        return self.done(f"the peer does not close it: {self.error(payload).message}")

    def _note(self, payload: object) -> None:
        """What the peer shows of it."""
        body = self.answer(payload).body
        assert isinstance(body, Issue)
        self.db.execute(
            "UPDATE issues SET state = ?, content = ? WHERE direction = 'out' AND peer = ? AND id = ?",
            body.state or "STATE_OPEN",
            body.model_dump_json(by_alias=True, exclude_none=True),
            self._peer,
            self.subject,
        )

    def _forget_notes(self) -> None:
        self.db.execute("DELETE FROM notes WHERE issue = ?", self.subject)


__all__ = ["Report"]
