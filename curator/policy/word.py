"""What waivers and entries of lists have in common: somebody's word, for whom, why, and until when; checked, and read
from the database only where it has changed."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from sqlmodel import Session, and_, col, func, or_, select

from curator.database.engine import now
from curator.errors import BadInput, CuratorError
from curator.policy.tables import ListEntryRow, WaiverRow
from curator.types import check_no_secret
from rules.circumstances import Scope

Row = TypeVar("Row", bound=WaiverRow | ListEntryRow)

_DAYS = re.compile(r"(\d{1,6}) ?d(?:ays?)?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9._*?\[\]!-]{1,64}", re.ASCII)
_LONGEST_REASON = 2_000
_FARTHEST_DAYS = 36_500
_MOST_REMEMBERED = 8


class BadWord(BadInput):
    """A waiver or an entry that cannot be taken as it is."""

    status = 422


class NoSuchWord(CuratorError):
    """A waiver or an entry was asked for that was never made."""

    status = 404


@dataclass(frozen=True, slots=True)
class Given:
    """How a word was given, and whether it was taken back."""

    created_at: dt.datetime
    ended_at: dt.datetime | None
    ended_by: str | None

    @classmethod
    def of(cls, row: WaiverRow | ListEntryRow) -> Given:
        return cls(row.created_at, row.ended_at, row.ended_by)

    def state(self, expires_at: dt.datetime | None) -> str:
        """`active`, `expired` or `ended` (taken back)."""
        if self.ended_at is not None:
            return "ended"
        return "expired" if expires_at is not None and expires_at <= now() else "active"


def checked_reason(reason: str) -> str:
    """Why somebody decides so. Raises `BadInput`."""
    text = reason.strip()
    if not text:
        raise BadWord("Say why: a reason is wanted, for whoever reads this in a year (--reason)")
    if any(unicodedata.category(letter) in {"Cc", "Cs"} and letter not in "\n\r\t" for letter in text):
        raise BadWord("The reason has a character in it that cannot be written down: say it in plain text")
    if len(text) > _LONGEST_REASON:
        raise BadWord(f"The reason is too long: say it in {_LONGEST_REASON} characters at most")
    return check_no_secret("reason", text)


def checked_scope(teams: Iterable[str], projects: Iterable[str]) -> Scope:
    """For whom it is: globs of the names of teams and projects; none of a kind means all. Raises `BadWord`."""
    named = {"team": tuple(dict.fromkeys(teams)), "project": tuple(dict.fromkeys(projects))}
    for what, globs in named.items():
        wrong = next((glob for glob in globs if not _NAME.fullmatch(glob)), None)
        if wrong is not None:
            raise BadWord(
                f"{wrong[:80]!a} is no name of a {what}: write it in letters, digits, '.', '_' and '-', or as a "
                "glob of them"
            )
    return Scope(named["team"] or ("*",), named["project"] or ("*",))


def read_until(text: str, moment: dt.datetime) -> dt.datetime:
    """When something ends: `90d` from now, the end of a day such as `2027-01-01` (UTC), or a moment in ISO 8601.

    Raises `BadWord`.
    """
    asked = text.strip()
    days = _DAYS.fullmatch(asked)
    try:
        if days is not None:
            return moment + dt.timedelta(days=min(int(days[1]), _FARTHEST_DAYS))
        read = dt.datetime.fromisoformat(asked)
        read = read if read.tzinfo else read.replace(tzinfo=dt.UTC)
        return (read + dt.timedelta(days=1) if _DAY.fullmatch(asked) else read).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise BadWord(f"{asked[:80]!a} is no end: write a day such as 2027-01-31, or days such as 90d") from None


def checked_end(expires_at: dt.datetime | None, moment: dt.datetime) -> dt.datetime | None:
    """Raises `BadWord` for an end that is over."""
    if expires_at is not None and expires_at <= moment:
        said = expires_at.isoformat(timespec="minutes")
        raise BadWord(f"The end {said} is not in the future: name a later day (--until)")
    return expires_at


def shown(moment: dt.datetime | None) -> str | None:
    """As JSON has it."""
    return moment.isoformat(timespec="seconds") if moment else None


def page(
    session: Session, table: type[Row], after: str | None, limit: int, *, state: str, more: Iterable[object] = ()
) -> list[Row]:
    """Rows newest first, those before the one that `after` names; `state` is `active`, `ended` or `all`."""
    statement = select(table).order_by(col(table.id).desc()).limit(limit)
    moment = now()
    in_force = and_(col(table.ended_at).is_(None), or_(col(table.expires_at).is_(None), col(table.expires_at) > moment))
    if state == "active":
        statement = statement.where(in_force)
    elif state == "ended":
        statement = statement.where(or_(col(table.ended_at).is_not(None), col(table.expires_at) <= moment))
    if after is not None:
        statement = statement.where(col(table.id) < after)
    for condition in more:
        statement = statement.where(condition)  # type: ignore[arg-type]
    return list(session.exec(statement))


class _Word(Protocol):
    @property
    def expires_at(self) -> dt.datetime | None: ...


Value = TypeVar("Value", bound=_Word)


@dataclass(frozen=True, slots=True)
class Said(Generic[Value]):
    """A word, and from when to when it held."""

    word: Value
    since: dt.datetime
    until: dt.datetime | None
    """None: it holds."""

    def holds(self, moment: dt.datetime) -> bool:
        return self.since <= moment and (self.until is None or moment < self.until)


class WordsInForce(Generic[Row, Value]):
    """The words in force of one kind, as values; read anew only where one was added or taken back.

    There may be thousands, and each judgement looks twice: what tells whether anything changed is one row.
    """

    def __init__(self, table: type[Row], value_of: Callable[[Row], Value]) -> None:
        self._table = table
        self._value_of = value_of
        self._known: dict[tuple[object, ...], tuple[Value, ...]] = {}

    def at(self, session: Session, moment: dt.datetime) -> tuple[Value, ...]:
        """Those that hold at this moment, which is not long past."""
        table = self._table
        stamp: tuple[object, ...] = (
            session.get_bind().engine.url,
            *session.exec(
                select(
                    func.count(col(table.id)),
                    func.max(col(table.id)),
                    func.count(col(table.ended_at)),
                    func.max(col(table.ended_at)),
                )
            ).one(),
        )
        known = self._known.get(stamp)
        if known is None:
            rows = session.exec(select(table).where(col(table.ended_at).is_(None)).order_by(col(table.id)))
            known = tuple(self._value_of(row) for row in rows if row.expires_at is None or row.expires_at > moment)
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[stamp] = known
        return tuple(word for word in known if word.expires_at is None or word.expires_at > moment)

    def held_since(self, session: Session, moment: dt.datetime) -> tuple[Said[Value], ...]:
        """All that held at that moment or later."""
        table = self._table
        rows = session.exec(
            select(table)
            .where(or_(col(table.ended_at).is_(None), col(table.ended_at) > moment))
            .where(or_(col(table.expires_at).is_(None), col(table.expires_at) > moment))
            .order_by(col(table.id))
        )
        return tuple(
            Said(
                self._value_of(row),
                row.created_at,
                min((one for one in (row.ended_at, row.expires_at) if one is not None), default=None),
            )
            for row in rows
        )
