"""Archives made to exhaust who unpacks them: told by how much more comes out than goes in."""

from __future__ import annotations

from collections.abc import Callable

from scanners.budget import MIB, Unscannable
from scanners.case import Case
from scanners.finding import Severity

LEAST_RATIO = 250
"""Weights hardly shrink, text by ten; a tensor of zeros shrinks by a thousand, but is seldom all of a file."""
LARGE, VERY_LARGE = 4 * MIB, 32 * MIB
STOPS_AT = 64 * MIB


def weigh(packed: int, unpacked: int, case: Case) -> None:
    """Notes a bomb where `packed` bytes become, or are said to become, `unpacked` ones."""
    if unpacked < LARGE or unpacked < LEAST_RATIO * max(1, packed):
        return
    case.add(
        "archive-bomb",
        Severity.HIGH if unpacked >= VERY_LARGE else Severity.MEDIUM,
        f"It unpacks {packed:,} bytes to {unpacked:,} or more: {unpacked // max(1, packed):,} times as many, "
        "which is made to exhaust whoever unpacks it.",
        evidence={"packed": packed, "unpacked": unpacked},
    )


class Bomb(Unscannable):
    """Unpacking was stopped: it is plain what the content is for."""


def guarded(packed: int, case: Case) -> Callable[[int], None]:
    """What unpacking `packed` bytes is paid by: it ends where only a bomb would go on."""
    come_out = 0

    def spend(count: int) -> None:
        nonlocal come_out
        case.meter.spend_unpacked(count)
        come_out += count
        if come_out > STOPS_AT and come_out > LEAST_RATIO * packed:
            weigh(packed, come_out, case)
            raise Bomb(f"It was unpacked to {come_out // MIB:,} MiB only: it is made to exhaust whoever unpacks it.")

    return spend


def note_a_bomb(case: Case, file_size: int) -> None:
    """A scan that ran out of its budget: whether the file was made for that."""
    meter = case.meter
    if meter.unpacked_bytes > meter.budget.unpacked_bytes and not _is_known(case):
        weigh(file_size, meter.unpacked_bytes, case)


def _is_known(case: Case) -> bool:
    return any(finding.rule == "archive-bomb" for finding in case.dossier.findings)
