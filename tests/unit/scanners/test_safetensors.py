"""A safetensors header is believed only where it keeps every rule of the format."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scanners.finding import Verdict
from tests.scanning import SAFETENSORS, judged, rules


def file(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(raw) if length is None else length).to_bytes(8, "little") + raw + data


def tensor(begin: int = 0, end: int = 8, shape: Any = (2,), dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def test_a_file_that_the_library_wrote_is_safe_and_says_what_is_in_it() -> None:
    report = judged(SAFETENSORS.read_bytes(), "model.safetensors")
    assert (report.format, report.verdict, report.complete) == ("safetensors", Verdict.SAFE, True)
    assert report.metadata["tensors"] > 0
    assert set(report.metadata["parameters"]) == {"F32"}


@pytest.mark.parametrize("key", ["license", "license_name", "license_link", "modelspec.license"])
def test_the_licence_in_the_header_is_told(key: str) -> None:
    report = judged(file({"__metadata__": {key: "x" * 1000}, "a": tensor()}, bytes(8)), "model.safetensors")
    assert report.metadata[key] == "x" * 200


def test_only_the_header_of_a_large_file_is_read() -> None:
    size = 1 << 24
    report = judged(file({"a": tensor(0, size, (size // 4,))}, bytes(size)), "model.safetensors")
    assert report.verdict is Verdict.SAFE
    assert report.bytes_read < size // 8


@pytest.mark.parametrize("length", range(200, 520))
def test_a_header_is_read_whatever_its_length_looks_like(length: int) -> None:
    good = file({"__metadata__": {"a": "x" * (length - 27)}, "b": tensor(0, 0, (0,))}, b"")
    report = judged(good, "model.safetensors")
    assert (report.format, report.verdict) == ("safetensors", Verdict.SAFE)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\x01", id="shorter than its first field"),
        pytest.param(file({"a": tensor()}, bytes(8), length=1 << 40), id="a header longer than the file"),
        pytest.param(file(b"[]"), id="no object"),
        pytest.param(file(b'{"a": NaN}'), id="no JSON"),
        pytest.param(file(b'{"a\xff": 1}'), id="no UTF-8"),
        pytest.param(file(b"{" + b'"a":{' * 5000), id="nested without end"),
        pytest.param(file({"a": tensor()}, bytes(7)), id="data cut off"),
        pytest.param(file({"a": tensor()}, bytes(9)), id="data behind the last tensor"),
        pytest.param(file({"a": tensor(), "b": tensor(4, 12)}, bytes(12)), id="tensors that overlap"),
        pytest.param(file({"a": tensor(), "b": tensor(9, 17)}, bytes(17)), id="a hole"),
        pytest.param(file({"a": tensor(shape=(3,))}, bytes(8)), id="a shape that does not fit"),
        pytest.param(file({"a": tensor(shape=(-2,))}, bytes(8)), id="a negative size"),
        pytest.param(file({"a": tensor(shape=(1 << 63, 4))}, bytes(8)), id="a shape that overflows"),
        pytest.param(file({"a": tensor(shape=(True, 2))}, bytes(8)), id="a size that is no number"),
        pytest.param(file({"a": tensor(dtype="F3")}, bytes(8)), id="an unknown type"),
        pytest.param(file({"a": tensor(8, 0)}, bytes(8)), id="an end before its beginning"),
        pytest.param(file({"a": tensor() | {"code": "x"}}, bytes(8)), id="more than the format knows"),
        pytest.param(file({"__metadata__": {"a": 1}}), id="metadata that is no text"),
        pytest.param(
            file(b'{"a":' + json.dumps(tensor()).encode() + b',"a":' + json.dumps(tensor()).encode() + b"}", bytes(8)),
            id="a tensor twice",
        ),
    ],
)
def test_a_broken_rule_is_told_and_the_file_is_not_judged(content: bytes) -> None:
    report = judged(content, "model.safetensors")
    assert rules(report) == {"safetensors-malformed"}
    assert report.verdict is Verdict.UNSCANNABLE


def test_a_pickle_under_the_name_of_safetensors_is_judged_as_a_pickle() -> None:
    from tests.scanning import SHELL, proto

    assert {"pickle-executes-code", "content-mismatch"} <= rules(judged(proto(SHELL), "model.safetensors"))
