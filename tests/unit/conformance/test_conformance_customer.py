"""Activation keys and proofs from commands that an implementer gives."""

from __future__ import annotations

import asyncio
import json
import shlex
import time
from pathlib import Path

import pytest

from xcnet.conformance import subject
from xcnet.conformance.registry import NotTestable
from xcnet.conformance.subject import CommandCustomer
from xcnet.spec import activation_key
from xcnet.spec.connections import ActivationKey

UUID = "6f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"


def test_a_key_of_version_1_says_itself_whose_it_is() -> None:
    key = activation_key.encode(
        ActivationKey(
            version=1,
            destination_environment_uri="https://aws/providers/gcp/environments/here",
            shared_connection_uuid=UUID,
            connection_size_mbps=50,
            destination_account_id="261579598744",
        )
    )
    carried = asyncio.run(CommandCustomer(f"echo {shlex.quote(key)}").activation_key("here", 50))
    assert (carried.connection, carried.encoded.reveal_text()) == (UUID, key)


def test_a_key_as_json_is_taken_as_it_is() -> None:
    said = json.dumps({"key": "opaque", "connection": UUID})
    carried = asyncio.run(CommandCustomer(f"printf %s {shlex.quote(said)}").activation_key("here", 50))
    assert (carried.connection, carried.encoded.reveal()) == (UUID, b"opaque")


def test_the_command_is_told_what_is_wanted(tmp_path: Path) -> None:
    said = tmp_path / "said"
    command = f'echo "$XCNET_ENVIRONMENT $XCNET_MBPS" > {said}; echo \'{{"key": "k", "connection": "{UUID}"}}\''
    asyncio.run(CommandCustomer(command).activation_key("here", 50))
    assert said.read_text() == "here 50\n"


@pytest.mark.parametrize("said", ["", "no key", '{"key": "k"}', '{"key": "", "connection": "c"}', "{", "eyJhIjoxfQ=="])
def test_what_is_no_key_makes_a_rule_not_testable(said: str) -> None:
    with pytest.raises(NotTestable, match="neither a key of version 1 nor JSON"):
        asyncio.run(CommandCustomer(f"printf %s {shlex.quote(said)}").activation_key("here", 50))


def test_a_proof_is_asked_for_by_connection_and_customer() -> None:
    customer = CommandCustomer(proof_command='echo "$XCNET_CUSTOMER of $XCNET_CONNECTION"')
    owner = asyncio.run(customer.proof(UUID))
    stranger = asyncio.run(customer.proof(UUID, stranger=True))
    assert owner is not None
    assert stranger is not None
    assert owner.reveal().decode() == f"owner of {UUID}"
    assert stranger.reveal().decode() == f"stranger of {UUID}"


def test_without_commands_there_is_no_key_and_no_proof() -> None:
    assert asyncio.run(CommandCustomer().proof(UUID)) is None
    with pytest.raises(NotTestable, match="give --proof-command"):
        asyncio.run(CommandCustomer().proof(UUID, stranger=True))
    with pytest.raises(NotTestable, match="give --key-command"):
        asyncio.run(CommandCustomer().activation_key("here", 50))


def test_a_command_that_fails_says_why() -> None:
    with pytest.raises(NotTestable, match="ends with status 3: no such account"):
        asyncio.run(CommandCustomer(proof_command="echo no such account >&2; exit 3").proof(UUID))
    with pytest.raises(NotTestable, match="prints no proof of the owner"):
        asyncio.run(CommandCustomer(proof_command="true").proof(UUID))


def test_a_command_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(subject, "_HOOK_SECONDS", 0.2)
    held = tmp_path / "pid"
    with pytest.raises(NotTestable, match="has said nothing"):
        asyncio.run(CommandCustomer(proof_command=f"echo $$ > {held}; exec sleep 1000").proof(UUID))
    assert not Path(f"/proc/{held.read_text().strip()}").exists()


def test_what_a_command_leaves_running_is_ended_with_it(tmp_path: Path) -> None:
    held = tmp_path / "pid"
    command = f"sleep 1000 > /dev/null 2>&1 & echo $! > {held}; echo proof"
    proof = asyncio.run(CommandCustomer(proof_command=command).proof(UUID))
    assert proof is not None
    status = Path(f"/proc/{held.read_text().strip()}/status")
    # Nobody waits for it but the system, in its own time.
    assert _ends(status)


def _ends(status: Path) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if not status.exists() or "State:\tZ" in status.read_text():
            return True
        time.sleep(0.01)
    return False
