"""Is this a pickle? A question of plausibility, for content that has no magic number of its own.

Protocol 2 and later begin with their number. Older pickles are plain text or bytes, and many a word list begins with
letters that are opcodes, so they must get somewhere: to a STOP after an import or at the end of the file, or to a call
of something whose name could be one.
"""

from __future__ import annotations

from dataclasses import dataclass

from scanners.budget import Budget, BudgetSpent, Meter
from scanners.formats.pickle.broken import BrokenPickle
from scanners.formats.pickle.imports import is_plausible
from scanners.formats.pickle.judgement import Judgement
from scanners.formats.pickle.machine import Machine
from scanners.formats.pickle.opcodes.stack import HIGHEST_PROTOCOL
from scanners.reading import Window
from scanners.source import ByteSource

TORCH_MAGIC = 0x1950A86A20F9469CFC6C
"""The first pickle of `torch.save` before 1.6 is this number."""
PROBE_OPCODES = 20_000
PROBE_BYTES = 1024 * 1024


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
    head = source.read(0, 3)
    has_protocol = len(head) >= 2 and head[0] == 0x80 and head[1] <= HIGHEST_PROTOCOL
    judgement = Judgement()
    window = Window(_Sip(source))
    meter = Meter(Budget(opcodes=PROBE_OPCODES))
    while True:
        machine = Machine(window, judgement, meter)
        start = window.position
        try:
            value = machine.run()
        except BudgetSpent:
            # Nothing but a pickle goes on for so long; one endless line, though, is no more than its first byte.
            return Probed(is_torch_legacy=False) if machine.opcodes > 1 else None
        except BrokenPickle:
            plausible = (start == 0 and has_protocol and machine.opcodes > 1) or _does_something(judgement)
            return Probed(is_torch_legacy=False) if plausible else None
        if start == 0 and value == TORCH_MAGIC and isinstance(value, int):
            return Probed(is_torch_legacy=True)
        at_end = window.position == source.size
        if has_protocol or _does_something(judgement) or (at_end and machine.opcodes > 1):
            return Probed(is_torch_legacy=False)
        if at_end:
            return None


def _does_something(judgement: Judgement) -> bool:
    return any(
        (name.called or name.built) and is_plausible(name.module, name.name) for name in judgement.names.values()
    )
