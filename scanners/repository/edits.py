"""In what two names differ that are one slip apart."""

from __future__ import annotations

from typing import Literal

from scanners.repository.confusables import neighbours

Slip = Literal["number", "doubled", "dropped", "added", "swapped", "keyboard", "letter"]

PHRASES: dict[Slip, str] = {
    "number": "{of} with another number",
    "doubled": "{of} with a letter doubled",
    "dropped": "{of} with a letter left out",
    "added": "one letter more than {of}",
    "swapped": "{of} with two letters swapped",
    "keyboard": "one key beside {of}",
    "letter": "one letter from {of}",
}


def slip(seen: str, meant: str) -> Slip:
    """What has to be done to `meant`, which is one edit away, to get `seen`; both flat."""
    if _letters(seen) == _letters(meant):
        return "number"
    if len(seen) > len(meant):
        at = _first_difference(seen, meant)
        same = seen[at] in (seen[at - 1 : at], seen[at + 1 : at + 2])
        return "doubled" if same else "added"
    if len(seen) < len(meant):
        return "dropped"
    at = _first_difference(seen, meant)
    if at + 1 < len(seen) and seen[at + 1] == meant[at] and seen[at] == meant[at + 1]:
        return "swapped"
    return "keyboard" if neighbours(seen[at], meant[at]) else "letter"


def _first_difference(longer: str, shorter: str) -> int:
    return next(
        (at for at, (one, other) in enumerate(zip(longer, shorter, strict=False)) if one != other),
        min(len(longer), len(shorter)) - (1 if len(longer) == len(shorter) else 0),
    )


def _letters(text: str) -> str:
    return "".join(c for c in text if not c.isdigit())
