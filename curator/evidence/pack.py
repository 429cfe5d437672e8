"""An evidence pack: all that is known of something, in one archive that proves itself, written as it is read."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from sqlmodel import Session

from curator.audit.export import lines
from curator.audit.read import Filter, head
from curator.audit.record import Action, AuditEvent, append
from curator.audit.seals import signer
from curator.database.engine import Database, now
from curator.database.sealing import Seal
from curator.errors import BadInput
from curator.evidence import incidents
from curator.evidence.archive import END, Writer
from curator.evidence.contents import Contents, line
from curator.evidence.incident import Incident
from curator.evidence.subjects import About, Subject
from curator.evidence.words import README
from curator.review import requests
from curator.settings import Settings
from scanners.finding import SCANNER_VERSION

SCHEMA = "curator.evidence/1"
SIGNATURE, MANIFEST = "SIGNATURE.json", "manifest.json"
Notices = Callable[[], Iterable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Pack:
    """One that somebody takes, which is on the record already."""

    subject: Subject
    incident: Incident | None
    by: str
    at: dt.datetime
    until: int
    """The row of the record that says that it was taken: the last one that can be in it."""

    @property
    def file_name(self) -> str:
        """What a browser saves it as."""
        about = self.incident.id if self.incident is not None else (self.subject.repo or self.subject.content)
        plain = "".join(letter if letter.isalnum() or letter in "-._" else "-" for letter in about)
        return f"evidence-{plain}-{self.at:%Y%m%dT%H%M%SZ}.tar"


def begin(
    database: Database, by: str, *, incident_id: str = "", request_id: str = "", subject: Subject | None = None
) -> Pack:
    """Put on the record that somebody takes one, of an incident, of what a request is about, or of a subject.

    Raises `BadInput` unless just one of them is named, and what is said of one that is not there.
    """
    if sum((bool(incident_id), bool(request_id), subject is not None)) != 1:
        raise BadInput(
            "Say what the evidence is about: an incident, a request, or a repository, commit, publisher or sha256"
        )
    at = now()
    with database.write() as session:
        incident = incidents.find(session, incident_id) if incident_id else None
        about = incident.subject if incident is not None else subject or _of_request(session, request_id)
        if incident is not None:
            incidents.note_evidence(session, incident.id, by)
        append(session, _event(about, incident, by))
        session.flush()
        return Pack(about, incident, by, at, head(session))


def stream(settings: Settings, database: Database, seal: Seal, pack: Pack, notices: Notices) -> Iterator[bytes]:
    """The archive, as it comes."""
    key = signer(database, seal)
    writer = Writer(int(pack.at.timestamp()))
    at = pack.at.astimezone(dt.UTC).isoformat(timespec="seconds")
    readme = README.format(said=pack.subject.said, at=at, by=pack.by, key=key.key)
    yield from writer.add("README.txt", [readme.encode()])
    yield from writer.add("about.json", [_json(_about(pack, at, key.key))])
    if pack.incident is not None:
        yield from writer.add("incident.json", [_json(_incident(database, pack.incident))])
    contents = Contents(settings, database, pack.subject)
    for name, part in (
        ("commits.jsonl", contents.commits),
        ("decisions.jsonl", contents.decisions),
        ("explanations.jsonl", contents.explanations),
        ("facts.jsonl", contents.facts),
        ("scans.jsonl", contents.scans),
        ("lists.jsonl", contents.list_entries),
        ("waivers.jsonl", contents.waivers),
        ("requests.jsonl", contents.requests),
        ("uses.csv", contents.uses_table),
        ("uses.jsonl", contents.uses),
        ("refused.jsonl", contents.refused),
        ("descendants.jsonl", contents.descendants),
    ):
        yield from writer.add(name, part())
    yield from writer.add("notices.jsonl", (line(one) for one in notices()))
    for digest, text in contents.rule_sets():
        yield from writer.add(f"rules/{digest}.yaml", [text])
    for name, wanted in _records(pack, contents):
        told = (one.encode() for one in lines(database, seal, wanted, pack.until))
        yield from writer.add(f"record/{name}.jsonl", told)
    manifest = {"schema": SCHEMA, "files": [member.as_json() for member in writer.members]}
    yield from writer.add(MANIFEST, [_json(manifest)])
    size, digest = writer.size, writer.digest
    signature = key.sign(signed_line(digest, size, at)).hex()
    yield from writer.add(SIGNATURE, [signature_json(digest, size, at, key.key, signature)])
    yield END


def signed_line(digest: str, size: int, at: str) -> str:
    """What is signed: the SHA-256 and the number of all bytes before the signature's own file, and the moment."""
    return f"curator-evidence-1 {digest} {size} {at}"


def signature_json(digest: str, size: int, at: str, key: str, signature: str) -> bytes:
    """The last file, of which there is one form only."""
    document = {"signature": signature, "key": key, "sha256": digest, "bytes": size, "at": at, "schema": SCHEMA}
    return _json(document)


def _of_request(session: Session, request_id: str) -> Subject:
    commit = requests.find(session, request_id).commit
    return Subject(About.COMMIT, commit.repo.kind, str(commit.repo), commit.sha)


def _event(about: Subject, incident: Incident | None, by: str) -> AuditEvent:
    return AuditEvent(
        action=Action.EVIDENCE,
        actor=by,
        kind=about.kind,
        repo="" if about.about is About.CONTENT else about.globs[0],
        commit=about.commit or None,
        blob=about.content or None,
        outcome="taken",
        subject=incident.id if incident is not None else about.written,
        sentence=f"an evidence pack was taken of {about.said}",
    )


def _about(pack: Pack, at: str, key: str) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "subject": pack.subject.as_json(),
        "incident": pack.incident.id if pack.incident is not None else None,
        "taken_at": at,
        "taken_by": pack.by,
        "record_until": pack.until,
        "software": {"model-curator": _version(), "scanners": SCANNER_VERSION},
        "key": key,
    }


def _version() -> str:
    try:
        return version("model-curator")
    except PackageNotFoundError:
        return "not installed"


def _incident(database: Database, incident: Incident) -> dict[str, Any]:
    with database.read() as session:
        return incident.as_json() | {
            "hit_then": incident.hit_then,
            "history": [step.as_json() for step in incidents.steps(session, incident.id)],
            "teams": [team.as_json() for team in incidents.checklist(session, incident.id)],
        }


def _records(pack: Pack, contents: Contents) -> Iterator[tuple[str, Filter]]:
    """Which rows of the record are in it, file by file."""
    if pack.subject.about is About.CONTENT:
        # Rows about a content name no repository.
        yield "incidents", Filter(action=Action.INCIDENT.value)
    named = [f"{pack.subject.repo}/*"] if pack.subject.about is About.PUBLISHER else sorted(contents.repositories())
    for number, repo in enumerate(named, 1):
        yield f"{number:04}", Filter(repo=repo)


def _json(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False).encode() + b"\n"
