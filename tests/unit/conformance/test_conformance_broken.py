"""A server with one thing broken fails the rules about that, and no others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from conformance_world import broken, tried

from xcnet.coordinator import core
from xcnet.coordinator.acts import activation
from xcnet.coordinator.http import gate
from xcnet.coordinator.policy import keys
from xcnet.coordinator.policy.paging import Pager
from xcnet.coordinator.serve import connections, features, issues
from xcnet.coordinator.serve import keys as handlers
from xcnet.coordinator.serve.context import Serving
from xcnet.spec.connections import ConfirmActivationKeyResponse, Connection
from xcnet.spec.errors import ApiError, Reason

Break = Callable[[pytest.MonkeyPatch], None]


def features_are_updatable(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(core.HANDLERS, "UpdateFeature", features.get_feature)


def what_is_there_is_malformed(patch: pytest.MonkeyPatch) -> None:
    def create(serving: Serving) -> Any:
        try:
            return features.create_feature(serving)
        except ApiError as error:
            if error.reason is Reason.ALREADY_EXISTS:
                raise ApiError(Reason.GUIDANCE_NOT_FOLLOWED, "no") from None
            raise

    patch.setitem(core.HANDLERS, "CreateFeature", create)


def any_customers_proof_will_do(patch: pytest.MonkeyPatch) -> None:
    real = Serving.prove
    patch.setattr(Serving, "prove", lambda self, _account: real(self, None))


def proofs_are_good_forever(patch: pytest.MonkeyPatch) -> None:
    real = Serving.prove

    def prove(self: Serving, account: str | None) -> None:
        self.world.db.execute("DELETE FROM proofs")
        real(self, account)

    patch.setattr(Serving, "prove", prove)


def page_tokens_fit_everywhere(patch: pytest.MonkeyPatch) -> None:
    real = Pager._mac
    patch.setattr(Pager, "_mac", lambda self, body, _scope, _size: real(self, body, (), None))


def errors_have_no_details(patch: pytest.MonkeyPatch) -> None:
    real = ApiError.to_wire
    patch.setattr(ApiError, "to_wire", lambda self: {k: v for k, v in real(self).items() if k != "details"})


def request_ids_are_passed_over(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(core.Core, "_recorded", lambda *_: None)
    patch.setattr(core.Core, "_record", lambda *_: None)


def active_keys_can_be_deleted(patch: pytest.MonkeyPatch) -> None:
    def check(_facts: Any, caller: str, manager: str, channel: str, _key: str) -> None:
        keys._check_manager(caller, manager, channel)

    patch.setattr(handlers, "check_delete", check)


def rotations_need_not_bake(patch: pytest.MonkeyPatch) -> None:
    real = keys._check_rotation

    def check(facts: keys.InterconnectKeys, channel: str, now: float) -> None:
        real(replace(facts, last_rotation_end=None), channel, now)

    patch.setattr(keys, "_check_rotation", check)


def trees_are_open(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(gate.Gate, "_check_tree", lambda *_: None)


def comments_come_in_their_order(patch: pytest.MonkeyPatch) -> None:
    def listed(serving: Serving) -> Any:
        page = issues.list_comments(serving)
        return page.model_copy(update={"comments": page.comments[::-1]})  # type: ignore[attr-defined]

    patch.setitem(core.HANDLERS, "ListComments", listed)


def every_key_is_valid(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(core.HANDLERS, "ConfirmActivationKey", lambda _: ConfirmActivationKeyResponse(key_valid=True))


def bandwidth_is_shown_in_gigabits(patch: pytest.MonkeyPatch) -> None:
    def shown(serving: Serving) -> Any:
        real = connections.get_connection(serving)
        assert isinstance(real, Connection)
        return real.model_copy(update={"bandwidth_mbps": (real.bandwidth_mbps or 0) // 1000})

    patch.setitem(core.HANDLERS, "GetConnection", shown)


def keys_are_good_for_any_bandwidth(patch: pytest.MonkeyPatch) -> None:
    real = activation.redeem

    def redeem(world: Any, environment: Any, caller: str, uuid: str, body: Connection) -> Any:
        found = activation.of(world, uuid)
        wanted = found.bandwidth_mbps if found is not None else body.bandwidth_mbps
        return real(world, environment, caller, uuid, body.model_copy(update={"bandwidth_mbps": wanted}))

    patch.setattr(activation, "redeem", redeem)


BROKEN: list[tuple[Break, set[str]]] = [
    (features_are_updatable, {"feature-not-updatable"}),
    (what_is_there_is_malformed, {"feature-same-id", "feature-second"}),
    (any_customers_proof_will_do, {"create-foreign-proof", "delete-foreign-proof"}),
    (proofs_are_good_forever, {"update-used-proof"}),
    (page_tokens_fit_everywhere, {"pages-bound"}),
    (errors_have_no_details, {"answer-error"}),
    (request_ids_are_passed_over, {"request-id-same", "request-id-revival"}),
    (active_keys_can_be_deleted, {"key-active"}),
    (rotations_need_not_bake, {"rotation-bake"}),
    (trees_are_open, {"tree-foreign"}),
    (comments_come_in_their_order, {"issue-comments"}),
    (every_key_is_valid, {"confirm-unknown", "confirm-nothing", "confirm-altered", "confirm-used"}),
    (bandwidth_is_shown_in_gigabits, {"create-accepted", "create-listed", "update-bandwidth"}),
    (keys_are_good_for_any_bandwidth, {"create-other-size"}),
]


@pytest.mark.parametrize(("breaking", "rules"), BROKEN, ids=[each.__name__ for each, _ in BROKEN])
def test_a_broken_server_fails_exactly_the_rules_it_breaks(
    monkeypatch: pytest.MonkeyPatch, breaking: Break, rules: set[str]
) -> None:
    breaking(monkeypatch)
    report, _ = tried()
    assert set(broken(report)) == rules, broken(report)
    assert not report.passed()
