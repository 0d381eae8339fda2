"""Wire types of a customer's connection: the connection, guidance, features, MACsec keys, activation keys."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from xcnet.spec.base import DEPRECATED, Asn, Int32, Timestamp, WireModel, WireSecret, read_only
from xcnet.spec.resources import AdminState, FeatureType


class VerificationState(StrEnum):
    UNVERIFIED = "VERIFICATION_STATE_UNVERIFIED"
    VERIFIED = "VERIFICATION_STATE_VERIFIED"


class ProvisioningState(StrEnum):
    PENDING = "PROVISIONING_STATE_PENDING"
    FINAL = "PROVISIONING_STATE_FINAL"


class Connection(WireModel):
    """A customer's bandwidth over an environment, placed on one interconnect. Its id is the UUID that both sides share."""

    name: str | None = Field(default=None, description=".../interconnects/{interconnect}/connections/{connection}")
    activation_key: WireSecret | None = Field(default=None, description="The key that the customer carried over.")
    bandwidth_mbps: Int32 | None = Field(default=None, description="What was sold, in Mbit/s.")
    admin_state: AdminState | None = read_only("Disabled: the server's provider has taken it out of use.")
    verification_state: VerificationState | None = read_only("Verified once both sides have seen it work.")
    defer_provisioning: bool | None = Field(default=None, description="The caller asks the receiver to drive.")


class ListConnectionsResponse(WireModel):
    connections: list[Connection] | None = Field(default=None, description="The connections.")
    next_page_token: str | None = Field(default=None, description="Absent on the last page.")


class ASNRange(WireModel):
    start: Asn | None = Field(default=None, description="The first, itself included.")
    stop: Asn | None = Field(default=None, description="The last, itself included.")


class VLANRange(WireModel):
    start: Int32 | None = Field(default=None, description="The first, itself included.")
    stop: Int32 | None = Field(default=None, description="The last, itself included.")


class MTURange(WireModel):
    start: Int32 | None = Field(default=None, description="The smallest, itself included.")
    stop: Int32 | None = Field(default=None, description="The largest, itself included.")


class SubnetGuidance(WireModel):
    """Where subnets may be taken from."""

    include_subnet: str | None = Field(default=None, description="Anything inside it ...")
    exclude_subnets: list[str] | None = Field(default=None, description="... but nothing of these.")
    preferred_subnet: str | None = Field(default=None, description="What the server would like to be taken.")


class L3BaseGuidance(WireModel):
    """What the server accepts for a feature on one channel."""

    asn_ranges: list[ASNRange] | None = Field(default=None, description="AS numbers of the server's side.")
    ipv4_subnet_guidance: list[SubnetGuidance] | None = Field(default=None, description="IPv4 subnets.")
    ipv6_subnet_guidance: list[SubnetGuidance] | None = Field(default=None, description="IPv6 subnets.")
    ipv4_allowed_subnet_prefix_lengths: list[Int32] | None = Field(default=None, description="Sizes of an IPv4 subnet.")
    ipv6_allowed_subnet_prefix_lengths: list[Int32] | None = Field(default=None, description="Sizes of an IPv6 subnet.")
    vlan_ranges: list[VLANRange] | None = Field(default=None, description="VLANs, those in use among them.")
    mtu_ranges: list[MTURange] | None = Field(default=None, description="MTUs; the highest in common is taken.")
    max_received_bgp_route_prefixes: Int32 | None = Field(
        default=None, description="Prefixes that the server takes from the caller."
    )


class FeatureGuidance(WireModel):
    """Guidance for one channel."""

    feature_type: FeatureType | None = Field(default=None, description="The feature it is about.")
    channel: str | None = Field(default=None, description=".../channels/{channel}")
    channel_admin_state: AdminState | None = read_only("Disabled: the channel takes no feature now.")
    l3_base_guidance: L3BaseGuidance | None = Field(default=None, description="For FEATURE_TYPE_L3_BASE.")


class GenerateFeatureGuidanceRequest(WireModel):
    """Asks for the guidance of every channel of the connection's interconnect."""


class GenerateFeatureGuidanceResponse(WireModel):
    feature_guidance: list[FeatureGuidance] | None = read_only("One for each channel.")


class NotifyConnectionStatusRequest(WireModel):
    """Says: refresh the connection. It carries nothing."""


class ProviderBgpConfig(WireModel):
    """One provider's end of a feature's BGP sessions."""

    provider: str = Field(description="providers/{provider}")
    asn: Asn = Field(description="Its AS number.")
    host_ipv4: str | None = Field(default=None, description="Its IPv4 address in the subnet.")
    host_ipv6: str | None = Field(default=None, description="Its IPv6 address in the subnet.")


