"""Loading: which file is meant, what is refused before it is read, where mistakes are said to be, what stays secret."""

import os
from pathlib import Path

import pytest

from xcnet.errors import InputError
from xcnet.model.desired import CipherSuite
from xcnet.model.load import load_topology, parse_topology, read_shipped
from xcnet.model.planner import make_plan
from xcnet.model.problems import TopologyError
from xcnet.model.yamldoc import MAX_BYTES

MINIMAL = read_shipped("minimal")


def refused(text: str) -> TopologyError:
    with pytest.raises(TopologyError) as caught:
        parse_topology(text, "lab.yaml")
    return caught.value


def test_missing_file_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "production.yaml").write_text(MINIMAL)
    with pytest.raises(InputError) as caught:
        load_topology(tmp_path / "prodution.yaml")
    assert "there is no file" in caught.value.cause
    assert "production.yaml" in caught.value.remedy
    assert "aws-google" in caught.value.remedy


@pytest.mark.parametrize("reference", ["", ".", "/", "/dev/null", "\0", "x" * 5000 + ".yaml", "no/such/folder/x.yaml"])
def test_odd_references_are_refused_without_traceback(reference: str) -> None:
    with pytest.raises(InputError) as caught:
        load_topology(reference)
    assert caught.value.remedy


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        load_topology(tmp_path)


def test_named_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(InputError, match="not a regular file"):
        load_topology(tmp_path / "pipe.yaml")


def test_unreadable_file_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root reads everything: the refusal itself has to be made.
    path = tmp_path / "lab.yaml"
    path.write_text(MINIMAL)

    def denied(_self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(InputError) as caught:
        load_topology(path)
    assert "Permission denied" in caught.value.cause


def test_huge_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lab.yaml"
    path.write_text("#" * (MAX_BYTES + 1))
    with pytest.raises(InputError, match="bytes"):
        load_topology(path)


def test_file_in_the_working_folder_needs_no_suffix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").write_text(MINIMAL.replace("name: minimal", "name: mine"))
    monkeypatch.chdir(tmp_path)
    assert load_topology("mine").name == "mine"


def test_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_bytes(b"\xef\xbb\xbf" + MINIMAL.encode())
    assert load_topology(tmp_path / "lab.yaml").name == "minimal"


def test_place_is_that_of_the_value() -> None:
    lines = MINIMAL.replace("vlan: 1100", "vlan: 7").splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "vlan" in text)
    problem = refused("\n".join(lines)).problems[0]
    assert problem.place is not None
    assert (problem.place.line, problem.place.column) == (line, lines[line - 1].index("7") + 1)
    assert problem.where == f"lab.yaml:{line}:11, connections[0].vlan"


def test_all_mistakes_are_reported_in_the_order_of_the_file() -> None:
    error = refused(
        MINIMAL.replace("vlan: 1100", "vlan: 7").replace("100Mbps", "fast").replace("profile: gcp", "profile: x")
    )
    assert len(error.problems) == 3
    places = [problem.place for problem in error.problems]
    assert places == sorted(places)  # type: ignore[type-var]
    for problem in error.problems:
        assert problem.cause in str(error) and problem.remedy in str(error)


def test_exit_status_of_bad_input_is_two() -> None:
    assert refused("").exit_code == 2


def test_references_and_merges_share_values() -> None:
    text = MINIMAL.replace(
        "edges: {aws: edge1, gcp: edge1}}", "edges: &e {aws: edge1, gcp: edge1}, link: {<<: {delay: 2ms}, jitter: 1ms}}"
    )
    link = parse_topology(text).topology.interconnects[0].channels[0].link
    assert (link.delay, link.jitter) == (0.002, 0.001)


def test_field_beside_a_merge_wins() -> None:
    text = MINIMAL.replace("gcp: edge1}}", "gcp: edge1}, link: {delay: 5ms, <<: {delay: 2ms}}}")
    assert parse_topology(text).topology.interconnects[0].channels[0].link.delay == 0.005


@pytest.mark.parametrize(
    ("written", "seconds"), [("250us", 0.00025), ("1.5ms", 0.0015), ("2s", 2.0), ("1 ms", 0.001), ("0", 0.0)]
)
def test_durations_have_units(written: str, seconds: float) -> None:
    text = MINIMAL.replace("gcp: edge1}}", f"gcp: edge1}}, link: {{delay: {written}}}}}")
    assert parse_topology(text).topology.interconnects[0].channels[0].link.delay == pytest.approx(seconds)


