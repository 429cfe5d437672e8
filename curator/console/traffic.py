"""Traffic and storage in pictures: requests by outcome over time, and what lies on the disk."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from curator.console.charts import Piece, Series, share, sparkline, stacked
from curator.console.render import told_bytes
from curator.store.sizes import StoreSize
from curator.web.overview import Traffic, Window

OUTCOMES = {
    "served": ("served", "s1"),
    "hold": ("held", "s2"),
    "block": ("blocked", "s3"),
    "left-out": ("left out", "s5"),
    "other": ("otherwise refused", "s6"),
}
"""How each is called, and the colour that it has everywhere."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table that says the same as the picture."""

    place: str
    counts: tuple[int, ...]
    """In the order of `legend`."""
    bytes: int
    fetched: int


@dataclass(frozen=True, slots=True)
class TrafficPictures:
    """The pictures, and their words."""

    bars: Markup
    bytes: Markup
    legend: tuple[tuple[str, str, int], ...]
    """What each colour stands for: name, class, how many in all. Outcomes that there were not are left out."""
    rows: tuple[Row, ...]
    cached: str
    """How much of what was served came from the cache, in percent; empty where nothing was served."""


def pictures(traffic: Traffic) -> TrafficPictures:
    """Of one window of time."""
    by_hour = traffic.window is Window.DAY
    told = "%H:%M" if by_hour else "%d %b"
    places = [place.begin.strftime(told) for place in traffic.places]
    sums = traffic.requests
    there = [outcome for outcome in OUTCOMES if sums[outcome]] or ["served"]
    series = [Series(*OUTCOMES[outcome], [place.requests[outcome] for place in traffic.places]) for outcome in there]
    span = "the last 24 hours" if by_hour else "the last 14 days"
    said = ", ".join(f"{sums[outcome]} {OUTCOMES[outcome][0]}" for outcome in there)
    return TrafficPictures(
        bars=stacked(f"Requests by outcome, {span}: {said}", places, series, every=4 if by_hour else 2),
        bytes=sparkline(f"Bytes served, {span}", [place.bytes for place in traffic.places]),
        legend=tuple((*OUTCOMES[outcome], sums[outcome]) for outcome in there),
        rows=tuple(
            Row(name, tuple(place.requests[outcome] for outcome in there), place.bytes, place.fetched)
            for name, place in zip(places, traffic.places, strict=True)
        ),
        cached=percent(traffic.cache.share) if traffic.cache.share is not None else "",
    )


def percent(share: float) -> str:
    """Of 0 to 1; all and nothing are said of all and nothing alone."""
    told = round(100 * share)
    if told in {0, 100} and share not in {0.0, 1.0}:
        return "below 1\u00a0%" if told == 0 else "above 99\u00a0%"
    return f"{told}\u00a0%"


@dataclass(frozen=True, slots=True)
class Disk:
    """What lies on the store's disk."""

    bar: Markup
    pieces: tuple[Piece, ...]


def disk_of(store: StoreSize) -> Disk:
    """The store's part of it, others', and what is free."""
    others = max(store.disk - store.free - store.bytes, 0)
    sizes = (("models", "s1", store.bytes), ("other files", "s6", others), ("free", "s0", store.free))
    pieces = tuple(Piece(name, css, size, told_bytes(size)) for name, css, size in sizes)
    said = ", ".join(f"{piece.told} {piece.name}" for piece in pieces)
    return Disk(share(f"The store's disk of {told_bytes(store.disk)}: {said}", pieces), pieces)
