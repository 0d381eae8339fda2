"""Issues through HTTP: opened, commented, closed; with contexts that must name what the caller has."""

from __future__ import annotations

from typing import Any

import pytest
from api_world import Api, bare, connected
from coordinator_sim import ENVIRONMENT

from xcnet.coordinator.acts import issues as acts
from xcnet.spec.errors import Reason
from xcnet.spec.issues import Issue

HOME = f"providers/aws/environments/{ENVIRONMENT}/interconnects/ic1"


def matter(**more: Any) -> dict[str, Any]:
    return {"title": "frames lost", "body": "on ch1 since noon", **more}


def opened(api: Api, identifier: str = "i1", **more: Any) -> dict[str, Any]:
    return api.accepted("CreateIssue", matter(**more), query={"issueId": identifier})


def comment(api: Api, words: str, issue: str = "i1") -> dict[str, Any]:
    return api.accepted("AddComment", {"comment": {"body": words}}, issue=issue)


def planted(api: Api, count: int) -> None:
    """Many issues at once."""
    world = api.sim.providers[api.server].live.world
    with world.db.transaction("command.open-issue"):
        for number in range(count):
            acts.open_issue(world, acts.IN, api.caller, f"n{number}", Issue(title="T", body="B"))


@pytest.mark.operation("CreateIssue", "accepted")
@pytest.mark.operation("GetIssue", "accepted")
def test_an_issue_is_opened_with_what_it_is_about() -> None:
    api, uuid = connected()
    ((feature,),) = api.rows("SELECT id FROM features WHERE channel = 'ch1'")
    about = {
        "issueContext": "ISSUE_CONTEXT_CONNECTION_ISSUE",
        "priority": "PRIORITY_P1",
        "channelContexts": [{"name": f"{HOME}/channels/ch1"}, {"name": f"{HOME}/channels/ch2"}],
        "connectionContexts": [{"name": f"{HOME}/connections/{uuid}"}],
        "featureContexts": [{"name": f"{HOME}/connections/{uuid}/features/{feature}"}],
        "interconnectContexts": [{"name": HOME}],
        "remoteIssueId": "T-1",
        "remoteContactEmail": "noc@aws.example",
    }
    shown = opened(api, **about)
    assert shown["name"] == "providers/aws/issues/i1"
    assert shown["state"] == "STATE_OPEN"
    assert shown["localIssueId"] == "gcp-i1"
    assert shown["createTime"]
    assert {name: shown[name] for name in (*about, "title", "body")} == matter(**about)
    assert api.accepted("GetIssue", issue="i1") == shown
    assert api.rows("SELECT direction, peer, id, state FROM issues") == [("in", "aws", "i1", "STATE_OPEN")]


@pytest.mark.operation("CreateIssue", "accepted")
def test_what_is_the_servers_to_say_is_not_taken_from_the_caller() -> None:
    shown = opened(bare(), state="STATE_CLOSED", localIssueId="mine", createTime="2001-01-01T00:00:00Z", name="x")
    assert (shown["state"], shown["localIssueId"], shown["name"]) == ("STATE_OPEN", "gcp-i1", "providers/aws/issues/i1")
    assert not shown["createTime"].startswith("2001")


@pytest.mark.operation("CreateIssue", "refused")
@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"title": "  "}, "title"),
        ({"title": "two\nlines"}, "title"),
        ({"body": ""}, "body"),
        ({"issueContext": "ISSUE_CONTEXT_CONNECTION_ISSUE"}, "connectionContexts"),
        ({"issueContext": "ISSUE_CONTEXT_INTERCONNECT_ISSUE"}, "interconnectContexts"),
        ({"issueContext": "ISSUE_CONTEXT_ELSE"}, None),
        ({"priority": "PRIORITY_P9"}, None),
        ({"channelContexts": [{"name": f"{HOME}/channels/ch9"}]}, "channelContexts[0].name"),
        ({"channelContexts": [{"name": HOME}]}, "channelContexts[0].name"),
        ({"channelContexts": [{"name": "ch1"}]}, "channelContexts[0].name"),
        ({"channelContexts": [{}]}, None),
        (
            {"channelContexts": [{"name": f"{HOME}/channels/ch1"}, {"name": f"{HOME}/channels/ch0"}]},
            "channelContexts[1].name",
        ),
        (
            {"channelContexts": [{"name": f"{HOME}/channels/ch1".replace("aws/", "gcp/", 1)}]},
            "channelContexts[0].name",
        ),
        ({"connectionContexts": [{"name": f"{HOME}/connections/c1"}]}, "connectionContexts[0].name"),
        ({"featureContexts": [{"name": f"{HOME}/connections/c1/features/f1"}]}, "featureContexts[0].name"),
        ({"interconnectContexts": [{"name": HOME.replace("ic1", "ic9")}]}, "interconnectContexts[0].name"),
        (
            {"interconnectContexts": [{"name": HOME.replace(ENVIRONMENT, "nowhere")}]},
            "interconnectContexts[0].name",
        ),
    ],
)
def test_an_issue_is_about_something_that_is_there(changed: dict[str, Any], field: str | None) -> None:
    body = matter(**changed)
    bare().refused(Reason.INVALID_ARGUMENT, "CreateIssue", body, query={"issueId": "i1"}, field=field)


