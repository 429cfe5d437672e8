"""Whatever stands in a Keras configuration or in the code of a Lambda, there is a report."""

from __future__ import annotations

import contextlib
import json
import marshal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fixtures.corpus.keras import SHELL, archive, function, model, named
from scanners.finding import Verdict
from scanners.formats.keras.bytecode import BrokenCode, decode, read_code
from scanners.scan import scan
from scanners.source import MemorySource

keys = st.one_of(
    st.sampled_from(["class_name", "module", "config", "registered_name", "function", "vocabulary", "name", "layers"]),
    st.text(max_size=8),
)
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=12),
    st.sampled_from(["Lambda", "__lambda__", "function", "Dense", "keras.layers", "os", "TorchModuleWrapper", SHELL]),
)  # fmt: skip
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=5)),
    max_leaves=30,
)
CODE = decode(SHELL)


def judged(config: Any) -> Any:
    return scan(MemorySource(archive(config)), "model.keras", engines=False)


@given(values)
def test_any_configuration_ends_in_a_report(config: Any) -> None:
    report = judged(model(named("Dense", {"x": config})))
    assert "failed" not in (report.unscannable or "")


@given(values)
def test_what_is_dangerous_is_found_whatever_is_around_it(config: Any) -> None:
    for place in ([config, function("os", "system")], {"a": config, "b": {"c": [function("os", "system")]}}):
        assert judged(model(named("Dense", {"x": place}))).verdict is Verdict.UNSAFE


@given(st.text(max_size=300))
def test_any_text_as_a_configuration_ends_in_a_report(text: str) -> None:
    report = judged(text.encode("utf-8", "surrogatepass"))
    assert "failed" not in (report.unscannable or "")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_function_or_not(data: bytes) -> None:
    for head in (b"", b"\xe3", b"\xe3" + bytes(20), CODE[:40]):
        with contextlib.suppress(BrokenCode):
            read_code(head + data)


@given(st.lists(st.tuples(st.integers(0, len(CODE) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_function_with_changed_bytes_is_read_or_not(changes: list[tuple[int, int]]) -> None:
    data = bytearray(CODE)
    for at, value in changes:
        data[at] = value
    with contextlib.suppress(BrokenCode):
        read_code(bytes(data))


constants = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(), st.text(), st.binary()),
    lambda inner: st.one_of(st.lists(inner, max_size=4).map(tuple), st.frozensets(st.integers(), max_size=4)),
    max_leaves=12,
)


@given(constants)
def test_every_constant_of_a_function_is_stepped_over(constant: Any) -> None:
    code = (lambda x: os.system(x)).__code__  # type: ignore[name-defined]  # noqa: F821, PLW0108
    found = read_code(marshal.dumps(code.replace(co_consts=(constant, *code.co_consts))))
    assert {"os", "system"} <= found.names


def test_the_seed_is_what_it_should_be() -> None:
    assert "system" in read_code(CODE).names
    assert json.loads(json.dumps(function("os", "system")))["config"] == "system"
