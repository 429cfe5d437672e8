"""The Hub's addresses read into what they ask for: pure, total, and closed to everything that it does not know.

Addresses are read as they came, undecoded: each segment is decoded once, after the split, so that no encoded slash,
dot or NUL means anything else to us than to the store (hub-api sections 2.1 and 7).
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from curator.errors import BadInput
from curator.hub.closed import closed_address
from curator.hub.routes import (
    AuthCheck,
    Closed,
    Git,
    Manifest,
    PathsInfo,
    RawFile,
    Registry,
    RegistryBlob,
    RepoCommits,
    RepoInfo,
    RepoRefs,
    RepoTree,
    ResolveFile,
    Route,
    SafetensorsMetadata,
    Search,
    TagsByType,
    Telemetry,
    WhoAmI,
    XetToken,
)
from curator.types import BlobId, RepoId, RepoKind, Revision, parse_path

_KINDS = {kind.plural: kind for kind in RepoKind}
_CLOSED_KINDS = {"kernels", "buckets"}
_GIT_ENDS = (("info", "refs"), ("git-upload-pack",), ("git-receive-pack",))
_OF_A_BARE_NAME = {"auth-check", "refs"}
_MAIN = Revision("main")


def read_route(raw_path: bytes) -> Route:
    """What an address asks for. Raises `BadInput` for one that is built wrongly."""
    segments = [_decode(segment) for segment in raw_path.split(b"/")[1:]]
    if segments and segments[-1] == "":
        segments.pop()
    git = _git(segments)
    if git is not None:
        return git
    route = _served(segments)
    if route is not None:
        return route
    address = "/" + "/".join(segments)
    return Closed(address, closed_address(address))


def _git(segments: list[str]) -> Git | None:
    """Git asks below the repository's name, with or without `.git`; but a file may be called as its endpoints are."""
    if {"resolve", "raw", "resolve-cache"} & set(segments[1:4]):
        return None
    if ["info", "lfs"] in [segments[at : at + 2] for at in (1, 2, 3)]:
        return Git(lfs=True)
    asks = any(tuple(segments[-len(end) :]) == end and len(segments) > len(end) for end in _GIT_ENDS)
    return Git(lfs=False) if asks or any(segment.endswith(".git") for segment in segments[:3]) else None


def _served(segments: list[str]) -> Route | None:
    match segments:
        case ["api", "whoami-v2"]:
            return WhoAmI()
        case ["api", "telemetry", _, *_]:
            return Telemetry()
        case ["api", "models-tags-by-type"]:
            return TagsByType(RepoKind.MODEL)
        case ["api", "datasets-tags-by-type"]:
            return TagsByType(RepoKind.DATASET)
        case ["api", "resolve-cache", kind, *rest] if kind in _KINDS:
            return _cached(_KINDS[kind], rest)
        case ["api", kind] if kind in _KINDS:
            return Search(_KINDS[kind])
        case ["api", kind, *rest] if kind in _KINDS:
            return _of_repo(_KINDS[kind], rest)
        case ["api", *_]:
            return None
        case ["v2", *rest]:
            return _registry(rest)
        case [kind, *rest] if kind in _KINDS and kind != RepoKind.MODEL.plural:
            return _file(_KINDS[kind], rest)
        case [kind, *_] if kind in _CLOSED_KINDS:
            return None
        case rest:
            return _file(RepoKind.MODEL, rest)


def _file(kind: RepoKind, segments: list[str]) -> Route | None:
    for repo, rest in _repos(segments):
        if len(rest) >= 3 and rest[0] in {"resolve", "raw"}:
            revision, path = _revision(rest[1:])
            if path:
                asked = ResolveFile if rest[0] == "resolve" else RawFile
                return asked(RepoId.parse(repo, kind), revision, parse_path("/".join(path)))
    return None


def _registry(segments: list[str]) -> Route | None:
    match segments:
        case []:
            return Registry()
        case [*repo, "manifests", tag] if 1 <= len(repo) <= 2:
            return Manifest(RepoId.parse("/".join(repo)), parse_path(tag))
        case [*repo, "blobs", digest] if 1 <= len(repo) <= 2 and digest.startswith("sha256:"):
            return RegistryBlob(RepoId.parse("/".join(repo)), BlobId.parse(digest).hex)
    return None


def _cached(kind: RepoKind, segments: list[str]) -> Route | None:
    for repo, rest in _repos(segments):
        if len(rest) >= 2:
            revision = Revision.parse(rest[0])
            if revision.is_commit:
                return ResolveFile(RepoId.parse(repo, kind), revision, parse_path("/".join(rest[1:])))
    return None


def _of_repo(kind: RepoKind, segments: list[str]) -> Route | None:
    if len(segments) <= 2 and not (len(segments) == 2 and segments[1] in _OF_A_BARE_NAME):
        return RepoInfo(RepoId.parse("/".join(segments), kind), _MAIN)
    for name, rest in _repos(segments):
        match rest:
            case ["revision", _, *_]:
                revision, left = _revision(rest[1:])
                if not left:
                    return RepoInfo(RepoId.parse(name, kind), revision)
            case ["tree", _, *_]:
                revision, left = _revision(rest[1:])
                return RepoTree(RepoId.parse(name, kind), revision, parse_path("/".join(left)) if left else None)
            case ["paths-info", _, *_]:
                revision, left = _revision(rest[1:])
                if not left:
                    return PathsInfo(RepoId.parse(name, kind), revision)
            case ["resolve", _, _, *_]:
                revision, left = _revision(rest[1:])
                if left:
                    return ResolveFile(RepoId.parse(name, kind), revision, parse_path("/".join(left)))
            case ["commits", _, *_]:
                revision, left = _revision(rest[1:])
                if not left:
                    return RepoCommits(RepoId.parse(name, kind), revision)
            case ["safetensors-metadata", _, *path] if kind is RepoKind.MODEL:
                return SafetensorsMetadata(RepoId.parse(name, kind), parse_path("/".join([rest[1], *path])))
            case ["refs"]:
                return RepoRefs(RepoId.parse(name, kind))
            case ["auth-check"]:
                return AuthCheck(RepoId.parse(name, kind))
            case ["xet-read-token", *_]:
                return XetToken(RepoId.parse(name, kind))
    return None


def _repos(segments: list[str]) -> list[tuple[str, list[str]]]:
    """The ways to read the first segments as a repository: `namespace/name` before the old bare `name`."""
    return [("/".join(segments[:count]), segments[count:]) for count in (2, 1) if len(segments) > count]


def _revision(segments: list[str]) -> tuple[Revision, list[str]]:
    """A revision and what follows it; `refs/pr/1` may come with each of its slashes encoded or plain."""
    for count in (1, 2, 3):
        text = "/".join(segments[:count])
        if text.startswith("refs/") and text.count("/") == 2 and len(segments) >= count:
            return Revision.parse(text), segments[count:]
    return Revision.parse(segments[0]), segments[1:]


def _decode(segment: bytes) -> str:
    try:
        text = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        raise BadInput(f"{segment.decode('latin-1')[:80]!a} in the address is not UTF-8") from None
    if "\0" in text:
        raise BadInput("There is a NUL in the address")
    return text
