"""The one verb: what is known of a commit, from the database and the store."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import tuple_
from sqlmodel import Session, col, select

from curator.admission import decisions, looks, snapshots
from curator.admission.catalogue.tables import CatalogueRow
from curator.admission.decisions import Ruling, ruling_of, shared_by
from curator.admission.difference import Difference, Side, difference
from curator.admission.difference.texts import CARD, MOST_LETTERS, is_read
from curator.admission.dossier import contents, history
from curator.admission.dossier.lineage import lineage
from curator.admission.dossier.said import Dossier, FoundThing, Used
from curator.admission.dossier.usage import usage
from curator.admission.explain import explain_ruling
from curator.admission.snapshots import Snapshot
from curator.admission.tables import DecisionRow, FactsRow, ScanRow, SnapshotRow
from curator.audit.uses import user_counts, users_of
from curator.database.engine import now
from curator.policy import lists, waivers
from curator.policy.in_force import InForce
from curator.settings import Settings
from curator.store.blobs import BlobStore
from curator.types import BlobId, Commit, RepoId
from rules.circumstances import EVERYBODY, Audience, Waiver
from rules.evaluate import Outcome, evaluate
from rules.facts import Facts, FileFacts
from scanners.finding import Report

_MOST_TEXTS = 40
_MOST_WORDS = 20
_MOST_USES = 30
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Desk:
    """What the verb works with, and for whom."""

    settings: Settings
    store: BlobStore | None
    rules: InForce
    asks: Audience
    """Whose decision it is: the caller's own team and project, or whichever he looks at."""
    sees_all: bool
    """Whether he may see what is decided for others."""

    @property
    def audiences(self) -> list[str] | None:
        """As decisions are kept; None for all."""
        return None if self.sees_all else shared_by(self.asks)


def known_commit(session: Session, repo: RepoId, sha: str | None, desk: Desk) -> Commit | None:
    """The commit that is asked for, or else the one that `main` stands for, if it was judged; else the newest that was.

    None if the mirror has decided about none. The repository may be named in any letter case.
    """
    canonical = _canonical(session, repo)
    if canonical is None:
        return None
    known = history.commits_of(session, canonical, desk.audiences)
    if sha is not None:
        snapshot = snapshots.find(session, Commit(canonical, sha))
        about = history.newest_about(session, snapshot.id, desk.audiences) if snapshot else None
        return snapshot.commit if snapshot and about else None
    judged = [one for one in known if one.outcome]
    chosen = next((one for one in judged if "main" in one.revisions), next(iter(judged), None))
    return Commit(canonical, chosen.sha) if chosen else None


def dossier(session: Session, commit: Commit, desk: Desk) -> Dossier | None:
    """All that is known of a commit; None if nothing was ever decided about it for those who ask."""
    snapshot = snapshots.find(session, commit)
    chosen = _ruling(session, snapshot, desk) if snapshot else None
    if snapshot is None or chosen is None:
        return None
    ruling, facts, in_force, made = chosen
    explanation = explain_ruling(session, desk.settings, commit, ruling, facts)
    explanation.pop("facts")
    look = looks.find(session, snapshot.id)
    reports = _reports(session, ruling, facts)
    found, more = contents.findings(facts, reports, _waivers(desk))
    return Dossier(
        commit=commit,
        explanation=explanation,
        in_force=in_force,
        made=made,
        facts=facts,
        findings=found,
        more_findings=more,
        engines=contents.engines(facts, reports),
        files=contents.file_views(facts, ruling, desk.store),
        lineage=lineage(facts),
        history=history.decisions_about(session, commit.repo, desk.audiences),
        words=tuple(_words(session, commit, facts, desk)),
        commits=history.commits_of(session, commit.repo, desk.audiences),
        difference=_difference(session, snapshot, facts, desk),
        usage=usage(commit, facts, desk.settings.url, frozenset(ruling.excluded))
        if ruling.outcome is Outcome.ALLOW and in_force
        else (),
        card=look.texts.get(CARD, "") if look else "",
        uses=_used(session, commit, desk),
    )


def difference_to_approved(session: Session, commit: Commit, desk: Desk) -> Difference | None:
    """What is otherwise in a commit than in the last approved one, alone; None if there is none."""
    snapshot = snapshots.find(session, commit)
    chosen = _ruling(session, snapshot, desk) if snapshot else None
    return _difference(session, snapshot, chosen[1], desk) if snapshot and chosen else None


def findings_of(session: Session, ruling: Ruling, facts: Facts, desk: Desk) -> tuple[FoundThing, ...]:
    """What was found in a commit when this was decided about it, with its evidence, alone; the worst first."""
    return contents.findings(facts, _reports(session, ruling, facts), _waivers(desk))[0]


def _used(session: Session, commit: Commit, desk: Desk) -> Used:
    kind, repo = commit.repo.kind, str(commit.repo)
    of = (kind.value, repo, commit.sha)
    callers = user_counts(session, [of]).get(of, 0)
    return Used(callers, tuple(users_of(session, kind, repo, limit=_MOST_USES)) if desk.sees_all else ())


def _reports(session: Session, ruling: Ruling, facts: Facts) -> dict[tuple[str, str], Report]:
    scanner = session.get_one(DecisionRow, ruling.id).scanner
    return reports_for(session, contents.with_reports(facts), scanner)


def _waivers(desk: Desk) -> tuple[Waiver, ...]:
    """Those in force that whoever asks may know of."""
    active = desk.rules.circumstances.waivers
    return active if desk.sees_all else tuple(one for one in active if one.scope.covers(desk.asks))


