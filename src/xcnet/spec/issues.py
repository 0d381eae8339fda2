"""Wire types of issues: tickets between two providers, with the resources they are about, and comments."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from xcnet.spec.base import Timestamp, WireModel, read_only


class IssueState(StrEnum):
    UNSPECIFIED = "STATE_UNSPECIFIED"
    OPEN = "STATE_OPEN"
    IN_PROGRESS = "STATE_IN_PROGRESS"
    ACTION_REQUIRED = "STATE_ACTION_REQUIRED"
    CLOSED = "STATE_CLOSED"


class Priority(StrEnum):
    """P0 is the most urgent."""

    UNSPECIFIED = "PRIORITY_UNSPECIFIED"
    P0 = "PRIORITY_P0"
    P1 = "PRIORITY_P1"
    P2 = "PRIORITY_P2"
    P3 = "PRIORITY_P3"
    P4 = "PRIORITY_P4"


class IssueContext(StrEnum):
    """What an issue is about; the last two demand at least one context of their kind."""

    UNSPECIFIED = "ISSUE_CONTEXT_UNSPECIFIED"
    CONNECTION = "ISSUE_CONTEXT_CONNECTION_ISSUE"
    INTERCONNECT = "ISSUE_CONTEXT_INTERCONNECT_ISSUE"


class ChannelContext(WireModel):
    name: str = Field(description=".../channels/{channel}")


class ConnectionContext(WireModel):
    name: str = Field(description=".../connections/{connection}")


class FeatureContext(WireModel):
    name: str = Field(description=".../features/{feature}")


class InterconnectContext(WireModel):
    name: str = Field(description=".../interconnects/{interconnect}")


class Issue(WireModel):
    """A ticket that the calling provider opens at the server's."""

    name: str | None = Field(default=None, description="providers/{provider}/issues/{issue}")
    title: str = Field(description="One line.")
    body: str = Field(description="The matter.")
    state: IssueState | None = read_only("Where the server's provider stands with it.")
    priority: Priority | None = Field(default=None, description="How urgent it is.")
    issue_context: IssueContext | None = Field(default=None, description="What it is about.")
    channel_contexts: list[ChannelContext] | None = Field(default=None, description="Channels concerned.")
    connection_contexts: list[ConnectionContext] | None = Field(default=None, description="Connections concerned.")
    feature_contexts: list[FeatureContext] | None = Field(default=None, description="Features concerned.")
    interconnect_contexts: list[InterconnectContext] | None = Field(
        default=None, description="Interconnects concerned."
    )
    create_time: Timestamp | None = read_only("When it was opened.")
    local_issue_id: str | None = read_only("Its name in the server's own support system.")
    remote_issue_id: str | None = Field(default=None, description="Its name in the caller's own support system.")
    remote_contact_email: str | None = Field(default=None, description="Whom to write to at the caller's.")


class ListIssuesResponse(WireModel):
    issues: list[Issue] | None = Field(default=None, description="The issues.")
    next_page_token: str | None = Field(default=None, description="Absent on the last page.")


class Comment(WireModel):
    body: str = Field(description="The words.")
    create_time: Timestamp | None = read_only("When it was made.")
    display_name: str | None = read_only("Who made it.")
    local_comment_id: str | None = read_only("Its name in the server's own support system.")


class AddCommentRequest(WireModel):
    comment: Comment = Field(description="The comment to add.")


class AddCommentResponse(WireModel):
    comment: Comment | None = Field(default=None, description="The comment as it was added.")


class CloseIssueRequest(WireModel):
    """Closes an issue."""


class ListCommentsResponse(WireModel):
    comments: list[Comment] | None = Field(default=None, description="The newest first.")
    next_page_token: str | None = Field(default=None, description="Absent on the last page.")


__all__ = [
    "AddCommentRequest",
    "AddCommentResponse",
    "ChannelContext",
    "CloseIssueRequest",
    "Comment",
    "ConnectionContext",
    "FeatureContext",
    "InterconnectContext",
    "Issue",
    "IssueContext",
    "IssueState",
    "ListCommentsResponse",
    "ListIssuesResponse",
    "Priority",
]
