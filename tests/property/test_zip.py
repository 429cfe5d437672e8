"""No member that Python's own reader sees is hidden from us."""

from __future__ import annotations

import zipfile
from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st

from scanners.budget import Unscannable
from scanners.formats.archives.zip_directory import read_directory
from scanners.source import MemorySource
from tests.scanning import TORCH_ZIP, judged, proto
from tests.unit.scanners.test_torch import POISON, archive

SEEDS = [
    TORCH_ZIP.read_bytes(),
    archive(("archive/data.pkl", proto(b"}")), ("archive/version", b"3\n")),
    archive(("a.txt", b"text"), ("b/data.pkl", POISON), method=zipfile.ZIP_DEFLATED),
]


def _mutate(seed: bytes, cuts: list[tuple[int, bytes]]) -> bytes:
    """Near the beginning or the end, where the headers are."""
    for place, new in cuts:
        at = place % len(seed)
        seed = seed[:at] + new + seed[at + len(new) :]
    return seed


MUTATED = st.builds(
    _mutate,
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(-300, 300), st.binary(min_size=1, max_size=4)), min_size=1, max_size=3),
)


@given(MUTATED)
def test_every_member_that_python_sees_is_seen_or_the_archive_is_not_judged(content: bytes) -> None:
    try:
        names = zipfile.ZipFile(BytesIO(content)).namelist()
    except Exception:
        return
    try:
        directory = read_directory(MemorySource(content))
    except Unscannable:
        return
    assert {name.rstrip("/") for name in names} <= {member.name.rstrip("/") for member in directory.members} or (
        directory.oddities
    )


@given(MUTATED)
def test_whatever_the_bytes_the_scan_ends_in_a_report(content: bytes) -> None:
    report = judged(content, "pytorch_model.bin")
    assert "Judging it failed" not in (report.unscannable or "")
