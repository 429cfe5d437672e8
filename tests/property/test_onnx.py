"""Whatever the bytes of an ONNX model are, there is a report; and paths are found wherever they stand."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from scanners.finding import Verdict
from scanners.scan import scan
from scanners.source import MemorySource

SEED = Path("fixtures/repos/models/acme-research/onnx-add/main/model.onnx").read_bytes()

words = st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=1, max_size=12)


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def block(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def tensor(location: str, raw: bytes) -> bytes:
    if raw:
        return b"\x10\x01" + block(9, raw)
    return b"\x10\x01" + block(13, block(1, b"location") + block(2, location.encode())) + b"\x70\x01"


tensors = st.builds(tensor, words, st.binary(max_size=40))
operators = st.sampled_from(["Add", "Constant", "MatMul", "If", "Loop"])
leaves = st.builds(lambda name, own: block(4, name.encode()) + block(5, block(5, own)), operators, tensors)


def graph_of(nodes: list[bytes], initializers: list[bytes]) -> bytes:
    return b"".join(block(1, node) for node in nodes) + b"".join(block(5, own) for own in initializers)


graphs = st.recursive(
    st.builds(graph_of, st.lists(leaves, max_size=3), st.lists(tensors, max_size=3)),
    lambda inner: st.builds(
        lambda inside, own: graph_of([block(4, b"If") + block(5, block(6, graph)) for graph in inside], own),
        st.lists(inner, min_size=1, max_size=2),
        st.lists(tensors, max_size=2),
    ),
    max_leaves=6,
)


def model(graph: bytes) -> bytes:
    return b"\x08\x08" + block(7, graph) + block(8, b"\x10\x11")


@given(graphs)
def test_every_model_of_standard_operators_is_safe(graph: bytes) -> None:
    report = scan(MemorySource(model(graph)), "model.onnx", engines=False)
    assert (report.verdict, report.findings, report.unscannable) == (Verdict.SAFE, (), None)


@given(graphs, st.integers(0, 20))
def test_a_path_out_of_the_folder_is_found_at_any_depth(graph: bytes, depth: int) -> None:
    hidden = block(5, tensor("../x", b""))
    for _ in range(depth):
        hidden = block(1, block(4, b"If") + block(5, block(6, hidden)))
    report = scan(MemorySource(model(graph + hidden)), "model.onnx", engines=False)
    assert report.verdict is Verdict.UNSAFE


@given(st.binary(max_size=400))
def test_any_bytes_end_in_a_report(rest: bytes) -> None:
    for head in (b"", b"\x08\x08\x3a", SEED[:4], SEED[:20]):
        report = scan(MemorySource(head + rest), "model.onnx", engines=False)
        assert "failed" not in (report.unscannable or "")


@given(st.lists(st.tuples(st.integers(0, len(SEED) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_model_with_changed_bytes_ends_in_a_report(changes: list[tuple[int, int]]) -> None:
    content = bytearray(SEED)
    for at, value in changes:
        content[at] = value
    report = scan(MemorySource(bytes(content)), "model.onnx", engines=False)
    assert "failed" not in (report.unscannable or "")
