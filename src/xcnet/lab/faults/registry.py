"""From faults as data to what they do: one maker for each kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xcnet.lab.faults.attacks import Attacking
from xcnet.lab.faults.base import Standing
from xcnet.lab.faults.bgp import Leaking, Mismatching, Shutting
from xcnet.lab.faults.coordinators import Calling, Expiring, Filling, Skewing
from xcnet.lab.faults.daemons import Killing, Stopping
from xcnet.lab.faults.impairments import Impairment
from xcnet.lab.faults.links import Cutting, Flapping, Obstruction
from xcnet.lab.faults.macsec import Exhausting, Miskeying
from xcnet.lab.faults.nodes import PoweringOff
from xcnet.lab.faults.overflow import Overflowing
from xcnet.lab.faults.overlays import Overlays
from xcnet.lab.faults.ports import Ports
from xcnet.lab.faults.slowness import Slowing
from xcnet.lab.faults.targets import lines
from xcnet.model import faults as model

if TYPE_CHECKING:
    from xcnet.lab.running import RunningLab


@dataclass(frozen=True)
class Bench:
    """What faults work with. :param ports: and :param overlays: what all of them together ask of ports and routers."""

    lab: RunningLab
    ports: Ports
    overlays: Overlays


Maker = Callable[[Any, Bench], Standing]


def _cut(fault: Any, bench: Bench) -> Standing:
    return Cutting(fault, lines(bench.lab.plan, fault.on), bench.lab, bench.ports, bench.overlays)


def _flap(fault: Any, bench: Bench) -> Standing:
    return Flapping(fault, lines(bench.lab.plan, fault.on), bench.lab, bench.ports, bench.overlays)


def _impairment(fault: Any, bench: Bench) -> Standing:
    return Impairment(fault, lines(bench.lab.plan, fault.on), bench.ports)


def _obstruction(fault: Any, bench: Bench) -> Standing:
    return Obstruction(fault, lines(bench.lab.plan, fault.on), bench.ports)


def _power_off(fault: Any, bench: Bench) -> Standing:
    return PoweringOff(fault, bench.lab, bench.ports, bench.overlays)


def _kill(fault: Any, bench: Bench) -> Standing:
    return Killing(fault, bench.lab, bench.overlays)


def _stop(fault: Any, bench: Bench) -> Standing:
    return Stopping(fault, bench.lab, bench.overlays)


def _slow_cpu(fault: Any, bench: Bench) -> Standing:
    return Slowing(fault, bench.lab)


def _wrong_cak(fault: Any, bench: Bench) -> Standing:
    return Miskeying(fault, bench.lab, bench.overlays)


def _pn_exhaustion(fault: Any, bench: Bench) -> Standing:
    return Exhausting(fault, bench.lab, bench.overlays)


def _bgp_shut(fault: Any, bench: Bench) -> Standing:
    return Shutting(fault, bench.lab, bench.overlays)


def _md5_mismatch(fault: Any, bench: Bench) -> Standing:
    return Mismatching(fault, bench.lab, bench.overlays)


def _prefix_overflow(fault: Any, bench: Bench) -> Standing:
    return Overflowing(fault, bench.lab, bench.overlays)


def _route_leak(fault: Any, bench: Bench) -> Standing:
    return Leaking(fault, bench.lab, bench.overlays)


def _attack(fault: Any, bench: Bench) -> Standing:
    return Attacking(fault, lines(bench.lab.plan, fault.on), bench.lab)


def _api(fault: Any, bench: Bench) -> Standing:
    return Calling(fault, bench.lab)


def _clock_skew(fault: Any, bench: Bench) -> Standing:
    return Skewing(fault, bench.lab)


def _full_disk(fault: Any, bench: Bench) -> Standing:
    return Filling(fault, bench.lab)


def _certificate_expiry(fault: Any, bench: Bench) -> Standing:
    return Expiring(fault, bench.lab)


_MAKERS: dict[type[Any], Maker] = {
    model.Cut: _cut,
    model.Flap: _flap,
    model.Blackhole: _obstruction,
    model.Mtu: _obstruction,
    model.MkaDrop: _obstruction,
    model.DataDrop: _obstruction,
    model.Loss: _impairment,
    model.Delay: _impairment,
    model.Reorder: _impairment,
    model.Corrupt: _impairment,
    model.Duplicate: _impairment,
    model.Rate: _impairment,
    model.PowerOff: _power_off,
    model.Kill: _kill,
    model.Stop: _stop,
    model.SlowCpu: _slow_cpu,
    model.WrongCak: _wrong_cak,
    model.PnExhaustion: _pn_exhaustion,
    model.BgpShut: _bgp_shut,
    model.Md5Mismatch: _md5_mismatch,
    model.PrefixOverflow: _prefix_overflow,
    model.RouteLeak: _route_leak,
    model.Replay: _attack,
    model.Forge: _attack,
    model.ApiFault: _api,
    model.ClockSkew: _clock_skew,
    model.FullDisk: _full_disk,
    model.CertificateExpiry: _certificate_expiry,
}


def makeable() -> tuple[str, ...]:
    """The kinds that a lab can make real, by name: all that there are."""
    return tuple(str(model_class.model_fields["fault"].annotation.__args__[0]) for model_class in _MAKERS)


def standing_of(fault: model.Fault, bench: Bench) -> Standing:
    """The fault put to its target, not begun yet. :raises InputError: it names something that there is not."""
    return _MAKERS[type(fault)](fault, bench)


__all__ = ["Bench", "makeable", "standing_of"]
