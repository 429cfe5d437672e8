"""A stranger's commit in a pull request is not the owner's, by whatever name it is asked for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from curator.admission.published import check_published
from curator.errors import RevisionNotFound
from curator.types import Commit, RepoId, Revision
from curator.upstream.listing import Page

REPO = RepoId.parse("acme/one")
HEAD, OLD, STRANGE, FIRST_OF_PULL = ("1" * 40, "2" * 40, "3" * 40, "4" * 40)


@dataclass
class Repository:
    """A repository of the Hub with histories of its branches, each the newest first."""

    histories: dict[str, list[str]] = field(default_factory=lambda: {"main": [HEAD, OLD]})
    pulls: frozenset[str] = frozenset({STRANGE})
    a_page: int = 100
    asked: int = 0

    async def list_refs(self, repo: RepoId) -> dict[str, list[dict[str, str]]]:
        del repo
        named = [
            {"name": name, "ref": f"refs/heads/{name}", "targetCommit": shas[0]}
            for name, shas in self.histories.items()
        ]
        return {"branches": named, "converts": [], "tags": []}

    async def list_pulls(self, repo: RepoId) -> frozenset[str]:
        del repo
        return self.pulls

    async def page(self, path: str, query: str, what: str, repo: RepoId | None) -> Page:
        del what, repo
        self.asked += 1
        shas = next(shas for shas in self.histories.values() if path.endswith(shas[0]))
        start = int(query.partition("from=")[2] or 0)
        following = f"from={start + self.a_page}" if start + self.a_page < len(shas) else None
        return Page([{"id": sha} for sha in shas[start : start + self.a_page]], following, "")


def check(hub: Repository, sha: str, text: str = "") -> None:
    asyncio.run(check_published(hub, Commit(REPO, sha), Revision.parse(text or sha)))


@pytest.mark.parametrize(
    ("sha", "text"), [(STRANGE, ""), (STRANGE, STRANGE[:7]), (STRANGE, "pr/1"), (FIRST_OF_PULL, "")]
)
def test_a_commit_that_only_a_pull_request_has_is_not_served(sha: str, text: str) -> None:
    with pytest.raises(RevisionNotFound, match="none of its branches"):
        check(Repository(), sha, text)


def test_a_commit_of_a_branch_is_served_however_old() -> None:
    check(Repository(), OLD)
    check(Repository({"main": [HEAD], "dev": ["5" * 40, OLD]}), OLD)
    many = [f"{number:040x}" for number in range(1_000, 1_500)]
    check(Repository({"main": [*many, OLD]}, a_page=100), OLD)


def test_a_branch_that_is_called_like_a_pull_request_is_a_branch() -> None:
    check(Repository({"main": [HEAD], "pr/1": ["5" * 40]}), "5" * 40, "pr/1")


def test_where_nobody_opened_a_pull_request_each_commit_is_the_owners() -> None:
    hub = Repository(pulls=frozenset())
    check(hub, OLD)
    assert hub.asked == 0


def test_of_a_history_that_nobody_can_read_to_its_end_what_a_pull_request_stands_at_is_refused_all_the_same() -> None:
    long = {"main": [f"{number:040x}" for number in range(1_000, 6_000)]}
    check(Repository(long), OLD)
    with pytest.raises(RevisionNotFound):
        check(Repository(long), STRANGE)
