"""The one verb of this package: bytes in, report out. The content decides; the name is a hint."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from scanners.budget import Budget, BudgetSpent, Meter, Unscannable
from scanners.finding import SCANNER_VERSION, Report
from scanners.source import ByteSource, SourceUnavailable

if TYPE_CHECKING:
    from scanners.case import Dossier

FAILED = "Judging it failed"
"""Begins the sentence for a file that broke its judge: a mistake of ours, which the fuzzers look for."""


def scan(
    source: ByteSource,
    name: str,
    *,
    engines: bool = True,
    budget: Budget | None = None,
    before_engines: Callable[[Report], None] | None = None,
) -> Report:
    """Judges one file. `name` is its base name. Raises only SourceUnavailable: all else ends as a report.

    `before_engines` is told the report as it is before other scanners are asked: they may end this process.
    """
    # Fetched here, so that who only needs the types of this package does not wait for its knowledge.
    from scanners.case import Case, Dossier
    from scanners.engines.interface import ask, versions
    from scanners.examination import examine
    from scanners.formats.archives.bombs import note_a_bomb
    from scanners.reading import CountingSource

    meter = Meter(budget if budget is not None else Budget())
    dossier = Dossier(meter)
    counted = CountingSource(source, meter)
    base_name = name.replace("\\", "/").rsplit("/", 1)[-1]
    case = Case(dossier=dossier, examine_content=examine, name=base_name)
    asked: dict[str, str] = {"curator": SCANNER_VERSION}
    try:
        try:
            examine(counted, base_name, case)
        except BudgetSpent:
            raise
        except Unscannable as reason:
            dossier.unscannable.append(str(reason))
        if engines and dossier.streams:
            if before_engines is not None:
                before_engines(_report(dossier, asked | versions()))
            asked |= ask(case)
        if engines and dossier.sources:
            from scanners.engines.bandit import ask as ask_bandit

            asked |= ask_bandit(case)
    except Unscannable as reason:
        dossier.unscannable.append(str(reason))
        if isinstance(reason, BudgetSpent):
            note_a_bomb(case, source.size)
    except SourceUnavailable:
        raise
    except MemoryError:
        dossier.unscannable.append("Judging it takes more memory than one scan may use.")
    # The door: whatever a hostile file breaks in a judge, the file is not judged, and nobody crashes.
    except Exception as error:
        dossier.unscannable.append(f"{FAILED} ({type(error).__name__}): {error}"[:300])
    return _report(dossier, asked)


def _report(dossier: Dossier, asked: dict[str, str]) -> Report:
    if dossier.imports:
        dossier.facts["imports"] = dict(sorted(dossier.imports.items()))
    return Report(
        format=dossier.format,
        findings=tuple(sorted(dossier.findings, key=lambda finding: -finding.severity.rank)),
        bytes_read=dossier.meter.read_bytes,
        unscannable=_sentence(dossier.unscannable),
        metadata=dossier.facts,
        engines=asked,
    )


def _sentence(open_ends: list[str]) -> str | None:
    if not open_ends:
        return None
    more = len(open_ends) - 1
    return open_ends[0] + (f" ({more} more could not be judged.)" if more else "")
