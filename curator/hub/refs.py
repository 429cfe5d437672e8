"""What names a repository has for its commits, and what came before them: `refs`, `commits`."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from curator.admission import snapshots
from curator.database.engine import Database
from curator.errors import MirrorOffline, UpstreamUnavailable
from curator.hub.admit import Admission
from curator.hub.answer import Answer, header_text, json_answer
from curator.hub.curation import admitted_headers
from curator.hub.request import Request
from curator.hub.routes import RepoCommits, RepoRefs
from curator.hub.search import next_link
from curator.settings import Settings
from curator.types import RepoId, Revision
from curator.upstream.client import Upstream
from curator.upstream.listing import read_refs

log = logging.getLogger(__name__)

Refs = dict[str, list[dict[str, str]]]

_MAIN = Revision("main")
_MOST_BRANCHES = 20
_BRANCH, _CONVERTED = "refs/heads/", "refs/convert/"


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
            page = await self.upstream.page(
                f"/api/{commit.repo.kind.plural}/{commit.repo}/refs", "", str(commit.repo), commit.repo
            )
            refs = read_refs(page.document, commit.repo)
        except (MirrorOffline, UpstreamUnavailable) as error:
            log.warning("%s: answering the branches of %s from memory", error.sentence, commit.repo)
            refs = remembered_refs(known)
            said = f"The Hub cannot be reached: only branches of {commit.repo} that were asked for before are listed"
            headers["X-HF-Warning"] = header_text(f"curation {commit.repo} refs; {said}")
        served = {"main": commit.sha}
        for branch in [name for name in known if name != "main"][:_MOST_BRANCHES]:
            sha = await self.admission.commit_of(request, route.repo, Revision(branch))
            if sha is not None:
                served[branch] = sha
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

    def _known(self, repo: RepoId) -> dict[str, str]:
        with self.database.read() as session:
            return snapshots.references(session, repo)


def refs_as_served(refs: Refs, served: dict[str, str]) -> Refs:
    """The Hub's list, with our commit where we serve another one than the Hub."""

    def ours(ref: dict[str, str]) -> dict[str, str]:
        sha = served.get(ref["name"]) or served.get(ref["ref"]) or ref["targetCommit"]
        return ref | {"targetCommit": sha}

    return {group: [ours(ref) for ref in members] for group, members in refs.items()}


def remembered_refs(known: dict[str, str]) -> Refs:
    """What was asked for by name; whether a name was a branch or a tag is not known, so all are listed as branches."""
    refs: Refs = {"branches": [], "converts": [], "tags": []}
    for revision, sha in known.items():
        group = "converts" if revision.startswith(_CONVERTED) else "branches"
        full = revision if revision.startswith("refs/") else f"{_BRANCH}{revision}"
        name = full.removeprefix(_CONVERTED).removeprefix(_BRANCH)
        refs[group].append({"name": name, "ref": full, "targetCommit": sha})
    return refs
