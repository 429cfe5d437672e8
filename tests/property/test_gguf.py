"""Whatever the bytes of a GGUF are, there is a report; and what the rules allow is safe."""

from __future__ import annotations

import struct
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from scanners.finding import Verdict
from scanners.formats.tensors.gguf_types import TENSOR_TYPES
from scanners.scan import scan
from scanners.source import MemorySource

SEED = Path("fixtures/repos/models/acme-research/tiny-gguf/main/tiny-Q4_K_M.gguf").read_bytes()

words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
scalars = st.one_of(
    st.integers(0, 255).map(lambda value: struct.pack("<IB", 0, value)),
    st.integers(-(2**31), 2**31 - 1).map(lambda value: struct.pack("<Ii", 5, value)),
    st.floats(width=32, allow_nan=False).map(lambda value: struct.pack("<If", 6, value)),
    st.booleans().map(lambda value: struct.pack("<I?", 7, value)),
    st.integers(0, 2**64 - 1).map(lambda value: struct.pack("<IQ", 10, value)),
)


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


strings = words.map(lambda value: struct.pack("<I", 8) + text(value))
arrays = st.lists(words, max_size=5).map(
    lambda values: struct.pack("<IIQ", 9, 8, len(values)) + b"".join(map(text, values))
)
pairs = st.dictionaries(words.map("own.".__add__), st.one_of(scalars, strings, arrays), max_size=6)
blocks = st.tuples(st.sampled_from(sorted(TENSOR_TYPES)), st.lists(st.integers(1, 3), min_size=1, max_size=4))
tensors = st.dictionaries(words, blocks, max_size=5)


def written(pairs: dict[str, bytes], tensors: dict[str, tuple[int, list[int]]]) -> bytes:
    infos, position = b"", 0
    for name, (kind, (rows, *others)) in tensors.items():
        _, block, size = TENSOR_TYPES[kind]
        shape = [rows * block, *others]
        infos += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, position)
        for number in (rows, *others):
            size *= number
        position += -(-size // 32) * 32
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs))
    head += b"".join(text(key) + value for key, value in pairs.items()) + infos
    return head + b"\0" * (-len(head) % 32 + position)


@given(pairs, tensors)
def test_every_file_the_rules_allow_is_safe(pairs: dict[str, bytes], tensors: dict[str, tuple[int, list[int]]]) -> None:
    report = scan(MemorySource(written(pairs, tensors)), "model.gguf", engines=False)
    assert (report.verdict, report.findings, report.unscannable) == (Verdict.SAFE, (), None)


@given(pairs, tensors.filter(bool), st.integers(min_value=1))
def test_no_file_that_is_cut_off_is_safe(
    pairs: dict[str, bytes], tensors: dict[str, tuple[int, list[int]]], cut: int
) -> None:
    content = written(pairs, tensors)
    # The padding behind the last tensor is not missed.
    shorter = content[: max(4, len(content) - 32 - cut % len(content))]
    assert scan(MemorySource(shorter), "model.gguf", engines=False).verdict is not Verdict.SAFE


@given(st.binary(max_size=400))
def test_any_bytes_end_in_a_report(rest: bytes) -> None:
    for head in (b"GGUF", SEED[:24], SEED[:60]):
        report = scan(MemorySource(head + rest), "model.gguf", engines=False)
        assert "failed" not in (report.unscannable or "")


@given(st.lists(st.tuples(st.integers(0, len(SEED) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_file_with_changed_bytes_ends_in_a_report(changes: list[tuple[int, int]]) -> None:
    content = bytearray(SEED)
    for at, value in changes:
        content[at] = value
    report = scan(MemorySource(bytes(content)), "model.gguf", engines=False)
    assert "failed" not in (report.unscannable or "")
