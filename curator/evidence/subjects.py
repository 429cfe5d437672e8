"""What an incident or a pack is about: a repository, a commit, all of a publisher, or a content wherever it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from sqlmodel import Session, col, select

from curator.admission.catalogue.tables import CatalogueRow
from curator.admission.tables import EntryRow, ReferenceRow, SnapshotRow
from curator.audit import uses
from curator.audit.prefixes import begins_with
from curator.errors import BadInput
from curator.types import RepoId, RepoKind

_SHA = re.compile(r"[0-9a-f]{40}", re.ASCII)
_CONTENT = re.compile(r"(?:sha256:)?[0-9a-f]{64}|git-sha1:[0-9a-f]{40}", re.ASCII)
_PUBLISHER = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,95})/\*", re.ASCII)
_KINDS_IN_PATHS = {"datasets": RepoKind.DATASET, "spaces": RepoKind.SPACE, "models": RepoKind.MODEL}
_BATCH = 500


class About(StrEnum):
    REPOSITORY = "repository"
    COMMIT = "commit"
    PUBLISHER = "publisher"
    CONTENT = "content"


@dataclass(frozen=True, slots=True)
class Subject:
    """One of them, exact."""

    about: About
    kind: RepoKind | None = None
    """None: of every kind."""
    repo: str = ""
    """The canonical id; of a publisher his name."""
    commit: str = ""
    content: str = ""
    known: bool = True
    """Whether the mirror has ever seen it."""

    @property
    def said(self) -> str:
        """In words."""
        kind = f"the {self.kind.value} " if self.kind not in {None, RepoKind.MODEL} and self.kind else ""
        match self.about:
            case About.REPOSITORY:
                return f"{kind}{self.repo}"
            case About.COMMIT:
                return f"{kind}{self.repo}@{self.commit}"
            case About.PUBLISHER:
                return f"everything of {self.repo}"
            case About.CONTENT:
                return f"every file with the content {self.content}"

    @property
    def written(self) -> str:
        """As `read` reads it."""
        match self.about:
            case About.REPOSITORY:
                return self.repo
            case About.COMMIT:
                return f"{self.repo}@{self.commit}"
            case About.PUBLISHER:
                return f"{self.repo}/*"
            case About.CONTENT:
                return self.content

    @property
    def globs(self) -> tuple[str, ...]:
        """Of repositories, as a list has them."""
        return {About.PUBLISHER: (f"{self.repo}/*",), About.CONTENT: ("*",)}.get(self.about, (self.repo,))

    @property
    def kinds(self) -> tuple[str, ...]:
        return (self.kind.value,) if self.kind is not None else tuple(kind.value for kind in RepoKind)

    def as_json(self) -> dict[str, Any]:
        return {
            "about": self.about.value,
            "kind": self.kind.value if self.kind is not None else None,
            "repository": self.repo if self.about in {About.REPOSITORY, About.COMMIT} else None,
            "publisher": self.repo if self.about is About.PUBLISHER else None,
            "commit": self.commit or None,
            "content": self.content or None,
            "said": self.said,
            "written": self.written,
        }


def read(session: Session, text: str, kind: RepoKind | None = None) -> Subject:
    """Whatever somebody pasted: `ORG/NAME`, `ORG/NAME@COMMIT`, a commit, `ORG/*`, a sha256, or an address of the Hub.

    Raises `BadInput` with what was not understood.
    """
    written, kind = _plain(text.strip(), kind)
    if _CONTENT.fullmatch(written):
        content = written if ":" in written else f"sha256:{written}"
        return Subject(About.CONTENT, None, content=content, known=_has_content(session, content))
    if _SHA.fullmatch(written):
        return _commit(session, written)
    if publisher := _PUBLISHER.fullmatch(written):
        return _publisher(session, publisher[1])
    name, at, revision = written.partition("@")
    if not at and "/" not in name and not _known(session, name, kind or RepoKind.MODEL):
        found = _publisher(session, name) if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}", name) else None
        if found is not None and found.known:
            return found
    if not name or any(letter in name for letter in "*?[]"):
        raise BadInput(
            f"{text.strip()[:80]!a} is nothing that can be blocked: name a repository (ORG/NAME), a commit "
            "(ORG/NAME@COMMIT), a publisher (ORG/*) or a sha256"
        )
    kind = kind or RepoKind.MODEL
    repo = str(RepoId.parse(name, kind))
    canonical, known = _canonical(session, repo, kind)
    if not at:
        return Subject(About.REPOSITORY, kind, canonical, known=known)
    return _commit_of(session, canonical, kind, revision.lower())


def commits_of(session: Session, subject: Subject, after: int = 0) -> Iterator[SnapshotRow]:
    """The commits that the mirror knows of it, in the order in which they were seen; a few at once are in memory."""
    while True:
        wanted = select(SnapshotRow).where(col(SnapshotRow.id) > after, *_where(session, subject))
        rows = session.exec(wanted.order_by(col(SnapshotRow.id)).limit(_BATCH)).all()
        for row in rows:
            session.expunge(row)
            yield row
        if len(rows) < _BATCH:
            return
        after = rows[-1].id or 0


def _where(session: Session, subject: Subject) -> tuple[Any, ...]:
    match subject.about:
        case About.PUBLISHER:
            return (begins_with(session, col(SnapshotRow.repo), f"{subject.repo}/"),)
        case About.CONTENT:
            having = select(EntryRow.snapshot_id).where(EntryRow.blob == subject.content)
            return (col(SnapshotRow.id).in_(having),)
    of = (SnapshotRow.kind == subject.kinds[0], SnapshotRow.repo == subject.repo)
    return (*of, SnapshotRow.sha == subject.commit) if subject.commit else of


def ancestors_in(session: Session, subject: Subject) -> tuple[str, ...]:
    """The models, in small letters, that others may have been made from; the first thousand of a publisher."""
    if subject.about in {About.REPOSITORY, About.COMMIT}:
        return (subject.repo.lower(),)
    named = (
        select(SnapshotRow.repo).where(SnapshotRow.kind == "model", *_where(session, subject)).distinct().limit(1_000)
    )
    return tuple(sorted({repo.lower() for repo in session.exec(named)}))


def _plain(text: str, kind: RepoKind | None) -> tuple[str, RepoKind | None]:
    """Without what an address of the Hub, or of this mirror's pages, has before and after."""
    if text.startswith(("http://", "https://")):
        parts = [part for part in urlsplit(text).path.split("/") if part not in {"", "-"}]
        revision = urlsplit(text).query.partition("commit=")[2][:40]
    else:
        parts, revision = text.split("/"), ""
    if len(parts) > 1 and parts[0] in _KINDS_IN_PATHS and (len(parts) > 2 or text.startswith("http")):
        kind, parts = _KINDS_IN_PATHS[parts[0]], parts[1:]
    if len(parts) > 3 and parts[2] in {"tree", "commit", "resolve", "blob"}:
        revision, parts = parts[3], parts[:2]
    written = "/".join(parts[:2] if text.startswith("http") else parts)
    return (f"{written}@{revision}" if revision and revision != "main" else written), kind


