"""The upstream's JSON read into our types: what has not the expected form is not believed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from curator.errors import BadInput, UpstreamUnavailable
from curator.types import BlobId, Commit, Directory, HashKind, RepoFile, RepoId, RepoKind, Revision, parse_path

_XET_KEYS = {"xetHash", "xetEnabled", "xet"}


@dataclass(frozen=True, slots=True)
class Description:
    """What the upstream says of a revision."""

    commit: Commit
    """With the repository's canonical id, which may differ from the one that was asked for."""
    info: dict[str, Any]
    """JSON as the Hub gives it (hub-api section 6), with nothing of Xet in it."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list of the Hub."""

    document: Any
    """JSON as the Hub gives it, with nothing of Xet in it."""
    following: str | None
    """The query of the next page, byte for byte; None after the last."""
    total: str
    """How many there are on all pages, where the Hub counts them; else empty."""


def read_description(document: Any, kind: RepoKind) -> Description:
    """Read the answer of `/api/{kind}s/{repo}/revision/{revision}`."""
    try:
        repo = RepoId.parse(document["id"], kind)
        return Description(Commit(repo, document["sha"]), without_xet(document))
    except (KeyError, TypeError, AttributeError, BadInput) as error:
        raise UpstreamUnavailable(f"The Hub describes a repository in a way that cannot be used: {error}") from error


def read_tree(entries: Iterable[Any]) -> list[RepoFile | Directory]:
    """Read the entries of a whole recursive tree. Raises `UpstreamUnavailable` unless every one is understood."""
    read: list[RepoFile | Directory] = []
    seen: set[str] = set()
    for entry in entries:
        try:
            parsed = _read_entry(entry)
        except (KeyError, TypeError, ValueError, AttributeError, BadInput) as error:
            raise UpstreamUnavailable(f"The Hub lists a file in a way that cannot be used: {error}") from error
        if parsed.path in seen:
            raise UpstreamUnavailable(f"The Hub lists {parsed.path!a} twice in one commit")
        seen.add(parsed.path)
        read.append(parsed)
    return read


def read_commits(page: Any) -> list[str]:
    """Read the names of the commits on a page of `/api/{kind}s/{repo}/commits/{revision}`."""
    try:
        shas = [BlobId(HashKind.GIT_SHA1, entry["id"]).hex for entry in page]
    except (KeyError, TypeError, AttributeError, BadInput) as error:
        raise UpstreamUnavailable(f"The Hub lists commits in a way that cannot be used: {error}") from error
    return shas


def without_xet(document: Any) -> Any:
    """The document with no key, at any depth, by which a client could fetch bytes around the mirror."""
    if isinstance(document, dict):
        return {key: without_xet(value) for key, value in document.items() if key not in _XET_KEYS}
    if isinstance(document, list):
        return [without_xet(value) for value in document]
    return document


def _read_entry(entry: Any) -> RepoFile | Directory:
    path = parse_path(entry["path"])
    if entry["type"] == "directory":
        return Directory(path, BlobId(HashKind.GIT_SHA1, entry["oid"]).hex)
    if entry["type"] != "file":
        raise BadInput(f"{path!a} is neither a file nor a folder but {entry['type']!a}")
    oid = BlobId(HashKind.GIT_SHA1, entry["oid"])
    lfs = entry.get("lfs")
    if lfs is None:
        return RepoFile(path, _size(entry["size"]), oid, oid.hex)
    return RepoFile(path, _size(lfs["size"]), BlobId(HashKind.SHA256, lfs["oid"]), oid.hex, _size(lfs["pointerSize"]))


def _size(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadInput(f"{value!a} is not a size")
    return value


def read_refs(document: Any, repo: RepoId) -> dict[str, list[dict[str, str]]]:
    """Read the branches, conversions and tags of a repository; pull requests, which anybody can open, are left out."""
    try:
        return {
            group: [
                {
                    "name": Revision.parse(ref["name"]).text,
                    "ref": Revision.parse(ref["ref"]).text,
                    "targetCommit": Commit(repo, ref["targetCommit"]).sha,
                }
                for ref in document.get(group, [])
            ]
            for group in ("branches", "converts", "tags")
        }
    except (KeyError, TypeError, AttributeError, BadInput) as error:
        raise UpstreamUnavailable(f"The Hub lists the branches of {repo} in a way that cannot be used") from error
