"""Whatever the bytes of a picture, a sound or a document are, there is a report."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.corpus.archive_parts import SHELL, elf_whole
from fixtures.corpus.polyglots import COVERS, HOME
from scanners.finding import Verdict
from tests.scanning import judged

SEEDS = COVERS | {"library.so": elf_whole()} | {path.name: path.read_bytes() for path in sorted(HOME.iterdir())}


@pytest.mark.parametrize("name", SEEDS)
@given(st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=5))
def test_a_file_with_changed_bytes_ends_in_a_report(name: str, changes: list[tuple[int, int]]) -> None:
    content = bytearray(SEEDS[name])
    for at, value in changes:
        content[at % len(content)] = value
    report = judged(bytes(content), f"a.{name}")
    assert "Judging it failed" not in (report.unscannable or "")


@pytest.mark.parametrize("name", COVERS)
@given(st.binary(max_size=2000))
def test_a_pickle_behind_a_picture_is_found_however_much_stands_before_it(name: str, between: bytes) -> None:
    report = judged(COVERS[name] + between + SHELL, f"a.{name}")
    assert report.verdict is not Verdict.SAFE
    assert report.findings
