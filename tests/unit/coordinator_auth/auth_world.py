"""What the tests of authentication share: a moment, providers, requests, and a check that nothing secret is shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from xcnet.coordinator.auth.facts import Headers, RequestFacts
from xcnet.coordinator.auth.sigv4_keys import SigV4Credentials
from xcnet.coordinator.auth.verdict import AuthError, AuthReason
from xcnet.secret import Secret

NOW = 1_440_938_160.0
"""2015-08-30T12:36:00Z."""

AWS, GCP = "aws", "gcp"
CONNECTION = "0f4f6a70-6f55-4d67-a1d5-5b1b9c1f0a01"
OTHER_CONNECTION = "9a7d2f0e-8c41-4be2-b8ce-51f1d9b2a702"
HOST = "coordinator.aws.test"

EXAMPLE = SigV4Credentials(
    access_key_id="AKIDEXAMPLE", secret=Secret.from_text("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
)


def request(
    method: str = "POST",
    target: str = "/providers/gcp/environments/e1?pageSize=5",
    headers: Headers = (("host", HOST), ("content-type", "application/json")),
    body: bytes = b'{"a":1}',
    tls_provider: str = GCP,
) -> RequestFacts:
    return RequestFacts.of(method, target, headers, body, tls_provider)


def with_headers(facts: RequestFacts, added: dict[str, str]) -> RequestFacts:
    return replace(facts, headers=(*facts.headers, *added.items()))


def without_header(facts: RequestFacts, name: str) -> RequestFacts:
    return replace(facts, headers=tuple(each for each in facts.headers if each[0] != name))


def set_header(facts: RequestFacts, name: str, value: str) -> RequestFacts:
    return with_headers(without_header(facts, name), {name: value})


@contextmanager
def refused(reason: AuthReason, *secrets: str) -> Iterator[None]:
    """The block is refused for this reason, in words that have none of these secrets."""
    with pytest.raises(AuthError) as caught:
        yield
    assert caught.value.reason is reason
    shows_none_of(caught.value, *secrets)


def shows_none_of(thing: object, *secrets: str) -> None:
    """Neither in its words nor in what a traceback would go on to show."""
    shown = [str(thing), repr(thing)]
    if isinstance(thing, BaseException):
        shown += [repr(thing.args), str(getattr(thing, "as_dict", dict)())]
        assert thing.__cause__ is None
        assert thing.__context__ is None or thing.__suppress_context__
    for secret in secrets:
        assert secret, "an empty text is in every other"
        assert not any(secret in each for each in shown)
