"""Resource names: built, read back, compared; what is none is refused."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xcnet.spec.names import ResourceName, ResourceNameError, environment, interconnect, valid_id

IDS = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._~-]{0,20}[A-Za-z0-9])?", fullmatch=True) | st.sampled_from(
    ["providers", "environments", "x" * 128, "0b8e7f2c-5d7e-4a53-9a51-2f1c86b7a001"]
)
CHAINS = st.sampled_from(
    [
        ("providers",),
        ("providers", "issues"),
        ("providers", "environments"),
        ("providers", "environments", "interconnects"),
        ("providers", "environments", "interconnects", "channels"),
        ("providers", "environments", "interconnects", "channels", "macSecKeys"),
        ("providers", "environments", "interconnects", "connections"),
        ("providers", "environments", "interconnects", "connections", "features"),
    ]
)
NAMES = CHAINS.flatmap(
    lambda chain: st.tuples(*(IDS for _ in chain)).map(lambda ids: ResourceName(tuple(zip(chain, ids, strict=True))))
)
PREFIXES = st.sampled_from(
    ["", "/", "https://coordinator.example/", "https://myproviders/", "host/projects/1/", "//h/"]
)


@settings(deadline=None)
@given(NAMES, PREFIXES)
def test_a_name_is_read_as_it_was_written_wherever_it_is_served(name: ResourceName, prefix: str) -> None:
    read = ResourceName.parse(prefix + str(name))
    assert read == name
    assert str(read) == str(name)


@settings(deadline=None)
@given(NAMES)
def test_the_parts_of_a_name(name: ResourceName) -> None:
    assert name.get(name.collection) == name.id
    assert name.get("providers") == name.parts[0][1]
    seen = name.seen_by("gcp")
    assert str(seen).split("/")[2:] == str(name).split("/")[2:]
    assert seen.get("providers") == "gcp"
    if len(name.parts) > 1:
        assert name.parent.child(name.collection, name.id) == name
    with pytest.raises(KeyError):
        name.get("nothing")


def test_names_are_built_from_above() -> None:
    assert str(environment("aws", "e")) == "providers/aws/environments/e"
    assert interconnect("aws", "e", "i").child("channels", "c") == ResourceName.parse(
        "providers/aws/environments/e/interconnects/i/channels/c"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "providers",
        "providers/",
        "providers//",
        "providers/aws/",
        "providers/aws//environments/e",
        "providers/aws/environments",
        "providers/aws/interconnects/i",
        "providers/aws/environments/e/channels/c",
        "providers/aws/providers/gcp",
        "providers/aws/x/providers/gcp",
        "/providers/aws/environments/e/providers/gcp",
        "environments/e",
        "zproviders/aws",
        "Providers/aws",
        "providers/a b",
        "providers/aws\n",
        "providers/aws?x=1",
        "providers/aws#x",
        "https://h/?to=/providers/aws",
        "https://h/#/providers/aws",
        " /providers/aws",
        "providers/%61ws",
        "providers/..",
        "providers/-aws",
        "providers/aws.",
        "providers/ä",
        "providers/" + "x" * 129,
        "providers/aws/environments/e/interconnects/i/connections/c/features/f/features/g",
    ],
)
def test_garbage_is_no_name(text: str) -> None:
    with pytest.raises(ResourceNameError):
        ResourceName.parse(text)


@settings(deadline=None)
@given(st.text(alphabet="providers/aw.~-\x00é\n", max_size=60) | st.text(max_size=60))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    try:
        name = ResourceName.parse(text)
    except ResourceNameError:
        return
    assert text.endswith(str(name))
    assert all(valid_id(each) for _, each in name.parts)


@pytest.mark.parametrize("text", ["/providers/" * 100_000, "providers/" + "a" * 1_000_000, "/" * 1_000_000])
def test_a_long_text_is_refused_at_once(text: str) -> None:
    began = time.perf_counter()
    with pytest.raises(ResourceNameError):
        ResourceName.parse(text)
    assert time.perf_counter() - began < 5
