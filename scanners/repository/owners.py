"""Who a repository belongs to, and whether that is still who it was.

A name on the Hub can be given up and taken by somebody else; clients that ask for it notice nothing. What cannot be
taken with the name are the ids that the Hub gave to the owner and the repository, the moments of their making, and the
commit that the history begins with.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["organization", "user", "unknown"]

_OBJECT_ID = re.compile(r"[0-9a-f]{24}")
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_MOST = 2**63 - 1
"""Conditions count in 64 bits."""
_BEFORE_THE_HUB = dt.datetime(2016, 1, 1, tzinfo=dt.UTC)
_SAME_MOMENT = dt.timedelta(seconds=1)
"""One answer has milliseconds and another has not: still the same moment."""


@dataclass(frozen=True, slots=True)
class Owner:
    """An account as the Hub shows it; what its answer does not say is unknown: None, 0 or the empty text."""

    kind: Kind = "unknown"
    verified: bool = False
    created_at: dt.datetime | None = None
    """By the Hub's word or, where it says nothing, from the id, which begins with the second it was given."""
    followers: int = 0
    repositories: int = 0
    """Models alone."""
    id: str = ""
    name: str = ""
    """As the Hub writes it now: another than was asked for is a renamed account."""


@dataclass(frozen=True, slots=True)
class OwnerSeen:
    """What tells a repository and its owner from others of the same name, when it was looked at."""

    owner_id: str | None = None
    owner_created_at: dt.datetime | None = None
    repository_id: str | None = None
    repository_created_at: dt.datetime | None = None
    first_commit: str | None = None
    """The commit without parents that the history of the main branch goes back to."""

    def as_json(self) -> dict[str, str]:
        """Only what is known; `from_json` reads it."""
        moments = {"owner_created_at": self.owner_created_at, "repository_created_at": self.repository_created_at}
        texts = {"owner_id": self.owner_id, "repository_id": self.repository_id, "first_commit": self.first_commit}
        return {name: text for name, text in texts.items() if text} | {
            name: moment.isoformat() for name, moment in moments.items() if moment
        }

    @classmethod
    def from_json(cls, document: object) -> OwnerSeen:
        """What cannot be read is unknown."""
        fields: dict[Any, Any] = document if isinstance(document, dict) else {}
        return cls(
            owner_id=_text(fields.get("owner_id")) or None,
            owner_created_at=moment_of(fields.get("owner_created_at")),
            repository_id=_text(fields.get("repository_id")) or None,
            repository_created_at=moment_of(fields.get("repository_created_at")),
            first_commit=_text(fields.get("first_commit")) or None,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What is not as it was, one sentence for each."""

    what: tuple[str, ...]
    """Of `owner-id`, `owner-created`, `repository-id`, `repository-created`, `first-commit`."""
    sentences: tuple[str, ...]

    @property
    def why(self) -> str:
        return "; ".join(self.sentences)


def continuity(before: OwnerSeen, after: OwnerSeen) -> Change | None:
    """What tells that the name is somebody else's now; None if nothing does.

    What is missing on either side is unknown, not changed. With the same id it is the same one, whatever the Hub says
    of its making: a moment that was read from an id is a little before the one that the Hub may tell later. A moment
    that is *earlier* than before is a correction of the Hub's: nobody takes a name in the past. A history that begins
    anew in the same repository was rewritten by its owner; that is told, too: nothing of what was approved is left.
    """
    found = [
        (what, sentence)
        for what, sentence in (
            _owner_id(before, after),
            _owner_created(before, after),
            _repository_id(before, after),
            _repository_created(before, after),
            _first_commit(before, after),
        )
        if sentence
    ]
    return Change(tuple(what for what, _ in found), tuple(sentence for _, sentence in found)) if found else None


def owner_of(overview: object) -> Owner:
    """The owner in the Hub's answer to `/api/organizations/{name}/overview` or `/api/users/{name}/overview`.

    Never raises: what is not there, or not of the type it should be, is unknown.
    """
    if not isinstance(overview, dict):
        return Owner()
    fields: dict[Any, Any] = overview
    kind = _kind(fields)
    owner_id = _text(fields.get("_id")).lower() or _text(fields.get("id"))
    return Owner(
        kind=kind,
        verified=kind == "organization" and fields.get("isVerified") is True,
        created_at=moment_of(fields.get("createdAt")) or _moment_in(owner_id),
        followers=_count(fields.get("numFollowers")),
        repositories=_count(fields.get("numModels")),
        id=owner_id[:128],
        name=_text(fields.get("user") if kind == "user" else fields.get("name")) or _text(fields.get("name")),
    )


def moment_of(value: object) -> dt.datetime | None:
    """A moment in ISO 8601, as UTC where it names no zone; None for anything else and for years before the Hub."""
    if not isinstance(value, str) or len(value) > 64:
        return None
    try:
        moment = dt.datetime.fromisoformat(value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        return moment.astimezone(dt.UTC) if moment >= _BEFORE_THE_HUB else None
    except (ValueError, OverflowError):
        return None


def _kind(fields: dict[Any, Any]) -> Kind:
    said = _text(fields.get("type")).casefold()
    if said in ("org", "organization"):
        return "organization"
    if said == "user":
        return "user"
    if "isVerified" in fields or "numUsers" in fields or "isEnterprise" in fields:
        return "organization"
    return "user" if "user" in fields or "isPro" in fields else "unknown"


def _moment_in(object_id: str) -> dt.datetime | None:
    """The second in which an id of the Hub's database (BSON ObjectId) was given: its first four bytes."""
    if not _OBJECT_ID.fullmatch(object_id):
        return None
    moment = dt.datetime.fromtimestamp(int(object_id[:8], 16), tz=dt.UTC)
    return moment if moment >= _BEFORE_THE_HUB else None


def _owner_id(before: OwnerSeen, after: OwnerSeen) -> tuple[str, str]:
    differ = _differ(before.owner_id, after.owner_id)
    return "owner-id", "the owner's account is another than when it was approved" if differ else ""


def _repository_id(before: OwnerSeen, after: OwnerSeen) -> tuple[str, str]:
    differ = _differ(before.repository_id, after.repository_id)
    sentence = "the repository was deleted and made anew, or is another one under the same name" if differ else ""
    return "repository-id", sentence


def _owner_created(before: OwnerSeen, after: OwnerSeen) -> tuple[str, str]:
    if _same(before.owner_id, after.owner_id):
        return "owner-created", ""
    return "owner-created", _later("the owner's account", before.owner_created_at, after.owner_created_at)


def _repository_created(before: OwnerSeen, after: OwnerSeen) -> tuple[str, str]:
    if _same(before.repository_id, after.repository_id):
        return "repository-created", ""
    return "repository-created", _later("the repository", before.repository_created_at, after.repository_created_at)


def _first_commit(before: OwnerSeen, after: OwnerSeen) -> tuple[str, str]:
    shas = (_text(before.first_commit).casefold(), _text(after.first_commit).casefold())
    known = all(_SHA.fullmatch(sha) for sha in shas)
    sentence = "the repository's history begins with another commit than when it was approved"
    if _same(before.repository_id, after.repository_id):
        sentence = "the repository's history was rewritten since it was approved: it begins with another commit"
    return "first-commit", sentence if known and shas[0] != shas[1] else ""


def _differ(one: str | None, other: str | None) -> bool:
    one, other = _text(one).casefold(), _text(other).casefold()
    return bool(one and other) and one != other


def _same(one: str | None, other: str | None) -> bool:
    return bool(_text(one)) and _text(one).casefold() == _text(other).casefold()


def _later(what: str, before: dt.datetime | None, after: dt.datetime | None) -> str:
    if before is None or after is None:
        return ""
    before, after = _aware(before), _aware(after)
    if after - before <= _SAME_MOMENT:
        return ""
    return f"{what} was made on {after:%d %B %Y}, later than the one that was approved ({before:%d %B %Y})"


def _aware(moment: dt.datetime) -> dt.datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _count(value: object) -> int:
    counted = isinstance(value, int) and not isinstance(value, bool)
    return min(max(value, 0), _MOST) if counted and isinstance(value, int) else 0
