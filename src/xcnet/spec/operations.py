"""Every operation of the API as data: the server, the client, the conformance checks and the documents are made from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from xcnet.spec import connections as c
from xcnet.spec import issues as i
from xcnet.spec import resources as r
from xcnet.spec.base import WireModel


class QueryType(StrEnum):
    TEXT = "string"
    NUMBER = "integer"


@dataclass(frozen=True, slots=True)
class QueryParameter:
    """:param name: as it stands in the URL. :param pattern: a regular expression that the value must match in whole.
    :param minimum: of a number.
    """

    name: str
    type: QueryType = QueryType.TEXT
    required: bool = False
    description: str = ""
    pattern: str | None = None
    format: str | None = None
    minimum: int | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """:param id: the specification's operationId.
    :param path: with parameters in braces, each the id of one resource.
    :param request: the body's type; None takes none.
    :param mutates: changes something at the server: ``requestId`` is then its idempotency key.
    :param creates: the query parameter that names the resource it creates.
    :param collection: that of the resource it creates.
    :param proven: carries the customer's proof.
    """

    id: str
    method: str
    path: str
    tag: str
    summary: str
    response: type[WireModel]
    request: type[WireModel] | None = None
    query: tuple[QueryParameter, ...] = ()
    mutates: bool = False
    creates: str | None = None
    collection: str | None = None
    proven: bool = False

    @property
    def path_parameters(self) -> tuple[str, ...]:
        return tuple(re.findall(r"{(\w+)}", self.path))

    @property
    def needs_body(self) -> bool:
        """Whether a request without a body says nothing."""
        if self.request is None:
            return False
        demands = any(field.is_required() for field in self.request.model_fields.values())
        return self.creates is not None or self.method == "PATCH" or demands

    @property
    def lists(self) -> bool:
        return any(parameter.name == "pageToken" for parameter in self.query)


REQUEST_ID = QueryParameter(
    "requestId",
    description="A UUID. Of a change it is the idempotency key: the same again is answered as before, and done once.",
    format="uuid",
)
PROOF_HEADER = "x-customer-proof"
"""The header field with the customer's proof, which the operations that are ``proven`` carry."""
_PAGING = (
    QueryParameter(
        "pageSize",
        QueryType.NUMBER,
        description="The most to return, 0 for the server's choice; fewer may come.",
        format="int32",
        minimum=0,
    ),
    QueryParameter("pageToken", description="From the page before; all else must be as it was then."),
)
FIELD_MASK = r"^(\s*[^,\s.]+(\s*[,.]\s*[^,\s.]+)*)?$"
_UPDATE_MASK = QueryParameter("updateMask", description="The fields to update.", pattern=FIELD_MASK, format="fieldmask")


def _new(name: str) -> QueryParameter:
    return QueryParameter(name, required=True, description="The new resource's id.")


_P = "/providers/{provider}"
_E = _P + "/environments/{environment}"
_I = _E + "/interconnects/{interconnect}"
_CH = _I + "/channels/{channel}"
_CO = _I + "/connections/{connection}"

