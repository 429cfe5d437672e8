"""What names a repository has for its commits, and what came before them: `refs`, `commits`."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from curator.admission.references import Reference, learn, references
from curator.database.engine import Database
from curator.errors import MirrorOffline, UpstreamUnavailable
from curator.hub.admit import Admission
from curator.hub.answer import Answer, header_text, json_answer
from curator.hub.curation import admitted_headers
from curator.hub.request import Request
from curator.hub.routes import RepoCommits, RepoRefs
from curator.hub.search import next_link
from curator.settings import Settings
from curator.types import RefKind, RepoId, Revision
from curator.upstream.client import Upstream

log = logging.getLogger(__name__)

Refs = dict[str, list[dict[str, str]]]

_MAIN = Revision("main")
_MOST_NAMES = 20
_PREFIXES = {RefKind.BRANCH: "refs/heads/", RefKind.CONVERSION: "refs/convert/", RefKind.TAG: "refs/tags/"}


@dataclass(frozen=True, slots=True)
class History:
    """Answers for repositories that may be served."""

    settings: Settings
    database: Database
    admission: Admission
    upstream: Upstream

    async def refs(self, request: Request, route: RepoRefs) -> Answer:
        """The branches and tags, each at the commit that is served of it, where somebody has asked for it before.

        llama.cpp lists and fetches the commit that it finds here.
        """
        admitted = await self.admission.admit(request, route.repo, _MAIN)
        commit = admitted.snapshot.commit
        headers = admitted_headers(admitted)
        known = await asyncio.to_thread(self._known, route.repo)
        try:
            refs = await self.upstream.list_refs(commit.repo)
            await asyncio.to_thread(self._learn, route.repo, refs)
        except (MirrorOffline, UpstreamUnavailable) as error:
            log.warning("%s: answering the branches of %s from memory", error.sentence, commit.repo)
            refs = remembered_refs(known)
            said = f"The Hub cannot be reached: only names of {commit.repo} that were asked for before are listed"
            headers["X-HF-Warning"] = header_text(f"curation {commit.repo} refs; {said}")
        served = {"main": commit.sha}
        for name in [one.revision for one in known if one.revision != "main"][:_MOST_NAMES]:
            sha = await self.admission.commit_of(request, route.repo, Revision(name))
            if sha is not None:
                served[name] = sha
        document: dict[str, Any] = dict(refs_as_served(refs, served))
        if request.values("include_prs"):
            document["pullRequests"] = []
        return json_answer(document, headers=headers)

    async def commits(self, request: Request, route: RepoCommits) -> Answer:
        """The history of the commit that the revision stands for here, however far the Hub's branch has moved since."""
        admitted = await self.admission.admit(request, route.repo, route.revision)
        commit = admitted.snapshot.commit
        path = f"/api/{commit.repo.kind.plural}/{commit.repo}/commits/{commit.sha}"
        page = await self.upstream.page(path, urlencode(request.query), str(commit), commit.repo)
        headers = admitted_headers(admitted)
        if page.following is not None:
            ours = f"{self.settings.url}/api/{route.repo.kind.plural}/{route.repo}/commits/{commit.sha}"
            headers["Link"] = next_link(ours, page.following)
        if page.total.isdigit():
            headers["X-Total-Count"] = page.total
        return json_answer(page.document, headers=headers)

    def _known(self, repo: RepoId) -> list[Reference]:
        with self.database.read() as session:
            return references(session, repo)

    def _learn(self, repo: RepoId, refs: Refs) -> None:
        with self.database.write() as session:
            learn(session, repo, refs)


def refs_as_served(refs: Refs, served: dict[str, str]) -> Refs:
    """The Hub's list, with our commit where we serve another one than the Hub."""

    def ours(ref: dict[str, str]) -> dict[str, str]:
        sha = served.get(ref["name"]) or served.get(ref["ref"]) or ref["targetCommit"]
        return ref | {"targetCommit": sha}

    return {group: [ours(ref) for ref in members] for group, members in refs.items()}


def remembered_refs(known: list[Reference]) -> Refs:
    """What was asked for by name. Of what kind a name was, the Hub may not have told: it is listed as a branch then."""
    refs: Refs = {kind.value: [] for kind in _PREFIXES}
    for one in known:
        kind = RefKind.BRANCH if one.kind is None else one.kind
        prefix = _PREFIXES.get(kind)
        if prefix is None:
            continue
        name = one.revision.removeprefix(prefix)
        entry = {"name": name, "ref": f"{prefix}{name}", "targetCommit": one.sha}
        if entry["ref"] not in {other["ref"] for other in refs[kind.value]}:
            refs[kind.value].append(entry)
    return refs
