"""A Keras model is judged by what loading it would import, call and read."""

from __future__ import annotations

import io
import json
import zipfile

import h5py
import pytest

from fixtures.corpus.keras import (
    ORDINARY,
    SHELL,
    archive,
    bytecode,
    function,
    hdf5,
    model,
    named,
    new_lambda,
    old,
    old_lambda,
    old_model,
)
from scanners.finding import Severity, Verdict
from scanners.formats.keras.bytecode import BrokenCode, decode, read_code
from tests.scanning import judged, rules, the


def test_an_ordinary_model_is_safe_and_says_its_version() -> None:
    report = judged((ORDINARY / "functional.keras").read_bytes(), "model.keras")
    assert (report.format, report.verdict, report.findings) == ("keras-zip", Verdict.SAFE, ())
    assert report.metadata["keras_version"] == "3.15.1"


def test_the_code_of_a_lambda_is_named_by_what_it_reaches_for() -> None:
    code = bytecode("lambda x: __import__('os').system('echo inert')")
    finding = the(judged(archive(model(new_lambda(code))), "model.keras"), "keras-lambda")
    assert finding.severity is Severity.CRITICAL
    assert finding.where.member == "config.json"
    assert finding.evidence["names"] == ["__import__", "system"]
    assert "echo inert" in finding.evidence["texts"]


def test_a_lambda_that_only_computes_is_for_a_person_to_look_at() -> None:
    report = judged(old_model(old(old_lambda(bytecode("lambda x: K.sum(x, axis=-1) / tf.sqrt(2.0)")))), "model.h5")
    assert report.verdict is Verdict.SUSPICIOUS
    assert rules(report) == {"keras-lambda"}


def test_names_in_functions_inside_of_a_function_are_seen() -> None:
    found = read_code(decode(bytecode("lambda x: [(lambda: os.popen(x))() for y in x]")))
    assert {"os", "popen"} <= found.names


@pytest.mark.parametrize(
    "data", [b"", b"\xe3", b"c" * 40, b"N", b"(" * 500, b"\xe3" + b"\xff" * 100, b"r\xff\xff\xff\xff"]
)
def test_what_is_no_function_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(BrokenCode):
        read_code(data)


@pytest.mark.parametrize("depth", [0, 1, 30])
def test_a_dangerous_name_is_found_at_any_depth(depth: int) -> None:
    layer = named("Dense", {"activation": function("subprocess", "Popen")})
    for _ in range(depth):
        layer = named("TimeDistributed", {"layer": layer})
    assert "keras-executes-code" in rules(judged(archive(model(layer)), "model.keras"))


def test_a_pickle_inside_a_torch_module_is_judged_as_a_pickle() -> None:
    layer = named("TorchModuleWrapper", {"module": "Y29zCnN5c3RlbQooUydlY2hvIGluZXJ0Jwp0Ui4="})
    report = judged(archive(model(layer)), "model.keras")
    assert rules(report) == {"keras-executes-code", "pickle-executes-code"}


def test_words_of_a_vocabulary_are_no_paths() -> None:
    layer = named("StringLookup", {"vocabulary": ["/etc/passwd", "https://example.invalid", "..", "~/x"]})
    assert judged(archive(model(layer)), "model.keras").verdict is Verdict.SAFE


def test_a_class_with_a_name_of_keras_from_elsewhere_is_not_of_keras() -> None:
    report = judged(archive(model(named("Dense", {}, "my_package.layers"))), "model.keras")
    assert the(report, "keras-custom-object").evidence["name"] == "my_package.layers.Dense"


def test_a_key_given_twice_is_read_both_ways() -> None:
    config = json.dumps(model(named("Dense", {"a": 1})))
    evil = json.dumps(function("os", "system"))
    text = config.replace('"a": 1', f'"activation": {evil}, "activation": "relu"').encode()
    assert "keras-executes-code" in rules(judged(archive(text), "model.keras"))


def test_a_configuration_that_is_not_json_is_not_judged() -> None:
    assert judged(archive(b"{'class_name': "), "model.keras").verdict is Verdict.UNSCANNABLE


def test_the_weights_are_judged_though_the_configuration_cannot_be() -> None:
    weights = hdf5(lambda file: file.__setitem__("x", h5py.ExternalLink("/etc/passwd", "/x")))
    report = judged(archive(b"not json", weights=weights), "model.keras")
    assert report.unscannable is not None
    assert "hdf5-external-data" in rules(report)


def test_a_configuration_nested_without_end_is_not_judged() -> None:
    assert judged(archive(b"[" * 200_000), "model.keras").verdict is Verdict.UNSCANNABLE


def test_weights_are_not_read() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        target.writestr("metadata.json", b"{}")
        target.writestr("config.json", json.dumps(model()))
        target.writestr("model.weights.h5", (ORDINARY / "sequential.weights.h5").read_bytes() + bytes(20_000_000))
    report = judged(out.getvalue(), "model.keras")
    assert report.verdict is Verdict.SAFE
    assert report.bytes_read < 1_000_000


def test_json_of_other_kinds_is_left_alone() -> None:
    for text in (b'{"class_name": "x"}', b'{"config": {}}', b'{"a": {"class_name": "Mine", "config": 1}}'):
        assert (judged(text, "config.json").verdict, judged(text, "config.json").findings) == (Verdict.SAFE, ())


def test_a_model_inside_of_other_json_is_judged() -> None:
    text = json.dumps({"format": "layers-model", "topology": old(old_lambda(SHELL))}).encode()
    assert "keras-lambda" in rules(judged(text, "model.json"))
