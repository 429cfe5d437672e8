"""The page of a repository at a commit, and of one decision; programs get the same as text."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from curator.admission import scans
from curator.admission.dossier import Dossier, dossier, known_commit
from curator.admission.explain import explain_behind
from curator.admission.explained import explanation_text
from curator.admission.gate import StillJudged
from curator.admission.kinds import check_kind
from curator.admission.underway import being_judged
from curator.console.card import rendered
from curator.console.catalog import VERDICTS, shown_audience
from curator.console.drawing import drawn
from curator.console.forms import Form
from curator.console.problems import accepts_html
from curator.console.render import done, page
from curator.errors import BadInput
from curator.people.caller import Caller
from curator.people.roles import Permission
from curator.review import queue
from curator.types import Commit, RepoId, RepoKind, Revision
from curator.web.explained import explained
from curator.web.guard import Puller
from curator.web.service import Service
from curator.web.viewing import desk

_SHA = re.compile(r"[0-9a-f]{40}", re.ASCII)
_JUDGE_WAIT_S = 2.0
_FILES = 50
_SHOWN_FINDINGS = 40
TABS = {
    "overview": "Overview",
    "files": "Files",
    "origin": "Licence and lineage",
    "card": "Model card",
    "history": "History and use",
}


@dataclass(frozen=True, slots=True)
class Known:
    """What there is to show of a repository."""

    dossier: Dossier | None
    judging: tuple[Commit, int, int] | None = None
    """A commit that is being judged, and how many of how many files of it are scanned."""


def model_routes(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(include_in_schema=False)

    def read(repo: RepoId, sha: str | None, caller: Caller) -> Known:
        own = desk(service, caller)
        with service.database.read() as session:
            judging = being_judged(session, repo)
            progress = (judging[1], *scans.progress(session, judging[0])) if judging else None
            commit = known_commit(session, repo, sha, own)
            found = dossier(session, commit, own) if commit is not None else None
        return Known(found, progress)

    def waits_as(repo: RepoId, caller: Caller) -> str:
        """The line of the queue, for whoever decides about it; empty if it does not wait."""
        if not caller.may(Permission.DECIDE):
            return ""
        with service.database.read() as session:
            return queue.item_of(session, repo) or ""

    @router.get("/-/decisions/{decision_id}")
    async def decision_page(request: Request, decision_id: str, caller: Puller) -> Response:
        document = await asyncio.to_thread(explained, service.database, service.settings, decision_id, caller)
        if not accepts_html(request):
            return PlainTextResponse(explanation_text(document), headers={"Vary": "Accept"})
        repo = RepoId.parse(document["repository"], RepoKind(document["kind"]))
        return page(
            request,
            caller,
            "decision.html",
            document=document,
            plural=RepoKind(document["kind"]).plural,
            audience=shown_audience(_audience(document)),
            verdicts=VERDICTS,
            item=await asyncio.to_thread(waits_as, repo, caller),
            may_ask=caller.may(Permission.ASK),
        )

    @router.post("/-/judge")
    async def judge(request: Request, caller: Puller, form: Form) -> Response:
        """Have a repository judged, as if somebody pulled it; nobody waits for it here."""
        kind = _kind(str(form.get("kind", "")))
        repo = RepoId.parse(str(form.get("repository", "")), kind)
        check_kind(service.settings, kind)
        revision = Revision.parse(str(form.get("revision") or "main"))
        path = f"/-/{kind.plural}/{repo}"
        try:
            choice = await service.chooser.choose(None, repo, revision, _JUDGE_WAIT_S, caller.audience)
        except StillJudged as state:
            return done(request, path, f"{state.commit} is being judged: {state}.")
        outcome = VERDICTS[choice.ruling.outcome.value].lower()
        return done(request, path, f"{choice.snapshot.commit} is judged: it is {outcome}.")

    async def repository_page(request: Request, caller: Caller, kind: RepoKind, repo: str) -> Response:
        check_kind(service.settings, kind)
        named = RepoId.parse(repo, kind)
        if not accepts_html(request):
            return await as_text(named, caller)
        sha = request.query_params.get("commit") or None
        if sha is not None and not _SHA.fullmatch(sha):
            raise BadInput(f"{sha[:80]!a} is not a commit: it has 40 hex digits")
        known = await asyncio.to_thread(read, named, sha, caller)
        found = known.dossier
        if found is None:
            return page(request, caller, "unjudged.html", repo=named, kind=kind, sha=sha, judging=known.judging)
        tab = request.query_params.get("tab", "overview")
        from_file = request.query_params.get("from", "0")
        start = int(from_file) if from_file.isascii() and from_file.isdigit() and len(from_file) < 7 else 0
        return page(
            request,
            caller,
            "model.html",
            found=found,
            decided_at=dt.datetime.fromisoformat(found.explanation["decided_at"]),
            known=known,
            kind=kind,
            tab=tab if tab in TABS else "overview",
            tabs=TABS,
            files=found.files[start : start + _FILES],
            files_from=start,
            files_next=start + _FILES if start + _FILES < len(found.files) else None,
            findings=found.findings[:_SHOWN_FINDINGS],
            more_findings=found.more_findings + max(len(found.findings) - _SHOWN_FINDINGS, 0),
            card=rendered(found.card) if tab == "card" else None,
            drawing=drawn(found.lineage) if tab == "origin" else None,
            audience=shown_audience(_audience(found.explanation)),
            verdicts=VERDICTS,
            sees_all=caller.may(Permission.SEE_ALL),
            item=await asyncio.to_thread(waits_as, found.commit.repo, caller) if found.outcome != "allow" else "",
            may_ask=caller.may(Permission.ASK),
        )

    async def as_text(repo: RepoId, caller: Caller) -> Response:
        """What the command line shows; the repository is judged for it if it was not."""
        wait_s = service.settings.hold_revision_s
        try:
            choice = await service.chooser.choose(None, repo, Revision("main"), wait_s, caller.audience)
        except StillJudged as state:
            return PlainTextResponse(f"{state.commit} is still being scanned: {state}\n", 202)
        document = await asyncio.to_thread(explained, service.database, service.settings, choice.ruling.id, caller)
        if choice.behind is not None:
            document |= {"behind": explain_behind(choice.behind, choice.snapshot.commit)}
        return PlainTextResponse(explanation_text(document), headers={"Vary": "Accept"})

    @router.get("/-/models/{repo:path}")
    async def model(request: Request, caller: Puller, repo: str) -> Response:
        return await repository_page(request, caller, RepoKind.MODEL, repo)

    @router.get("/-/datasets/{repo:path}")
    async def dataset(request: Request, caller: Puller, repo: str) -> Response:
        return await repository_page(request, caller, RepoKind.DATASET, repo)

    @router.get("/-/spaces/{repo:path}")
    async def space(request: Request, caller: Puller, repo: str) -> Response:
        return await repository_page(request, caller, RepoKind.SPACE, repo)

    return router


def _kind(text: str) -> RepoKind:
    if text not in set(RepoKind):
        raise BadInput(f"{text[:40]!a} is no kind of repository: {', '.join(RepoKind)}")
    return RepoKind(text)


def _audience(document: Any) -> str:
    team, project = document["audience"]["team"], document["audience"]["project"]
    return f"{team}/{project}" if team or project else ""
