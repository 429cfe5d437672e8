"""TensorFlow's graphs are judged by their operators, wherever those stand; what lies beside a graph is data."""

from __future__ import annotations

import pytest

from fixtures.corpus.keras import ORDINARY
from fixtures.corpus.tensorflow import (
    INPUT,
    block,
    constant,
    count,
    function,
    graph,
    lite,
    meta_graph,
    node,
    saved_model,
    varint,
    zipped,
)
from scanners.finding import Severity, Verdict
from scanners.scan import scan
from tests.scanning import judged, rules, the

READ = (constant("p", "/etc/passwd"), node("r", "ReadFile", "p"))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("saved-module/saved_model.pb", "tensorflow-graph"),
        ("saved-export/saved_model.pb", "tensorflow-graph"),
        ("saved-keras2/keras_metadata.pb", "keras-metadata"),
        ("saved-export/fingerprint.pb", "tensorflow-fingerprint"),
        ("saved-module/variables/variables.index", "tensorflow-checkpoint-index"),
        ("saved-module/variables/variables.data-00000-of-00001", "tensorflow-checkpoint-data"),
        ("checkpoint-v1/model.ckpt.meta", "tensorflow-graph"),
        ("checkpoint-v1/checkpoint", "text"),
        ("frozen.pb", "tensorflow-graph"),
        ("frozen.pbtxt", "tensorflow-graph"),
        ("examples.tfrecord", "tfrecord"),
        ("float.tflite", "tflite"),
    ],
)
def test_what_tensorflow_writes_is_recognised_and_safe(path: str, kind: str) -> None:
    report = judged((ORDINARY / path).read_bytes(), path.rsplit("/", 1)[-1])
    assert (report.format, report.verdict) == (kind, Verdict.SAFE)


def test_a_graph_that_reads_a_file_says_which() -> None:
    finding = the(judged(saved_model(graph(INPUT, *READ)), "saved_model.pb"), "tensorflow-file-access")
    assert finding.severity is Severity.HIGH
    assert finding.evidence == {"operator": "ReadFile", "node": "r", "texts": ["/etc/passwd"]}


@pytest.mark.parametrize(
    "content",
    [
        saved_model(graph(INPUT, library=function("f", *READ))),
        graph(INPUT, library=function("f", *READ)),
        meta_graph(graph(INPUT, *READ)),
        graph(*READ),
        block(4, count(1, 1)) + graph(*READ),
    ],
    ids=["function of a saved model", "function of a graph", "meta graph", "graph", "versions first"],
)
def test_an_operator_is_found_in_every_message(content: bytes) -> None:
    assert judged(content, "model.pb").verdict is Verdict.UNSAFE


def test_a_function_of_the_graphs_own_is_no_custom_operator() -> None:
    content = graph(INPUT, node("c", "mine", "x"), library=function("mine", INPUT))
    assert judged(content, "model.pb").verdict is Verdict.SAFE


def test_a_path_put_together_from_pieces_is_seen() -> None:
    pieces = (constant("a", "/etc/"), constant("b", "x"), node("j", "StringJoin", "a", "b"), node("s", "SaveV2", "j"))
    finding = the(judged(graph(*pieces), "model.pb"), "tensorflow-file-access")
    assert finding.evidence["texts"] == ["/etc/"]


def test_what_stands_before_a_break_is_still_told() -> None:
    report = judged(graph(INPUT, *READ) + b"\x0a\xff", "model.pb")
    assert report.verdict is Verdict.UNSAFE
    assert report.unscannable is not None


def test_tensors_are_not_read() -> None:
    raw = 1 << 30

    def opened(number: int, inside: int) -> bytes:
        return varint(number << 3 | 2) + varint(inside)

    content = opened(4, raw)
    tensor = opened(8, len(content) + raw) + content
    value = opened(2, len(tensor) + raw) + tensor
    entry = block(1, "value")
    attribute = opened(5, len(entry) + len(value) + raw) + entry + value
    names = block(1, "w") + block(2, "Const")

    class Sparse:
        head = graph(INPUT) + opened(1, len(names) + len(attribute) + raw) + names + attribute
        size = len(head) + (1 << 30)

        def read(self, offset: int, length: int) -> bytes:
            length = max(0, min(length, self.size - offset))
            return self.head[offset : offset + length].ljust(length, b"\1")

    report = scan(Sparse(), "frozen.pb", engines=False)
    assert (report.format, report.verdict) == ("tensorflow-graph", Verdict.SAFE)
    assert report.bytes_read < 1_000_000


def test_a_lite_model_with_an_operator_of_somebody_else_is_suspicious() -> None:
    report = judged(lite("acme.RunIt"), "model.tflite")
    assert the(report, "tensorflow-custom-operator").evidence == {"operators": ["acme.RunIt"]}
    assert report.verdict is Verdict.SUSPICIOUS


def test_an_operator_of_tensorflow_inside_a_lite_model_is_judged_as_one() -> None:
    assert the(judged(lite("FlexWriteFile"), "model.tflite"), "tensorflow-file-access").severity is Severity.HIGH
    assert judged(lite("FlexErf"), "model.tflite").verdict is Verdict.SAFE


def test_labels_behind_a_lite_model_are_ordinary() -> None:
    report = judged(lite("TFLite_Detection_PostProcess") + zipped({"labels.txt": b"cat\n"}), "model.tflite")
    assert (report.verdict, rules(report)) == (Verdict.SAFE, set())
