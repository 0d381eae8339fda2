"""FRR configuration text as a tree: a line is a key, the lines indented below it are its value."""

from __future__ import annotations

from typing import TypeAlias

Tree: TypeAlias = "dict[str, Tree]"
"""Order is the text's. A line that stands twice in one context is there once."""


def parse(text: str) -> Tree:
    """The tree of a configuration, FRR's own or a rendered one. Comments and the words that leave a context are dropped."""
    root: Tree = {}
    open_contexts: list[tuple[int, Tree]] = [(-1, root)]
    for line in text.splitlines():
        words = line.strip()
        if not words or words[0] in "!#" or words in ("exit", "end") or words.startswith("exit-"):
            continue
        indentation = len(line) - len(line.lstrip(" "))
        while open_contexts[-1][0] >= indentation:
            open_contexts.pop()
        below = open_contexts[-1][1].setdefault(words, {})
        open_contexts.append((indentation, below))
    return root


__all__ = ["Tree", "parse"]
