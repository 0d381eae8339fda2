"""Reads a page as a browser would, as far as tests need it: elements in place, their attributes, what each row says."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "input", "br", "link", "img"}
_OPTIONAL = {"td", "th", "tr"}


@dataclass
class Element:
    """:param inside: names of the elements around it, outermost first."""

    name: str
    attributes: dict[str, str]
    inside: tuple[str, ...]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """:param wrong: end tags that close nothing, or close over an open element."""

    elements: list[Element] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[Element] = []

    @classmethod
    def read(cls, text: str) -> Page:
        page = cls()
        page.feed(text)
        page.close()
        page.wrong += [f"<{each.name}> is left open" for each in page._open]
        return page

    def named(self, name: str) -> list[Element]:
        return [each for each in self.elements if each.name == name]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("td", "th", "tr"):
            ends = ("td", "th") if tag != "tr" else ("td", "th", "tr")
            while self._open and self._open[-1].name in ends:
                self._open.pop()
        names = tuple(each.name for each in self._open)
        element = Element(tag, {name: value or "" for name, value in attrs}, names)
        if len(element.attributes) != len(attrs):
            self.wrong.append(f"<{tag}> has an attribute twice")
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open[-1].name != tag and self._open[-1].name in _OPTIONAL:
            self._open.pop()
        if self._open and self._open[-1].name == tag:
            self._open.pop()
        elif tag not in _OPTIONAL:
            self.wrong.append(f"</{tag}> within {[each.name for each in self._open]}")

    def handle_data(self, data: str) -> None:
        for each in self._open:
            each.text += data
