"""``topologies/mininet_topos.py`` as mn reads it: executed text that leaves ``topos`` behind. No node is started here."""

from pathlib import Path
from typing import Any

import pytest

from xcnet.model.load import load_topology, shipped_topologies
from xcnet.model.plan import NodeKind
from xcnet.model.planner import make_plan

FILE = Path(str(shipped_topologies()["minimal"])).parent / "mininet_topos.py"


@pytest.fixture(scope="module")
def custom() -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(FILE.read_text(encoding="utf-8"), str(FILE), "exec"), names, names)  # noqa: S102 - as mn does it
    return names


@pytest.mark.parametrize("name", sorted(shipped_topologies()))
def test_nodes_and_links_are_named_as_in_the_lab(custom: dict[str, Any], name: str) -> None:
    plan = make_plan(load_topology(name))
    topo = custom["topos"][name]()
    assert set(topo.nodes()) == {node.name for node in plan.nodes if node.kind is not NodeKind.COORDINATOR}
    links = {
        ((info["node1"], info["intfName1"], info["addr1"]), (info["node2"], info["intfName2"], info["addr2"]))
        for _, _, info in topo.links(withInfo=True)
    }
    planned = [link for link in plan.links if link.kind != "management"]
    assert links == {((*link.a, link.mac[0]), (*link.b, link.mac[1])) for link in planned}


def test_any_file_can_be_named(custom: dict[str, Any], tmp_path: Path) -> None:
    text = (FILE.parent / "minimal.yaml").read_text(encoding="utf-8")
    (tmp_path / "lab.yaml").write_text(text.replace("host: app", "host: web"))
    assert "aws-web" in custom["topos"]["xcnet"](str(tmp_path / "lab.yaml")).nodes()


def test_refusal_is_no_exception_that_mn_would_clean_up_after(custom: dict[str, Any]) -> None:
    with pytest.raises(SystemExit) as caught:
        custom["topos"]["xcnet"]("nosuch")
    assert "aws-google" in str(caught.value)


def test_command_is_asked_where_xcnet_cannot_be_imported(custom: dict[str, Any]) -> None:
    asked = custom["_ask_command"]("minimal")
    asked_for = {node["name"] for node in asked["nodes"] if node["kind"] != "coordinator"}
    assert asked_for == set(custom["topos"]["minimal"]().nodes())


def test_missing_command_says_where_it_was_looked_for(custom: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(custom["shutil"], "which", lambda *_args, **_options: None)
    with pytest.raises(SystemExit, match="remedy"):
        custom["_command"]()
