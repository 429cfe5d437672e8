"""ONNX models are walked for the files and the code they need from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanners.finding import Report, Severity, Verdict
from scanners.scan import scan
from scanners.source import FileSource, MemorySource

FIXTURE = Path("fixtures/repos/models/acme-research/onnx-add/main/model.onnx")


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def block(number: int, content: bytes | str) -> bytes:
    raw = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def count(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value)


def node(operator: str, domain: str = "", attributes: bytes = b"") -> bytes:
    return block(4, operator) + (block(7, domain) if domain else b"") + attributes


def external(location: str) -> bytes:
    """A TensorProto whose bytes are in another file."""
    entries = block(13, block(1, "location") + block(2, location)) + block(13, block(1, "offset") + block(2, "0"))
    return count(1, 4) + count(2, 1) + block(8, "weight") + entries + count(14, 1)


def opset(version: int, domain: str = "") -> bytes:
    return block(8, (block(1, domain) if domain else b"") + count(2, version))


def model(graph: bytes, rest: bytes = b"") -> bytes:
    return count(1, 8) + block(2, "pytorch") + block(3, "2.4") + block(7, graph) + opset(17) + rest


def judged(content: bytes) -> Report:
    return scan(MemorySource(content), "model.onnx", engines=False)


def test_an_onnx_model_of_the_reference_library_is_safe() -> None:
    report = scan(FileSource(FIXTURE), FIXTURE.name, engines=False)
    assert report.verdict is Verdict.SAFE
    assert report.format == "onnx"
    assert report.metadata["ir_version"] == 14
    assert report.metadata["opset"] == 28


def test_what_a_model_says_of_itself_becomes_facts() -> None:
    report = judged(model(block(1, node("Add")) + block(5, external("weights.data")), opset(1, "com.microsoft")))
    assert report.verdict is Verdict.SAFE
    assert report.metadata == {
        "producer": "pytorch",
        "producer_version": "2.4",
        "ir_version": 8,
        "opset": 17,
        "domains": ["", "com.microsoft"],
        "external_data": ["weights.data"],
    }


@pytest.mark.parametrize("location", ["model.onnx_data", "data/weights.bin", "a..b", "..weights", "weights.0001"])
def test_tensors_in_a_file_beside_the_model_are_safe(location: str) -> None:
    assert judged(model(block(5, external(location)))).verdict is Verdict.SAFE


@pytest.mark.parametrize(
    "location",
    [
        "/etc/passwd",
        "../secrets",
        "a/../../b",
        "..",
        "C:weights",
        "..\\b",
        "\\\\server\\share",
        "a\0b",
        "*/_ORT_MEM_ADDR_/*",
        "*/_ORT_NATIVE_ENDIAN_MEM_ADDR_/*",
    ],
)
def test_tensors_from_outside_the_folder_are_unsafe(location: str) -> None:
    report = judged(model(block(5, external(location))))
    assert report.verdict is Verdict.UNSAFE
    (finding,) = report.findings
    assert (finding.rule, finding.severity) == ("onnx-external-data-path", Severity.HIGH)
    assert finding.evidence == {"location": location}


EVIL = external("../../etc/passwd")
PLACES = {
    "an initializer": block(7, block(5, EVIL)),
    "a sparse initializer": block(7, block(15, block(1, EVIL))),
    "an attribute": block(7, block(1, node("Constant", attributes=block(5, block(5, EVIL))))),
    "one of many in an attribute": block(7, block(1, node("Constant", attributes=block(5, block(10, EVIL))))),
    "a graph in an attribute": block(7, block(1, node("If", attributes=block(5, block(6, block(5, EVIL)))))),
    "one of many graphs": block(7, block(1, node("If", attributes=block(5, block(11, block(5, EVIL)))))),
    "a function": block(25, block(7, node("Constant", attributes=block(5, block(5, EVIL))))),
    "a default of a function": block(25, block(11, block(5, EVIL))),
    "a training graph": block(20, block(1, block(5, EVIL))),
    "a second graph": block(7, block(5, EVIL)),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_path_is_found_wherever_it_hides(place: str) -> None:
    assert judged(model(block(1, node("Add")), PLACES[place])).verdict is Verdict.UNSAFE


def test_a_path_before_the_model_breaks_off_is_still_found() -> None:
    assert judged(model(block(5, EVIL)) + b"\x3a\xff").verdict is Verdict.UNSAFE


@pytest.mark.parametrize("domain", ["ai.onnx", "ai.onnx.ml", "ai.onnx.preview.training", "com.microsoft.nchwc"])
def test_operators_of_the_standard_and_of_onnx_runtime_are_safe(domain: str) -> None:
    assert judged(model(block(1, node("Relu", domain)), opset(1, domain))).verdict is Verdict.SAFE


def test_an_operator_of_somebody_else_is_suspicious() -> None:
    report = judged(model(block(1, node("RunIt", "evil.ops")), opset(1, "evil.ops")))
    assert report.verdict is Verdict.SUSPICIOUS
    (finding,) = report.findings
    assert finding.rule == "onnx-custom-operator"
    assert finding.evidence == {"domain": "evil.ops", "operators": ["RunIt"]}


def test_operators_of_the_onnx_runtime_extensions_are_noted() -> None:
    report = judged(model(block(1, node("BertTokenizer", "ai.onnx.contrib"))))
    assert report.verdict is Verdict.SAFE
    assert [(finding.rule, finding.severity) for finding in report.findings] == [("onnx-custom-operator", Severity.LOW)]


def test_a_function_of_the_models_own_is_no_custom_operator() -> None:
    function = block(25, block(1, "aten_gelu") + block(7, node("Erf")) + block(10, "pkg.torch"))
    graph = block(1, node("aten_gelu", "pkg.torch"))
    assert judged(model(graph, opset(1, "pkg.torch") + function)).verdict is Verdict.SAFE


def test_a_custom_operator_inside_a_function_is_seen() -> None:
    function = block(25, block(1, "f") + block(7, node("RunIt", "evil.ops")) + block(10, "own"))
    assert judged(model(block(1, node("f", "own")), function)).verdict is Verdict.SUSPICIOUS


def test_tensors_are_not_read() -> None:
    class Sparse:
        tensor = count(2, 1) + b"\x4a" + varint(1 << 30)
        initializer = b"\x2a" + varint(len(tensor) + (1 << 30)) + tensor
        head = count(1, 8) + b"\x3a" + varint(len(initializer) + (1 << 30)) + initializer
        size = len(head) + (1 << 30)

        def read(self, offset: int, length: int) -> bytes:
            length = max(0, min(length, self.size - offset))
            return self.head[offset : offset + length].ljust(length, b"\1")

    report = scan(Sparse(), "model.onnx", engines=False)
    assert report.verdict is Verdict.SAFE
    assert report.bytes_read < 1024 * 1024


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(count(1, 8) + block(2, "pytorch") + opset(17), id="no graph"),
        pytest.param(model(b"\x0b\x0c"), id="a group"),
        pytest.param(model(b"")[:-3], id="cut off"),
        pytest.param(model(b"\x0a\x7f"), id="longer than what it is in"),
        pytest.param(count(1, 8) + b"\x3a" + b"\xff" * 11, id="a number without an end"),
        pytest.param(model(b"", b"\xba\x80\x80\x80\x80\x01\x00"), id="a field number beyond 32 bits"),
    ],
)
def test_what_is_not_a_whole_model_is_not_judged(content: bytes) -> None:
    assert judged(content).verdict is Verdict.UNSCANNABLE


def test_graphs_nested_without_end_are_not_judged() -> None:
    graph = b""
    for _ in range(400):
        graph = block(1, block(5, block(6, graph)))
    assert judged(model(graph)).verdict is Verdict.UNSCANNABLE


def test_more_names_than_anybody_uses_are_not_judged() -> None:
    graph = b"".join(block(1, node(f"Op{number}", "evil.ops")) for number in range(10_001))
    assert judged(model(graph)).verdict is Verdict.UNSCANNABLE
