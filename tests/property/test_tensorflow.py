"""Whatever the bytes of a graph or of a TensorFlow Lite model are, there is a report."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fixtures.corpus.keras import ORDINARY
from fixtures.corpus.tensorflow import INPUT, block, constant, function, graph, lite, meta_graph, node, saved_model
from scanners.finding import Verdict
from scanners.scan import scan
from scanners.source import MemorySource

SAVED = (ORDINARY / "saved-v1/saved_model.pb").read_bytes()
FROZEN = (ORDINARY / "frozen.pb").read_bytes()
LITE = (ORDINARY / "float.tflite").read_bytes()
READ = node("r", "ReadFile", "p")
operators = st.sampled_from(["Add", "MatMul", "Relu", "Const", "Identity", "StridedSlice", "IdentityN"])
plain = st.lists(
    st.builds(lambda operator, name: node(name, operator, "x"), operators, st.text("abc/_", min_size=1)), max_size=8
)


@given(plain)
def test_every_graph_of_operators_that_compute_is_safe(nodes: list[bytes]) -> None:
    for content in (saved_model(graph(INPUT, *nodes)), graph(INPUT, *nodes), meta_graph(graph(INPUT, *nodes))):
        report = scan(MemorySource(content), "model.pb", engines=False)
        assert (report.verdict, report.findings) == (Verdict.SAFE, ())


@given(plain, st.integers(0, 8), st.booleans())
def test_an_operator_that_reads_is_found_at_any_place(nodes: list[bytes], at: int, in_function: bool) -> None:
    nodes[at:at] = [constant("p", "/etc/passwd"), READ]
    whole = graph(INPUT, library=function("f", *nodes)) if in_function else graph(INPUT, *nodes)
    for content in (saved_model(whole), whole, meta_graph(whole)):
        assert scan(MemorySource(content), "model.pb", engines=False).verdict is Verdict.UNSAFE


@given(
    st.sampled_from([SAVED, FROZEN, LITE, lite("FlexReadFile")]),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_a_model_with_changed_bytes_ends_in_a_report(seed: bytes, changes: list[tuple[float, int]]) -> None:
    content = bytearray(seed)
    for at, value in changes:
        content[int(at * len(content))] = value
    for name in ("saved_model.pb", "model.tflite"):
        report = scan(MemorySource(bytes(content)), name, engines=False)
        assert "failed" not in (report.unscannable or "")


@given(st.binary(max_size=300))
def test_any_bytes_end_in_a_report(rest: bytes) -> None:
    for head in (b"", b"\x08\x01\x12", FROZEN[:40], LITE[:60], b"\x1c\0\0\0TFL3", block(1, INPUT)):
        for name in ("model.pb", "keras_metadata.pb", "model.tflite"):
            report = scan(MemorySource(head + rest), name, engines=False)
            assert "failed" not in (report.unscannable or "")


@given(st.integers(0, len(LITE) - 1))
def test_a_lite_model_that_is_cut_off_is_never_safe(length: int) -> None:
    report = scan(MemorySource(LITE[:length]), "model.tflite", engines=False)
    assert length == 0 or report.verdict is not Verdict.SAFE
