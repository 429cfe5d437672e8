"""Pictures of numbers as SVG that a server draws: pure, coloured by classes, with a name and a table beside each.

What is drawn is only where things are and how long; words come from the caller and are escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT = 720, 190
_LEFT, _BOTTOM, _TOP = 44, 22, 8
_ROW = 26
_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Series:
    """One sort of thing that is counted."""

    name: str
    css: str
    """Of `console.css`, which has the colour for each theme: `s1` to `s5`."""
    values: Sequence[float]
    """One for each place on the axis; none is negative."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a list that is drawn."""

    name: str
    value: float
    told: str
    """The value in words."""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a whole."""

    name: str
    css: str
    value: float
    told: str


def ticks(most: float, about: int = 4) -> list[float]:
    """Round numbers from 0 to at least `most`, evenly apart; 0 and 1 where there is nothing."""
    if most <= 0:
        return [0, 1]
    rough = most / about
    scale = 1.0
    while scale * 10 <= rough:
        scale *= 10
    while scale > rough:
        scale /= 10
    step = next(one * scale for one in _STEPS if one * scale >= rough)
    step = max(step, 1.0)
    count = int(-(-most // step))
    return [step * at for at in range(count + 1)]


def stacked(label: str, places: Sequence[str], series: Sequence[Series], every: int = 1) -> Markup:
    """Bars beside each other, each of parts on top of each other; every so many places are named below.

    Raises `ValueError` if a series has another number of values than there are places.
    """
    if any(len(one.values) != len(places) for one in series):
        raise ValueError("each series has one value a place")
    totals = [sum(one.values[at] for one in series) for at in range(len(places))]
    scale = ticks(max(totals, default=0))
    room, tall = WIDTH - _LEFT, HEIGHT - _TOP - _BOTTOM
    wide = room / max(len(places), 1)
    bar = min(wide * 0.72, 42)
    drawn = [_axis(scale, tall)]
    for at, (place, total) in enumerate(zip(places, totals, strict=True)):
        left, top = _LEFT + wide * at + (wide - bar) / 2, float(HEIGHT - _BOTTOM)
        parts, said = [], []
        for one in series:
            value = one.values[at]
            if value <= 0:
                continue
            high = max(value / scale[-1] * tall, 1.0)
            top -= high
            parts.append(
                Markup('<rect x="{}" y="{}" width="{}" height="{}" class="{}"/>').format(
                    _n(left), _n(top), _n(bar), _n(high), one.css
                )
            )
            said.append(f"{one.name} {_count(value)}")
        title = f"{place}: {', '.join(said) or 'nothing'}" + (f" (in all {_count(total)})" if len(said) > 1 else "")
        hover = Markup('<rect x="{}" y="{}" width="{}" height="{}" fill="none" pointer-events="all"/>').format(
            _n(_LEFT + wide * at), _TOP, _n(wide), tall
        )
        drawn.append(Markup("<g><title>{}</title>{}{}</g>").format(title, hover, Markup("").join(parts)))
        if at % every == 0:
            drawn.append(
                Markup('<text x="{}" y="{}" text-anchor="middle" class="axis">{}</text>').format(
                    _n(left + bar / 2), HEIGHT - 6, place
                )
            )
    return _picture(label, WIDTH, HEIGHT, drawn, css="over-time")


def share(label: str, pieces: Sequence[Piece]) -> Markup:
    """One bar that is a whole, in its parts."""
    whole = sum(max(one.value, 0) for one in pieces)
    left, drawn = 0.0, []
    for one in pieces:
        wide = WIDTH * max(one.value, 0) / whole if whole else 0
        if wide > 0:
            rect = Markup('<rect x="{}" y="0" width="{}" height="18" class="{}"/>').format(
                _n(left), _n(max(wide - 1.5, 1.0)), one.css
            )
            drawn.append(Markup("<g><title>{}: {}</title>{}</g>").format(one.name, one.told, rect))
        left += wide
    return _picture(label, WIDTH, 18, drawn, css="share", more=Markup(' preserveAspectRatio="none" height="18"'))


def sparkline(label: str, values: Sequence[float], width: int = 160, height: int = 32) -> Markup:
    """The course of a number, without an axis."""
    most = max(values, default=0) or 1
    step = (width - 4) / max(len(values) - 1, 1)
    points = " ".join(
        f"{_n(2 + step * at)},{_n(height - 2 - (height - 4) * value / most)}" for at, value in enumerate(values)
    )
    return _picture(label, width, height, [Markup('<polyline points="{}" class="line"/>').format(points)], css="course")


def _axis(scale: Sequence[float], tall: float) -> Markup:
    lines = []
    for value in scale:
        y = HEIGHT - _BOTTOM - value / scale[-1] * tall
        lines.append(
            Markup('<line x1="{}" y1="{}" x2="{}" y2="{}" class="grid"/>').format(_LEFT, _n(y), WIDTH, _n(y))
            + Markup('<text x="{}" y="{}" text-anchor="end" class="axis">{}</text>').format(
                _LEFT - 6, _n(y + 4), _count(value)
            )
        )
    return Markup('<g aria-hidden="true">{}</g>').format(Markup("").join(lines))


def _picture(label: str, width: int, height: int, drawn: Sequence[Markup], *, css: str, more: str = "") -> Markup:
    return Markup('<svg class="chart {}" role="img" aria-label="{}" viewBox="0 0 {} {}"{}>{}</svg>').format(
        css, label, width, height, more, Markup("").join(drawn)
    )


def _count(value: float) -> str:
    """Short: what it is exactly stands in the table."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size * 10 or (value >= size and value % (size / 10) == 0):
            return f"{value / size:.3g}{unit}"
    return f"{value:.0f}"


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