def _commit(session: Session, sha: str) -> Subject:
    found = session.exec(select(SnapshotRow.kind, SnapshotRow.repo).where(SnapshotRow.sha == sha).limit(6)).all()
    if not found:
        raise BadInput(
            f"No repository that went through this mirror has the commit {sha}: name it with its repository, as "
            "ORG/NAME@COMMIT"
        )
    if len(found) > 1:
        named = ", ".join(f"{repo}@{sha[:12]}" for _, repo in found[:5])
        raise BadInput(f"Several repositories have the commit {sha}: name one of them with it ({named})")
    kind, repo = found[0]
    return Subject(About.COMMIT, RepoKind(kind), repo, sha)


def _commit_of(session: Session, repo: str, kind: RepoKind, revision: str) -> Subject:
    if _SHA.fullmatch(revision):
        known = select(SnapshotRow.id).where(
            SnapshotRow.kind == kind.value, SnapshotRow.repo == repo, SnapshotRow.sha == revision
        )
        return Subject(About.COMMIT, kind, repo, revision, known=session.exec(known).first() is not None)
    if re.fullmatch(r"[0-9a-f]{7,39}", revision):
        of = select(SnapshotRow.sha).where(SnapshotRow.kind == kind.value, SnapshotRow.repo == repo)
        matching = session.exec(of.where(col(SnapshotRow.sha).startswith(revision)).limit(2)).all()
        if len(matching) == 1:
            return Subject(About.COMMIT, kind, repo, matching[0])
    raise BadInput(
        f"{revision[:80]!a} is no commit of {repo} that this mirror knows: a branch may move tomorrow, "
        "so name the commit by its 40 hex digits, or the repository without one"
    )


def _publisher(session: Session, name: str) -> Subject:
    like = select(CatalogueRow.repo).where(CatalogueRow.publisher == name.lower()).limit(1)
    found = session.exec(like).first()
    if found is not None:
        return Subject(About.PUBLISHER, None, found.partition("/")[0])
    used = select(SnapshotRow.repo).where(begins_with(session, col(SnapshotRow.repo), f"{name}/")).limit(1)
    return Subject(About.PUBLISHER, None, name, known=session.exec(used).first() is not None)


def _canonical(session: Session, repo: str, kind: RepoKind) -> tuple[str, bool]:
    """What the Hub calls it, if it went through here under whatever name; and whether it did."""
    if _known(session, repo, kind):
        return repo, True
    asked = select(ReferenceRow.repo).where(ReferenceRow.kind == kind.value, ReferenceRow.asked == repo).limit(1)
    if (found := session.exec(asked).first()) is not None:
        return found, True
    listed = (
        select(CatalogueRow.repo).where(CatalogueRow.name == repo.lower(), CatalogueRow.kind == kind.value).limit(1)
    )
    found = session.exec(listed).first()
    return (found, True) if found is not None else (repo, False)


def _known(session: Session, repo: str, kind: RepoKind) -> bool:
    of = select(SnapshotRow.id).where(SnapshotRow.kind == kind.value, SnapshotRow.repo == repo).limit(1)
    return session.exec(of).first() is not None


def _has_content(session: Session, content: str) -> bool:
    listed = session.exec(select(EntryRow.id).where(EntryRow.blob == content).limit(1)).first()
    return listed is not None or bool(uses.commits_with(session, content))