@pytest.mark.operation("CreateIssue", "refused")
def test_an_issue_has_an_id_of_its_own() -> None:
    api = bare()
    opened(api)
    api.refused(Reason.ALREADY_EXISTS, "CreateIssue", matter(), query={"issueId": "i1"}, field="issueId")
    for query in ({}, {"issueId": ""}, {"issueId": "a/b"}):
        api.refused(Reason.INVALID_ARGUMENT, "CreateIssue", matter(), query=query, field="issueId")


@pytest.mark.operation("ListIssues", "accepted")
def test_fifty_issues_are_a_page_and_a_thousand_the_largest() -> None:
    api = bare()
    planted(api, 1001)
    first = api.accepted("ListIssues")
    assert [each["name"].rpartition("/")[2] for each in first["issues"]] == [f"n{number}" for number in range(50)]
    second = api.accepted("ListIssues", query={"pageToken": first["nextPageToken"]})
    assert second["issues"][0]["name"].endswith("/n50")
    for asked in (1000, 1001, 2**31 - 1):
        page = api.accepted("ListIssues", query={"pageSize": asked})
        assert len(page["issues"]) == 1000
        last = api.accepted("ListIssues", query={"pageSize": asked, "pageToken": page["nextPageToken"]})
        assert [each["name"].rpartition("/")[2] for each in last["issues"]] == ["n1000"]
        assert "nextPageToken" not in last


@pytest.mark.operation("ListIssues", "refused")
def test_a_page_of_issues_is_continued_as_it_was_begun() -> None:
    api = bare()
    planted(api, 60)
    token = api.accepted("ListIssues")["nextPageToken"]
    for query in ({"pageToken": token, "pageSize": 10}, {"pageToken": token + "A"}, {"pageToken": "nonsense"}):
        api.refused(Reason.BAD_PAGE_TOKEN, "ListIssues", query=query, field="pageToken")
    for size in (-1, 2**31, "x"):
        api.refused(Reason.INVALID_ARGUMENT, "ListIssues", query={"pageSize": size}, field="pageSize")
    api.refused(Reason.WRONG_PROVIDER, "ListIssues", provider="gcp")


@pytest.mark.operation("GetIssue", "refused")
def test_the_issues_that_the_server_opened_at_the_caller_are_not_here() -> None:
    api = bare()
    own = api.command("open-issue", peer="aws", issue=matter())
    api.refused(Reason.NOT_FOUND, "GetIssue", issue=str(own["issue"]), field="issue")
    assert api.accepted("ListIssues")["issues"] == []


@pytest.mark.operation("CloseIssue", "accepted")
def test_an_issue_is_closed_and_closing_it_again_changes_nothing() -> None:
    api = bare()
    opened(api)
    assert api.accepted("CloseIssue", {}, issue="i1")["state"] == "STATE_CLOSED"
    assert api.rows("SELECT state FROM issues") == [("STATE_CLOSED",)]
    before = api.store()
    assert api.accepted("CloseIssue", {}, issue="i1")["state"] == "STATE_CLOSED"
    assert api.store() == before


