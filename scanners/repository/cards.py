"""Whether a model card is another's, and how much a card says.

Stub with the final signatures: the bodies follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class CardSignature:
    """What remains of a card to compare it by."""

    shingles: int = 0
    minhash: tuple[int, ...] = ()

    @property
    def comparable(self) -> bool:
        """Whether there is enough of its author's own text; a signature that is not is like no other."""
        return bool(self.minhash)

    @property
    def bands(self) -> tuple[str, ...]:
        """Keys for an index: two cards that are nearly the same share one of them, nearly always."""
        return ()

    def as_json(self) -> dict[str, Any]:
        return {"shingles": self.shingles, "minhash": list(self.minhash)}

    @classmethod
    def from_json(cls, document: object) -> CardSignature:
        """What cannot be read is a signature that is like no other."""
        return cls()


def card_signature(text: str, repository: str = "") -> CardSignature:
    """Of a card's whole text; the names of `owner/name` in it do not count."""
    return CardSignature()


def similarity(one: CardSignature, other: CardSignature) -> float:
    """How much of the two texts is the same, from 0 to 1; 0 where one of them is not comparable."""
    return 0.0


def card_completeness(card: object, text: str) -> float:
    """How much of what a card should say it says, from 0 to 1."""
    return 0.0


def card_lacks(card: object, text: str) -> tuple[str, ...]:
    """What a card should say and does not."""
    return ()
