"""The doctor's verdict from what was found, and how an engine is chosen."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from xcnet.engine.capabilities import Capability, Need, program_capabilities
from xcnet.engine.doctor import DoctorReport, judge
from xcnet.engine.native import NativeEngine
from xcnet.engine.select import choose_engine, engine_named
from xcnet.engine.uml import UmlEngine
from xcnet.errors import InputError


def capability(name: str, found: bool, need: Need = Need.BOTH) -> Capability:
    remedy = "" if found else f"install {name}"
    return Capability(group="g", name=name, need=need, found=found, detail="d", purpose="p", remedy=remedy)


@pytest.mark.parametrize(
    ("forced", "native", "uml", "engine"),
    [
        (None, [], [], "native"),
        (None, ["macsec"], [], "uml"),
        (None, ["macsec"], ["kernel"], None),
        ("uml", [], [], "uml"),
        ("native", ["macsec"], [], None),
        ("uml", [], ["kernel"], None),
    ],
)
def test_the_first_engine_that_lacks_nothing_is_used(forced, native, uml, engine) -> None:
    chosen, reason = judge(forced, {"native": native, "uml": uml})
    assert chosen == engine
    assert reason
    if engine is None:
        assert all(name in reason for name in (native if forced == "native" else uml))


def test_the_table_shows_each_capability_and_what_to_do() -> None:
    report = DoctorReport(
        engine=None, reason="nothing works", capabilities=(capability("one", True), capability("two", False))
    )
    out = io.StringIO()
    Console(file=out, width=100).print(report.as_table())
    text = out.getvalue()
    assert "install two" in text
    assert "install one" not in text
    assert "nothing works" in text
    assert report.model_dump(mode="json")["ok"] is False


def test_programs_are_looked_for_where_distributions_put_them() -> None:
    found = {each.name: each for each in program_capabilities()}
    assert {"zebra", "bgpd", "bfdd", "vtysh", "wpa_supplicant", "tcpdump", "mnexec"} <= set(found)
    assert all(each.found != bool(each.remedy) for each in found.values())


def test_a_missing_program_says_which_package_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_args, **_options: None)
    found = {each.name: each for each in program_capabilities()}
    assert not any(each.found for each in found.values())
    assert "apt install frr" in found["bgpd"].remedy


def test_engines_are_had_by_name() -> None:
    assert isinstance(engine_named("native"), NativeEngine)
    assert isinstance(choose_engine("uml", progress=lambda _text: None), UmlEngine)
    with pytest.raises(InputError, match="no engine"):
        engine_named("vmware")
