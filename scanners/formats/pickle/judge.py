"""Judges a pickle file: one pickle or several after one another, with what follows the last."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from scanners.budget import BudgetSpent, Unscannable
from scanners.case import Case, PickleStream
from scanners.detect import detect
from scanners.finding import Confidence, Severity
from scanners.formats.pickle.broken import BrokenPickle
from scanners.formats.pickle.expansion import expands
from scanners.formats.pickle.imports import Standing, canonical
from scanners.formats.pickle.joblib import array_skipper
from scanners.formats.pickle.judgement import Judgement
from scanners.formats.pickle.machine import Machine
from scanners.formats.pickle.probe import does_something, is_whole
from scanners.formats.pickle.values import Blob, Value
from scanners.kinds import Format
from scanners.reading import JoinedSource, SliceSource, Window
from scanners.source import ByteSource, MemorySource

MOST_STREAMS = 10_000
LARGEST_SEARCHED = 64 * 1024 * 1024
SEARCH_STEP = 1024 * 1024
MOST_FOUND = 16
_BEGINNING = re.compile(rb"\x80[\x02-\x05][\x95\x8ccC(}\]X)NK]")
"""How a pickle begins: its protocol, and one of the opcodes that come first."""


@dataclass(frozen=True, slots=True)
class ReadPickle:
    """One pickle of a file, read as far as it goes."""

    value: Value
    end: int
    broken: str | None
    memo: Mapping[int, Value]


def read_one(
    window: Window, judgement: Judgement, case: Case, earlier: Mapping[int, Value] | None = None
) -> ReadPickle:
    """One pickle from the window's position, told to `judgement`; `earlier` is the memo of the one before it."""
    machine = Machine(window, judgement, case.meter, earlier=earlier)
    start = window.position
    try:
        value, broken = machine.run(), None
        if machine.shares and expands(value):
            judgement.swells("describes a value of more than a billion parts in a few bytes", start)
    except BrokenPickle as reason:
        value, broken = None, str(reason)
    finally:
        case.dossier.streams.append(
            PickleStream(
                source=_without_arrays(window.source, start, window.position, judgement.arrays),
                member=case.member,
                opcodes=machine.opcodes,
                worst=max((remark.severity for remark in judgement.outcome()), key=lambda s: s.rank, default=None),
            )
        )
    return ReadPickle(value, window.position, broken, machine.memo)


def _without_arrays(source: ByteSource, start: int, end: int, arrays: list[tuple[int, int]]) -> ByteSource:
    """The opcodes alone: who knows no joblib could not read on."""
    if not arrays:
        return SliceSource(source, start, max(0, end - start))
    edges = [start, *(edge for array in arrays if start <= array[0] < end for edge in array), max(start, end)]
    parts = tuple(
        SliceSource(source, begin, finish - begin) for begin, finish in zip(edges[::2], edges[1::2], strict=True)
    )
    return parts[0] if len(parts) == 1 else JoinedSource(parts)


def report(judgement: Judgement, case: Case) -> None:
    """Turns what was learnt into findings and facts, and judges the files inside."""
    for name in judgement.names.values():
        module, qualified = canonical(name.module, name.name)
        if len(case.dossier.imports) < 1000:
            case.dossier.imports[f"{module}.{qualified}"[:200]] = name.standing.value
    for remark in judgement.outcome():
        case.add(remark.rule, remark.severity, remark.message, offset=remark.offset, evidence=remark.evidence)
    loaded = {id(content) for content, _, _ in judgement.nested}
    for content, file_name, offset in judgement.nested:
        judge_loaded(_source_of(content), f"bytes at {offset}", file_name, case)
    for content, offset in judgement.embedded:
        inner = _source_of(content)
        if id(content) not in loaded and is_whole(inner):
            case.examine(inner, f"bytes at {offset}", name="embedded.pkl")


def _source_of(content: bytes | Blob) -> ByteSource:
    if isinstance(content, bytes):
        return MemorySource(content)
    return SliceSource(content.source, content.offset, content.length)


def judge_loaded(content: ByteSource, member: str, name: str, case: Case) -> None:
    """Judges bytes that an unpickler is given: by their content and, whatever else they look like, as a pickle."""
    case.examine(content, member, name=name)
    if detect(content, name).format in (Format.PICKLE, Format.TORCH_LEGACY, Format.ZIP):
        return
    inner = case
    try:
        inner = case.inside(member, name=name)
        judge(content, inner)
    except BudgetSpent:
        raise
    except Unscannable as reason:
        inner.leave_open(str(reason))


