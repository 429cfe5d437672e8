"""We never believe a safetensors file that the reference library refuses."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError, deserialize

from tests.scanning import judged
from tests.unit.scanners.test_safetensors import file

SIZES = st.integers(-1, 9) | st.sampled_from([1 << 31, 1 << 63, 1 << 64])
TENSORS = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "F16", "U8", "BOOL", "F4", "F64", "X"]),
        "shape": st.lists(SIZES, max_size=3),
        "data_offsets": st.tuples(SIZES, SIZES).map(list) | st.lists(SIZES, max_size=3),
    }
)


def _library_takes(content: bytes) -> bool:
    try:
        deserialize(content)  # type: ignore[no-untyped-call]
    except SafetensorError:
        return False
    return True


@given(st.dictionaries(st.text(max_size=3), TENSORS | st.none() | st.text(), max_size=3), st.integers(0, 16))
def test_what_the_library_refuses_is_never_safe(header: dict[str, Any], size: int) -> None:
    content = file(header, bytes(size))
    if not _library_takes(content):
        assert not judged(content, "a.safetensors").complete


@given(st.lists(st.tuples(st.sampled_from(["F32", "U8", "F64"]), st.integers(0, 5)), max_size=5))
def test_what_is_written_by_the_rules_is_whole(tensors: list[tuple[str, int]]) -> None:
    widths = {"F32": 4, "U8": 1, "F64": 8}
    header, position = {}, 0
    for number, (dtype, count) in enumerate(tensors):
        end = position + widths[dtype] * count
        header[f"t{number}"] = {"dtype": dtype, "shape": [count], "data_offsets": [position, end]}
        position = end
    content = file(header, bytes(position))
    assert _library_takes(content)
    report = judged(content, "a.safetensors")
    assert report.complete, report.unscannable


@given(st.binary(max_size=200))
def test_any_bytes_end_in_a_report(content: bytes) -> None:
    report = judged(content, "model.safetensors")
    assert "failed" not in (report.unscannable or "")
