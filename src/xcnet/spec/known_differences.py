"""Where the served document is meant to differ from the public specification, each difference with its justification."""

from __future__ import annotations

from collections.abc import Iterator

from xcnet.spec.diff import ABSENT, PRESENT, Kind, Known
from xcnet.spec.operations import OPERATIONS

SNAPSHOT = "github.com/aws/Interconnect, commit 8c3beb1 of 2026-05-18"
LATER = "around commit 0971219 on its main branch"

AMENDMENTS = {
    1: "Every operation takes `requestId`, a UUID; of a change it is the idempotency key.",
    2: "Activation keys have versions, and the second version is encrypted under a public key that the destination gives out.",
    3: "Features can be updated where their type allows it, and say whether it does.",
    4: "Fields without which a feature cannot be configured are required, and AS numbers have 32 bits without a sign.",
}
"""What later public versions of the specification changed, numbered here."""

ODDITY = "oddity of the snapshot"
LAB = "served beyond the snapshot"


def _amendment(number: int) -> str:
    return f"amendment {number}"


def _required(schema: str, field: str) -> Known:
    why = "A feature cannot be configured without it; the later version says so, the snapshot in prose at most."
    return Known(Kind.FIELD_REQUIRED, f"*/{schema}.{field}", _amendment(4), why, ours="yes", theirs="no")


_BODY = (
    "The schema lets the body be left out, though the request says nothing without one; it is refused with 400 then."
)
_ID = "An id becomes a segment of a resource name: what cannot be one is refused with 400, and the document says so beforehand."
_ERRORS = (
    "The snapshot declares the body of success for every status. An error has a body of its own here, declared for the statuses "
    "that carry it; the success stays declared as it is there."
)

KNOWN: tuple[Known, ...] = (
    Known(
        Kind.PARAMETER_EXTRA,
        "*/query.requestId",
        _amendment(1),
        "A change whose answer was lost can be sent again without being made twice.",
        ours=PRESENT,
        theirs=ABSENT,
    ),
    Known(
        Kind.OPERATION_EXTRA,
        "GetActivationKeyParameters",
        _amendment(2),
        "Whoever makes an activation key asks its destination for the versions it reads, and for its public key.",
    ),
    Known(
        Kind.OPERATION_EXTRA,
        "UpdateFeature",
        _amendment(3),
        "There for features of an updatable type; FEATURE_TYPE_L3_BASE is none, and is answered with 405.",
    ),
    Known(
        Kind.FIELD_EXTRA,
        "*/Feature.updatable",
        _amendment(3),
        "Says beforehand whether UpdateFeature is worth a call; absent means no.",
    ),
    _required("FeatureConfig", "featureType"),
    _required("L3BaseConfig", "md5BgpPassword"),
    _required("L3BaseConfig", "mtuBytes"),
    _required("L3BaseConfig", "providerBgpConfigs"),
    _required("L3BaseConfig", "vlanId"),
    _required("ProviderBgpConfig", "asn"),
    _required("ProviderBgpConfig", "provider"),
    Known(
        Kind.FIELD_EXTRA,
        "*/ListProvidersResponse.providers",
        ODDITY,
        "The schema calls the list environments, its example providers: it is answered under both names, and read under either.",
    ),
    Known(
        Kind.TYPE,
        "*/MacSecKey",
        ODDITY,
        "The schema has properties and no type; anything but an object would pass it unseen.",
        ours="object",
        theirs="any",
    ),
    *(
        Known(Kind.BODY_REQUIRED, f"{operation.id}/body", ODDITY, _BODY, ours="yes", theirs="no")
        for operation in OPERATIONS.values()
        if operation.needs_body and operation.id != "UpdateFeature"
    ),
    Known(Kind.RESPONSE_EXTRA, "*/responses.4XX", LAB, _ERRORS),
    Known(Kind.RESPONSE_EXTRA, "*/responses.5XX", LAB, _ERRORS),
    Known(
        Kind.PARAMETER_EXTRA,
        "*Connection/header.x-customer-proof",
        LAB,
        "Against a confused deputy the protocol demands the customer's own proof with these operations, and names no place for it.",
    ),
    *(
        Known(
            Kind.LIMIT,
            f"{operation.id}/query.{operation.creates}",
            LAB,
            _ID,
            theirs="no pattern",
        )
        for operation in OPERATIONS.values()
        if operation.creates is not None
    ),
    Known(
        Kind.LIMIT,
        "*/query.pageSize",
        LAB,
        "There is no page of fewer than no entries: a negative size is refused with 400.",
        ours="minimum 0",
        theirs="minimum -2147483648",
    ),
)

ALIKE = (
    "`type: uint32` is read as an integer from 0 to 4294967295, which is what the served document writes.",
    "A description that begins with *Output only* is read as `readOnly`.",
    "A reference alone, in an `allOf` of one, or beside notes of its own is the same schema; so is an `anyOf` with null and "
    "`nullable`, and a `const` and an `enum` of one.",
    "Names of schemas, descriptions, examples and titles are not compared.",
)
"""What two documents may write differently without a difference."""


def markdown() -> str:
    """The page that tells people all of this."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Where the served API differs from the public specification"
    yield ""
    yield "`xcnet spec diff DIR` compares the OpenAPI document of this version with a copy of the public specification in DIR"
    yield f"({SNAPSHOT}). Each difference that it finds must stand in this"
    yield "table, and each entry of the table must still be found; anything else fails the comparison. The page is made from"
    yield "`src/xcnet/spec/known_differences.py`, and a test fails where the two disagree."
    yield ""
    yield "## The table"
    yield ""
    yield "`*` stands for anything: an operation, usually. Missing and extra are said of the served document."
    yield ""
    yield "| difference | where | because of | justification |"
    yield "|---|---|---|---|"
    for entry in KNOWN:
        yield f"| {entry.kind.value} | `{entry.where}` | {entry.source} | {entry.why} |"
    yield ""
    yield "## Because of what"
    yield ""
    yield f"Amendments are what the specification gained after the snapshot ({LATER}):"
    yield ""
    for number, text in AMENDMENTS.items():
        yield f"{number}. {text}"
    yield ""
    yield f"An *{ODDITY}* is where its schemas do not say what its words, its examples or the protocol mean. What"
    yield f"is *{LAB}* makes the document say what the server does where the snapshot is silent."
    yield ""
    yield "## What is no difference"
    yield ""
    for text in ALIKE:
        yield f"- {text}"


__all__ = ["ALIKE", "AMENDMENTS", "KNOWN", "LAB", "LATER", "ODDITY", "SNAPSHOT", "markdown"]
