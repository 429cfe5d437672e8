"""Whatever the bytes of any of the other formats are, there is a report: no parser crashes, hangs or runs away."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.corpus import Sample, formats, graphs, markup, msgpack, r_data, safetensors, skops
from scanners.budget import Budget
from scanners.finding import Report, Severity
from scanners.kinds import ACTIVE, INERT
from scanners.scan import scan
from scanners.signatures.encodings import is_text_of_old_encoding
from scanners.signatures.raw_tensors import is_raw_tensors
from scanners.source import MemorySource

SEEDS: list[Sample] = [
    sample
    for family in (formats, graphs, markup, msgpack, r_data, safetensors, skops)
    for sample in family.samples()
    if all(len(content) < 20_000 for content in sample.files.values())
]
HEADS = {
    "model.msgpack": b"\x82\xa6params",
    "model.rds": b"X\n\0\0\0\2\0\4\2\2\0\2\3\0",
    "words.rds": b"A\n3\n262658\n197888\n5\nUTF-8\n",
    "model.t7": b"\x04\0\0\0\x01\0\0\0\x03\0\0\0V 1",
    "model.ubj": b"{L\0\0\0\0\0\0\0\x01a",
    "model.pmml": b'<?xml version="1.0"?><PMML>',
    "net.xml": b"<net><layers>",
    "model.mlmodel": b"\x08\x04\x12\x00\xa2\x1f",
    "__model__": b"\x0a\x20\x08\x00\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    "net.caffemodel": b"\x0a\x03net\xa2\x06\x10\x0a",
    "model.engine": b"ftrt",
    "model.bin": b"",
    "ggml.bin": b"tjgg\3\0\0\0",
    "page.html": b"<html><script>",
    "paper.pdf": b"%PDF-1.7\n",
    "net.prototxt": b"layer {\n",
}


def judged(content: bytes, name: str) -> Report:
    budget = Budget(wall_s=20.0, unpacked_bytes=8 * 1024 * 1024, members=200)
    return scan(MemorySource(content), name, engines=False, budget=budget)


@pytest.mark.parametrize("name", HEADS)
@given(st.binary(max_size=300))
def test_any_bytes_end_in_a_report(name: str, rest: bytes) -> None:
    report = judged(HEADS[name] + rest, name)
    assert "failed" not in (report.unscannable or "")


@settings(max_examples=400)
@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_file_with_changed_bytes_ends_in_a_report(sample: Sample, changes: list[tuple[float, int]]) -> None:
    for name, whole in sample.files.items():
        content = bytearray(whole)
        for at, value in changes:
            if content:
                content[int(at * len(content))] = value
        report = judged(bytes(content), name)
        assert "failed" not in (report.unscannable or "")


@given(st.sampled_from(SEEDS), st.floats(0, 1))
def test_a_file_that_is_cut_off_ends_in_a_report(sample: Sample, where: float) -> None:
    for name, content in sample.files.items():
        report = judged(content[: int(where * len(content))], name)
        assert "failed" not in (report.unscannable or "")


PLAIN_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 127) | st.text("abcdefgh _", max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdefgh", max_size=8), inner, max_size=4),
    max_leaves=20,
)


def packed(value: object) -> bytes:
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return bytes([value])
    if isinstance(value, str):
        return bytes([0xA0 | len(value)]) + value.encode()
    if isinstance(value, list):
        return bytes([0x90 | len(value)]) + b"".join(map(packed, value))
    assert isinstance(value, dict)
    return bytes([0x80 | len(value)]) + b"".join(packed(key) + packed(inner) for key, inner in value.items())


@given(st.dictionaries(st.text("abcdefgh", min_size=1, max_size=8), PLAIN_VALUES, min_size=1, max_size=5))
def test_plain_values_in_msgpack_are_safe_whatever_their_shape(value: dict[str, object]) -> None:
    report = judged(packed(value), "model.msgpack")
    assert (report.findings, report.unscannable) == ((), None)


@given(st.lists(st.sampled_from(["a", "Dense", "weights 1.0", "naïve"]), max_size=5), st.integers(0, 5))
def test_plain_vectors_of_r_are_safe_at_any_depth(words: list[str], depth: int) -> None:
    value = r_data.words(*words)
    for _ in range(depth):
        value = r_data.items(value, r_data.pairs(("x", value)))
    report = judged(r_data.file(value), "data.rds")
    assert (report.findings, report.unscannable) == ((), None)


@given(st.integers(0, 6), st.sampled_from(["list", "pairs", "environment"]))
def test_a_promise_is_found_at_any_depth(depth: int, shape: str) -> None:
    value = r_data.promise(r_data.SYSTEM)
    for _ in range(depth):
        if shape == "list":
            value = r_data.items(r_data.words("a"), value)
        else:
            value = r_data.pairs(("x", value)) if shape == "pairs" else r_data.environment(r_data.pairs(("x", value)))
    worst = max(finding.severity.rank for finding in judged(r_data.file(value), "data.rds").findings)
    assert worst >= Severity.HIGH.rank


@given(st.integers(0, 1 << 32), st.integers(256, 20_000))
def test_noise_is_neither_text_nor_numbers(seed: int, length: int) -> None:
    noise = random.Random(seed).randbytes(length)
    assert not is_raw_tensors(MemorySource(noise), noise, "model.bin")
    assert not is_text_of_old_encoding(noise)


@given(st.lists(st.floats(-4, 4, width=32), min_size=16, max_size=400))
def test_floats_are_known_as_numbers(values: list[float]) -> None:
    data = struct.pack(f"<{len(values)}f", *(value if abs(value) > 1e-6 else 0.0 for value in values))
    assert is_raw_tensors(MemorySource(data), data, "openvino_model.bin")


def test_what_is_worth_hiding_is_nothing_that_is_inert() -> None:
    assert not ACTIVE & INERT