@pytest.mark.operation("CloseIssue", "refused")
def test_only_an_issue_that_is_there_can_be_closed() -> None:
    api = bare()
    opened(api)
    api.refused(Reason.NOT_FOUND, "CloseIssue", {}, issue="other", field="issue")
    api.refused(Reason.WRONG_PROVIDER, "CloseIssue", {}, issue="i1", provider="gcp")


@pytest.mark.operation("AddComment", "accepted")
@pytest.mark.operation("ListComments", "accepted")
def test_comments_are_shown_the_newest_first_with_their_authors() -> None:
    api = bare()
    opened(api)
    shown = comment(api, "any news?")["comment"]
    assert (shown["body"], shown["displayName"]) == ("any news?", "AWS")
    api.command("comment", peer="aws", issue="i1", body="a fibre is being spliced")
    comment(api, "thanks")
    first = api.accepted("ListComments", query={"pageSize": 2}, issue="i1")
    last = api.accepted("ListComments", query={"pageSize": 2, "pageToken": first["nextPageToken"]}, issue="i1")
    told = [(each["displayName"], each["body"]) for each in (*first["comments"], *last["comments"])]
    assert told == [("AWS", "thanks"), ("GCP", "a fibre is being spliced"), ("AWS", "any news?")]
    assert "nextPageToken" not in last
    assert api.rows("SELECT author, body FROM comments ORDER BY seq") == [
        ("aws", "any news?"),
        ("gcp", "a fibre is being spliced"),
        ("aws", "thanks"),
    ]


@pytest.mark.operation("ListComments", "accepted")
def test_a_comment_between_two_pages_moves_no_other() -> None:
    api = bare()
    opened(api)
    for number in range(60):
        comment(api, f"c{number}")
    first = api.accepted("ListComments", issue="i1")
    assert [each["body"] for each in first["comments"]] == [f"c{number}" for number in range(59, 9, -1)]
    comment(api, "late")
    rest = api.accepted("ListComments", query={"pageToken": first["nextPageToken"]}, issue="i1")
    assert [each["body"] for each in rest["comments"]] == [f"c{number}" for number in range(9, -1, -1)]


@pytest.mark.operation("AddComment", "refused")
def test_a_closed_issue_takes_no_comments() -> None:
    api = bare()
    opened(api)
    api.accepted("CloseIssue", {}, issue="i1")
    api.refused(Reason.ISSUE_CLOSED, "AddComment", {"comment": {"body": "but"}}, issue="i1", field="issue")


@pytest.mark.operation("AddComment", "refused")
def test_a_comment_has_words_and_an_issue() -> None:
    api = bare()
    opened(api)
    api.refused(Reason.INVALID_ARGUMENT, "AddComment", {}, issue="i1")
    api.refused(Reason.INVALID_ARGUMENT, "AddComment", {"comment": {}}, issue="i1")
    api.refused(Reason.NOT_FOUND, "AddComment", {"comment": {"body": "hello"}}, issue="other", field="issue")


@pytest.mark.operation("ListComments", "refused")
def test_a_page_of_comments_is_of_one_issue() -> None:
    api = bare()
    opened(api, "i1")
    opened(api, "i2")
    for words in ("one", "two"):
        comment(api, words, "i1")
        comment(api, words, "i2")
    token = api.accepted("ListComments", query={"pageSize": 1}, issue="i1")["nextPageToken"]
    query = {"pageSize": 1, "pageToken": token}
    api.refused(Reason.BAD_PAGE_TOKEN, "ListComments", query=query, issue="i2", field="pageToken")
    api.refused(Reason.NOT_FOUND, "ListComments", issue="other", field="issue")


@pytest.mark.operation("AddComment", "accepted")
@pytest.mark.operation("AddComment", "refused")
def test_a_comment_sent_twice_is_there_once() -> None:
    api = bare()
    opened(api)
    identifier = "0b6f3f6a-3ad0-4a0e-9b1a-9a105f0c2f8e"
    body = {"comment": {"body": "once"}}
    first = api.accepted("AddComment", body, issue="i1", request_id=identifier)
    assert api.accepted("AddComment", body, issue="i1", request_id=identifier) == first
    assert api.rows("SELECT body FROM comments") == [("once",)]
    other = {"comment": {"body": "twice"}}
    api.refused(Reason.REQUEST_ID_REUSED, "AddComment", other, issue="i1", request_id=identifier, field="requestId")
