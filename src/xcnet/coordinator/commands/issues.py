"""Commands about issues, which two providers open at each other."""

from __future__ import annotations

from typing import Any, ClassVar

from xcnet.coordinator.acts import issues as issue_acts
from xcnet.coordinator.commands.base import Input, Subject
from xcnet.errors import InputError
from xcnet.spec.issues import Comment, Issue, IssueState


class IssueInput(Input):
    peer: str
    issue: dict[str, Any]


class CommentInput(Input):
    peer: str
    issue: str
    body: str


class IssueNameInput(Input):
    peer: str
    issue: str


class IssueCommands(Subject):
    """Those that people open; what the monitor opens is a workflow of its own (:mod:`xcnet.coordinator.workflows.report`)."""

    NAMES: ClassVar = ("open-issue", "comment", "close-issue")

    def _open_issue(self, parameters: dict[str, Any]) -> dict[str, Any]:
        given = IssueInput.model_validate(parameters)
        self._peer(given.peer)
        body = Issue.model_validate(given.issue)
        identifier = self._world.new_id()
        issue_acts.open_issue(self._world, issue_acts.OUT, given.peer, identifier, body)
        workflow = self._tell(
            identifier, given.peer, "CreateIssue", {}, body.to_wire(), query={"issueId": identifier}, forever=True
        )
        return {"workflow": workflow, "issue": identifier}

    def _comment(self, parameters: dict[str, Any]) -> dict[str, Any]:
        given = CommentInput.model_validate(parameters)
        row, direction = self._issue(given.peer, given.issue)
        comment = Comment(body=given.body)
        if direction == issue_acts.IN:
            issue_acts.add_comment(self._world, row, self._world.me, given.body)
            return {"workflow": None, "issue": given.issue}
        body = {"comment": comment.to_wire()}
        workflow = self._tell(row["id"], given.peer, "AddComment", {"issue": row["id"]}, body, forever=True)
        return {"workflow": workflow, "issue": row["id"]}

    def _close_issue(self, parameters: dict[str, Any]) -> dict[str, Any]:
        given = IssueNameInput.model_validate(parameters)
        row, direction = self._issue(given.peer, given.issue)
        if direction == issue_acts.IN:
            issue_acts.set_state(self._world, row, IssueState.CLOSED)
            return {"workflow": None, "issue": row["id"]}
        workflow = self._tell(row["id"], given.peer, "CloseIssue", {"issue": row["id"]}, {}, forever=True)
        return {"workflow": workflow, "issue": row["id"]}

    def _peer(self, name: str) -> None:
        if name not in self._world.config.peers:
            known = ", ".join(self._world.config.peers)
            raise InputError(f"there is no provider {name!r} to write to", where="--to", remedy=f"there are: {known}")

    def _issue(self, peer: str, identifier: str) -> Any:
        for direction in (issue_acts.OUT, issue_acts.IN):
            row = self._db.one(
                "SELECT * FROM issues WHERE direction = ? AND peer = ? AND id LIKE ?", direction, peer, f"{identifier}%"
            )
            if row is not None:
                return row, direction
        raise InputError(f"there is no issue {identifier!r} with {peer}", where="issue", remedy="see 'xcnet issues'")


__all__ = ["IssueCommands"]
