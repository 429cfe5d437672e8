"""Our reading of a pickle sees all that an unpickler would do, and never breaks."""

from __future__ import annotations

import contextlib
import io
import pickle
import pickletools
import struct
from typing import Any, Self
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from scanners.budget import Budget, Meter
from scanners.finding import Verdict
from scanners.formats.pickle.broken import BrokenPickle
from scanners.formats.pickle.imports import canonical
from scanners.formats.pickle.judgement import Judgement
from scanners.formats.pickle.machine import Machine
from scanners.formats.pickle.remarks import Remark
from scanners.reading import Window
from scanners.source import MemorySource
from tests.scanning import MODELS, SHELL, judged, proto


def _mutate(seed: bytes, cuts: list[tuple[int, bytes]]) -> bytes:
    for place, new in cuts:
        at = place % (len(seed) + 1)
        seed = seed[:at] + new + seed[at + 1 :]
    return seed


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.frozensets(st.integers(), max_size=3)
    ),
    max_leaves=12,
)
OPCODES = [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]
LINES = st.sampled_from([b"os\n", b"system\n", b"1\n", b"collections\n", b"OrderedDict\n", b"'x'\n"])
SOUP = st.lists(st.sampled_from(OPCODES) | LINES | st.binary(min_size=1, max_size=4), max_size=40).map(b"".join)
SEEDS = [pickle.dumps({"a": [1, (2.5, "x"), {"b": b"y"}], "s": {1, 2}}, protocol) for protocol in range(6)] + [
    proto(SHELL),
    pickle.dumps(io.BytesIO, 4),
    (MODELS / "sklearn-joblib/main/model.joblib").read_bytes(),
]
MUTATED = st.builds(
    _mutate,
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=3)), min_size=1, max_size=4),
)


class Recorder(pickle._Unpickler):
    """Python's own unpickler, which imports nothing: it notes what it would."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.seen: set[tuple[str, str]] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.seen.add((module, name))
        return Harmless

    def persistent_load(self, identifier: Any) -> Any:
        return Harmless()


class Harmless:
    """Takes any arguments and any state."""

    def __new__(cls, *_args: Any, **_keywords: Any) -> Self:
        return object.__new__(cls)

    def __init__(self, *args: Any, **keywords: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


class FastRecorder(pickle.Unpickler):
    """The same of Python's unpickler in C."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.seen: set[tuple[str, str]] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.seen.add((module, name))
        return Harmless

    def persistent_load(self, identifier: Any) -> Any:
        return Harmless()


def seen_by_us(content: bytes) -> tuple[set[tuple[str, str]], list[Remark]]:
    judgement = Judgement()
    with contextlib.suppress(BrokenPickle):
        Machine(Window(MemorySource(content)), judgement, Meter(Budget())).run()
    ours = set(judgement.names)
    return ours | {canonical(*name) for name in ours}, judgement.outcome()


def unresolved(remarks: list[Remark]) -> bool:
    """We say that we do not know all of it."""
    return any(remark.rule in ("pickle-unresolved-import", "pickle-frame-mismatch") for remark in remarks)


@given(PLAIN, st.integers(0, 5))
def test_plain_python_is_safe_at_every_protocol(value: Any, protocol: int) -> None:
    report = judged(pickle.dumps(value, protocol))
    # At protocol 0 to 2, sets and bytes are built by calls, all of which are known.
    assert (report.verdict, report.complete) == (Verdict.SAFE, True), report


@given(SOUP | MUTATED)
def test_whatever_the_bytes_the_scan_ends_in_a_report(content: bytes) -> None:
    report = judged(content)
    assert "Judging it failed" not in (report.unscannable or "")


WHOLE = MUTATED | SOUP.map(lambda soup: b"\x80\x04" + soup + b".")


@given(WHOLE)
def test_every_import_of_pythons_own_unpickler_is_seen(content: bytes) -> None:
    recorder = Recorder(content)
    # It may break in any way: what it has imported by then is what counts.
    with contextlib.suppress(Exception):
        recorder.load()
    ours, remarks = seen_by_us(content)
    assert unresolved(remarks) or recorder.seen <= ours


# Those with lengths and places that C makes room for before it reads on are left out.
@given(WHOLE.filter(lambda content: not any(code in content for code in (b"r", b"\x8b", b"\x8d", b"\x8e", b"\x96"))))
def test_every_import_of_the_unpickler_in_c_is_seen(content: bytes) -> None:
    recorder = FastRecorder(content)
    with contextlib.suppress(Exception):
        recorder.load()
    ours, remarks = seen_by_us(content)
    assert unresolved(remarks) or recorder.seen <= ours


@given(WHOLE)
def test_the_short_way_through_the_frequent_opcodes_changes_nothing(content: bytes) -> None:
    short = seen_by_us(content)
    with patch("scanners.formats.pickle.machine.read_frequent", lambda _: None):
        assert seen_by_us(content) == short


@given(st.integers(0, 12), st.binary(max_size=12))
def test_frames_of_any_length_show_all_that_python_imports(length: int, filling: bytes) -> None:
    body = b"C" + bytes([len(filling)]) + filling + b"0" + SHELL
    content = b"\x80\x04\x95" + struct.pack("<Q", length) + body + b"."
    recorder = FastRecorder(content)
    with contextlib.suppress(Exception):
        recorder.load()
    ours, remarks = seen_by_us(content)
    assert unresolved(remarks) or recorder.seen <= ours
