"""Which token the upstream is asked with: one for each pattern of repositories, the most specific one that matches."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from sqlmodel import Session, col, select

from curator.audit.record import Action, AuditEvent, append
from curator.database import secret_key
from curator.database.engine import Database, now
from curator.database.sealing import Seal, opened_by_any
from curator.errors import BadInput
from curator.types import RepoId, RepoKind, check_no_secret
from curator.upstream.tables import UpstreamTokenRow

_PATTERN = re.compile(r"[A-Za-z0-9_.*?-]+(?:/[A-Za-z0-9_.*?-]+)?", re.ASCII)
_TOKEN = re.compile(r"[!-~]{1,500}", re.ASCII)
_WILD = frozenset("*?")
_LONGEST_PATTERN = 200
_LONGEST_NOTE = 200


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which repositories a token is for."""

    text: str
    """Glob on the id: `*` is any letters, `?` is one; upper and lower case are the same, as at the Hub."""
    kind: RepoKind | None
    """None: of every kind."""

    @classmethod
    def parse(cls, text: str, kind: RepoKind | None) -> Pattern:
        if not _PATTERN.fullmatch(text) or len(text) > _LONGEST_PATTERN:
            raise BadInput(
                f"{text[:100]!a} is not a pattern of repositories: write it as 'meta-llama/*' or as a whole name"
            )
        return cls(text, kind)

    def matches(self, repo: RepoId) -> bool:
        return self.kind in {None, repo.kind} and fnmatchcase(str(repo).lower(), self.text.lower())

    @property
    def rank(self) -> tuple[bool, int, bool, int, str]:
        """How specific it is: a whole name before a pattern, then the one with more letters, then with a kind."""
        wild = sum(letter in _WILD for letter in self.text)
        return (wild == 0, len(self.text) - wild, self.kind is not None, -wild, self.text)

    def __str__(self) -> str:
        return f"{self.text} ({self.kind.value})" if self.kind else self.text


@dataclass(frozen=True, slots=True)
class KeptToken:
    """What may be shown of a token."""

    pattern: Pattern
    created_at: dt.datetime
    note: str | None
    sealed: str


def add_token(database: Database, seal: Seal, pattern: Pattern, token: str, note: str | None, by: str) -> bool:
    """Keep a token for these repositories; whether one was there before, which it replaces. `by` is for the record."""
    if not _TOKEN.fullmatch(token):
        raise BadInput("A token of the Hub is one word of printable ASCII letters: nothing like it was given")
    if note is not None and (len(note) > _LONGEST_NOTE or not note.isprintable()):
        raise BadInput(f"A note has up to {_LONGEST_NOTE} printable characters")
    check_no_secret("note", note or "")
    with database.write() as session:
        secret_key.hold(session, seal)
        sealed = seal.close(token)
        before = session.get(UpstreamTokenRow, _key(pattern))
        session.merge(
            UpstreamTokenRow(
                pattern=pattern.text, kind=_key(pattern)[1], sealed=sealed, created_at=now(), note=note or None
            )
        )
        noted = f" ({note})" if note else ""
        _record(session, pattern, by, "replace" if before else "add", f"A token for {pattern} is kept{noted}")
        return before is not None


def remove_token(database: Database, pattern: Pattern, by: str) -> None:
    with database.write() as session:
        row = session.get(UpstreamTokenRow, _key(pattern))
        if row is None:
            raise BadInput(f"There is no token for {pattern}: `curator upstream-token list` shows those there are")
        session.delete(row)
        _record(session, pattern, by, "remove", f"The token for {pattern} is forgotten")


def list_tokens(database: Database) -> list[KeptToken]:
    """All of them, the most specific first."""
    with database.read() as session:
        rows = session.exec(select(UpstreamTokenRow).order_by(col(UpstreamTokenRow.pattern))).all()
    kept = [
        KeptToken(Pattern(row.pattern, RepoKind(row.kind) if row.kind else None), row.created_at, row.note, row.sealed)
        for row in rows
    ]
    return sorted(kept, key=lambda one: one.pattern.rank, reverse=True)


def open_token(seal: Seal, kept: KeptToken) -> str:
    """Its text. Raises `KeyLost`."""
    return seal.open(kept.sealed, f"The upstream's token for {kept.pattern}")


def change_secret(session: Session, old: Seal | None, new: Seal, by: str) -> list[str]:
    """Seal what `old` opens with `new`. What neither opens is named; without an old key it is lost, and forgotten here.
    Raises `KeyLost` if there is one that does not open it."""
    lost = []
    for row in session.exec(select(UpstreamTokenRow)):
        pattern = Pattern(row.pattern, RepoKind(row.kind) if row.kind else None)
        what = f"The upstream's token for {pattern}"
        text = opened_by_any(row.sealed, what, new, old)
        if text is None:
            lost.append(str(pattern))
            session.delete(row)
            _record(session, pattern, by, "remove", f"The token for {pattern} is lost with the key it was sealed with")
        else:
            row.sealed = new.close(text)
            session.add(row)
    return lost


def best_match(kept: list[KeptToken], repo: RepoId) -> KeptToken | None:
    return max((one for one in kept if one.pattern.matches(repo)), key=lambda one: one.pattern.rank, default=None)


def _record(session: Session, pattern: Pattern, by: str, outcome: str, sentence: str) -> None:
    append(
        session,
        AuditEvent(
            action=Action.UPSTREAM_TOKEN,
            actor=by,
            kind=pattern.kind,
            repo=pattern.text,
            outcome=outcome,
            sentence=sentence,
        ),
    )


def _key(pattern: Pattern) -> tuple[str, str]:
    return pattern.text, pattern.kind.value if pattern.kind else ""
