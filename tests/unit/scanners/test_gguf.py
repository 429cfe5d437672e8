"""GGUF files are judged by their header, as ggml's own reader would read it."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from scanners.finding import Report, Severity, Verdict
from scanners.scan import scan
from scanners.source import FileSource, MemorySource

FIXTURE = Path("fixtures/repos/models/acme-research/tiny-gguf/main/tiny-Q4_K_M.gguf")


def text(value: bytes | str) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def pair(key: bytes | str, value: str | int) -> bytes:
    body = struct.pack("<I", 8) + text(value) if isinstance(value, str) else struct.pack("<II", 4, value)
    return text(key) + body


def tensor(name: str, shape: tuple[int, ...] = (8,), kind: int = 0, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def file_of(
    *, pairs: tuple[bytes, ...] = (), tensors: tuple[bytes, ...] = (), data: int = 0, version: int = 3, align: int = 32
) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(pairs)) + b"".join(pairs) + b"".join(tensors)
    return head + b"\0" * (-len(head) % align + data)


def judged(content: bytes) -> Report:
    return scan(MemorySource(content), "model.gguf", engines=False)


def reasons(report: Report) -> list[str]:
    return [finding.evidence["reason"] for finding in report.findings if finding.rule == "gguf-malformed"]


def test_a_gguf_of_the_reference_writer_is_safe() -> None:
    report = scan(FileSource(FIXTURE), FIXTURE.name, engines=False)
    assert report.verdict is Verdict.SAFE
    assert report.format == "gguf"
    assert report.metadata["architecture"] == "llama"
    assert report.metadata["context_length"] == 16
    assert report.metadata["chat_template"] is True
    assert report.metadata["parameters"] == {"F32": 128}


@pytest.mark.parametrize("endianess", [gguf.GGUFEndian.LITTLE, gguf.GGUFEndian.BIG])
def test_what_a_gguf_says_of_itself_becomes_facts_in_either_byte_order(tmp_path: Path, endianess: Any) -> None:
    path = tmp_path / "model.gguf"
    writer = gguf.GGUFWriter(path, "qwen2", endianess=endianess)
    writer.add_name("Acme 7B")
    writer.add_license("apache-2.0")
    writer.add_file_type(15)
    writer.add_context_length(32768)
    writer.add_embedding_length(3584)
    writer.add_block_count(28)
    writer.add_head_count(28)
    writer.add_head_count_kv(4)
    writer.add_base_model_count(1)
    writer.add_base_model_name(0, "Qwen2.5 7B")
    writer.add_base_model_repo_url(0, "https://huggingface.co/Qwen/Qwen2.5-7B")
    writer.add_token_list([f"token{number}" for number in range(1000)])
    writer.add_token_scores([0.5] * 1000)
    writer.add_chat_template([{"name": "tool_use", "template": "{{ messages }}"}])
    writer.add_tensor("a.weight", np.zeros((3, 5), dtype=np.float32))
    writer.add_tensor("b.weight", np.zeros((2, 34), dtype=np.uint8), raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.add_tensor("c.weight", np.zeros(7, dtype=np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    report = scan(FileSource(path), path.name, engines=False)
    assert (report.verdict, report.findings, report.unscannable) == (Verdict.SAFE, (), None)
    metadata = dict(report.metadata)
    assert set(metadata.pop("tensor_map")) == {"exact", "shapes", "outline"}
    assert len(metadata.pop("vocabulary")) == 32
    assert metadata == {
        "gguf_version": 3,
        "tensors": 3,
        "architecture": "qwen2",
        "name": "Acme 7B",
        "license": "apache-2.0",
        "context_length": 32768,
        "quantization": "Q4_K_M",
        "tokens": 1000,
        "sizes": {"hidden": 3584, "layers": 28, "heads": 28, "key heads": 4},
        "base_models": [{"name": "Qwen2.5 7B", "repo_url": "https://huggingface.co/Qwen/Qwen2.5-7B"}],
        "chat_template": True,
        "parameters": {"F16": 7, "F32": 15, "Q8_0": 64},
    }


def test_every_element_type_of_the_reference_library_has_the_same_size_here() -> None:
    from scanners.formats.tensors.gguf_types import TENSOR_TYPES

    for kind, (block, size) in gguf.GGML_QUANT_SIZES.items():
        assert TENSOR_TYPES[int(kind)] == (kind.name, block, size)


def test_only_the_header_of_a_large_gguf_is_read() -> None:
    class Sparse:
        size = 40 * 1024**3
        head = file_of(tensors=(tensor("a", (10 * 1024**3 - 8,)),))

        def read(self, offset: int, length: int) -> bytes:
            length = max(0, min(length, self.size - offset))
            return self.head[offset : offset + length].ljust(length, b"\0")

    report = scan(Sparse(), "model.gguf", engines=False)
    assert report.format == "gguf"
    assert report.bytes_read < 1024 * 1024


def test_a_gguf_of_version_1_is_judged_too() -> None:
    name = struct.pack("<I", 1) + b"a"
    head = b"GGUF" + struct.pack("<III", 1, 1, 0) + name + struct.pack("<IIIQ", 1, 8, 0, 0)
    report = judged(head + b"\0" * (-len(head) % 32 + 32))
    assert report.verdict is Verdict.SAFE
    assert report.metadata["parameters"] == {"F32": 8}


def test_an_unknown_version_is_not_judged() -> None:
    assert judged(file_of(version=77)).verdict is Verdict.UNSCANNABLE


def test_an_unknown_element_type_is_not_judged() -> None:
    report = judged(file_of(tensors=(tensor("a", kind=99), tensor("b", kind=99)), data=64))
    assert report.verdict is Verdict.UNSCANNABLE
    assert "element type 99" in (report.unscannable or "")
    assert "more could not" not in (report.unscannable or "")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0), id="more tensors than bytes"),
        pytest.param(b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 60), id="more keys than bytes"),
        pytest.param(file_of(pairs=(struct.pack("<Q", (1 << 64) - 1) + b"a" * 40,)), id="a key without an end"),
        pytest.param(file_of(pairs=(text("a") + struct.pack("<IQ", 8, 1 << 63),)), id="a text without an end"),
        pytest.param(file_of(pairs=(text("a") + struct.pack("<IIQ", 9, 8, 1 << 61),)), id="an array without an end"),
        pytest.param(file_of(pairs=(text("a") + struct.pack("<IIQ", 9, 12, 1 << 61),)), id="an array that overflows"),
        pytest.param(file_of(pairs=(text("a") + struct.pack("<I", 13) + b"\0" * 8,)), id="an unknown value type"),
        pytest.param(file_of(pairs=(pair(b"k" * 65_536, 1),)), id="a key that is too long"),
        pytest.param(file_of(pairs=(pair("general.alignment", 0),)), id="an alignment of nothing"),
        pytest.param(file_of(pairs=(pair("general.alignment", 24),)), id="an alignment of 24"),
        pytest.param(file_of(tensors=(tensor("a", (1,) * 5),), data=32), id="five dimensions"),
        pytest.param(file_of(tensors=(tensor("a", (1 << 32, 1 << 32)),), data=32), id="elements that overflow"),
        pytest.param(file_of(tensors=(tensor("a", (1 << 62,)),), data=32), id="bytes that overflow"),
        pytest.param(file_of(tensors=(tensor("a", (9,)),), data=32), id="a tensor larger than the file"),
        pytest.param(file_of(tensors=(tensor("a", offset=1 << 40),), data=32), id="a tensor outside the file"),
        pytest.param(file_of(tensors=(tensor("a", (33,), kind=8),), data=96), id="half a block"),
        pytest.param(file_of(tensors=(tensor("a" * 65),), data=32), id="a tensor name that is too long"),
    ],
)
def test_a_gguf_that_lies_about_memory_is_unsafe(content: bytes) -> None:
    report = judged(content)
    assert report.verdict is Verdict.UNSAFE
    assert reasons(report)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (file_of(pairs=(pair("a", 1), pair("a", 2))), "key twice"),
        (file_of(pairs=(pair(b"\xff\xfe", 1),)), "not UTF-8"),
        (file_of(pairs=(pair("", 1),)), "without a name"),
        (file_of(tensors=(tensor("a"), tensor("a", offset=32)), data=64), "a tensor twice"),
        (file_of(tensors=(tensor("a"), tensor("b")), data=32), "over each other"),
        (file_of(tensors=(tensor("a", offset=32),), data=64), "hole before"),
        (file_of(tensors=(tensor("a"),), data=96), "after the last tensor"),
    ],
)
def test_a_gguf_that_readers_understand_differently_is_suspicious(content: bytes, reason: str) -> None:
    report = judged(content)
    assert report.verdict is Verdict.SUSPICIOUS
    assert reason in reasons(report)[0]


def test_an_alignment_of_its_own_is_followed() -> None:
    content = file_of(
        pairs=(pair("general.alignment", 64),), tensors=(tensor("a"), tensor("b", offset=64)), data=96, align=64
    )
    assert judged(content).verdict is Verdict.SAFE


def test_a_gguf_that_is_cut_off_in_its_header_is_not_judged() -> None:
    report = judged(FIXTURE.read_bytes()[:40])
    assert report.verdict in (Verdict.UNSCANNABLE, Verdict.UNSAFE)


def test_a_rule_broken_by_many_tensors_is_told_once() -> None:
    tensors = tuple(tensor(f"t{number}", offset=1 << 40) for number in range(300))
    told = reasons(judged(file_of(tensors=tensors)))
    assert told.count("places a tensor outside the file") == 1
    assert len(told) == len(set(told))


def test_arrays_nested_without_end_are_not_judged() -> None:
    nested = struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 2000
    assert judged(file_of(pairs=(text("a") + nested,))).verdict is Verdict.UNSCANNABLE


@pytest.mark.parametrize("key", ["tokenizer.chat_template", "tokenizer.chat_template.tool_use"])
def test_a_chat_template_in_a_gguf_that_reaches_for_globals_is_unsafe(key: str) -> None:
    payload = "{{ cycler.__init__.__globals__.os.popen('id').read() }}"
    report = judged(file_of(pairs=(pair(key, payload),)))
    assert report.verdict is Verdict.UNSAFE
    (finding,) = report.findings
    assert finding.rule == "template-dunder-access"
    assert finding.severity is Severity.CRITICAL
    assert finding.evidence["key"] == key
    assert "__globals__" in finding.evidence["excerpt"]


def test_of_a_template_given_twice_both_are_looked_at() -> None:
    key = "tokenizer.chat_template"
    for templates in (("{{ x.__class__ }}", "{{ x }}"), ("{{ x }}", "{{ x.__class__ }}")):
        report = judged(file_of(pairs=tuple(pair(key, template) for template in templates)))
        assert report.verdict is Verdict.UNSAFE


def test_a_chat_template_too_long_to_look_at_is_not_judged() -> None:
    report = judged(file_of(pairs=(pair("tokenizer.chat_template", "a" * 300_000 + "{{ x.__class__ }}"),)))
    assert report.verdict is Verdict.UNSCANNABLE
