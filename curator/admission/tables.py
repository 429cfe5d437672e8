"""What admission knows: commits as the upstream listed them, scans of contents, rule sets, decisions."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from curator.database.engine import Utc


class SnapshotRow(SQLModel, table=True):
    """The upstream's listing of one commit, as it was seen."""

    __tablename__ = "snapshots"
    __table_args__ = (UniqueConstraint("kind", "repo", "sha"), Index("ix_snapshots_sha", "sha"))

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    repo: str
    """Canonical id: what the upstream calls it, in its letter case."""
    sha: str
    info: str
    """JSON of the upstream's information about the commit, with nothing of Xet in it."""
    seen_at: dt.datetime = Field(sa_type=Utc)
    listed_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    """When its files were listed in full; None before."""


class EntryRow(SQLModel, table=True):
    """A file or a folder of a snapshot."""

    __tablename__ = "entries"
    __table_args__ = (UniqueConstraint("snapshot_id", "path"),)

    id: int | None = Field(default=None, primary_key=True)
    snapshot_id: int = Field(foreign_key="snapshots.id", index=True)
    path: str
    name: str
    """The path's last part."""
    oid: str
    blob: str | None = Field(default=None, index=True)
    """None for a folder."""
    size: int = Field(default=0, sa_type=BigInteger)
    pointer_size: int | None = None


class ReferenceRow(SQLModel, table=True):
    """What a name and a revision stood for when the upstream was last asked."""

    __tablename__ = "refs"
    __table_args__ = (Index("ix_refs_commit", "repo", "sha"),)

    kind: str = Field(primary_key=True)
    asked: str = Field(primary_key=True)
    """The repository's name as it was asked for, which may be an old one or in another letter case."""
    revision: str = Field(primary_key=True)
    repo: str
    sha: str
    checked_at: dt.datetime = Field(sa_type=Utc)
    ref_kind: str | None = None
    """A `RefKind`; None while the upstream was not asked for its list."""


