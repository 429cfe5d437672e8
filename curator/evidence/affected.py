"""Which of the things that somebody has are withdrawn: asked by machines that look into their own cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from curator.evidence.incidents import subject_of
from curator.evidence.subjects import About, Subject
from curator.evidence.tables import IncidentRow
from curator.types import RepoKind
from rules.questions import globs

_MOST_OPEN = 2_000


@dataclass(frozen=True, slots=True)
class Had:
    """A commit that somebody has."""

    kind: RepoKind
    repo: str
    commit: str


@dataclass(frozen=True, slots=True)
class Affected:
    """What of it is withdrawn: a commit, or a content."""

    incident: str
    reason: str
    said: str
    had: Had | None = None
    content: str | None = None

    def as_json(self) -> dict[str, Any]:
        had = self.had
        return {
            "incident": self.incident,
            "reason": self.reason,
            "said": self.said,
            "kind": had.kind.value if had is not None else None,
            "repository": had.repo if had is not None else None,
            "commit": had.commit if had is not None else None,
            "content": self.content,
        }


def affected(session: Session, commits: Sequence[Had], contents: Sequence[str]) -> list[Affected]:
    """What open incidents say of these commits and contents (`sha256:...`, `git-sha1:...`), in the order asked."""
    rows = session.exec(
        select(IncidentRow).where(IncidentRow.state == "open").order_by(col(IncidentRow.id).desc()).limit(_MOST_OPEN)
    ).all()
    incidents = [(row.id, row.reason, subject_of(row)) for row in rows]
    by_content = {subject.content: (one, why, subject) for one, why, subject in incidents if subject.content}
    found = []
    for had in commits:
        for one, why, subject in incidents:
            if _is_about(subject, had):
                found.append(Affected(one, why, subject.said, had))
                break
    for content in contents:
        if content in by_content:
            one, why, subject = by_content[content]
            found.append(Affected(one, why, subject.said, content=content))
    return found


def _is_about(subject: Subject, had: Had) -> bool:
    if subject.about is About.CONTENT or had.kind.value not in subject.kinds:
        return False
    return globs(subject.globs)(had.repo) and subject.commit in {"", had.commit}
