"""Every bad topology has the exact error it must give beside it: CASE.yaml and CASE.txt."""

from pathlib import Path

import pytest

from xcnet.errors import InputError
from xcnet.model.load import load_topology

CASES = sorted((Path(__file__).parent / "topology").glob("*.yaml"))


def error_of(case: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_topology(case)
    # Where the tree stands on this machine is no part of the error.
    return str(caught.value).replace(f"{case.parent}/", "") + "\n"


@pytest.mark.parametrize("case", CASES, ids=[case.stem for case in CASES])
def test_bad_topology_gives_exactly_this_error(case: Path, update_golden: bool) -> None:
    expected = case.with_suffix(".txt")
    seen = error_of(case)
    if update_golden:
        expected.write_text(seen, encoding="utf-8")
    assert seen == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=[case.stem for case in CASES])
def test_error_says_where_and_what_would_be_right(case: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_topology(case)
    for problem in getattr(caught.value, "problems", [caught.value]):
        assert problem.cause
        assert problem.where.startswith(str(case.parent))
        assert problem.remedy


def test_every_expected_error_has_its_case() -> None:
    assert {path.stem for path in CASES} == {path.stem for path in CASES[0].parent.glob("*.txt")}
    assert len(CASES) >= 45
