"""A scenario's traffic is what the probe is asked for."""

from __future__ import annotations

from xcnet.model.validation import validate
from xcnet.scenario.document import Traffic
from xcnet.scenario.stage import plan_of


def test_every_setting_reaches_the_probe() -> None:
    written = {"rate": 500, "flows": 8, "payload": 200, "warm_up": "1s", "tcp": True, "http": True, "late": "5%"}
    traffic, problems = validate(Traffic, written)
    assert traffic is not None, problems
    plan = plan_of(traffic)
    assert (plan.rate, plan.flows, plan.payload, plan.warm_up) == (500, 8, 200, 1.0)
    assert (len(plan.transfers), len(plan.requests)) == (1, 1)
    assert plan.limits.late_share == 0.05


def test_a_hundredth_may_be_late_by_default() -> None:
    assert plan_of(Traffic()).limits.late_share == 0.01
