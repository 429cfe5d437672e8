"""Is this a pickle? A question of plausibility, for content that has no magic number of its own.

Protocol 2 and later begin with their number. Older pickles are plain text or bytes, and many a word list begins with
letters that are opcodes, so they must get somewhere: to a STOP after an import or at the end of the file, or to a call
of something whose name could be one.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from scanners.budget import Budget, BudgetSpent, Meter
from scanners.formats.pickle.broken import BrokenPickle
from scanners.formats.pickle.imports import is_plausible
from scanners.formats.pickle.judgement import Judgement
from scanners.formats.pickle.machine import Machine
from scanners.formats.pickle.opcodes import OPERATIONS
from scanners.formats.pickle.opcodes.stack import HIGHEST_PROTOCOL
from scanners.formats.pickle.values import Unknown, Value
from scanners.reading import Window
from scanners.source import ByteSource

TORCH_MAGIC = b"\x8a\n" + (0x1950A86A20F9469CFC6C).to_bytes(10, "little") + b"."
"""The first pickle of `torch.save` before 1.6 is this number."""
PROBE_OPCODES = 20_000
PROBE_BYTES = 1024 * 1024
FRAME = 0x95
LINE_STEP = 1024 * 1024


@dataclass(slots=True)
class _Sip:
    """A source that gives only so much of its bytes, wherever they are."""

    inner: ByteSource
    left: int = PROBE_BYTES

    @property
    def size(self) -> int:
        return self.inner.size

    def read(self, offset: int, length: int) -> bytes:
        if self.left <= 0:
            raise BudgetSpent("Enough was read to say what it is.")
        self.left -= length
        return self.inner.read(offset, length)


@dataclass(frozen=True, slots=True)
class Probed:
    """A plausible pickle begins the content."""

    is_torch_legacy: bool


def probe(source: ByteSource) -> Probed | None:
    head = source.read(0, 24)
    if len(head) > 2 and head[0] == 0x80 and head[1] <= HIGHEST_PROTOCOL:
        # It says so itself; a byte that no opcode has makes it something else.
        if OPERATIONS[head[2]] is None:
            return None
        framed = head[2] == FRAME
        return Probed(is_torch_legacy=head[11 if framed else 2 :].startswith(TORCH_MAGIC))
    judgement = Judgement()
    meter = Meter(Budget(opcodes=PROBE_OPCODES))
    start, stack = 0, list[Value]()
    if len(head) > 2 and head[0] == 0x80 and OPERATIONS[head[2]] is None:
        return None
    while True:
        window = Window(_Sip(source), start)
        machine = Machine(window, judgement, meter, stack)
        try:
            machine.run()
        except BudgetSpent:
            if machine.opcodes > 1 or start > 0:
                # Nothing but a pickle goes on for so long.
                return Probed(is_torch_legacy=False)
            # One long line is no more than its first byte: what stands behind it tells.
            behind = _end_of_line(source, PROBE_BYTES // 2)
            if behind is None or judgement.names:
                return None
            start, stack = behind, [Unknown.LONG_TEXT]
            continue
        except BrokenPickle:
            return Probed(is_torch_legacy=False) if does_something(judgement) else None
        at_end = window.position == source.size
        if does_something(judgement) or (at_end and machine.opcodes > 1):
            return Probed(is_torch_legacy=False)
        if at_end:
            return None
        start, stack = window.position, []


def is_whole(source: ByteSource) -> bool:
    """Whether bytes that begin like a pickle are one: read to its STOP at their end, or doing something on the way."""
    judgement = Judgement()
    machine = Machine(Window(source), judgement, Meter(Budget(opcodes=PROBE_OPCODES)))
    try:
        machine.run()
    except BudgetSpent:
        return True
    except BrokenPickle:
        return does_something(judgement)
    return machine.window.position == source.size or does_something(judgement)


def _end_of_line(source: ByteSource, start: int) -> int | None:
    """Where the next line begins, if one does. The source charges for what is read."""
    for offset in range(start, source.size, LINE_STEP):
        found = source.read(offset, LINE_STEP).find(b"\n")
        if found >= 0:
            return offset + found + 1 if offset + found + 1 < source.size else None
    return None


def does_something(judgement: Judgement) -> bool:
    """Whether it called or changed something whose name could be one."""
    return any(
        (name.called or name.built) and is_plausible(name.module, name.name) for name in judgement.names.values()
    )


def brings_something_in(source: ByteSource) -> bool:
    """Whether a pickle that begins here imports something before it ends or breaks: chance alone does not."""
    judgement = Judgement()
    with suppress(BrokenPickle, BudgetSpent):
        Machine(Window(_Sip(source)), judgement, Meter(Budget(opcodes=PROBE_OPCODES))).run()
    return any(is_plausible(name.module, name.name) for name in judgement.names.values())
