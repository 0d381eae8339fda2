"""Activation keys: made for a customer here, read where the customer brings one, confirmed and redeemed once."""

from __future__ import annotations

import hmac
import sqlite3
from dataclasses import dataclass

from xcnet.coordinator.config import EnvironmentConfig
from xcnet.coordinator.world import World
from xcnet.secret import Secret
from xcnet.spec import activation_key, names
from xcnet.spec.activation_key import ActivationKeyError, KeyPair
from xcnet.spec.connections import (
    ActivationKey,
    ActivationKeyEncryption,
    ActivationKeyParameters,
    ConfirmActivationKeyRequest,
    Connection,
)
from xcnet.spec.errors import ApiError, Reason

_ALGORITHM = "RSA-OAEP-256"
ISSUED, CONFIRMED, USED, DEAD = "issued", "confirmed", "used", "dead"


@dataclass(frozen=True, slots=True)
class Activation:
    """One that this provider made. :param own_account: the customer's here. :param peer_account: at the destination."""

    uuid: str
    environment: str
    peer: str
    bandwidth_mbps: int
    own_account: str
    peer_account: str
    version: int
    fingerprint: str
    encoded: str | None
    state: str
    created: float
    expires: float

    @classmethod
    def of(cls, row: sqlite3.Row) -> Activation:
        return cls(**dict(row))


# -- key pairs


def key_pairs(world: World) -> list[KeyPair]:
    """The pairs whose public keys are accepted, the newest first."""
    rows = world.db.all("SELECT * FROM key_pairs ORDER BY seq DESC LIMIT ?", world.rules.key_pairs_accepted)
    return [KeyPair(private=Secret.from_text(row["private"]), public=row["public"]) for row in rows]


def key_pair_due(world: World) -> float:
    """Policy time at which a fresh pair is to be made."""
    created = world.db.value("SELECT max(created) FROM key_pairs")
    return 0.0 if created is None else float(created) + world.rules.key_pair_lifetime


def renew_key_pair(world: World, pair: KeyPair) -> None:
    """Take a fresh pair into use, and forget those that are no longer accepted. Inside a transaction."""
    world.db.insert("key_pairs", created=world.now(), private=pair.private.reveal_text(), public=pair.public)
    world.db.execute(
        "DELETE FROM key_pairs WHERE seq NOT IN (SELECT seq FROM key_pairs ORDER BY seq DESC LIMIT ?)",
        world.rules.key_pairs_accepted,
    )


def parameters(world: World, _environment: EnvironmentConfig) -> ActivationKeyParameters:
    """What those who make keys for this provider need to know."""
    versions = list(world.rules.activation_versions)
    encryption = None
    if 2 in versions:
        encryption = ActivationKeyEncryption(
            public_key=key_pairs(world)[0].public, algorithm=_ALGORITHM, key_format="PKCS8"
        )
    return ActivationKeyParameters(supported_versions=versions, encryption=encryption)


# -- at the provider that makes the key


def issue(
    world: World,
    environment: EnvironmentConfig,
    uuid: str,
    *,
    mbps: int,
    own_account: str,
    peer_account: str,
    theirs: ActivationKeyParameters,
) -> Activation:
    """Make a key for a customer, in the highest version that both sides know.

    :raises ApiError: there is none in common, or what the destination says of itself is of no use.
    """
    common = set(world.rules.activation_versions) & set(theirs.supported_versions)
    if theirs.encryption is None or theirs.encryption.algorithm != _ALGORITHM:
        common -= {2}
    if not common:
        raise ApiError(Reason.INVALID_ARGUMENT, "the providers have no version of activation keys in common")
    version = max(common)
    # The environment as it is named at the destination, in this provider's tree there.
    uri = f"/{names.environment(world.me, environment.name)}"
    clear = ActivationKey(
        version=version,
        destination_environment_uri=uri,
        shared_connection_uuid=uuid,
        connection_size_mbps=mbps,
        destination_account_id=peer_account,
    )
    encryption = theirs.encryption
    public = encryption.public_key if version == 2 and encryption else None
    try:
        encoded = activation_key.encode(clear, public_key=public)
    except ActivationKeyError as error:
        raise ApiError(Reason.INVALID_ARGUMENT, f"no activation key can be made: {error}") from None
    world.db.insert(
        "activations",
        uuid=uuid,
        environment=environment.name,
        peer=environment.peer,
        bandwidth_mbps=mbps,
        own_account=own_account,
        peer_account=peer_account,
        version=version,
        fingerprint=activation_key.fingerprint(encoded),
        encoded=encoded,
        state=ISSUED,
        created=world.now(),
        expires=world.now() + world.rules.activation_lifetime,
    )
    found = of(world, uuid)
    assert found is not None
    world.emit("activation.issued", uuid, environment=environment.name, mbps=mbps, version=version)
    return found