class L3BaseConfig(WireModel):
    """Layer 3 of a connection on one channel."""

    ipv4_subnet: str | None = Field(default=None, description="Network address, no length.")
    ipv4_subnet_prefix_length: Int32 | None = Field(default=None)
    ipv6_subnet: str | None = Field(default=None, description="Network address, no length.")
    ipv6_subnet_prefix_length: Int32 | None = Field(default=None)
    mtu_bytes: Int32 = Field(description="MTU of the attachment.")
    vlan_id: Int32 = Field(description="Its tag on the channel, above 1024.")
    provider_bgp_configs: list[ProviderBgpConfig] = Field(description="Both providers' ends.")
    md5_bgp_password: WireSecret = Field(description="TCP MD5 password of its sessions.")


class FeatureConfig(WireModel):
    feature_type: FeatureType = Field(description="Which of the configurations is set.")
    l3_base_config: L3BaseConfig | None = Field(default=None)


class Feature(WireModel):
    """A connection's configuration on one channel."""

    name: str | None = Field(default=None, description=".../connections/{connection}/features/{feature}")
    channel: str | None = Field(default=None, description=".../channels/{channel}")
    feature_config: FeatureConfig | None = Field(default=None, description="The configuration.")
    provisioning_state: ProvisioningState | None = read_only("Final once the server's network carries it.")
    updatable: bool | None = read_only("Whether UpdateFeature may be called on it; absent means no.")


class ListFeaturesResponse(WireModel):
    features: list[Feature] | None = Field(default=None, description="The features.")
    next_page_token: str | None = Field(default=None, description="Absent on the last page.")


class MacSecKey(WireModel):
    """A connectivity association key on a channel."""

    name: str | None = Field(default=None, description=".../channels/{channel}/macSecKeys/{macSecKey}")
    cak: WireSecret | None = Field(default=None, description="The key, hexadecimal.")
    ckn: str | None = Field(default=None, description="Its name, hexadecimal.")
    start_time: Timestamp | None = read_only("When the server accepted it.")
    active: bool | None = read_only("Whether the channel's traffic is protected under it.")


class ListMacSecKeysResponse(WireModel):
    mac_sec_keys: list[MacSecKey] | None = Field(default=None, description="The channel's keys.")


class ActivationKey(WireModel):
    """What a customer carries from one provider to the other, version 1: in clear."""

    version: Int32 = Field(description="1.")
    destination_environment_uri: str = Field(description="The environment at the provider that is to accept it.")
    shared_connection_uuid: str = Field(description="The connection's id at both sides.")
    connection_size_mbps: Int32 = Field(description="Bandwidth in Mbit/s.")
    destination_account_id: str = Field(description="The account at the accepting provider that may use it.")


class ConfirmActivationKeyRequest(WireModel):
    key: ActivationKey | None = Field(default=None, description="Version 1, taken apart.", json_schema_extra=DEPRECATED)
    encoded_key: WireSecret | None = Field(
        default=None, description="The key as the customer brought it.", json_schema_extra={"format": "byte"}
    )


class ConfirmActivationKeyResponse(WireModel):
    key_valid: bool | None = Field(default=None, description="Whether it may be used.")


class ActivationKeyEncryption(WireModel):
    public_key: str = Field(description="PEM.")
    algorithm: str = Field(description="RSA-OAEP-256.")
    key_format: str = Field(description="PKCS8.")


class ActivationKeyParameters(WireModel):
    supported_versions: list[Int32] = Field(description="The highest in common is to be used.")
    encryption: ActivationKeyEncryption | None = Field(default=None, description="For version 2.")


__all__ = [
    "ASNRange",
    "ActivationKey",
    "ActivationKeyEncryption",
    "ActivationKeyParameters",
    "ConfirmActivationKeyRequest",
    "ConfirmActivationKeyResponse",
    "Connection",
    "Feature",
    "FeatureConfig",
    "FeatureGuidance",
    "GenerateFeatureGuidanceRequest",
    "GenerateFeatureGuidanceResponse",
    "L3BaseConfig",
    "L3BaseGuidance",
    "ListConnectionsResponse",
    "ListFeaturesResponse",
    "ListMacSecKeysResponse",
    "MTURange",
    "MacSecKey",
    "NotifyConnectionStatusRequest",
    "ProviderBgpConfig",
    "ProvisioningState",
    "SubnetGuidance",
    "VLANRange",
    "VerificationState",
]
