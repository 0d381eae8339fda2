"""Issues at a peer: one method for each operation."""

from __future__ import annotations

from collections.abc import AsyncIterator

from xcnet.coordinator.http.client_base import ClientBase, Target, pages
from xcnet.spec.issues import (
    AddCommentRequest,
    AddCommentResponse,
    CloseIssueRequest,
    Comment,
    Issue,
    ListCommentsResponse,
    ListIssuesResponse,
)


class IssueMethods(ClientBase):
    """Errors are those of :meth:`xcnet.coordinator.http.caller.Caller.call`."""

    async def list_issues(
        self,
        parent: Target,
        *,
        page_size: int | None = None,
        page_token: str | None = None,
        request_id: str | None = None,
    ) -> ListIssuesResponse:
        """The issues."""
        return await self._call(
            ListIssuesResponse,
            "ListIssues",
            parent,
            {"pageSize": page_size, "pageToken": page_token},
            request_id=request_id,
        )

    def iterate_issues(self, parent: Target, *, page_size: int | None = None) -> AsyncIterator[Issue]:
        """The issues, of all pages."""

        async def fetch(token: str | None) -> tuple[list[Issue] | None, str | None]:
            page = await self.list_issues(parent, page_size=page_size, page_token=token)
            return page.issues, page.next_page_token

        return pages(fetch)

    async def create_issue(
        self, parent: Target, issue_id: str, issue: Issue, *, request_id: str | None = None
    ) -> Issue:
        """Opens an issue."""
        return await self._call(Issue, "CreateIssue", parent, {"issueId": issue_id}, issue, request_id=request_id)

    async def get_issue(self, name: Target, *, request_id: str | None = None) -> Issue:
        """One issue."""
        return await self._call(Issue, "GetIssue", name, request_id=request_id)

    async def close_issue(
        self, issue: Target, request: CloseIssueRequest | None = None, *, request_id: str | None = None
    ) -> Issue:
        """Closes an issue."""
        return await self._call(Issue, "CloseIssue", issue, None, request, request_id=request_id)

    async def add_comment(
        self, issue: Target, request: AddCommentRequest, *, request_id: str | None = None
    ) -> AddCommentResponse:
        """Adds a comment to an issue."""
        return await self._call(AddCommentResponse, "AddComment", issue, None, request, request_id=request_id)

    async def list_comments(
        self,
        issue: Target,
        *,
        page_size: int | None = None,
        page_token: str | None = None,
        request_id: str | None = None,
    ) -> ListCommentsResponse:
        """An issue's comments, the newest first."""
        return await self._call(
            ListCommentsResponse,
            "ListComments",
            issue,
            {"pageSize": page_size, "pageToken": page_token},
            request_id=request_id,
        )

    def iterate_comments(self, issue: Target, *, page_size: int | None = None) -> AsyncIterator[Comment]:
        """An issue's comments, the newest first, of all pages."""

        async def fetch(token: str | None) -> tuple[list[Comment] | None, str | None]:
            page = await self.list_comments(issue, page_size=page_size, page_token=token)
            return page.comments, page.next_page_token

        return pages(fetch)


__all__ = ["IssueMethods"]