def test_link_quantities_become_seconds_share_and_bits() -> None:
    text = MINIMAL.replace(
        "gcp: edge1}}", "gcp: edge1}, link: {delay: 5ms, jitter: 1ms, loss: 0.5%, rate: 2.5Gbps, lag: 1}}"
    )
    fibre = next(link for link in make_plan(parse_topology(text)).links if link.channel == "ch1")
    assert (fibre.impairment.delay, fibre.impairment.jitter) == (0.005, 0.001)
    assert fibre.impairment.loss == pytest.approx(0.005)
    assert fibre.impairment.rate == 2_500_000_000


def test_fixed_key_and_password_reach_both_ends() -> None:
    text = MINIMAL.replace("gcp: edge1}}", f'gcp: edge1}}, key: {{ckn: "0A0B", cak: "{"ab" * 32}"}}}}').replace(
        "bandwidth", "md5: open-sesame\n    bandwidth"
    )
    plan = make_plan(parse_topology(text))
    for node in ("aws-edge1", "gcp-edge1"):
        key = plan.routers[node].channels[0].keys[0]
        assert (key.ckn, key.cak.reveal()) == ("0a0b", b"\xab" * 32)
        md5 = plan.routers[node].vrfs[0].neighbors[-1].md5
        assert md5 is not None and md5.reveal_text() == "open-sesame"


@pytest.mark.parametrize(
    "channel",
    [
        'key: {ckn: "01", cak: "5ec2e7"}',
        'key: {ckn: "01", cak: [5ec2e7]}',
        'key: "5ec2e7"',
        'key: {ckn: "01", cak: "' + "5ec2e7" * 5 + '5e"}',
        'key: {ckn: "5ec2e7zz", cak: "00"}',
        'key: {"01": 5ec2e7}',
    ],
)
def test_wrong_keys_are_refused_without_being_shown(channel: str) -> None:
    error = refused(MINIMAL.replace("gcp: edge1}}", f"gcp: edge1}}, {channel}}}"))
    assert "5ec2e7" not in str(error)


@pytest.mark.parametrize("password", ['"5ec2e7 word"', "[5ec2e7]", '"5ec2e7' + "x" * 80 + '"', '"5ec2e7é"'])
def test_wrong_passwords_are_refused_without_being_shown(password: str) -> None:
    error = refused(MINIMAL.replace("bandwidth", f"md5: {password}\n    bandwidth"))
    assert "5ec2e7" not in str(error)


def test_wpa_supplicant_on_one_side_settles_the_suite_of_both() -> None:
    text = MINIMAL.replace("gcp: edge1}}", "gcp: edge1}, key_agreement: {gcp: wpa_supplicant}}")
    plan = make_plan(parse_topology(text))
    for node in ("aws-edge1", "gcp-edge1"):
        channel = plan.routers[node].channels[0]
        assert channel.macsec.cipher_suite is CipherSuite.GCM_AES_128
        assert len(channel.keys[0].cak) == 16
    assert plan.routers["gcp-edge1"].channels[0].key_agreement == "wpa_supplicant"
    assert plan.routers["aws-edge1"].channels[0].key_agreement == "xcnet"


def test_overrides_change_one_field_of_a_profile_and_keep_the_others() -> None:
    text = MINIMAL.replace(
        "{profile: aws, edges: 1}", "{profile: aws, edges: 1, overrides: {timers: {bgp: {keepalive: 7, hold: 21}}}}"
    )
    profile = parse_topology(text).profiles["aws"]
    assert profile.timers.bgp.keepalive == 7
    assert profile.timers.bfd is not None and profile.timers.bfd.transmit_ms == 300


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("facilities: [fac-a]", "facilities: [fac-a, fac-b]"), "facility 'fac-b' has no channel"),
        (("aws, edges: 1", "aws, edges: 2"), "edge 'aws-edge2' has no channel"),
        (("name: minimal", "name: minimal"), "losing that building loses every channel"),
        (
            ("gcp, edges: 1", "gcp, edges: 1, overrides: {graceful_restart: {enabled: true}}"),
            "graceful restart and BFD",
        ),
        ((', ipv6: "fd00:10:20::/64"', ""), "IPv6 at 'aws' alone"),
    ],
)
def test_what_is_probably_not_meant_is_warned_of(change: tuple[str, str], words: str) -> None:
    warnings = parse_topology(MINIMAL.replace(*change)).warnings
    assert any(words in warning for warning in warnings), warnings