_ALL = (
    Operation("ListProviders", "GET", "/providers", "Providers", "The caller and the server.", r.ListProvidersResponse),
    Operation("GetProvider", "GET", _P, "Providers", "One provider.", r.Provider),
    Operation(
        "ListEnvironments",
        "GET",
        _P + "/environments",
        "Environments",
        "The environments that the caller shares with the server.",
        r.ListEnvironmentsResponse,
        query=_PAGING,
    ),
    Operation("GetEnvironment", "GET", _E, "Environments", "One environment.", r.Environment),
    Operation(
        "ConfirmActivationKey",
        "POST",
        _E + "/ConfirmActivationKey",
        "Environments",
        "Whether the server made this activation key and it may still be used.",
        c.ConfirmActivationKeyResponse,
        c.ConfirmActivationKeyRequest,
        mutates=True,
    ),
    Operation(
        "GetActivationKeyParameters",
        "GET",
        _E + "/activationKeyParameters",
        "Environments",
        "Versions of activation keys that the server reads, and the public key for those that are encrypted.",
        c.ActivationKeyParameters,
    ),
    Operation(
        "ListInterconnects",
        "GET",
        _E + "/interconnects",
        "Interconnects",
        "The interconnects of an environment.",
        r.ListInterconnectsResponse,
        query=_PAGING,
    ),
    Operation("GetInterconnect", "GET", _I, "Interconnects", "One interconnect.", r.Interconnect),
    Operation(
        "ListChannels",
        "GET",
        _I + "/channels",
        "Channels",
        "The channels of an interconnect.",
        r.ListChannelsResponse,
        query=_PAGING,
    ),
    Operation("GetChannel", "GET", _CH, "Channels", "One channel.", r.Channel),
    Operation(
        "NotifyMaintenance",
        "POST",
        _CH + "/NotifyMaintenance",
        "Channels",
        "Says that the caller's maintenance events of this channel have changed.",
        r.Empty,
        r.NotifyMaintenanceRequest,
        mutates=True,
    ),
    Operation(
        "GetMaintenanceEvents",
        "GET",
        _CH + "/maintenanceEvents",
        "Channels",
        "The server's maintenance events of a channel.",
        r.GetMaintenanceEventsResponse,
    ),
    Operation(
        "RequestMacSecKeyRotation",
        "POST",
        _CH + "/RequestMacSecKeyRotation",
        "Channels",
        "Asks the server, which manages the channel's keys, to rotate.",
        r.Empty,
        r.MacSecKeyRotationRequest,
        mutates=True,
    ),
    Operation(
        "CreateMacSecKey",
        "POST",
        _CH + "/macSecKeys",
        "MacSecKey",
        "Gives the server a key for a channel.",
        c.MacSecKey,
        c.MacSecKey,
        (_new("macSecKeyId"),),
        mutates=True,
        creates="macSecKeyId",
        collection="macSecKeys",
    ),
    Operation("ListMacSecKeys", "GET", _CH + "/macSecKeys", "MacSecKey", "A channel's keys.", c.ListMacSecKeysResponse),
    Operation("GetMacSecKey", "GET", _CH + "/macSecKeys/{macSecKey}", "MacSecKey", "One key.", c.MacSecKey),
    Operation(
        "DeleteMacSecKey",
        "DELETE",
        _CH + "/macSecKeys/{macSecKey}",
        "MacSecKey",
        "Deletes a key that is not active.",
        r.Empty,
        mutates=True,
    ),
    Operation(
        "ListConnections",
        "GET",
        _I + "/connections",
        "Connections",
        "The connections on an interconnect.",
        c.ListConnectionsResponse,
        query=_PAGING,
    ),
    Operation(
        "CreateConnection",
        "POST",
        _I + "/connections",
        "Connections",
        "Creates a connection, which reserves its bandwidth. The caller has created its own before.",
        c.Connection,
        c.Connection,
        (_new("connectionId"),),
        mutates=True,
        creates="connectionId",
        collection="connections",
        proven=True,
    ),
    Operation("GetConnection", "GET", _CO, "Connections", "One connection.", c.Connection),
    Operation(
        "UpdateConnection",
        "PATCH",
        _CO,
        "Connections",
        "Changes a connection's bandwidth.",
        c.Connection,
        c.Connection,
        (_UPDATE_MASK,),
        mutates=True,
        proven=True,
    ),
    Operation(
        "DeleteConnection",
        "DELETE",
        _CO,
        "Connections",
        "Deletes a connection and all its features; cannot be declined.",
        r.Empty,
        mutates=True,
        proven=True,
    ),
    Operation(
        "GenerateFeatureGuidance",
        "POST",
        _CO + "/GenerateFeatureGuidance",
        "Connections",
        "What the server accepts for features, on each channel.",
        c.GenerateFeatureGuidanceResponse,
        c.GenerateFeatureGuidanceRequest,
    ),
    Operation(
        "NotifyConnectionStatus",
        "POST",
        _CO + "/NotifyConnectionStatus",
        "Connections",
        "Says that the connection's state at the caller has changed.",
        r.Empty,
        c.NotifyConnectionStatusRequest,
        mutates=True,
    ),
    Operation(
        "ListFeatures",
        "GET",
        _CO + "/features",
        "Features",
        "A connection's features.",
        c.ListFeaturesResponse,
        query=_PAGING,
    ),
    Operation(
        "CreateFeature",
        "POST",
        _CO + "/features",
        "Features",
        "Proposes a feature on one channel: taken or refused as a whole.",
        c.Feature,
        c.Feature,
        (_new("featureId"),),
        mutates=True,
        creates="featureId",
        collection="features",
    ),
    Operation("GetFeature", "GET", _CO + "/features/{feature}", "Features", "One feature.", c.Feature),
    Operation(
        "UpdateFeature",
        "PATCH",
        _CO + "/features/{feature}",
        "Features",
        "Changes a feature of an updatable type.",
        c.Feature,
        c.Feature,
        (_UPDATE_MASK,),
        mutates=True,
    ),
    Operation(
        "DeleteFeature",
        "DELETE",
        _CO + "/features/{feature}",
        "Features",
        "Deletes one feature; its channel's routes leave first.",
        r.Empty,
        mutates=True,
    ),
    Operation("ListIssues", "GET", _P + "/issues", "Issues", "The issues.", i.ListIssuesResponse, query=_PAGING),
    Operation(
        "CreateIssue",
        "POST",
        _P + "/issues",
        "Issues",
        "Opens an issue.",
        i.Issue,
        i.Issue,
        (_new("issueId"),),
        mutates=True,
        creates="issueId",
        collection="issues",
    ),
    Operation("GetIssue", "GET", _P + "/issues/{issue}", "Issues", "One issue.", i.Issue),
    Operation(
        "CloseIssue",
        "POST",
        _P + "/issues/{issue}/Close",
        "Issues",
        "Closes an issue.",
        i.Issue,
        i.CloseIssueRequest,
        mutates=True,
    ),
    Operation(
        "AddComment",
        "POST",
        _P + "/issues/{issue}/AddComment",
        "Issues",
        "Adds a comment to an issue.",
        i.AddCommentResponse,
        i.AddCommentRequest,
        mutates=True,
    ),
    Operation(
        "ListComments",
        "GET",
        _P + "/issues/{issue}/comments",
        "Issues",
        "An issue's comments, the newest first.",
        i.ListCommentsResponse,
        query=_PAGING,
    ),
)

OPERATIONS: dict[str, Operation] = {operation.id: operation for operation in _ALL}
"""operationId -> operation, in the order in which a reader would look for them."""

__all__ = ["FIELD_MASK", "OPERATIONS", "PROOF_HEADER", "REQUEST_ID", "Operation", "QueryParameter", "QueryType"]
