"""Goes along the chain link by link, and tells from how it goes on what is wrong with a row that does not fit.

After a row that does not fit, the next one is tried as if it had been altered, as if its chain value had, as if it had
been inserted, and as if one before it had been taken out and the rest numbered anew: what fits says what was done.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from curator.audit.gaps import Gap
from curator.database.chain import FIRST, link


class Wrong(StrEnum):
    ALTERED = "altered"
    """A field of it is not as it was written."""
    CHAIN_ALTERED = "chain-altered"
    """Its chain value is not the one that was written."""
    INSERTED = "inserted"
    """It was not written there: a row came in between, or one number is there twice."""
    MISSING = "missing"
    """Rows that were written are not there."""
    MOVED = "moved"
    """It was written in another place."""
    UNPROVED = "unproved"
    """It cannot be told whether it is as it was written, since what is before it is not."""
    REWRITTEN = "rewritten"
    """The chain fits and is not the one that was sealed: rows up to there were written anew."""
    CUT = "cut"
    """Rows at the end, which were there when a seal was made, are not."""
    FORGED = "forged"
    """A seal, or what says which rows were deleted, is not signed by the key of the record; a key was not made here;
    or a legal hold is not as the record says that it was placed or ended."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with the record."""

    wrong: Wrong
    seq: int
    id: str | None
    at: dt.datetime | None
    sentence: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"at": self.at.isoformat() if self.at is not None else None}


@dataclass(slots=True)
class _Doubt:
    """A row that does not fit; the next one tells why."""

    row: Mapping[str, Any]
    before: bytes | None
    wrong: Wrong = Wrong.ALTERED


_Guess = tuple[bytes | None, int, Wrong | None]
"""What the chain value before may be, by how much the numbers are too high, and what that says of the doubted row."""
_MOST_MOVED = 64


class Chain:
    """One pass; rows come in the order of `seq`."""

    def __init__(self, seq: int = 0, chain: bytes | None = FIRST) -> None:
        """After the row `seq`; None for a chain value that is not known."""
        self.seq = seq
        self.chain: bytes | None = chain
        """What the last row says."""
        self._guesses: Sequence[_Guess] = ((chain, 0, None),)
        self._doubt: _Doubt | None = None
        self._doubts: list[_Doubt] = []
        self._shift = 0

    def take(self, row: Mapping[str, Any]) -> list[Problem]:
        """Go on to this row; what is found to be wrong before it."""
        problems: list[Problem] = []
        seq, stored = int(row["seq"]), bytes(row["chain"])
        if seq <= self.seq:
            return [Problem(Wrong.INSERTED, seq, row["id"], row["at"], f"Row {seq} is there more than once")]
        if seq > self.seq + 1:
            problems += self.settle()
            problems.append(_missing(self.seq + 1, seq - 1))
            # Whatever was there last: this row is the first that may be proved again, by the one after it.
            self._guesses = ((None, self._shift, None),)
        fits = next((guess for guess in self._guesses if _fits(guess, row, stored)), None)
        if fits is not None:
            problems += self._settled(fits[2])
            self._shift = fits[1]
            self._guesses = ((stored, self._shift, None),)
        elif all(before is None for before, _, _ in self._guesses):
            problems.append(_told(Wrong.UNPROVED, row))
            self._guesses = ((stored, self._shift, None),)
        else:
            problems += self._settled(Wrong.UNPROVED if self._doubt is not None else None, unexplained=True)
            self._begin_doubt(row, stored)
        self.seq, self.chain = seq, stored
        return problems

    def pass_over(self, gap: Gap) -> list[Problem]:
        """Go on to the end of rows that were deleted as they had to be."""
        problems = self.settle()
        if gap.first == self.seq + 1 and self.chain is not None and self.chain != gap.before:
            problems.append(
                Problem(
                    Wrong.FORGED,
                    gap.first,
                    None,
                    gap.at,
                    f"The rows {gap.first} to {gap.last} were deleted after another row {self.seq} than there is",
                )
            )
        self.seq, self.chain = gap.last, gap.after
        self._guesses = ((gap.after, 0, None),)
        return problems

    def settle(self) -> list[Problem]:
        """There is no next row that could tell more."""
        return self._settled(self._doubt.wrong if self._doubt is not None else None)

    def moved(self) -> list[Problem]:
        """At the end: which of the rows that did not fit were written in each other's place."""
        found = []
        for one in self._doubts:
            for other in self._doubts:
                if one is other or other.before is None:
                    continue
                place = other.row["seq"]
                if link(other.before, {**one.row, "seq": place}) == one.row["chain"]:
                    said = f"Row {one.row['seq']} ({one.row['id']}) was written as row {place}: rows changed places"
                    found.append(Problem(Wrong.MOVED, one.row["seq"], one.row["id"], one.row["at"], said))
        return found

    def _begin_doubt(self, row: Mapping[str, Any], stored: bytes) -> None:
        before = self._guesses[0][0]
        self._doubt = _Doubt(row, before)
        if len(self._doubts) < _MOST_MOVED:
            self._doubts.append(self._doubt)
        shift = self._shift
        computed = _link(before, row, shift)
        self._guesses = (
            (stored, shift, Wrong.ALTERED),
            (computed, shift, Wrong.CHAIN_ALTERED),
            (before, shift + 1, Wrong.INSERTED),
            (stored, shift - 1, Wrong.MISSING),
        )

    def _settled(self, wrong: Wrong | None, *, unexplained: bool = False) -> list[Problem]:
        doubt, self._doubt = self._doubt, None
        if doubt is None or wrong is None:
            return []
        # Neither as it stands nor as it ought to be does it lead to the next: it is another row, or both were changed.
        return [_told(Wrong.ALTERED if unexplained else wrong, doubt.row)]


def _fits(guess: _Guess, row: Mapping[str, Any], stored: bytes) -> bool:
    return _link(guess[0], row, guess[1]) == stored


def _link(before: bytes | None, row: Mapping[str, Any], shift: int) -> bytes | None:
    if before is None:
        return None
    try:
        return link(before, row if shift == 0 else {**row, "seq": row["seq"] - shift})
    except KeyError:
        # A form that there is none of.
        return None


def _missing(first: int, last: int) -> Problem:
    said = f"Row {first} is missing" if first == last else f"The rows {first} to {last} are missing"
    return Problem(Wrong.MISSING, first, None, None, said)


_SENTENCES = {
    Wrong.ALTERED: "is not as it was written",
    Wrong.CHAIN_ALTERED: "has another chain value than was written",
    Wrong.INSERTED: "was not written there: it came in between, and the rows after it were numbered anew",
    Wrong.MISSING: "follows a row that was taken out, and it and those after it were numbered anew",
    Wrong.UNPROVED: "cannot be proved, since what was before it is not there",
}


def _told(wrong: Wrong, row: Mapping[str, Any]) -> Problem:
    at = row["at"].astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    said = f"Row {row['seq']} ({row['id']}, {at}) {_SENTENCES[wrong]}"
    return Problem(wrong, int(row["seq"]), row["id"], row["at"], said)
