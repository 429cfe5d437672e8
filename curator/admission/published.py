"""Whether a commit is the owner's: anybody on the Hub can push one to a pull request, and all have the same address.

A branch or tag is the owner's. A commit asked for by its own name, or by its first digits, may be anybody's, and all
that rules say of the owner (that he is known, or approved) would be said of a stranger's files.
"""

from __future__ import annotations

from typing import Protocol

from curator.errors import RevisionNotFound
from curator.types import Commit, RepoId, Revision
from curator.upstream.listing import Page, read_commits

_A_PAGE = 100
_MOST_PAGES = 20
_MOST_BRANCHES = 5


class Hub(Protocol):
    """What is asked of the upstream."""

    async def list_refs(self, repo: RepoId) -> dict[str, list[dict[str, str]]]: ...

    async def list_pulls(self, repo: RepoId) -> frozenset[str]: ...

    async def page(self, path: str, query: str, what: str, repo: RepoId | None) -> Page: ...


async def check_published(hub: Hub, commit: Commit, revision: Revision) -> None:
    """Raises `RevisionNotFound` for a commit that only a pull request has, and what the Hub says if it does not tell.

    Where nobody has opened a pull request, every commit is the owner's, also one that no branch has any more. Of a
    history longer than two thousand commits the rest is not read: there, only what a pull request stands at is refused.
    """
    refs = await hub.list_refs(commit.repo)
    named = [ref for group in refs.values() for ref in group]
    if any(revision.text in (ref["name"], ref["ref"]) or ref["targetCommit"] == commit.sha for ref in named):
        return
    pulls = await hub.list_pulls(commit.repo)
    if not pulls:
        return
    heads = {ref["name"]: ref["targetCommit"] for ref in refs.get("branches", [])}
    newest = dict.fromkeys([heads[name] for name in sorted(heads, key=lambda name: name != "main")])
    tags = [ref["targetCommit"] for group in ("tags", "converts") for ref in refs.get(group, [])]
    places = list(dict.fromkeys((*newest, *tags)))
    whole = len(places) <= _MOST_BRANCHES
    for head in places[:_MOST_BRANCHES]:
        holds, complete = await _leads_to(hub, Commit(commit.repo, head), commit.sha)
        if holds:
            return
        whole = whole and complete
    if whole or commit.sha in pulls:
        raise RevisionNotFound(
            f"{commit.sha} of {commit.repo} is on none of its branches: anybody on the Hub can push such a commit with "
            "a pull request, so name a branch, a tag or a commit of one"
        )


async def _leads_to(hub: Hub, head: Commit, sha: str) -> tuple[bool, bool]:
    """Whether the history of a branch holds a commit, and whether all of it was read."""
    path = f"/api/{head.repo.kind.plural}/{head.repo}/commits/{head.sha}"
    query: str | None = f"limit={_A_PAGE}"
    for _ in range(_MOST_PAGES):
        if query is None:
            break
        page = await hub.page(path, query, f"the commits of {head}", head.repo)
        if sha in read_commits(page.document):
            return True, True
        query = page.following
    return False, query is None