def reports_for(session: Session, files: list[FileFacts], scanner: str) -> dict[tuple[str, str], Report]:
    """The reports of these files by that version of the scanners, by content and name."""
    keys = list(dict.fromkeys((file.blob, file.path.rpartition("/")[2]) for file in files if file.blob))
    found: dict[tuple[str, str], Report] = {}
    for begin in range(0, len(keys), _AT_ONCE):
        named = tuple_(col(ScanRow.blob), col(ScanRow.name)).in_(keys[begin : begin + _AT_ONCE])
        for row in session.exec(select(ScanRow).where(named, ScanRow.scanner == scanner)):
            found[row.blob, row.name] = Report.from_json(json.loads(row.report))
    return found


def _canonical(session: Session, repo: RepoId) -> RepoId | None:
    """As the Hub writes it, of what the mirror knows."""
    named = select(SnapshotRow.repo).where(SnapshotRow.kind == repo.kind.value, SnapshotRow.repo == str(repo)).limit(1)
    if session.exec(named).first() is not None:
        return repo
    any_case = select(CatalogueRow.repo).where(
        CatalogueRow.name == str(repo).lower(), CatalogueRow.kind == repo.kind.value
    )
    found = session.exec(any_case.limit(1)).first()
    return RepoId.parse(found, repo.kind) if found is not None else None


def _ruling(session: Session, snapshot: Snapshot, desk: Desk) -> tuple[Ruling, Facts, bool, bool] | None:
    """The decision in force for whoever asks, whether one is, and whether it was made for them.

    Where one is in force for everybody and none for them, it is as the rules would decide for them now; where none is,
    the newest that they may see.
    """
    audience = desk.rules.audience(desk.asks)
    ruling = decisions.current(session, snapshot.id, desk.rules.digest, audience)
    if ruling is None and audience != EVERYBODY:
        everybodys = decisions.current(session, snapshot.id, desk.rules.digest)
        found = decisions.find(session, everybodys.id) if everybodys is not None else None
        if found is not None:
            facts = found[1].model_copy(update={"observed_at": now()})
            decision = evaluate(desk.rules.policy, facts, replace(desk.rules.circumstances, audience=audience))
            return replace(found[0], decision=decision, audience=audience), found[1], True, False
    in_force = ruling is not None
    if ruling is None:
        row = history.newest_about(session, snapshot.id, desk.audiences)
        ruling = ruling_of(row) if row is not None else None
    found = decisions.find(session, ruling.id) if ruling is not None else None
    return (*found, in_force, True) if found is not None else None


def _words(session: Session, commit: Commit, facts: Facts, desk: Desk) -> Iterator[dict[str, Any]]:
    """Waivers of its findings, or that were first wanted here, and entries of lists that name it."""
    fingerprints = {one.fingerprint for file in facts.files for one in file.findings}
    touching = {one.id for one in desk.rules.circumstances.waivers if not fingerprints.isdisjoint(one.fingerprints)}
    kept = waivers.listed(session, state="all", repo=str(commit.repo), limit=_MOST_WORDS)
    kept += [waivers.find(session, one) for one in sorted(touching - {one.waiver.id for one in kept})[:_MOST_WORDS]]
    for waiver in kept:
        if desk.sees_all or waiver.waiver.scope.covers(desk.asks):
            document = waiver.as_json()
            document.pop("fingerprints")
            yield document | {"what": "waiver"}
    for entry in lists.listed(session, state="all", repo=str(commit.repo), limit=_MOST_WORDS):
        named = commit.repo.kind.value in entry.entry.kinds and commit.sha in (entry.entry.commits or {commit.sha})
        if named and (desk.sees_all or entry.entry.scope.covers(desk.asks)):
            document = entry.as_json()
            document.pop("commits")
            yield document | {"about": document["what"], "what": entry.entry.effect.value}


def _difference(session: Session, snapshot: Snapshot, facts: Facts, desk: Desk) -> Difference | None:
    approved = history.last_approved(session, snapshot.commit, snapshot.id, desk.audiences)
    if approved is None:
        return None
    before = Facts.from_json(json.loads(session.get_one(FactsRow, approved.facts_id).facts))
    same = {(file.path, file.blob) for file in before.files} & {(file.path, file.blob) for file in facts.files}
    return difference(
        _side(session, approved.snapshot_id, before, same, approved.scanner, desk.store),
        _side(session, snapshot.id, facts, same, approved.scanner, desk.store),
    )


def _side(
    session: Session,
    snapshot_id: int,
    facts: Facts,
    same: set[tuple[str, str]],
    scanner: str,
    store: BlobStore | None,
) -> Side:
    """What is held against the other commit: of files that both have alike, nothing needs to be read."""
    changed = [file for file in facts.files if (file.path, file.blob) not in same]
    reports = reports_for(session, changed, scanner)
    metadata = {
        file.path: report.metadata
        for file in changed
        if (report := reports.get((file.blob, file.path.rpartition("/")[2]))) is not None
    }
    look = looks.find(session, snapshot_id)
    return Side(facts, metadata, _texts(changed, look.texts if look else {}, store))


def _texts(files: list[FileFacts], told: Mapping[str, str], store: BlobStore | None) -> dict[str, str]:
    """Of those that are compared as texts, as far as they are at hand: in what was looked at, or in the store."""
    found: dict[str, str] = {}
    for file in [file for file in files if is_read(file.path)][:_MOST_TEXTS]:
        if file.path in told:
            found[file.path] = told[file.path]
        elif (text := _stored(file, store)) is not None:
            found[file.path] = text
    return found


def _stored(file: FileFacts, store: BlobStore | None) -> str | None:
    path = store.find(BlobId.parse(file.blob)) if store is not None and file.blob else None
    if path is None:
        return None
    try:
        with path.open("rb") as content:
            return content.read(MOST_LETTERS * 4).decode("utf-8", errors="replace")[: MOST_LETTERS + 1]
    except OSError:
        return None
