"""Against a copy of the public specification, where one is at hand: ``XCNET_SPEC_DIR`` names its folder."""

import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from xcnet.spec import shapes
from xcnet.spec.diff import Comparison, compare, explain
from xcnet.spec.document import document
from xcnet.spec.errors import ApiError, Reason
from xcnet.spec.known_differences import KNOWN, markdown
from xcnet.spec.operations import FIELD_MASK
from xcnet.spec.source import Node, Place, Source
from xcnet.spec.upstream import load

FOLDER = os.environ.get("XCNET_SPEC_DIR", "")

pytestmark = pytest.mark.skipif(
    not FOLDER, reason="XCNET_SPEC_DIR names no folder with a copy of the public specification to compare with"
)


@pytest.fixture(scope="module")
def theirs() -> Source:
    return load(Path(FOLDER))


@pytest.fixture(scope="module")
def comparison(theirs: Source) -> Comparison:
    return explain(compare(Source(Place("ours"), document()), theirs), KNOWN)


def test_every_difference_is_explained_and_every_explanation_needed(comparison: Comparison) -> None:
    assert comparison.unexplained == ()
    assert comparison.stale == ()
    assert comparison.explained


def test_no_difference_has_two_explanations(comparison: Comparison) -> None:
    for difference, _ in comparison.explained:
        assert Counter(entry.explains(difference) for entry in KNOWN)[True] == 1, difference


def test_their_document_is_read_whole(theirs: Source) -> None:
    calls = shapes.calls(theirs.root)
    assert len(calls) == 33
    assert all(set(call.responses) == {"default"} for call in calls.values())
    mask = calls["UpdateConnection"].parameters["query.updateMask"].schema
    assert mask is not None and shapes.shape(mask).limits == {"pattern": FIELD_MASK}


def test_an_error_is_no_malformed_success_to_whoever_reads_it_as_their_document_says(theirs: Source) -> None:
    body = ApiError(Reason.NO_CAPACITY, "no", field="x").to_wire()
    for call in shapes.calls(theirs.root).values():
        node = call.responses["default"]["application/json"]
        assert node is not None
        shape = shapes.shape(node)
        assert shape.required <= set(body), call.id
        for name in set(shape.properties) & set(body):
            assert shapes.shape(shape.properties[name]).type == "string", (call.id, name)


def descriptions(value: Any) -> set[str]:
    """Each sentence of some length in what is said for people."""
    texts = []
    stack = [value]
    while stack:
        here = stack.pop()
        if isinstance(here, dict):
            texts += [here[name] for name in ("description", "summary") if isinstance(here.get(name), str)]
            stack += here.values()
        elif isinstance(here, list):
            stack += here
    sentences = (" ".join(part.split()).lower() for text in texts for part in re.split(r"[.:;\n]{1,}\s", text + "\n"))
    return {sentence.strip(" .") for sentence in sentences if len(sentence.split()) > 4}


def test_none_of_their_sentences_is_ours(theirs: Source) -> None:
    files = [theirs.root.value]
    assert theirs.read is not None
    for path in Path(FOLDER).resolve().rglob("*.yaml"):
        files.append(theirs.read(str(path.relative_to(Path(FOLDER).resolve())), theirs.place))
    written = descriptions(files)
    assert len(written) > 100
    assert descriptions(document()) & written == set()
    assert not [sentence for sentence in written if sentence in " ".join(markdown().lower().split())]


def test_the_places_of_their_schemas_are_in_the_copy(theirs: Source) -> None:
    node = shapes.calls(theirs.root)["GetFeature"].responses["default"]["application/json"]
    assert isinstance(node, Node)
    assert shapes.shape(node).name == "Feature"
    assert str(shapes.shape(node).place).startswith(FOLDER)
