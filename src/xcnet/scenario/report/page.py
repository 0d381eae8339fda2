"""A result as one HTML file that needs nothing else: style, script and pictures are in it, and nothing is fetched."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from xcnet.scenario.report import words
from xcnet.scenario.report.charts.svg import clean
from xcnet.scenario.report.evidence import groups
from xcnet.scenario.report.facts import flows_of, harm_of, phase_of
from xcnet.scenario.report.figures.phases import phase_pictures
from xcnet.scenario.report.figures.shares import rate_picture, share_pictures
from xcnet.scenario.report.figures.timeline import close_ups, timeline_picture
from xcnet.scenario.report.figures.topology import topology_picture
from xcnet.scenario.report.figures.traffic import delay_picture, flows_picture, loss_pictures
from xcnet.scenario.report.story import story
from xcnet.scenario.results import Layer, RunResult, Verdict


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure in large type. :param note: below it."""

    name: str
    value: str
    note: str


def page(result: RunResult) -> str:
    """The report."""
    layers = Counter(entry.layer for entry in result.timeline)
    return render(
        "report.html.j2",
        title=result.title or result.scenario,
        result=result,
        story=story(result),
        tiles=tiles(result),
        topology=_svg(topology_picture(result)),
        timeline=_svg(timeline_picture(result)),
        close_ups=[(caption, _svg(picture)) for caption, picture in close_ups(result)],
        loss=[_svg(picture) for picture in loss_pictures(result)],
        delay=_svg(delay_picture(result)),
        flows=_svg(flows_picture(result)),
        shares=[(caption, _svg(picture)) for caption, picture in share_pictures(result)],
        rates=_svg(rate_picture(result)),
        phases=[_svg(picture) for picture in phase_pictures(result)],
        faults=[
            (fault, phase_of(result, fault), harm_of(result, fault))
            for fault in sorted(result.faults, key=lambda fault: fault.began)
        ],
        layers=[(layer, layers[layer]) for layer in Layer if layers[layer]],
        earlier=sum(entry.at < 0 for entry in result.timeline),
        evidence=groups(result),
    )


def tiles(result: RunResult) -> list[Tile]:
    """What a hurried reader wants to know."""
    passed = sum(check.verdict is Verdict.PASS for check in result.checks)
    shown = [Tile("checks passed", f"{passed} of {len(result.checks)}", "")]
    probe = result.probe
    if probe is not None:
        flows = [flow for _, flow in flows_of(result)]
        hit = sum(flow.lost > 0 for flow in flows)
        worst = max((stream.delay.p99 for stream in probe.streams), default=0.0)
        shown += [
            Tile("longest loss of one flow", words.seconds(probe.longest_loss), ""),
            Tile("packets lost", f"{probe.lost:,}", f"{words.percent(probe.lost, probe.sent)} of {probe.sent:,}"),
            Tile("flows that lost", f"{hit} of {len(flows)}", ""),
            Tile("one-way delay, p99", words.milliseconds(worst), "of the slowest stream"),
        ]
    return shown


def render(template: str, **given: Any) -> str:
    """A template of this package with the style sheet and the words that all pages share.

    What it comes to is without characters that HTML forbids.
    """
    return clean(_environment().get_template(template).render(**given))


def link_to(path: str) -> str | None:
    """A relative link that leads from the report's folder downwards; None for a path that would lead elsewhere."""
    parts = path.split("/")
    if not path or path.startswith("/") or "\\" in path or ".." in parts or not path.isprintable():
        return None
    # The dot makes it a path whatever it holds: "javascript:x" is a file's name then.
    return "./" + quote(path, safe="/")


def point_in_time(value: datetime) -> str:
    """``2026-03-01 12:00:05 UTC``."""
    moved = value.astimezone(UTC) if value.tzinfo is not None else value
    return f"{moved:%Y-%m-%d %H:%M:%S} UTC"


def _svg(picture: str | None) -> Markup | None:
    # Pictures escape their own words.
    return Markup(picture) if picture is not None else None


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("xcnet.scenario.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(
        seconds=words.seconds, ms=words.milliseconds, moment=words.moment, spell=words.spell, link=link_to,
        point=point_in_time, size=words.size, told=words.told, capitalize_first=lambda text: text[:1].upper() + text[1:],
    )  # fmt: skip
    environment.tests["listing"] = _is_listing
    script = _asset("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment.globals.update(
        css=Markup(_asset("page.css")),
        script=Markup(script),
        script_digest=digest,
        layer_words=words.LAYERS,
        verdict_words=words.VERDICTS,
        percent=words.percent,
        count=words.count,
    )
    return environment


def _is_listing(value: object) -> bool:
    """Whether it is a list of things of several fields, which is read better one below the other."""
    return isinstance(value, list | tuple) and any(isinstance(each, dict) for each in value)


def _asset(name: str) -> str:
    return (files("xcnet.scenario.report") / "templates" / name).read_text(encoding="utf-8")


__all__ = ["Tile", "link_to", "page", "point_in_time", "render", "tiles"]
