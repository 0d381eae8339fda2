"""The page of a report: whole, self-contained, safe whatever words it holds, and drawn within its pictures."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from report_html import Page
from report_world import HOSTILE, RUNS, crowded, cut, failed, hostile, inconclusive, passed, quiet, wide, without_probe

from xcnet.model.faults import FAULT
from xcnet.scenario.report import words
from xcnet.scenario.report.charts.svg import clean
from xcnet.scenario.report.markdown import to_markdown
from xcnet.scenario.report.page import link_to, page
from xcnet.scenario.report.story import story
from xcnet.scenario.results import RunResult
from xcnet.secret import Secret

LARGEST = 1_500_000
"""Bytes, of a page over 64 flows, a minute and 5,000 events."""


@pytest.fixture(scope="module", params=sorted(RUNS))
def made(request: pytest.FixtureRequest) -> tuple[RunResult, str, Page]:
    result = RUNS[request.param]()
    text = page(result)
    return result, text, Page.read(text)


def test_every_element_is_closed_where_it_was_opened(made: tuple[RunResult, str, Page]) -> None:
    assert made[2].wrong == []


def test_nothing_is_fetched_from_anywhere(made: tuple[RunResult, str, Page]) -> None:
    _, text, read = made
    for element in read.elements:
        for name, value in element.attributes.items():
            if name in ("src", "srcset", "action", "data", "poster", "xlink:href", "style") or name.startswith("on"):
                pytest.fail(f"<{element.name} {name}={value!r}>")
            if name == "href":
                assert value.startswith(("#", "./")), value
            elif name != "aria-label" and name != "xmlns" and name != "class":
                assert "http:" not in value
                assert "https:" not in value
    assert {each.name for each in read.elements} & {"link", "iframe", "object", "embed", "img", "form", "base"} == set()
    assert "@import" not in text
    assert "url(" not in text


def test_only_the_pages_own_script_may_run(made: tuple[RunResult, str, Page]) -> None:
    import base64
    import hashlib

    _, _, read = made
    (script,) = read.named("script")
    (policy,) = (
        each.attributes["content"] for each in read.named("meta") if "content-security-policy" in str(each).lower()
    )
    digest = base64.b64encode(hashlib.sha256(script.text.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert len(script.text) < 4000


def test_every_anchor_leads_to_a_section(made: tuple[RunResult, str, Page]) -> None:
    read = made[2]
    ids = [each.attributes["id"] for each in read.elements if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    for each in read.named("a"):
        if each.attributes["href"].startswith("#"):
            assert each.attributes["href"][1:] in ids


def test_every_check_and_every_event_has_its_row(made: tuple[RunResult, str, Page]) -> None:
    result, _, read = made
    cells: list[list[str]] = []
    for each in read.elements:
        if each.name == "tr":
            cells.append([])
        elif each.name in ("td", "th") and "tr" in each.inside:
            cells[-1].append(each.text.strip())
    rows = {tuple(row) for row in cells}
    for check in result.checks:
        told = tuple(clean(text).strip() for text in (check.name, check.expected, check.measured, check.why))
        assert any(row[1:] == told for row in rows), check
    for entry in result.timeline:
        told = (
            words.moment(entry.at),
            words.LAYERS[entry.layer],
            " ".join(entry.channels),
            entry.source,
            entry.kind,
            entry.subject,
            words.told(entry),
        )
        assert tuple(clean(text).strip() for text in told) in rows, entry


_POINTS = re.compile(r"(-?[\d.]+)")


def _coordinates(element_name: str, attributes: dict[str, str]) -> list[tuple[float, float]]:
    """Corners of what is drawn; of a path those that it names absolutely."""
    number = {
        name: float(value)
        for name, value in attributes.items()
        if name in ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height")
    }
    if element_name == "rect":
        x, y = number["x"], number["y"]
        return [(x, y), (x + number["width"], y + number["height"])]
    if element_name == "line":
        return [(number["x1"], number["y1"]), (number["x2"], number["y2"])]
    if element_name == "circle":
        return [
            (number["cx"] - number["r"], number["cy"] - number["r"]),
            (number["cx"] + number["r"], number["cy"] + number["r"]),
        ]
    if element_name == "text":
        return [(number["x"], number["y"])]
    if element_name == "path":
        return [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", attributes["d"])]
    return []


def test_pictures_are_drawn_within_their_borders_and_say_what_they_are(made: tuple[RunResult, str, Page]) -> None:
    pictures = 0
    width = height = 0.0
    for each in made[2].elements:
        if each.name == "svg" and "viewbox" in each.attributes:
            left, top, width, height = map(float, each.attributes["viewbox"].split())
            assert (left, top) == (0, 0)
            if "aria-hidden" not in each.attributes:
                pictures += 1
                assert each.attributes["role"] == "img"
                assert each.attributes["aria-label"]
        elif "svg" in each.inside:
            for x, y in _coordinates(each.name, each.attributes):
                assert -0.11 <= x <= width + 0.11, each
                assert -0.11 <= y <= height + 0.11, each
            assert not any(float(value) < 0 for name, value in each.attributes.items() if name in ("width", "height"))
    assert pictures >= 2


def test_numbers_are_rounded_for_people(made: tuple[RunResult, str, Page]) -> None:
    for each in made[2].elements:
        if each.name in ("td", "dd", "p", "text", "title"):
            assert not re.search(r"\d\.\d{5,}", each.text), each.text
            assert "nan" not in each.text.split()


def test_the_same_result_gives_the_same_page(made: tuple[RunResult, str, Page]) -> None:
    result, text, _ = made
    assert page(RunResult.model_validate_json(result.model_dump_json())) == text


def test_words_are_shown_and_never_understood_as_marks() -> None:
    text = page(hostile())
    assert "<script>alert" not in text
    assert "javascript:alert(1)" in Page.read(text).named("ul")[-1].text
    assert not any(letter in text for letter in "\x00\x1b\u202e")
    assert clean(HOSTILE).split("\n")[0] in Page.read(text).named("h1")[0].text


def test_a_secret_among_the_settings_is_not_told() -> None:
    result = passed().model_copy(update={"settings": {"cak": Secret(b"hunter2hunter2"), "list": [Secret(b"hunter2")]}})
    text = page(result)
    assert "hunter2" not in text
    assert "&lt;secret&gt;" in text


def test_a_page_of_thousands_of_events_stays_small() -> None:
    result = crowded(5000)
    assert sum(len(stream.flows) for stream in result.probe.streams) == 64 if result.probe else False
    assert len(page(result).encode()) < LARGEST


@pytest.mark.parametrize(("result", "word"), [(passed(), "Pass"), (failed(), "Fail"), (inconclusive(), "Inconclusive")])
def test_the_banner_says_the_verdict_and_the_reasons(result: RunResult, word: str) -> None:
    read = Page.read(page(result))
    (banner,) = (each for each in read.named("section") if "banner" in each.attributes.get("class", ""))
    assert word in banner.text
    assert all(reason in banner.text for reason in result.reasons)
    assert result.verdict.value in banner.attributes["class"]


def test_a_run_that_was_not_as_its_file_says_bears_how_it_differed() -> None:
    result = passed().model_copy(update={"variant": "sabotaged: bfd-off"})
    (header,) = Page.read(page(result)).named("header")
    assert "sabotaged: bfd-off" in header.text
    assert "\n**sabotaged: bfd-off**\n" in to_markdown(result)
    assert "variant" not in {each.attributes.get("class") for each in Page.read(page(passed())).elements}


def test_the_faulted_channel_is_marked_in_the_topology_and_no_other() -> None:
    read = Page.read(page(passed()))
    fibres = [each for each in read.named("g") if each.attributes.get("class", "").startswith("fibre")]
    hit = [each.text for each in fibres if "hit" in each.attributes["class"].split()]
    assert len(fibres) == 4
    assert len(hit) == 1
    assert "ch2" in hit[0]
    assert "administratively down" in hit[0]


def test_a_run_without_probe_has_no_traffic_to_show() -> None:
    read = Page.read(page(without_probe()))
    ids = {each.attributes.get("id") for each in read.named("section")}
    assert not ids & {"traffic", "shares", "applications", "quality", "faults"}
    assert {"checks", "topology", "timeline", "events", "settings"} <= ids


def test_the_story_of_a_cut_is_told_with_its_figures() -> None:
    (paragraph,) = story(passed())
    assert paragraph.startswith(
        "ch2 was cut from 20.0 s to 40.0 s; 16 of 64 flows lost packets, for at most 0.21 s. The link told of it after 1.1 ms"
    )
    assert "48 of 59,968 packets were lost (0.08 %)" in paragraph


def test_the_story_of_many_faults_has_a_paragraph_for_each_of_the_first() -> None:
    paragraphs = story(crowded(10))
    assert len(paragraphs) == 4
    assert "1 more fault followed" in paragraphs[-1]


def test_the_story_counts_only_losses_since_a_fault_for_it() -> None:
    result = passed().model_copy(update={"faults": (cut("late", "ch3", 50.0, None),), "phases": ()})
    assert "ch3 was cut from 50.0 s on; none of 64 flows lost a packet." in story(result)[0]


def test_every_kind_of_fault_has_words() -> None:
    schema = FAULT.json_schema()
    kinds = set(schema["discriminator"]["mapping"])
    for kind in kinds:
        told = words.happened(cut().model_copy(update={"kind": kind}))
        assert told.startswith("ch2 ")
        assert "met the fault" not in told, kind


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../../x", "a\\b", "x\ny", "//host/x"])
def test_evidence_elsewhere_is_no_link(path: str) -> None:
    assert link_to(path) is None


@pytest.mark.parametrize(
    ("path", "link"), [("a b.txt", "./a%20b.txt"), ("javascript:x", "./javascript%3Ax"), ("d/f.pcapng", "./d/f.pcapng")]
)
def test_evidence_in_the_folder_is_a_link_to_a_file_whatever_its_name(path: str, link: str) -> None:
    assert link_to(path) == link


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), (0.0, "0 s"), (0.000_4, "0.4 ms"), (0.012, "12 ms"), (0.21, "0.21 s"), (5.0, "5.00 s"),
        (15.23, "15.2 s"), (125.0, "2 min 5 s"), (120.0, "2 min"), (-0.005, "-5.0 ms"),
    ],
)  # fmt: skip
def test_spans_are_said_as_people_say_them(value: float | None, text: str) -> None:
    assert words.seconds(value) == text


@pytest.mark.parametrize(
    ("part", "text"),
    [(0, "0 %"), (100_000, "100 %"), (25_000, "25 %"), (48, "0.05 %"), (3, "0.003 %"), (99_900, "> 99 %"), (1e-3, "< 0.001 %")],
)  # fmt: skip
def test_shares_never_say_none_or_all_where_it_is_not_so(part: float, text: str) -> None:
    assert words.percent(part, 100_000) == text


@pytest.mark.parametrize(
    ("subject", "text", "told"),
    [("ch2", "ch2 reason carrier lost", "reason carrier lost"), ("ch2", "ch2", ""), ("ch2", "ch21 is up", "ch21 is up"),
     ("prod", "cut ch2", "cut ch2"), ("", "cut ch2", "cut ch2")],
)  # fmt: skip
def test_an_events_subject_is_not_said_twice(subject: str, text: str, told: str) -> None:
    entry = passed().timeline[0].model_copy(update={"subject": subject, "text": text})
    assert words.told(entry) == told


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (9_949, "9.9 kB"), (9_950, "10 kB"), (64 * 2**20, "67 MB"), (3e9, "3.0 GB")],
)  # fmt: skip
def test_sizes_are_said_as_people_say_them(value: int | None, text: str) -> None:
    assert words.size(value) == text


def test_a_list_of_settings_is_read_one_below_the_other() -> None:
    steps = [{"name": "cut", "fault": {"on": "ch2", "percent": 3}}, {"name": "rotate"}]
    read = Page.read(page(passed().model_copy(update={"settings": {"steps": steps, "names": ["a", "b"]}})))
    settings = [each.text for each in read.named("li")]
    assert "name: cut, fault: (on: ch2, percent: 3)" in settings and "name: rotate" in settings
    assert "a, b" in {each.text for each in read.named("dd")}


def _palettes() -> dict[str, dict[str, str]]:
    """Each colour by name, on light and on dark pages."""
    text = (files("xcnet.scenario.report") / "templates" / "page.css").read_text()
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", block))
        for block in re.findall(r":root \{(.*?)\}", text, re.S)
    )
    assert light.keys() == dark.keys()
    return {"light": light, "dark": dark}


def _luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    digits = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
    parts = [int(digits[index : index + 2], 16) / 255 for index in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(a: str, b: str) -> float:
    low, high = sorted((_luminance(a), _luminance(b)))
    return (high + 0.05) / (low + 0.05)


_WORDS_ON = [
    ("ink", "page"), ("ink", "card"), ("ink", "fill"), ("soft", "page"), ("soft", "card"), ("soft", "fill"),
    ("link", "card"), ("link", "page"), ("bad", "card"), ("good", "card"), ("unsure", "card"), ("bad", "bad-soft"),
    ("good", "good-soft"), ("unsure", "unsure-soft"), ("soft", "bad-soft"), ("soft", "good-soft"), ("soft", "unsure-soft"),
    ("card", "plain"), ("page", "ink"), *((f"on{number}", f"c{number}") for number in range(8)),
]  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("words_of", "ground"), _WORDS_ON)
def test_words_stand_out_from_their_ground(theme: str, words_of: str, ground: str) -> None:
    palette = _palettes()[theme]
    assert _contrast(palette[words_of], palette[ground]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("mark", ["bad", "good", "plain", "median", "axis", "c0", "c2"])
def test_marks_stand_out_from_their_ground(theme: str, mark: str) -> None:
    palette = _palettes()[theme]
    assert _contrast(palette[mark], palette["card"]) >= 2.8


def test_where_nothing_was_lost_no_empty_picture_is_shown() -> None:
    read = Page.read(page(quiet()))
    titles = {each.attributes.get("aria-label") for each in read.named("svg")}
    assert "Packets sent over time" in titles
    assert not titles & {"Packets lost over time", "Loss of each flow over time"}
    assert "No flow lost a packet." in {each.text for each in read.named("p")}


def test_what_a_picture_leaves_out_it_says() -> None:
    assert "the first 32 of 40 channels" in {each.text for each in Page.read(page(wide())).named("text")}
