"""Pictures of numbers: whatever the numbers, they can be drawn, read and trusted."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.console.charts import HEIGHT, WIDTH, Piece, Series, share, sparkline, stacked, ticks

_NUMBERS = st.floats(0, 1e12, allow_nan=False)
_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=40)


@given(_NUMBERS)
def test_an_axis_begins_at_nothing_and_goes_as_far_as_the_numbers(most: float) -> None:
    scale = ticks(most)
    assert scale[0] == 0
    assert scale[-1] >= most
    assert 2 <= len(scale) <= 7
    assert scale == sorted(set(scale))


@given(_TEXTS, st.lists(st.tuples(_TEXTS, _NUMBERS, _NUMBERS), max_size=20))
def test_bars_stay_in_their_picture_and_no_text_becomes_markup(
    label: str, rows: list[tuple[str, float, float]]
) -> None:
    one = Series("served", "s1", [row[1] for row in rows])
    other = Series('<b>&"', "s3", [row[2] for row in rows])
    drawn = ET.fromstring(str(stacked(label, [row[0] for row in rows], [one, other])))
    assert drawn.get("aria-label") == label
    for rect in drawn.iter("rect"):
        x, y, wide, high = (float(rect.get(name, "")) for name in ("x", "y", "width", "height"))
        assert x >= -1
        assert x + wide <= WIDTH + 1
        assert y >= -2
        assert y + high <= HEIGHT + 1
    titles = [title.text for title in drawn.iter("title")]
    assert len(titles) == len(rows)


def test_a_bar_says_in_words_what_it_is() -> None:
    drawn = str(stacked("Requests", ["Mon"], [Series("served", "s1", [12]), Series("blocked", "s3", [3])]))
    assert "<title>Mon: served 12, blocked 3 (in all 15)</title>" in drawn
    assert 'role="img"' in drawn


def test_a_series_that_does_not_fit_is_no_picture() -> None:
    with pytest.raises(ValueError, match="one value a place"):
        stacked("Requests", ["Mon", "Tue"], [Series("served", "s1", [12])])


@given(st.lists(_NUMBERS, max_size=6))
def test_parts_of_a_whole_fill_it(values: list[float]) -> None:
    drawn = str(share("Disk", [Piece(f"p{at}", "s1", value, "told") for at, value in enumerate(values)]))
    ET.fromstring(drawn)
    wide = [float(one) for one in re.findall(r'<rect x="[\d.]+" y="0" width="([\d.]+)"', drawn)]
    assert sum(wide) <= WIDTH + len(values)


@given(st.lists(_NUMBERS, max_size=40))
def test_a_course_has_a_point_for_each_value(values: list[float]) -> None:
    points = re.search(r'points="([^"]*)"', str(sparkline("Bytes", values)))
    assert points is not None
    assert len(points[1].split()) == len(values)
