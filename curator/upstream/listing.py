"""The upstream's JSON read into our types: what has not the expected form is not believed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from curator.errors import BadInput, UpstreamUnavailable
from curator.types import BlobId, Commit, Directory, HashKind, RepoFile, RepoId, RepoKind, Revision, parse_path

_XET_KEYS = {"xetHash", "xetEnabled", "xet"}
_DEEPEST = 100
"""Levels of JSON: what the Hub says has some ten, and each reader after us would stumble somewhere else."""
_MOST_FILE_BYTES = 1 << 50
_MOST_POINTER_BYTES = 1 << 20
_HALF_A_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")


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


def read_json(body: bytes) -> Any:
    """The document, with nothing of Xet in it.

    Raises `ValueError` also for what Python reads and nobody could keep or hand on: text that is half a pair of
    surrogates, numbers that are none, and an unreasonable depth.
    """
    try:
        document = without_xet(json.loads(body, parse_constant=_no_number))
    except RecursionError:
        raise ValueError("it is too deep") from None
    if _HALF_A_PAIR.search(body):
        # Whole pairs are read as one letter; half of one is what cannot be written as UTF-8.
        json.dumps(document, ensure_ascii=False).encode()
    return document


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def read_description(document: Any, kind: RepoKind) -> Description:
    """Read the answer of `/api/{kind}s/{repo}/revision/{revision}`."""
    try:
        repo = RepoId.parse(document["id"], kind)
        return Description(Commit(repo, document["sha"]), document)
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


def read_pulls(document: Any, repo: RepoId) -> frozenset[str]:
    """Read the commits of the pull requests out of a list of references."""
    try:
        return frozenset(Commit(repo, ref["targetCommit"]).sha for ref in document.get("pullRequests") or [])
    except (KeyError, TypeError, AttributeError, BadInput) as error:
        raise UpstreamUnavailable(f"The Hub lists the pull requests of {repo} in a way that cannot be used") from error


def read_commits(page: Any) -> list[str]:
    """Read the names of the commits on a page of `/api/{kind}s/{repo}/commits/{revision}`."""
    try:
        shas = [BlobId(HashKind.GIT_SHA1, entry["id"]).hex for entry in page]
    except (KeyError, TypeError, AttributeError, BadInput) as error:
        raise UpstreamUnavailable(f"The Hub lists commits in a way that cannot be used: {error}") from error
    return shas


def without_xet(document: Any, depth: int = 0) -> Any:
    """The document with no key, at any depth, by which a client could fetch bytes around the mirror."""
    if depth > _DEEPEST:
        raise ValueError("it is too deep")
    if isinstance(document, dict):
        return {key: without_xet(value, depth + 1) for key, value in document.items() if key not in _XET_KEYS}
    if isinstance(document, list):
        return [without_xet(value, depth + 1) for value in document]
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
        return RepoFile(path, _size(entry["size"], _MOST_FILE_BYTES), oid, oid.hex)
    size, pointer_size = _size(lfs["size"], _MOST_FILE_BYTES), _size(lfs["pointerSize"], _MOST_POINTER_BYTES)
    return RepoFile(path, size, BlobId(HashKind.SHA256, lfs["oid"]), oid.hex, pointer_size)


def _size(value: Any, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
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
