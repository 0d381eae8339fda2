"""From values to pixels, and the round values that an axis names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol


class Scale(Protocol):
    """Where a value stands. What lies outside stands at the border: nothing is drawn beyond a picture's edge."""

    def __call__(self, value: float) -> float: ...

    def ticks(self, most: int) -> tuple[float, ...]:
        """Round values within the scale, ascending; no more than ``most``, which is at least 2."""
        ...


@dataclass(frozen=True, slots=True)
class Linear:
    """:param low: the value at pixel ``start``. :param high: the value at pixel ``end``; above ``low``."""

    low: float
    high: float
    start: float
    end: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"a scale from {self.low} to {self.high}")

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)

    def ticks(self, most: int) -> tuple[float, ...]:
        return nice_ticks(self.low, self.high, most)


@dataclass(frozen=True, slots=True)
class Logarithmic:
    """As ``Linear``, with equal room for each power of ten. :param low: above 0."""

    low: float
    high: float
    start: float
    end: float

    def __post_init__(self) -> None:
        if not (0 < self.low < self.high and math.isfinite(self.high)):
            raise ValueError(f"a logarithmic scale from {self.low} to {self.high}")

    def __call__(self, value: float) -> float:
        share = (math.log(max(value, self.low)) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return self.start + min(share, 1.0) * (self.end - self.start)

    def ticks(self, most: int) -> tuple[float, ...]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        for factors in ((1, 2, 5), (1,)):
            values = [factor * 10.0**power for power in range(first, last + 1) for factor in factors]
            inside = tuple(value for value in values if self.low <= value <= self.high)
            if len(inside) <= most:
                return inside
        return inside[:: -(-len(inside) // most)]


def nice_step(span: float, most: int) -> float:
    """The smallest of 1, 2, 5 times a power of ten that divides ``span`` into no more than ``most`` parts.

    :param span: above 0. :param most: at least 1.
    """
    raw = span / most
    power = 10.0 ** math.floor(math.log10(raw))
    for factor in (1, 2, 5, 10):
        if factor * power >= raw * (1 - 1e-9):
            return factor * power
    return 10 * power


def nice_ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    """Multiples of a nice step within [low, high]. :param low: below ``high``. :param most: of them; at least 2."""
    step = nice_step(high - low, most - 1)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(min(max(index * step, low), high) for index in range(first, last + 1))


def nice_top(value: float, parts: int = 4) -> float:
    """The end of an axis from 0 that holds ``value`` and is a multiple of a nice step; 1 for nothing (less than 1e-9) to hold."""
    if value < 1e-9 or not math.isfinite(value):
        return 1.0
    step = nice_step(value, parts)
    return step * math.ceil(value / step - 1e-9)


def tick_words(values: tuple[float, ...]) -> tuple[str, ...]:
    """The values in as few digits as tell them apart, thousands with commas."""
    for digits in range(7):
        words = tuple(f"{value:,.{digits}f}" for value in values)
        if len(set(words)) == len(words) and all(
            abs(float(word.replace(",", "")) - value) <= 1e-3 * max(abs(value), 1e-9)
            for word, value in zip(words, values, strict=True)
        ):
            return tuple("0" if float(word.replace(",", "")) == 0 else word for word in words)
    return tuple(f"{value:g}" for value in values)


__all__ = ["Linear", "Logarithmic", "Scale", "nice_step", "nice_ticks", "nice_top", "tick_words"]
