"""One attempt to make a call of the outbox: settled first if an earlier one may have done it, then sent once."""

from __future__ import annotations

from collections.abc import Callable

from xcnet.coordinator.engine.calls import Answered, Call, NotSent, Outcome, Refused, Unknown
from xcnet.coordinator.http.caller import Caller
from xcnet.coordinator.http.outcomes import Answer, CallError, UnknownOutcomeError
from xcnet.coordinator.http.settle import settle
from xcnet.errors import XcnetError
from xcnet.secret import Secret
from xcnet.spec.errors import ApiError


async def attempt(
    caller: Caller,
    call: Call,
    prove: Callable[[], Secret] | None = None,
    *,
    since: float,
    seconds: float | None = None,
) -> Outcome:
    """What came of it; nothing that a peer or the network does is raised.

    A call that is :attr:`Call.unsettled` is looked for at the peer before it is sent again, under the same requestId.

    :param caller: makes each call once. :param prove: makes the customer's proof for this attempt, or raises
        XcnetError; None: the call has none.
    :param since: when the call's first attempt began, seconds since the epoch on the wall clock.
    :param seconds: for each request; None: as the caller is set.
    """
    if call.unsettled:
        try:
            made = await settle(caller, call.operation, call.ids, call.query, call.body, since=since, seconds=seconds)
        except ApiError as error:
            return Unknown(f"the peer does not tell what became of it: {error.message}")
        except CallError as error:
            return Unknown(error.cause)
        if made is not None:
            return _answered(made)
    try:
        proof = prove() if prove is not None else None
        answer = await caller.call(
            call.operation, call.ids, call.query, call.body, request_id=call.request_id, proof=proof, seconds=seconds
        )
    except ApiError as error:
        return Refused(error)
    except UnknownOutcomeError as error:
        return Unknown(error.cause)
    except XcnetError as error:  # not reached, not to be proven, or none that can be written
        return NotSent(error.cause)
    return _answered(answer)


def _answered(answer: Answer) -> Answered:
    return Answered(answer.body, dict(answer.headers))


__all__ = ["attempt"]
