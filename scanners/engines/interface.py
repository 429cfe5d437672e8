"""Second opinions: what other scanners say of the pickles that our machine has read.

They are shown with their name, and weigh what our own reading lets them weigh:

| our reading of the stream            | the engine objects | the engine is content |
|--------------------------------------|--------------------|-----------------------|
| every import resolved and harmless   | low                | nothing changes       |
| needs classes of a known library     | medium at most     | nothing changes       |
| suspicious or worse, or broken off   | high at most       | nothing changes       |

So an engine's noise on ordinary files raises no verdict, its "clean" lowers none, and what both see weighs more.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from scanners.case import Case, PickleStream
from scanners.finding import Confidence, Severity

LARGEST_STREAM = 32 * 1024 * 1024
MOST_OPCODES = 200_000
MOST_STREAMS = 16
LONGEST_TURN_S = 20
"""For one engine and one stream, where the process has an alarm clock to spare."""
LONGEST_OF_ALL_S = 50
"""For all of them together; and never longer than the scan itself may take."""
MOST_OBJECTIONS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Objection:
    """One thing an engine holds against a stream."""

    sentence: str
    severity: Severity
    """What the engine says of it; what it counts for is decided here."""


class Engine(Protocol):
    """A scanner of pickle streams that is installed next to ours."""

    name: str

    def version(self) -> str:
        """Its version, or `absent: <why>`. Imports it."""
        ...

    def objections(self, stream: bytes) -> list[Objection]:
        """What it holds against the stream. May raise anything."""
        ...


class TookTooLong(Exception):
    """The engine's turn is over."""


@cache
def engines() -> dict[Engine, str]:
    """Every engine and its version; imports what is installed, so call it first where nothing can be imported later."""
    from scanners.engines.fickling import Fickling
    from scanners.engines.modelaudit import Modelaudit
    from scanners.engines.modelaudit_picklescan import ModelauditPicklescan
    from scanners.engines.modelscan import Modelscan
    from scanners.engines.picklescan import Picklescan

    known: list[Engine] = [Fickling(), Modelscan(), Picklescan(), ModelauditPicklescan(), Modelaudit()]
    return {engine: engine.version() for engine in known}


def versions() -> dict[str, str]:
    """Of every engine, by its name."""
    return {engine.name: version for engine, version in engines().items()}


def ask(case: Case) -> dict[str, str]:
    """Asks every engine about every stream of the case; notes their objections; says what became of each engine."""
    said: dict[str, str] = {}
    end = time.monotonic() + min(LONGEST_OF_ALL_S, case.meter.left_s())
    for engine, version in engines().items():
        said[engine.name] = version
        if version.startswith("absent:"):
            continue
        troubles = {trouble for stream in case.dossier.streams if (trouble := _ask_one(engine, stream, case, end))}
        if troubles:
            said[engine.name] = f"{version}; not heard on every stream: {', '.join(sorted(troubles))}"[:500]
    return said


def _ask_one(engine: Engine, stream: PickleStream, case: Case, end: float) -> str | None:
    """None when the engine was heard, else why not."""
    left = end - time.monotonic()
    if left < 1:
        return "no time was left"
    if stream.source.size > LARGEST_STREAM:
        return f"more than {LARGEST_STREAM // 1024 // 1024} MiB"
    if stream.opcodes > MOST_OPCODES:
        return f"more than {MOST_OPCODES:,} opcodes"
    if case.dossier.streams.index(stream) >= MOST_STREAMS:
        return f"more than {MOST_STREAMS} streams"
    data = stream.source.read(0, stream.source.size)
    try:
        with _alarm(min(LONGEST_TURN_S, left)):
            objections = engine.objections(data)
    except TookTooLong:
        return f"longer than {min(LONGEST_TURN_S, left):.0f} seconds"
    except MemoryError:
        return "more memory than a scan may use"
    # An engine that breaks on a hostile stream has no opinion; ours stands.
    except Exception as error:
        return f"it failed with {type(error).__name__}"
    if objections:
        _note(engine, stream, objections, case)
    return None


def _note(engine: Engine, stream: PickleStream, objections: list[Objection], case: Case) -> None:
    worst = max((objection.severity for objection in objections), key=lambda severity: severity.rank)
    most = _ceiling(stream.worst)
    sentences = sorted({objection.sentence[:200] for objection in objections})
    shown = sentences[0] + (f" (and {len(sentences) - 1} more)" if len(sentences) > 1 else "")
    case.at(stream.member).add(
        "second-opinion",
        min(worst, most, key=lambda severity: severity.rank),
        f"{engine.name} objects: {shown}",
        confidence=Confidence.POSSIBLE if stream.worst is None else Confidence.LIKELY,
        evidence={"objections": sentences[:MOST_OBJECTIONS_SHOWN]},
        engine=engine.name,
    )


def _ceiling(ours: Severity | None) -> Severity:
    if ours is None or ours is Severity.LOW:
        return Severity.LOW
    return Severity.MEDIUM if ours is Severity.MEDIUM else Severity.HIGH


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Interrupts the body; only in a main thread whose alarm nobody else uses, such as a jailed child's."""
    free = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
        and signal.getitimer(signal.ITIMER_REAL)[0] == 0
    )
    if not free:
        yield
        return

    def ring(*_: object) -> None:
        raise TookTooLong

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