def broke_off(judgement: Judgement, case: Case, broken: str) -> Unscannable:
    """A pickle that breaks after an import is suspicious in itself: an unpickler has run what stood before."""
    brings_in_more = any(name.standing is not Standing.HARMLESS for name in judgement.names.values())
    # Behind an array of joblib, what is no opcode may be opcodes to who takes the array for another length.
    out_of_step = bool(judgement.arrays) and broken.startswith("has an unknown opcode")
    case.add(
        "pickle-broken-off",
        Severity.HIGH if brings_in_more or out_of_step else Severity.MEDIUM,
        f"The pickle {broken}; what stands before that runs all the same.",
        evidence={"reason": broken},
    )
    return Unscannable(f"The pickle {broken}.")


def judge(source: ByteSource, case: Case) -> None:
    judgement = Judgement()
    streams = len(case.dossier.streams)
    try:
        read = _read_all(source, judgement, case)
        if judgement.first_wrapper is not None:
            # Two ways to read it: joblib passes over its arrays, pickle.load takes them for opcodes.
            plain, wrapper = judgement, judgement.first_wrapper
            del case.dossier.streams[streams:]
            judgement = Judgement(skip_array=array_skipper(case.meter))
            read = _read_all(source, judgement, case)
            judgement.adopt(plain, wrapper)
    except BudgetSpent:
        report(judgement, case)
        raise
    report(judgement, case)
    if read.trailing is not None:
        trailing(source, read.trailing, case)
    if read.broken is not None:
        if read.end < source.size:
            _look_for_pickles(source, read.end, case)
        raise broke_off(judgement, case, read.broken)


@dataclass(frozen=True, slots=True)
class _ReadAll:
    """How the reading of a whole file ended."""

    broken: str | None = None
    trailing: int | None = None
    """Where something begins that is no pickle."""
    end: int = 0
    """How far the opcodes were read."""


def _read_all(source: ByteSource, judgement: Judgement, case: Case) -> _ReadAll:
    window = Window(source)
    memo: Mapping[int, Value] | None = None
    for _ in range(MOST_STREAMS):
        start = window.position
        if start == 0 or _starts_a_pickle(source, start):
            read = read_one(window, judgement, case, memo)
            broken, memo = read.broken, read.memo
        else:
            # Perhaps a pickle of protocol 0 or 1, perhaps something else: then what it says means nothing.
            later = Judgement(skip_array=judgement.skip_array)
            broken = read_one(window, later, case, memo).broken
            if broken is not None and not does_something(later):
                return _ReadAll(trailing=start)
            judgement.absorb(later)
        if broken is not None or window.remaining == 0:
            return _ReadAll(broken, end=window.position)
    return _ReadAll(f"is followed by more than {MOST_STREAMS:,} others")


def _starts_a_pickle(source: ByteSource, offset: int) -> bool:
    head = source.read(offset, 2)
    return len(head) == 2 and head[0] == 0x80 and head[1] <= 5


def trailing(source: ByteSource, start: int, case: Case) -> None:
    length = source.size - start
    padding = length <= 4096 and not source.read(start, length).strip(b"\0 \r\n\t")
    case.add(
        "pickle-trailing-data",
        Severity.LOW if padding else Severity.MEDIUM,
        f"{length:,} bytes follow the end of the pickle that are not a pickle.",
        confidence=Confidence.CERTAIN,
        offset=start,
        evidence={"bytes": length},
    )
    if not padding:
        _look_for_pickles(source, start, case)
        case.examine(SliceSource(source, start, length), "bytes after the pickle")


def _look_for_pickles(source: ByteSource, start: int, case: Case) -> None:
    """Behind bytes that no unpickler gets past another program may yet find a pickle."""
    for offset in islice(_beginnings(source, start), MOST_FOUND):
        judgement = Judgement()
        found = SliceSource(source, offset, source.size - offset)
        if read_one(Window(found), judgement, case).broken is None or does_something(judgement):
            report(judgement, case)


def _beginnings(source: ByteSource, start: int) -> Iterator[int]:
    """Where a pickle may begin after `start`."""
    for offset in range(start, min(source.size, start + LARGEST_SEARCHED), SEARCH_STEP):
        # Two bytes more: a beginning may lie across two steps.
        for match in _BEGINNING.finditer(source.read(offset, SEARCH_STEP + 2)):
            if offset + match.start() > start:
                yield offset + match.start()