def of(world: World, uuid: str) -> Activation | None:
    row = world.db.one("SELECT * FROM activations WHERE uuid = ?", uuid)
    return Activation.of(row) if row is not None else None


def confirm(
    world: World, environment: EnvironmentConfig, caller: str, request: ConfirmActivationKeyRequest
) -> Activation | None:
    """The activation that a key belongs to, if it may be used; None if it may not, whatever the reason.

    :raises ApiError: there is no key in the request.
    """
    if request.encoded_key is not None:
        found = _by_fingerprint(world, activation_key.fingerprint(request.encoded_key.reveal_text()))
    elif request.key is not None:
        found = _by_content(world, environment, request.key)
    else:
        raise ApiError(Reason.INVALID_ARGUMENT, "encodedKey is missing", field="encodedKey")
    if found is None or (found.environment, found.peer) != (environment.name, caller) or not _usable(world, found):
        return None
    world.db.execute("UPDATE activations SET state = ? WHERE uuid = ?", CONFIRMED, found.uuid)
    world.emit("activation.confirmed", found.uuid, by=caller)
    return found


def redeem(world: World, environment: EnvironmentConfig, caller: str, uuid: str, body: Connection) -> Activation:
    """Use a key up: its connection is being created. :raises ApiError: it does not stand for this connection."""
    found = of(world, uuid)
    if found is None or (found.environment, found.peer) != (environment.name, caller):
        raise ApiError(Reason.INVALID_ARGUMENT, "no activation key was made for this connection", field="connectionId")
    if body.activation_key is None:
        raise ApiError(Reason.INVALID_ARGUMENT, "activationKey is missing", field="activationKey")
    given = activation_key.fingerprint(body.activation_key.reveal_text())
    if not hmac.compare_digest(given, found.fingerprint):
        raise ApiError(Reason.INVALID_ARGUMENT, "the activation key is not this connection's", field="activationKey")
    if found.state == USED and not _placed(world, uuid):
        pass  # the caller lost a race for its interconnect, or withdrew from it, and places it anew
    elif not _usable(world, found):
        raise ApiError(Reason.INVALID_ARGUMENT, "the activation key is used or expired", field="activationKey")
    if body.bandwidth_mbps != found.bandwidth_mbps:
        raise ApiError(
            Reason.INVALID_ARGUMENT, f"the activation key is for {found.bandwidth_mbps} Mbit/s", field="bandwidthMbps"
        )
    world.db.execute("UPDATE activations SET state = ?, encoded = NULL WHERE uuid = ?", USED, uuid)
    return found


def _placed(world: World, uuid: str) -> bool:
    return world.db.value("SELECT 1 FROM connections WHERE uuid = ?", uuid) is not None


def _usable(world: World, found: Activation) -> bool:
    return found.state in (ISSUED, CONFIRMED) and found.expires > world.now()


def _by_fingerprint(world: World, fingerprint: str) -> Activation | None:
    row = world.db.one("SELECT * FROM activations WHERE fingerprint = ?", fingerprint)
    return Activation.of(row) if row is not None else None


def _by_content(world: World, environment: EnvironmentConfig, key: ActivationKey) -> Activation | None:
    """The deprecated form: the fields of a key of version 1, which must be those that were given to the customer."""
    found = of(world, key.shared_connection_uuid)
    if found is None or found.version != 1:
        return None
    uri = f"/{names.environment(world.me, environment.name)}"
    wanted = (1, uri, found.bandwidth_mbps, found.peer_account)
    given = (
        key.version,
        key.destination_environment_uri,
        key.connection_size_mbps,
        key.destination_account_id,
    )
    return found if wanted == given else None


__all__ = [
    "CONFIRMED",
    "DEAD",
    "ISSUED",
    "USED",
    "Activation",
    "confirm",
    "issue",
    "key_pair_due",
    "key_pairs",
    "of",
    "parameters",
    "redeem",
    "renew_key_pair",
]
