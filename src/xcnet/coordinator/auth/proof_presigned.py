"""Proofs that are presigned calls: the reader makes the call that the customer has signed, and is told whose key it was."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xcnet.coordinator.auth.facts import RequestFacts
from xcnet.coordinator.auth.presigned import PresignedVerifier, Presigner, demand_timely, parse_presigned, presign
from xcnet.coordinator.auth.proof import (
    LIFETIME_SECONDS,
    LONGEST_PROOF,
    LONGEST_SECONDS,
    SKEW_SECONDS,
    CustomerIdentity,
    Fetch,
    Fetched,
    IdentityAnswer,
    ProofError,
    ProofReason,
    ProofVerdict,
    by_account,
    fetched,
    verdict,
)
from xcnet.coordinator.auth.sigv4 import REGION
from xcnet.coordinator.auth.verdict import AuthError, AuthReason
from xcnet.errors import InputError
from xcnet.secret import Secret

KIND = "presigned_call"
SERVICE = "sts"

_ACTION = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
_CONNECTION, _AUDIENCE, _NONCE = "Connection", "Audience", "Nonce"
_PARAMETERS = {*_ACTION, _CONNECTION, _AUDIENCE, _NONCE}
_ENDPOINT = re.compile(r"https://((?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?)((?:/[A-Za-z0-9._~-]+)+)")
_QUERY = re.compile(r"[A-Za-z0-9._~%=&-]+")


@dataclass(frozen=True, slots=True)
class IdentityEndpoint:
    """Where a provider tells whose a presigned call is.

    :param url: ``https://HOST[:PORT]/PATH``: the host in lower case, the port only if it is not 443.
    :raises InputError: it is no such URL.
    """

    url: str
    region: str = REGION
    service: str = SERVICE

    def __post_init__(self) -> None:
        found = _ENDPOINT.fullmatch(self.url)
        if found is None or found[1].endswith(":443") or {".", ".."} & set(found[2].split("/")):
            raise InputError(
                f"{self.url!r} is no identity endpoint",
                where="identity endpoint",
                remedy="write https://HOST/PATH, without a query and without the port 443",
            )

    @property
    def authority(self) -> str:
        """What stands in the Host field."""
        return self.url.removeprefix("https://").partition("/")[0]

    @property
    def path(self) -> str:
        return "/" + self.url.removeprefix("https://").partition("/")[2]


class PresignedMaker:
    """Makes them, in the customer's session.

    :param lifetime: seconds that a proof is good.
    :param nonce: gives a text that was never used before: signatures know whole seconds only, and a proof is good once.
    """

    def __init__(
        self,
        endpoint: IdentityEndpoint,
        *,
        lifetime: int = LIFETIME_SECONDS,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._endpoint = endpoint
        self._lifetime = lifetime
        self._nonce = nonce

    def make(self, customer: CustomerIdentity, connection: str, audience: str, now: float) -> Secret:
        """See :meth:`xcnet.coordinator.auth.proof.ProofMaker.make`. A session that is none is found out by its reader."""
        query = presign(
            customer.credentials,
            authority=self._endpoint.authority,
            path=self._endpoint.path,
            parameters={**_ACTION, _CONNECTION: connection, _AUDIENCE: audience, _NONCE: self._nonce()},
            region=self._endpoint.region,
            service=self._endpoint.service,
            now=now,
            seconds=self._lifetime,
        )
        return Secret.from_text(f"{self._endpoint.url}?{query}")


class PresignedDoor:
    """The identity service: verifies a presigned call and answers whose it is, as often as it comes.

    :raises InputError: two sessions have one access key id.
    """

    def __init__(
        self,
        endpoint: IdentityEndpoint,
        customers: Iterable[CustomerIdentity],
        *,
        longest: int = LONGEST_SECONDS,
        skew: float = SKEW_SECONDS,
    ) -> None:
        self._endpoint = endpoint
        self._verifier = PresignedVerifier(
            by_account(customers), region=endpoint.region, service=endpoint.service, longest=longest, skew=skew
        )

    @property
    def path(self) -> str:
        """See :attr:`xcnet.coordinator.auth.proof.IdentityDoor.path`."""
        return self._endpoint.path

    def answer(self, facts: RequestFacts, now: float) -> IdentityAnswer:
        """200 and the account, or what is wrong. :param now: seconds since the epoch."""
        try:
            presigner = self._presigner(facts, now)
        except AuthError as error:
            problem = {"Type": "Sender", "Code": error.reason.value, "Message": error.cause}
            return IdentityAnswer(error.status, _json({"Error": problem}))
        result = {"Account": presigner.owner, "UserId": presigner.access_key_id}
        return IdentityAnswer(200, _json({"GetCallerIdentityResponse": {"GetCallerIdentityResult": result}}))

    def _presigner(self, facts: RequestFacts, now: float) -> Presigner:
        if facts.path != self._endpoint.path or facts.values("host") != [self._endpoint.authority]:
            raise AuthError(AuthReason.WRONG_REQUEST, "the call is not for this endpoint")
        presigner = self._verifier.verify(facts, now)
        parameters = presigner.presignature.parameters
        if any(parameters.get(name) != value for name, value in _ACTION.items()):
            raise AuthError(AuthReason.WRONG_REQUEST, "there is no such action")
        return presigner


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """How to learn whose a proof is. :param url: GET it; a credential. :param ends: the proof's last moment."""

    url: str = field(repr=False)
    unique: str = field(repr=False)
    ends: float


