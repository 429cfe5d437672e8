"""Rows that were deleted because they were past their time: what is kept of them, so that the rest can be proved."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any, Self

from sqlmodel import Session, col, select

from curator.audit.seals import Signer, signed
from curator.audit.tables import AuditGapRow
from curator.database.chain import microseconds
from curator.errors import BadInput


@dataclass(frozen=True, slots=True)
class Gap:
    """Rows from `first` to `last`, all of which are deleted. Signed like a seal, over the line that starts with
    `curator-gap-1`."""

    first: int
    last: int
    before: bytes
    after: bytes
    oldest: dt.datetime
    newest: dt.datetime
    at: dt.datetime
    key: str = ""
    signature: bytes = b""

    @property
    def line(self) -> str:
        """What is signed."""
        times = " ".join(str(microseconds(at)) for at in (self.oldest, self.newest, self.at))
        return f"curator-gap-1 {self.first} {self.last} {self.before.hex()} {self.after.hex()} {times}"

    @property
    def right(self) -> bool:
        """Whether the signature is that of its key."""
        return signed(self.key, self.line, self.signature)

    @property
    def sentence(self) -> str:
        rows = f"Row {self.first} was" if self.first == self.last else f"Rows {self.first:,} to {self.last:,} were"
        days = f"{self.oldest:%Y-%m-%d} to {self.newest:%Y-%m-%d}"
        return f"{rows} deleted on {self.at:%Y-%m-%d} by retention (of {days})"

    def sealed(self, signer: Signer) -> Gap:
        """The same, signed."""
        return Gap(**{name: getattr(self, name) for name in _SIGNED}, key=signer.key, signature=signer.sign(self.line))

    def as_json(self) -> dict[str, Any]:
        document = asdict(self)
        document |= {name: getattr(self, name).hex() for name in ("before", "after", "signature")}
        return document | {name: getattr(self, name).isoformat() for name in ("oldest", "newest", "at")}

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """As it was written. Raises `BadInput`."""
        try:
            before, after, signature = (bytes.fromhex(document[name]) for name in ("before", "after", "signature"))
            oldest, newest, at = (dt.datetime.fromisoformat(document[name]) for name in ("oldest", "newest", "at"))
            first, last, key = int(document["first"]), int(document["last"]), str(document["key"])
        except (KeyError, TypeError, ValueError):
            raise BadInput("What says which rows were deleted cannot be read") from None
        if any(moment.tzinfo is None for moment in (oldest, newest, at)):
            raise BadInput("What says which rows were deleted has a moment without a time zone")
        return cls(first, last, before, after, oldest, newest, at, key, signature)


_SIGNED = ("first", "last", "before", "after", "oldest", "newest", "at")


def gaps_after(session: Session, seq: int = 0, limit: int | None = None) -> list[Gap]:
    """Those that end after a row, in their order."""
    wanted = select(AuditGapRow).where(col(AuditGapRow.last) > seq).order_by(col(AuditGapRow.first)).limit(limit)
    return [Gap(**row.model_dump()) for row in session.exec(wanted)]
