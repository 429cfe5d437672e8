"""What somebody approves or blocks, as he writes it: a repository, a commit, a range of commits, a publisher, a
collection; made exact when it is said."""

from __future__ import annotations

import re
from dataclasses import dataclass

from curator.admission.resolve import Resolver
from curator.errors import MirrorOffline, RepoNotFound, UpstreamRefused, UpstreamUnavailable
from curator.policy.collections import collection
from curator.policy.word import BadWord
from curator.types import Commit, RepoId, RepoKind, Revision
from curator.upstream.client import Upstream

_GLOB = re.compile(r"[*?\[\]]")
_MAIN = Revision("main")


@dataclass(frozen=True, slots=True)
class Target:
    """One of them, exact."""

    written: str
    repositories: tuple[str, ...]
    commits: frozenset[str] = frozenset()
    collection: str = ""
    note: str = ""
    """What whoever said it should know, as a sentence; empty if it is just what he wrote."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Reads them, and asks the Hub where that makes them exact."""

    resolver: Resolver
    upstream: Upstream

    async def read(self, text: str, kind: RepoKind) -> Target:
        """`ORG/NAME`, `ORG/NAME@REV`, `ORG/NAME@A..B` (both among them), `ORG/*`, or `collection:NAME`.

        Raises `BadWord`, and what the Hub says of a revision that it does not have.
        """
        written = text.strip()
        if written.startswith("collection:"):
            named = collection(written.removeprefix("collection:"))
            return Target(written, named.repositories, collection=named.name)
        name, at, revision = written.partition("@")
        if _GLOB.search(name):
            if at:
                raise BadWord(f"{written[:80]!a}: commits are of one repository, so name it without a glob")
            return Target(written, (name,))
        repo = RepoId.parse(name, kind)
        if not at:
            return await self._repository(written, repo)
        first, dots, last = revision.partition("..")
        if dots:
            return await self._range(written, repo, first, last)
        commit = (await self.resolver.resolve(repo, Revision.parse(revision))).commit
        note = "" if revision == commit.sha else f"{revision} of {commit.repo} is the commit {commit.sha}"
        return Target(written, (str(commit.repo),), frozenset({commit.sha}), note=note)

    async def _repository(self, written: str, repo: RepoId) -> Target:
        """Under the name that the Hub has it by now: rules and lists see no other."""
        try:
            found = (await self.resolver.resolve(repo, _MAIN)).commit.repo
        except RepoNotFound:
            return Target(written, (str(repo),), note=f"The Hub knows no {repo} yet: the entry is for whenever it does")
        except (UpstreamUnavailable, UpstreamRefused, MirrorOffline) as error:
            return Target(written, (str(repo),), note=f"{repo} is taken as it is written: {error.sentence}")
        if str(found).lower() == str(repo).lower():
            return Target(written, (str(found),))
        return Target(written, (str(found), str(repo)), note=f"{repo} is called {found} by now")

    async def _range(self, written: str, repo: RepoId, first: str, last: str) -> Target:
        if not first or not last:
            raise BadWord(f"{written[:80]!a}: a range names its first and its last commit, as {repo}@A..B")
        begin = (await self.resolver.resolve(repo, Revision.parse(first))).commit
        end = (await self.resolver.resolve(repo, Revision.parse(last))).commit
        shas = await self._between(begin, end)
        many = f"are {len(shas)} commits, from {begin.sha} to {end.sha}"
        note = f"{first}..{last} of {end.repo} {many if len(shas) > 1 else f'is the one commit {end.sha}'}"
        return Target(written, (str(end.repo),), frozenset(shas), note=note)

    async def _between(self, begin: Commit, end: Commit) -> list[str]:
        listed = await self.upstream.list_commits(end)
        if begin.sha not in listed:
            raise BadWord(
                f"{begin.sha} is not among the {len(listed)} commits that the Hub lists up to {end.sha}: "
                "name the older one first, or a shorter range"
            )
        return listed[: listed.index(begin.sha) + 1]