class PresignedChecker:
    """Reads them. Whatever a proof says, nothing but the expected endpoint is ever called.

    :param audience: the provider that reads. :param longest: seconds that a proof may be good.
    :param skew: seconds that the clocks may be apart.
    """

    def __init__(
        self,
        endpoint: IdentityEndpoint,
        audience: str,
        fetch: Fetch,
        *,
        longest: int = LONGEST_SECONDS,
        skew: float = SKEW_SECONDS,
    ) -> None:
        self._endpoint = endpoint
        self._audience = audience
        self._fetch = fetch
        self._longest, self._skew = longest, skew

    async def check(self, proof: str, connection: str, now: float, *, account: str | None = None) -> ProofVerdict:
        """See :meth:`xcnet.coordinator.auth.proof.ProofChecker.check`."""
        plan = self.plan(proof, connection, now)
        return self.read(plan, await fetched(self._fetch, plan.url), account=account)

    def plan(self, proof: str, connection: str, now: float) -> FetchPlan:
        """What to fetch. :raises ProofError: it is not worth asking."""
        if len(proof) > LONGEST_PROOF:
            raise ProofError(ProofReason.MALFORMED, f"the proof has more than {LONGEST_PROOF} characters")
        base = f"{self._endpoint.url}?"
        if not proof.startswith(base):
            raise ProofError(
                ProofReason.WRONG_ENDPOINT, "the proof is not a call of the customer's provider's endpoint"
            )
        query = proof.removeprefix(base)
        if _QUERY.fullmatch(query) is None:
            raise ProofError(ProofReason.MALFORMED, "the proof's query has characters that are not encoded")
        try:
            presignature = parse_presigned(query)
            parameters = presignature.parameters
            if parameters.keys() != _PARAMETERS or any(parameters[name] != value for name, value in _ACTION.items()):
                raise ProofError(ProofReason.MALFORMED, "the proof is a call of another kind")
            if presignature.claim.signed != ("host",):
                raise ProofError(ProofReason.MALFORMED, "the proof wants header fields that nobody has")
            if parameters[_CONNECTION] != connection:
                raise ProofError(ProofReason.WRONG_CONNECTION, "the proof is for another connection")
            if parameters[_AUDIENCE] != self._audience:
                raise ProofError(ProofReason.WRONG_AUDIENCE, "the proof is for another provider")
            demand_timely(presignature, now, longest=self._longest, skew=self._skew)
        except AuthError as error:
            raise ProofError(
                _proof_reason(error.reason, ProofReason.MALFORMED), f"the proof is refused: {error.cause}"
            ) from None
        return FetchPlan(base + query, presignature.claim.signature, presignature.expires)

    def read(self, plan: FetchPlan, answer: Fetched, *, account: str | None = None) -> ProofVerdict:
        """Whose it is, by what was answered. :raises ProofError: nobody's, or somebody else's."""
        if answer.status != 200:
            raise _refusal(answer)
        try:
            found = _Answer.model_validate_json(answer.body)
        except ValidationError:
            raise ProofError(ProofReason.REFUSED, "the identity endpoint's answer names no account") from None
        return verdict(found.response.result.account, KIND, plan.unique, plan.ends, account)


class _Result(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    account: str = Field(alias="Account", min_length=1, max_length=128)


class _Response(BaseModel):
    model_config = ConfigDict(extra="ignore")

    result: _Result = Field(alias="GetCallerIdentityResult")


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    response: _Response = Field(alias="GetCallerIdentityResponse")


class _Problem(BaseModel):
    model_config = ConfigDict(extra="ignore")

    code: AuthReason = Field(alias="Code")


class _Refusal(BaseModel):
    model_config = ConfigDict(extra="ignore")

    error: _Problem = Field(alias="Error")


def _refusal(answer: Fetched) -> ProofError:
    """The answer's own words are another's, and stay out."""
    try:
        code = _Refusal.model_validate_json(answer.body).error.code
    except ValidationError:
        return ProofError(ProofReason.REFUSED, f"the identity endpoint refuses the proof: {answer.status}")
    return ProofError(_proof_reason(code, ProofReason.REFUSED), f"the identity endpoint refuses the proof: {code}")


def _proof_reason(reason: AuthReason, otherwise: ProofReason) -> ProofReason:
    return ProofReason(reason.value) if reason.value in ProofReason.__members__ else otherwise


def _json(content: dict[str, object]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


__all__ = [
    "KIND",
    "SERVICE",
    "FetchPlan",
    "IdentityEndpoint",
    "PresignedChecker",
    "PresignedDoor",
    "PresignedMaker",
]