class ObservationRow(SQLModel, table=True):
    """That a branch or tag was seen to stand for another commit than before."""

    __tablename__ = "ref_history"
    __table_args__ = (Index("ix_ref_history_branch", "kind", "repo", "revision", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    """Sorts by time."""
    kind: str
    repo: str
    """Canonical id: under whatever name it was asked for, it is one branch."""
    revision: str
    sha: str
    observed_at: dt.datetime = Field(sa_type=Utc)


class PinRow(SQLModel, table=True):
    """The commit that a branch stays at, under rules that say `branches: pin`."""

    __tablename__ = "pins"

    kind: str = Field(primary_key=True)
    repo: str = Field(primary_key=True)
    """In small letters: the Hub tells no two repositories apart by their letter case."""
    revision: str = Field(primary_key=True)
    sha: str
    pinned_by: str
    """`curator` for the first commit that was allowed."""
    pinned_at: dt.datetime = Field(sa_type=Utc)


class BranchSessionRow(SQLModel, table=True):
    """What a caller is told that a branch stands for, so that all server processes tell him the same."""

    __tablename__ = "branch_sessions"

    key: str = Field(primary_key=True)
    """SHA-256, in hex, of who asks and for which branch."""
    told: str
    """JSON of `branches.Told`."""
    began_at: dt.datetime = Field(sa_type=Utc, index=True)


class ScanRow(SQLModel, table=True):
    """The report of one content under one name by one version of the scanners."""

    __tablename__ = "scans"

    blob: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    """The file's name without its folder: a scan may depend on it and on nothing else but the bytes."""
    scanner: str = Field(primary_key=True)
    report: str
    """JSON of `scanners.Report`."""
    whole: bool
    """Whether the scanned bytes were all there and had the blob's hash; else the same scan is made when they are."""
    at: dt.datetime = Field(sa_type=Utc)


class LookRow(SQLModel, table=True):
    """What was learnt of a commit beside its files."""

    __tablename__ = "looks"

    snapshot_id: int = Field(primary_key=True, foreign_key="snapshots.id")
    document: str
    """JSON of `look.Look`."""
    digest: str
    """SHA-256 of what is material in it."""
    complete: bool
    """Whether all could be had; else it is looked at again when somebody asks."""
    at: dt.datetime = Field(sa_type=Utc)
    """When what is material was first seen so."""
    checked_at: dt.datetime = Field(sa_type=Utc, index=True)
    """When it was last looked at."""
    profile: str | None = None
    """JSON of `copies.Profile`, by which others are compared with it; None until it is judged."""


class RepositorySeenRow(SQLModel, table=True):
    """A repository as it was when the mirror first saw it, and its owner when one of its commits was first allowed."""

    __tablename__ = "repositories_seen"

    kind: str = Field(primary_key=True)
    repo: str = Field(primary_key=True)
    first_seen_at: dt.datetime = Field(sa_type=Utc)
    downloads: int = Field(sa_type=BigInteger)
    likes: int = Field(sa_type=BigInteger)
    owner: str | None = None
    """JSON of `scanners.repository.owners.OwnerSeen`; None until a commit is allowed."""
    allowed_at: dt.datetime | None = Field(default=None, sa_type=Utc)


class SignatureRow(SQLModel, table=True):
    """One key by which commits that are alike are found."""

    __tablename__ = "signatures"
    __table_args__ = (Index("ix_signatures_value", "kind", "value"),)

    snapshot_id: int = Field(primary_key=True, foreign_key="snapshots.id")
    kind: str = Field(primary_key=True)
    """`card`: a band of the card's signature; `shape`: a fingerprint of tensors and tokenizer."""
    value: str = Field(primary_key=True)


class AdmissionRow(SQLModel, table=True):
    """That a commit is to be judged by these rules and scanners, because somebody asked for it."""

    __tablename__ = "admissions"

    snapshot_id: int = Field(primary_key=True, foreign_key="snapshots.id")
    rule_set: str = Field(primary_key=True)
    scanner: str = Field(primary_key=True)
    audience: str = Field(default="", primary_key=True)
    """A `rules.Audience`: for whom it is to be decided."""
    asked_at: dt.datetime = Field(sa_type=Utc)
    open: bool = Field(default=True, index=True)
    """Until there is a decision."""


class FactsRow(SQLModel, table=True):
    """All that was known of a commit at a time: never changed, so that other rules can be tried on it."""

    __tablename__ = "facts"
    __table_args__ = (Index("ix_facts_newest", "snapshot_id", "id"),)

    id: str = Field(primary_key=True)
    """Sorts by time."""
    snapshot_id: int = Field(foreign_key="snapshots.id")
    scanner: str
    digest: str
    """SHA-256 of the document without the moment; the same facts are not kept twice in a row."""
    facts: str
    """JSON of `rules.Facts`."""
    at: dt.datetime = Field(sa_type=Utc)


class DecisionRow(SQLModel, table=True):
    """A decision about a snapshot; a newer one takes its place, and it stays."""

    __tablename__ = "decisions"
    __table_args__ = (
        Index("ix_decisions_current", "snapshot_id", "rule_set", "scanner", "audience", "id"),
        Index("ix_decisions_expires_at", "expires_at"),
    )

    id: str = Field(primary_key=True)
    """Sorts by time."""
    snapshot_id: int = Field(foreign_key="snapshots.id")
    rule_set: str = Field(foreign_key="rule_sets.digest")
    scanner: str
    audience: str = ""
    """A `rules.Audience`: for whom it was decided; empty for everybody."""
    outcome: str
    decision: str
    """JSON of `rules.Decision`: reasons and excluded files."""
    facts_id: str = Field(foreign_key="facts.id", index=True)
    """All that the rules saw; they saw it at `at`."""
    at: dt.datetime = Field(sa_type=Utc)
    expires_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    """When it is to be made anew, if asked for: something could not be judged at the time, or an age will matter."""


class RejudgementRow(SQLModel, table=True):
    """That what was asked for of late is judged anew, because rules, scanners or data have changed."""

    __tablename__ = "rejudgements"

    id: str = Field(primary_key=True)
    """Sorts by time; of a change of rules, the change's."""
    why: str
    """`rules`, or `scanners`."""
    rule_set: str
    """The rules in force at the time; another change begins a rejudgement of its own."""
    scanner: str
    data: str
    """Digest of the data that facts are made with."""
    total: int = 0
    """Commits; each may be decided about several times, for several teams."""
    done: int = 0
    blocked: int = 0
    """Commits that were allowed and are not any more."""
    released: int = 0
    """Commits that were not allowed and are now."""
    otherwise: int = 0
    """Commits decided otherwise than before in another way: files left out or not, blocked instead of held."""
    left: int = 0
    """Commits that must be scanned first: they are judged when that is done."""
    began_at: dt.datetime = Field(sa_type=Utc)
    ended_at: dt.datetime | None = Field(default=None, sa_type=Utc)


class RejudgementItemRow(SQLModel, table=True):
    """A commit that is to be looked at again; deleted when it has been."""

    __tablename__ = "rejudgement_items"

    rejudgement_id: str = Field(primary_key=True, foreign_key="rejudgements.id")
    position: int = Field(primary_key=True)
    """Of the commit: the most wanted first."""
    audience: str = Field(primary_key=True)
    """A `rules.Audience`: for whom it was asked for."""
    snapshot_id: int


class DescentRow(SQLModel, table=True):
    """That a commit was made from a repository, in one step or several, as its facts say."""

    __tablename__ = "descents"
    __table_args__ = (Index("ix_descents_snapshot_id", "snapshot_id"),)

    ancestor: str = Field(primary_key=True)
    """Canonical id in small letters."""
    repo: str = Field(primary_key=True)
    """What was made from it; a model."""
    snapshot_id: int = Field(primary_key=True, foreign_key="snapshots.id")
    relation: str
    """`finetune`, `adapter`, `merge`, `quantized`; empty if unknown."""
    depth: int
    """1: it is a parent."""
    through: str
    """The one on the way whose parent it is: the repository itself, at depth 1."""


class DescentFillRow(SQLModel, table=True):
    """How far a database that was there before descents has been taken into them: one row, from the migration on."""

    __tablename__ = "descent_fill"

    id: int = Field(primary_key=True)
    snapshot_id: int
    """All snapshots up to this one are in it."""
    done: bool


class RestsOnRow(SQLModel, table=True):
    """That decisions about a snapshot rest, or rested, on a finding: where a waiver of it makes a difference."""

    __tablename__ = "decision_fingerprints"

    fingerprint: str = Field(primary_key=True)
    snapshot_id: int = Field(primary_key=True, foreign_key="snapshots.id", index=True)
