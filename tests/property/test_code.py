"""Whatever the bytes of code are, there is a report; and a command at import is found however its name is spelled."""

from __future__ import annotations

import base64
import json
import marshal

from hypothesis import given
from hypothesis import strategies as st

from fixtures.corpus import bytecode, code_ordinary
from fixtures.corpus.code import AT_IMPORT
from scanners.finding import Report, Severity, Verdict
from scanners.scan import scan
from scanners.source import MemorySource

SOURCES = [source for variants in AT_IMPORT.values() for source in variants.values()]
ORDINARY = list(code_ordinary.ORDINARY.values())
names = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12).map(lambda name: f"v_{name}")


def report_of(content: bytes, name: str = "modeling_acme.py") -> Report:
    return scan(MemorySource(content), name, engines=False)


@st.composite
def spellings(draw: st.DrawFn) -> str:
    """Expressions whose value is the text `system`."""
    word = "system"
    cut = draw(st.integers(0, len(word)))
    return draw(
        st.sampled_from(
            [
                repr(word),
                f"{word[:cut]!r} + {word[cut:]!r}",
                f"{word[::-1]!r}[::-1]",
                f"''.join({list(word)!r})",
                f"''.join(map(chr, {list(word.encode())!r}))",
                f"bytes({list(word.encode())!r}).decode()",
                f"__import__('base64').b64decode({base64.b64encode(word.encode())!r}).decode()",
                f"bytes.fromhex({word.encode().hex()!r}).decode()",
                f"'{{}}{{}}'.format({word[:cut]!r}, {word[cut:]!r})",
                f"'%s%s' % ({word[:cut]!r}, {word[cut:]!r})",
                f"f'{word[:cut]}{{\"{word[cut:]}\"}}'",
            ]
        )
    )


@given(spellings(), names, names, st.sampled_from(["getattr({m}, {s})", "{m}.__dict__[{s}]", "vars({m})[{s}]"]))
def test_a_command_at_import_is_found_however_it_is_spelled(spelling: str, module: str, call: str, form: str) -> None:
    reached = form.format(m=module, s=spelling)
    report = report_of(f"import os as {module}\n{call} = {reached}\n{call}('echo owned')\n".encode())
    assert report.verdict is Verdict.UNSAFE


@given(st.sampled_from(ORDINARY), st.sampled_from(ORDINARY))
def test_ordinary_code_stays_ordinary_side_by_side(one: str, other: str) -> None:
    report = report_of(f"{one}\n\n{other}".replace("from __future__ import annotations\n", "").encode())
    assert all(finding.severity is Severity.LOW for finding in report.findings), report.findings


@given(st.binary(max_size=300), st.sampled_from(["a.py", "a.ipynb", "a.sh", "a.pyc", "a.pth", "a.lnk", "setup.py"]))
def test_any_bytes_end_in_a_report(content: bytes, name: str) -> None:
    assert "failed" not in (report_of(content, name).unscannable or "")


@given(st.text(max_size=200), st.sampled_from(["a.py", "a.sh", "a.pth", "Makefile", "a.js"]))
def test_any_text_ends_in_a_report(text: str, name: str) -> None:
    assert "failed" not in (report_of(text.encode("utf-8", "replace"), name).unscannable or "")


@given(st.sampled_from(SOURCES), st.lists(st.tuples(st.integers(0, 400), st.text(max_size=4)), max_size=4))
def test_changed_source_ends_in_a_report(source: str, changes: list[tuple[int, str]]) -> None:
    for at, text in changes:
        source = source[:at] + text + source[at + 1 :]
    assert "failed" not in (report_of(source.encode("utf-8", "replace")).unscannable or "")


@given(st.recursive(st.none() | st.text(max_size=20) | st.integers(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["cells", "source", "outputs", "data", "cell_type", "metadata", "kernelspec", "text/html"]), inner, max_size=4), max_leaves=20))  # fmt: skip  # noqa: E501
def test_any_json_is_a_notebook_that_ends_in_a_report(document: object) -> None:
    content = json.dumps({"cells": document, "nbformat": 4}).encode()
    assert "failed" not in (report_of(content, "a.ipynb").unscannable or "")


PYC = bytecode.pyc(bytecode.SOURCES["os-system"])


@given(st.lists(st.tuples(st.integers(0, len(PYC) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_changed_bytecode_ends_in_a_report(changes: list[tuple[int, int]]) -> None:
    content = bytearray(PYC)
    for at, value in changes:
        content[at] = value
    report = report_of(bytes(content), "acme.pyc")
    assert "failed" not in (report.unscannable or "")
    assert report.verdict is not Verdict.SAFE


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(), lambda inner: st.tuples(inner, inner) | st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=12))  # fmt: skip  # noqa: E501
def test_every_constant_that_python_marshals_can_be_read(value: object) -> None:
    from scanners.formats.code.marshalled import read_code

    code = compile("import os\nos.system('x')", "a", "exec")
    content = marshal.dumps((value, code))  # type: ignore[arg-type]
    found = read_code(MemorySource(content), 0, counts=5, is_new=True)
    assert {"os", "system"} <= found.names
