"""Looks back at every answer of the run."""

from __future__ import annotations

from collections import Counter

from pydantic import ValidationError

from xcnet.conformance.registry import Group, NotTestable, Violation
from xcnet.conformance.session import Session
from xcnet.conformance.wire import Reply
from xcnet.spec.operations import OPERATIONS

_group = Group("Every answer of the run")
_MOST_NAMED = 5


def _none(wrong: list[str], of: int) -> str:
    """:raises Violation: there are any."""
    if wrong:
        more = f", and {len(wrong) - _MOST_NAMED} more" if len(wrong) > _MOST_NAMED else ""
        raise Violation("; ".join(wrong[:_MOST_NAMED]) + more)
    return f"{of} answers"


@_group.must("answer-no-5xx", "No answer is a server's error", "protocol, errors")
async def no_error(session: Session) -> str | None:
    wrong = [str(each) for each in session.wire.replies if each.status >= 500 and "retry-after" not in each.headers]
    return _none(wrong, len(session.wire.replies))


@_group.must("answer-200", "Success is 200", "protocol, errors")
async def success(session: Session) -> str | None:
    done = [each for each in session.wire.replies if each.status < 400]
    return _none([str(each) for each in done if each.status != 200], len(done))


@_group.must("answer-json", "Every answer is JSON, and says so", "protocol, errors")
async def json(session: Session) -> str | None:
    wrong = [
        f"{each} as {each.headers.get('content-type', 'nothing')!r}"
        for each in session.wire.replies
        if not isinstance(each.json, dict) or not each.headers.get("content-type", "").startswith("application/json")
    ]
    return _none(wrong, len(session.wire.replies))


@_group.must("answer-schema", "Every success is of its operation's declared shape", "specification, schemas")
async def schema(session: Session) -> str | None:
    done = [each for each in session.wire.replies if each.ok]
    wrong = [f"{each}: {problem}" for each in done if (problem := _problem(each))]
    return _none(wrong, len(done))


def _problem(reply: Reply) -> str | None:
    try:
        reply.operation.response.model_validate_json(reply.raw or b"{}", strict=True, by_name=False, by_alias=True)
    except ValidationError as error:
        each = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return f"{'.'.join(str(part) for part in each['loc']) or 'body'}: {each['msg']}"
    except ValueError:
        return "not readable"
    return None


@_group.must("answer-error", "Every refusal has code, message and details", "protocol, errors")
async def error(session: Session) -> str | None:
    refused = [each for each in session.wire.replies if each.status >= 400 and each.method != "HEAD"]
    wrong = []
    for each in refused:
        body = each.json if isinstance(each.json, dict) else {}
        if body.get("code") != each.status:
            wrong.append(f"{each} with code {body.get('code')!r}")
        elif not isinstance(body.get("message"), str) or not body["message"]:
            wrong.append(f"{each} with no message")
        elif not isinstance(body.get("details"), list):
            wrong.append(f"{each} with no list of details")
    return _none(wrong, len(refused))


@_group.must("answer-operations", "Every operation was asked, and none is missing", "specification, paths")
async def operations(session: Session) -> str | None:
    asked: Counter[str] = Counter(each.operation.id for each in session.wire.replies)
    missing = sorted(
        name
        for name in OPERATIONS
        if asked[name] and all(_stub(each) for each in session.wire.replies if each.operation.id == name)
    )
    if missing:
        raise Violation(f"there is no {', '.join(missing)}")
    never = sorted(set(OPERATIONS) - set(asked))
    if never:
        raise NotTestable(f"nothing of this run has asked {', '.join(never)}")
    return f"{len(asked)} operations"


def _stub(reply: Reply) -> bool:
    return reply.status in (405, 501) and reply.operation.id != "UpdateFeature"
