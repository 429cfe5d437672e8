"""Lists of what is approved and what is blocked, as they are kept: added, taken back, never changed."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from sqlmodel import Session, col

from curator.database.engine import new_id, now
from curator.database.generation import changed
from curator.policy.tables import ListEntryRow
from curator.policy.word import BadWord, Given, NoSuchWord, Said, WordsInForce, checked_end, checked_reason, page, shown
from rules.circumstances import Audience, ListEffect, ListEntry, Scope

_GLOB = re.compile(r"[A-Za-z0-9_.*?\[\]!-]{1,96}(?:/[A-Za-z0-9_.*?\[\]!-]{1,96})?", re.ASCII)
_SHA = re.compile(r"[0-9a-f]{40}", re.ASCII)
_KINDS = ("model", "dataset", "space")
_MOST_GLOBS = 500
_MOST_COMMITS = 5_000
_CONTENT = re.compile(r"sha256:[0-9a-f]{64}|git-sha1:[0-9a-f]{40}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An entry that is to be made."""

    effect: ListEffect
    repositories: tuple[str, ...]
    kinds: tuple[str, ...]
    commits: frozenset[str] = frozenset()
    collection: str = ""
    scope: Scope
    reason: str
    by: str
    expires_at: dt.datetime | None = None
    seconded_by: tuple[str, ...] = ()
    """Who agreed to it beside him."""
    contents: frozenset[str] = frozenset()
    incident: str = ""


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """An entry with its place in the record."""

    entry: ListEntry
    given: Given

    @property
    def state(self) -> str:
        """`active`, `expired` or `ended` (taken back)."""
        return self.given.state(self.entry.expires_at)

    @property
    def what(self) -> str:
        """What it is about, in words."""
        entry = self.entry
        if entry.collection:
            return f"the collection {entry.collection}"
        if entry.contents:
            return f"the content {', '.join(sorted(entry.contents))}"
        named = ", ".join(entry.repositories)
        if not entry.commits:
            return named
        only = next(iter(entry.commits))
        return f"{named}@{only}" if len(entry.commits) == 1 else f"{len(entry.commits)} commits of {named}"

    def as_json(self) -> dict[str, Any]:
        entry, given = self.entry, self.given
        return {
            "id": entry.id,
            "state": self.state,
            "effect": entry.effect.value,
            "what": self.what,
            "repositories": list(entry.repositories),
            "kinds": list(entry.kinds),
            "commits": sorted(entry.commits),
            "contents": sorted(entry.contents),
            "incident": entry.incident or None,
            "collection": entry.collection or None,
            "scope": entry.scope.as_json(),
            "reason": entry.reason,
            "by": entry.by,
            "seconded_by": list(entry.seconded_by),
            "created_at": shown(given.created_at),
            "expires_at": shown(entry.expires_at),
            "ended_at": shown(given.ended_at),
            "ended_by": given.ended_by,
        }


def check(wanted: Wanted) -> Wanted:
    """The same, if it may be made. Raises `BadWord`."""
    checked_reason(wanted.reason)
    checked_end(wanted.expires_at, now())
    if not wanted.repositories or len(wanted.repositories) > _MOST_GLOBS:
        raise BadWord(f"An entry is about one repository or glob at least, and {_MOST_GLOBS} at most")
    wrong = next((glob for glob in wanted.repositories if not _GLOB.fullmatch(glob)), None)
    if wrong is not None:
        raise BadWord(f"{wrong[:80]!a} names no repositories: write NAMESPACE/NAME, or a glob such as 'Qwen/*'")
    if not wanted.kinds or not set(wanted.kinds) <= set(_KINDS):
        raise BadWord(f"The kinds of repositories are {', '.join(_KINDS)}")
    if len(wanted.commits) > _MOST_COMMITS:
        raise BadWord(
            f"{len(wanted.commits)} commits are too many for an entry ({_MOST_COMMITS}): name a shorter range"
        )
    if wanted.commits and len(wanted.repositories) != 1:
        raise BadWord("Commits are of one repository: name it without a glob")
    wrong = next((one for one in sorted(wanted.contents) if not _CONTENT.fullmatch(one)), None)
    if wrong is not None:
        raise BadWord(f"{wrong[:80]!a} is no content: it is sha256: and 64 hex digits, or git-sha1: and 40")
    unknown = next((sha for sha in sorted(wanted.commits) if not _SHA.fullmatch(sha)), None)
    if unknown is not None:
        raise BadWord(f"{unknown[:80]!a} is not a commit: it has 40 hex digits")
    return wanted


