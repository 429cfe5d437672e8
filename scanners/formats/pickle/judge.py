"""Judges a pickle file: one pickle or several after one another, with what follows the last."""

from __future__ import annotations

from dataclasses import dataclass

from scanners.budget import BudgetSpent, Unscannable
from scanners.case import Case, PickleStream
from scanners.detect import Format, detect
from scanners.finding import Confidence, Severity
from scanners.formats.pickle.imports import Standing, canonical
from scanners.formats.pickle.judgement import Judgement
from scanners.formats.pickle.machine import BrokenPickle, Machine
from scanners.formats.pickle.values import Value
from scanners.reading import SliceSource, Window
from scanners.source import ByteSource, MemorySource

MOST_STREAMS = 10_000


@dataclass(frozen=True, slots=True)
class ReadPickle:
    """One pickle of a file, read as far as it goes."""

    value: Value
    end: int
    broken: str | None


def read_one(window: Window, judgement: Judgement, case: Case) -> ReadPickle:
    """One pickle from the window's position, told to `judgement`."""
    machine = Machine(window, judgement, case.meter)
    start = window.position
    try:
        value, broken = machine.run(), None
    except BrokenPickle as reason:
        value, broken = None, str(reason)
    finally:
        case.dossier.streams.append(
            PickleStream(
                source=SliceSource(window.source, start, max(0, window.position - start)),
                member=case.member,
                opcodes=machine.opcodes,
                worst=max((remark.severity for remark in judgement.outcome()), key=lambda s: s.rank, default=None),
            )
        )
    return ReadPickle(value, window.position, broken)


def report(judgement: Judgement, case: Case) -> None:
    """Turns what was learnt into findings and facts, and judges the files inside."""
    for name in judgement.names.values():
        module, qualified = canonical(name.module, name.name)
        if len(case.dossier.imports) < 1000:
            case.dossier.imports[f"{module}.{qualified}"[:200]] = name.standing.value
    for remark in judgement.outcome():
        case.add(remark.rule, remark.severity, remark.message, offset=remark.offset, evidence=remark.evidence)
    for content, file_name, offset in judgement.nested:
        inner = (
            MemorySource(content)
            if isinstance(content, bytes)
            else SliceSource(content.source, content.offset, content.length)
        )
        case.examine(inner, f"bytes at {offset}", name=file_name)
        _judge_as_pickle(inner, f"bytes at {offset}", file_name, case)


def _judge_as_pickle(content: ByteSource, member: str, name: str, case: Case) -> None:
    """Whatever else the bytes look like, an unpickler is what reads them."""
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
    if any(name.standing is not Standing.HARMLESS for name in judgement.names.values()):
        case.add(
            "pickle-broken-off",
            Severity.HIGH,
            f"The pickle {broken}; what stands before that runs all the same.",
            evidence={"reason": broken},
        )
    return Unscannable(f"The pickle {broken}.")


def judge(source: ByteSource, case: Case) -> None:
    judgement = Judgement()
    window = Window(source)
    broken: str | None = None
    try:
        for _ in range(MOST_STREAMS):
            start = window.position
            outcome = read_one(window, judgement, case)
            broken = outcome.broken
            if broken is not None and start > 0 and not _starts_a_pickle(source, start):
                trailing(source, start, case)
                broken = None
                break
            if broken is not None or window.remaining == 0:
                break
        else:
            broken = f"is followed by more than {MOST_STREAMS:,} others"
    except BudgetSpent:
        report(judgement, case)
        raise
    report(judgement, case)
    if broken is not None:
        raise broke_off(judgement, case, broken)


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
        case.examine(SliceSource(source, start, length), "bytes after the pickle")
