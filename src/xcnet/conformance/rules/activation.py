"""Activation keys: how they are made, and which of them are valid."""

from __future__ import annotations

import base64
import json
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from xcnet.conformance.registry import Group, NotTestable, Violation
from xcnet.conformance.session import Session, expect, new_id
from xcnet.conformance.wire import Reply
from xcnet.secret import Secret

_group = Group("Activation keys")
_REFERENCE = "amendment 2"


@_group.must(
    "parameters-versions", "The versions of keys that are read are named", _REFERENCE, "GetActivationKeyParameters"
)
async def versions(session: Session) -> str | None:
    reply = await session.fetch("GetActivationKeyParameters")
    found = reply.object.get("supportedVersions")
    if not isinstance(found, list) or not found or not all(isinstance(each, int) for each in found):
        raise Violation(f"{reply} with supportedVersions {found!r}")
    return ", ".join(map(str, found))


@_group.must(
    "parameters-encryption",
    "Whoever reads version 2 gives an RSA key for it, of 2048 bits or more",
    _REFERENCE,
    "GetActivationKeyParameters",
)
async def encryption(session: Session) -> str | None:
    shown = (await session.fetch("GetActivationKeyParameters")).object
    if 2 not in shown.get("supportedVersions", []):
        raise NotTestable("the server does not read version 2")
    given = shown.get("encryption") or {}
    if (given.get("algorithm"), given.get("keyFormat")) != ("RSA-OAEP-256", "PKCS8"):
        raise Violation(f"algorithm {given.get('algorithm')!r} and keyFormat {given.get('keyFormat')!r}")
    try:
        key = load_pem_public_key(str(given.get("publicKey")).encode())
    except (ValueError, UnsupportedAlgorithm):
        raise Violation("publicKey is no public key in PEM") from None
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < 2048:
        raise Violation("publicKey is no RSA key of 2048 bits or more")
    return f"RSA, {key.key_size} bits"


async def _confirm(session: Session, encoded: Secret) -> Reply:
    return await session.call("ConfirmActivationKey", {"encodedKey": encoded}, confided=[encoded])


async def _invalid(session: Session, encoded: Secret, why: str) -> None:
    reply = await _confirm(session, encoded)
    if reply.status in (400, 404, 409):
        return
    if expect(reply, 200, 400).object.get("keyValid") is True:
        raise Violation(f"{reply} with keyValid true: {why}")


@_group.must("confirm-unknown", "A key that the server never made is not valid", _REFERENCE, "ConfirmActivationKey")
async def unknown(session: Session) -> str | None:
    fields = {
        "version": 1,
        "destinationEnvironmentUri": f"/providers/{session.subject.server}/environments/{session.environment}",
        "sharedConnectionUuid": new_id(),
        "connectionSizeMbps": (await session.sizes())[0],
        "destinationAccountId": "xcnet",
    }
    made = base64.b64encode(json.dumps(fields).encode()).decode()
    await _invalid(session, Secret.from_text(made), "nobody made this key")
    await _invalid(session, Secret.from_text("eGNuZXQ="), "this is no key")
    return None


@_group.must("confirm-nothing", "A confirmation of nothing is refused with 400", _REFERENCE, "ConfirmActivationKey")
async def nothing(session: Session) -> str | None:
    expect(await session.call("ConfirmActivationKey", {}), 400)
    return None


@_group.must("confirm-valid", "An unused key is valid, however often one asks", _REFERENCE, "ConfirmActivationKey")
async def valid(session: Session) -> str | None:
    key = await session.unused_key()
    for _ in range(2):
        reply = expect(await _confirm(session, key.encoded), 200)
        if reply.object.get("keyValid") is not True:
            raise Violation(f"{reply} with keyValid {reply.object.get('keyValid')}: the key is fresh")
    return None


@_group.must("confirm-altered", "A key that was altered is not valid", _REFERENCE, "ConfirmActivationKey")
async def altered(session: Session) -> str | None:
    key = await session.unused_key()
    try:
        text = key.encoded.reveal_text()
        fields: dict[str, Any] = json.loads(base64.b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        raise NotTestable("the key is in no form that can be altered") from None
    for name, other in (("connectionSizeMbps", 999_999), ("destinationAccountId", "xcnet-other")):
        if name in fields:
            await _invalid(session, _encoded({**fields, name: other}), f"{name} is altered")
    uri = str(fields.get("destinationEnvironmentUri", "")) + "-xcnet"
    await _invalid(session, _encoded({**fields, "destinationEnvironmentUri": uri}), "it is for another environment")
    if "encryptedContents" in fields:
        secret = bytearray(base64.b64decode(fields["encryptedContents"]))
        secret[0] ^= 1
        changed = base64.b64encode(bytes(secret)).decode()
        await _invalid(session, _encoded({**fields, "encryptedContents": changed}), "its encrypted part is altered")
    return f"version {fields.get('version')}"


def _encoded(fields: dict[str, Any]) -> Secret:
    return Secret.from_text(base64.b64encode(json.dumps(fields, separators=(",", ":")).encode()).decode())


@_group.must(
    "confirm-used", "A key whose connection was made is not valid any more", _REFERENCE, "ConfirmActivationKey"
)
async def used(session: Session) -> str | None:
    made = await session.connection()
    await _invalid(session, made.key.encoded, "its connection is there")
    return None
