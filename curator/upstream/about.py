"""What the Hub says about a repository beside its files: whose it is, how its history goes, what its own scans say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from curator.errors import RepoNotFound, UpstreamUnavailable
from curator.types import Commit
from curator.upstream.client import Upstream

_COMMITS_A_PAGE = 100
_MOST_COMMIT_PAGES = 20
_MOST_ISSUES = 1_000
_MOST_OWNER_BYTES = 1 << 20
_MOST_COMMITS_BYTES = 8 << 20
_MOST_FIELDS = 100
_LONGEST_FIELD = 500


@dataclass(frozen=True, slots=True)
class Trail:
    """The ends of the history that led to a commit; what the Hub does not say is empty."""

    committed_at: str
    """When the commit was made, as the Hub writes it (ISO 8601)."""
    first_commit: str
    """The commit that the history begins with; empty where it is longer than anybody reads."""


async def owner_of_namespace(upstream: Upstream, namespace: str) -> dict[str, Any] | None:
    """The Hub's page of an account as JSON, with `type` (`org` or `user`) in it; None if there is no such account.

    Raises `UpstreamUnavailable` when the Hub does not say.
    """
    for kind, word in (("org", "organizations"), ("user", "users")):
        try:
            path, what = f"/api/{word}/{namespace}/overview", f"the account {namespace}"
            page = await upstream.page(path, "", what, None, most_bytes=_MOST_OWNER_BYTES)
        except RepoNotFound:
            continue
        if not isinstance(page.document, dict):
            raise UpstreamUnavailable(f"The Hub describes the account {namespace} in a way that cannot be used")
        return {**_plain(page.document), "type": kind}
    return None


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are a number, a truth or a short text: the page is kept with each commit."""
    plain = {
        key: value
        for key, value in document.items()
        if isinstance(value, bool | int | float | None) or (isinstance(value, str) and len(value) <= _LONGEST_FIELD)
    }
    return dict(list(plain.items())[:_MOST_FIELDS])


async def trail_of(upstream: Upstream, commit: Commit) -> Trail:
    """From the Hub's list of commits, all pages of it up to a bound."""
    path = f"/api/{commit.repo.kind.plural}/{commit.repo}/commits/{commit.sha}"
    query: str | None = f"limit={_COMMITS_A_PAGE}"
    newest: Mapping[str, Any] = {}
    oldest = ""
    for _ in range(_MOST_COMMIT_PAGES):
        if query is None:
            break
        what = f"the commits of {commit}"
        page = await upstream.page(path, query, what, commit.repo, most_bytes=_MOST_COMMITS_BYTES)
        try:
            entries = [
                {"id": Commit(commit.repo, entry["id"]).sha, "date": entry.get("date")} for entry in page.document
            ]
        except (KeyError, TypeError, AttributeError) as error:
            raise UpstreamUnavailable(f"The Hub lists the commits of {commit} in a way that cannot be used") from error
        newest = newest or next(iter(entries), {})
        oldest = entries[-1]["id"] if entries else oldest
        query = page.following
    date = newest.get("date") if newest.get("id") == commit.sha else None
    return Trail(date if isinstance(date, str) else "", oldest if query is None else "")


def hub_scan_of(info: Mapping[str, Any]) -> str:
    """What the Hub's own scanners say of a commit: `safe`, `suspicious`, `unsafe`, `pending` or `unknown`.

    From `securityRepoStatus`, which is there when it is asked for: whether the scans are done, and the files with
    issues, each with a level. A level that nobody knows is an issue all the same.
    """
    status = info.get("securityRepoStatus")
    if not isinstance(status, dict):
        return "unknown"
    issues = status.get("filesWithIssues")
    if isinstance(issues, list) and issues:
        levels = {issue.get("level") for issue in issues[:_MOST_ISSUES] if isinstance(issue, dict)}
        return "unsafe" if "unsafe" in levels else "suspicious"
    if status.get("scansDone") is not True:
        return "pending"
    return "safe" if issues == [] else "unknown"