def add(session: Session, wanted: Wanted) -> KeptEntry:
    """Keep an entry. Raises `BadWord`."""
    check(wanted)
    row = ListEntryRow(
        id=new_id(),
        effect=wanted.effect.value,
        repositories=json.dumps(wanted.repositories),
        kinds=json.dumps(wanted.kinds),
        commits=json.dumps(sorted(wanted.commits)),
        contents=json.dumps(sorted(wanted.contents)),
        incident=wanted.incident,
        collection=wanted.collection,
        scope=json.dumps(wanted.scope.as_json()),
        reason=checked_reason(wanted.reason),
        by=wanted.by,
        seconded_by=json.dumps(wanted.seconded_by),
        created_at=now(),
        expires_at=wanted.expires_at,
    )
    session.add(row)
    session.flush()
    changed(session)
    return _kept(row)


def end(session: Session, entry_id: str, by: str) -> KeptEntry:
    """Take an entry back. Raises `NoSuchWord`, and `BadWord` if it is over already."""
    row = _row(session, entry_id)
    before = _kept(row)
    if before.state != "active":
        raise BadWord(f"The entry {entry_id} is over already: it is {before.state}")
    row.ended_at, row.ended_by = now(), by
    session.add(row)
    session.flush()
    changed(session)
    return _kept(row)


def find(session: Session, entry_id: str) -> KeptEntry:
    """An entry of any time. Raises `NoSuchWord`."""
    return _kept(_row(session, entry_id))


def listed(
    session: Session,
    *,
    state: str = "active",
    effect: ListEffect | None = None,
    repo: str | None = None,
    reach: Audience | None = None,
    after: str | None = None,
    limit: int = 100,
) -> list[KeptEntry]:
    """Entries, newest first; `state` is `active`, `ended` or `all`, `repo` a repository that they are about, `reach`
    somebody whom they must be for."""
    more = () if effect is None else (col(ListEntryRow.effect) == effect.value,)
    if repo is None and reach is None:
        return [_kept(row) for row in page(session, ListEntryRow, after, limit, state=state, more=more)]
    found: list[KeptEntry] = []
    # Which globs match is not for the database to say.
    while len(found) < limit and (rows := page(session, ListEntryRow, after, 500, state=state, more=more)):
        found += [kept for row in rows if _is_about((kept := _kept(row)).entry, repo, reach)]
        after = rows[-1].id
    return found[:limit]


def _is_about(entry: ListEntry, repo: str | None, reach: Audience | None) -> bool:
    return (repo is None or names(entry, repo)) and (reach is None or entry.scope.covers(reach))


def names(entry: ListEntry, repo: str) -> bool:
    """Whether the entry is about this repository, or about commits of it."""
    return any(fnmatchcase(repo.lower(), glob.lower()) for glob in entry.repositories)


def active(session: Session, moment: dt.datetime) -> tuple[ListEntry, ...]:
    """Those in force, for whomever they are."""
    return _IN_FORCE.at(session, moment)


def held_since(session: Session, moment: dt.datetime) -> tuple[Said[ListEntry], ...]:
    """Those that held then or later, each with its time."""
    return _IN_FORCE.held_since(session, moment)


def _row(session: Session, entry_id: str) -> ListEntryRow:
    row = session.get(ListEntryRow, entry_id)
    if row is None:
        raise no_such_entry(entry_id)
    return row


def no_such_entry(entry_id: str) -> NoSuchWord:
    """For whoever names one that is not there, or not for him to see."""
    return NoSuchWord(f"There is no entry {entry_id[:64]!a}: `curator lists` shows those there are")


def _kept(row: ListEntryRow) -> KeptEntry:
    return KeptEntry(_value(row), Given.of(row))


def _value(row: ListEntryRow) -> ListEntry:
    return ListEntry(
        id=row.id,
        effect=ListEffect(row.effect),
        repositories=tuple(json.loads(row.repositories)),
        reason=row.reason,
        by=row.by,
        kinds=tuple(json.loads(row.kinds)),
        commits=frozenset(json.loads(row.commits)),
        collection=row.collection,
        expires_at=row.expires_at,
        scope=Scope.from_json(json.loads(row.scope)),
        seconded_by=tuple(json.loads(row.seconded_by)),
        contents=frozenset(json.loads(row.contents)),
        incident=row.incident,
    )


_IN_FORCE: WordsInForce[ListEntryRow, ListEntry] = WordsInForce(ListEntryRow, _value)
