"""Whatever stands in an array's header or in joblib's stand-in for an array, a scan of it ends in a report."""

from __future__ import annotations

from math import prod
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from fixtures.corpus.arrays import described, npy, wrapper
from fixtures.corpus.opcodes import number, pack, proto, text
from scanners.finding import Verdict
from tests.scanning import judged

ORDINARY = Path("fixtures/corpus/ordinary/pickle")
FILES = [(ORDINARY / name).read_bytes() for name in ("structure.npy", "objects.npy", "joblib-mixed.joblib")]
LITERALS = st.recursive(
    st.sampled_from(["'<f4'", "'|O'", "'a'", "1", "-1", "True", "(", "'<M8[D]'", "f()", "1e999"]),
    lambda inner: st.lists(inner, max_size=3).map(lambda parts: f"({', '.join(parts)},)") | inner.map("[{}]".format),
    max_leaves=8,
)


@given(st.text(max_size=80) | st.builds(described, LITERALS, LITERALS), st.integers(1, 3), st.binary(max_size=20))
def test_a_header_of_any_text_ends_in_a_report(header: str, version: int, body: bytes) -> None:
    content = npy(header.encode("latin-1", "replace").decode("latin-1"), body, version)
    assert "Judging it failed" not in (judged(content, "array.npy").unscannable or "")


@given(st.lists(st.integers(0, 3), max_size=3))
def test_an_array_of_any_shape_is_safe(shape: list[int]) -> None:
    dimensions = f"({', '.join(map(str, shape))}{',' if shape else ''})"
    assert judged(npy(described("'|u1'", dimensions), bytes(prod(shape))), "array.npy").verdict is Verdict.SAFE


@given(st.sampled_from(["f4", "O8", "i8", "U3", "zz", "f3"]), st.lists(st.integers(-1, 9), max_size=3), st.binary())
def test_a_stand_in_of_any_shape_ends_in_a_report(code: str, shape: list[int], body: bytes) -> None:
    content = proto(wrapper(code, pack(*(number(size) for size in shape)), text("order"), text("F")) + body)
    assert "Judging it failed" not in (judged(content, "model.joblib").unscannable or "")


@given(st.sampled_from(FILES), st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 255)), max_size=6))
def test_a_file_with_any_bytes_changed_ends_in_a_report(content: bytes, changes: list[tuple[int, int]]) -> None:
    data = bytearray(content)
    for place, value in changes:
        data[place % len(data)] = value
    assert "Judging it failed" not in (judged(bytes(data), "file").unscannable or "")
