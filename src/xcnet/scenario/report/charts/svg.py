"""An SVG picture as text: elements with escaped words and short numbers. Colours are classes of the page's style sheet."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

_UNWANTED = re.compile(
    "[^\t\n\r\u0020-\u007e\u0085\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
    "|[\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
"""What XML forbids, and what turns the direction of what stands beside it."""


def clean(text: str) -> str:
    """The text as a document may hold it: control characters, half characters and turns of direction become U+FFFD."""
    return _UNWANTED.sub("\ufffd", text)


def short(value: float) -> str:
    """A coordinate, to a tenth of a pixel: ``12``, ``12.5``."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def text_width(text: str, size: float) -> float:
    """A safe guess in pixels: no font is at hand to measure with."""
    return len(text) * size * 0.6


def fit(text: str, width: float, size: float) -> str:
    """The text, cut with an ellipsis where it would be wider than ``width`` pixels."""
    room = max(int(width / (size * 0.6)), 1)
    return text if len(text) <= room else text[: room - 1] + "…"


class Picture:
    """Collects elements, in the order in which they are painted.

    :param title: what the picture shows, for readers who do not see it.
    """

    def __init__(self, width: float, height: float, title: str, style: str = "") -> None:
        self.width = width
        self.height = height
        self.title = title
        self._style = style
        self._parts: list[str] = []

    def rect(
        self, x: float, y: float, width: float, height: float, style: str, *, radius: float = 0.0, tip: str = ""
    ) -> None:
        self._parts.append(
            f'<rect class="{style}" x="{short(x)}" y="{short(y)}" width="{short(width)}" height="{short(height)}"'
            + (f' rx="{short(radius)}"' if radius else "")
            + _close("rect", tip)
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, style: str) -> None:
        self._parts.append(
            f'<line class="{style}" x1="{short(x1)}" y1="{short(y1)}" x2="{short(x2)}" y2="{short(y2)}"/>'
        )

    def circle(self, x: float, y: float, radius: float, style: str) -> None:
        self._parts.append(f'<circle class="{style}" cx="{short(x)}" cy="{short(y)}" r="{short(radius)}"/>')

    def path(self, d: str, style: str, *, tip: str = "") -> None:
        if d:
            self._parts.append(f'<path class="{style}" d="{d}"' + _close("path", tip))

    def text(self, x: float, y: float, words: str, style: str = "", anchor: str = "") -> None:
        """:param anchor: ``middle`` or ``end``; empty for the beginning."""
        attributes = (f' class="{style}"' if style else "") + (f' text-anchor="{anchor}"' if anchor else "")
        self._parts.append(f'<text x="{short(x)}" y="{short(y)}"{attributes}>{escape(clean(words))}</text>')

    def open(self, style: str = "", tip: str = "") -> None:
        """Begins a group. :param tip: what is shown where a pointer rests on it."""
        self._parts.append(f'<g class="{style}">' if style else "<g>")
        if tip:
            self._parts.append(f"<title>{escape(clean(tip))}</title>")

    def close(self) -> None:
        """Ends the group."""
        self._parts.append("</g>")

    def render(self) -> str:
        title = escape(clean(self.title))
        opening = (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="{self._style}" role="img" aria-label="{title}" '
            f'viewBox="0 0 {short(self.width)} {short(self.height)}">'
        )
        return "\n".join([opening, f"<title>{title}</title>", *self._parts, "</svg>"])


def _close(name: str, tip: str) -> str:
    return f"><title>{escape(clean(tip))}</title></{name}>" if tip else "/>"


def polyline(points: Iterable[tuple[float, float]]) -> str:
    """The ``d`` of a path through points; empty without any."""
    return "".join(f"{'L' if index else 'M'}{short(x)} {short(y)}" for index, (x, y) in enumerate(points))


__all__ = ["Picture", "clean", "fit", "polyline", "short", "text_width"]
