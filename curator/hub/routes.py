"""The Hub's addresses read into what they ask for: pure, total, and closed to everything that it does not know.

Addresses are read as they came, undecoded: each segment is decoded once, after the split, so that no encoded slash,
dot or NUL means anything else to us than to the store (hub-api sections 2.1 and 7).
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from curator.errors import BadInput
from curator.types import RepoId, RepoKind, Revision, parse_path

_KINDS = {kind.plural: kind for kind in RepoKind}
_CLOSED_KINDS = {"kernels", "buckets"}
_GIT_ENDS = (
    ("info", "refs"),
    ("git-upload-pack",),
    ("git-receive-pack",),
    ("info", "lfs", "objects", "batch"),
    ("info", "lfs", "locks"),
    ("info", "lfs", "verify"),
)


@dataclass(frozen=True, slots=True)
class ResolveFile:
    """The bytes of a file: `/{repo}/resolve/{revision}/{path}`."""

    repo: RepoId
    revision: Revision
    path: str


@dataclass(frozen=True, slots=True)
class RepoInfo:
    """What a revision is: `/api/models/{repo}[/revision/{revision}]`."""

    repo: RepoId
    revision: Revision


@dataclass(frozen=True, slots=True)
class RepoTree:
    """What a folder of a revision holds: `/api/models/{repo}/tree/{revision}[/{path}]`."""

    repo: RepoId
    revision: Revision
    path: str | None


@dataclass(frozen=True, slots=True)
class PathsInfo:
    """Some paths of a revision: POST `/api/models/{repo}/paths-info/{revision}`."""

    repo: RepoId
    revision: Revision


@dataclass(frozen=True, slots=True)
class AuthCheck:
    """Whether one may pull: `/api/models/{repo}/auth-check`."""

    repo: RepoId


@dataclass(frozen=True, slots=True)
class XetToken:
    """A permission to fetch bytes around the mirror: `/api/models/{repo}/xet-read-token/{revision}`."""

    repo: RepoId


@dataclass(frozen=True, slots=True)
class WhoAmI:
    """Who asks: `/api/whoami-v2`."""


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What clients tell the Hub about themselves: `/api/telemetry/{topic}`."""


@dataclass(frozen=True, slots=True)
class Git:
    """Git's own protocol, and LFS's."""

    lfs: bool


@dataclass(frozen=True, slots=True)
class Closed:
    """Anything else: not served."""

    address: str


Route = ResolveFile | RepoInfo | RepoTree | PathsInfo | AuthCheck | XetToken | WhoAmI | Telemetry | Git | Closed

_MAIN = Revision("main")


def read_route(raw_path: bytes) -> Route:
    """What an address asks for. Raises `BadInput` for one that is built wrongly."""
    segments = [_decode(segment) for segment in raw_path.split(b"/")[1:]]
    if segments and segments[-1] == "":
        segments.pop()
    address = "/" + "/".join(segments)
    # A file may be called as git's endpoints are.
    is_file = "resolve" in segments[1:4]
    for end in () if is_file else _GIT_ENDS:
        if tuple(segments[-len(end) :]) == end and len(segments) > len(end):
            return Git(lfs="lfs" in end)
    match segments:
        case ["api", "whoami-v2"]:
            return WhoAmI()
        case ["api", "telemetry", _, *_]:
            return Telemetry()
        case ["api", "resolve-cache", kind, *rest] if kind in _KINDS:
            return _cached(_KINDS[kind], rest) or Closed(address)
        case ["api", kind, *rest] if kind in _KINDS and rest:
            return _of_repo(_KINDS[kind], rest) or Closed(address)
        case ["api", *_]:
            return Closed(address)
        case [kind, *rest] if kind in _KINDS and kind != RepoKind.MODEL.plural:
            return _file(_KINDS[kind], rest) or Closed(address)
        case [kind, *_] if kind in _CLOSED_KINDS:
            return Closed(address)
        case rest:
            return _file(RepoKind.MODEL, rest) or Closed(address)


def _file(kind: RepoKind, segments: list[str]) -> Route | None:
    for repo, rest in _repos(segments):
        if len(rest) >= 3 and rest[0] == "resolve":
            revision, path = _revision(rest[1:])
            if path:
                return ResolveFile(RepoId.parse(repo, kind), revision, parse_path("/".join(path)))
    return None


def _cached(kind: RepoKind, segments: list[str]) -> Route | None:
    for repo, rest in _repos(segments):
        if len(rest) >= 2:
            revision = Revision.parse(rest[0])
            if revision.is_commit:
                return ResolveFile(RepoId.parse(repo, kind), revision, parse_path("/".join(rest[1:])))
    return None


def _of_repo(kind: RepoKind, segments: list[str]) -> Route | None:
    if len(segments) <= 2 and not (len(segments) == 2 and segments[1] in {"auth-check", "refs"}):
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
            case ["auth-check"]:
                return AuthCheck(RepoId.parse(name, kind))
            case ["xet-read-token", *_]:
                return XetToken(RepoId.parse(name, kind))
    return None


def _repos(segments: list[str]) -> list[tuple[str, list[str]]]:
    """The ways to read the first segments as a repository: `namespace/name` before the old bare `name`."""
    return [("/".join(segments[:count]), segments[count:]) for count in (2, 1) if len(segments) > count]


def _revision(segments: list[str]) -> tuple[Revision, list[str]]:
    """A revision and what follows it; `refs/pr/1` may come as one encoded segment or as three plain ones."""
    count = 3 if segments[0] == "refs" and len(segments) >= 3 else 1
    return Revision.parse("/".join(segments[:count])), segments[count:]


def _decode(segment: bytes) -> str:
    try:
        text = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        raise BadInput(f"{segment.decode('latin-1')[:80]!a} in the address is not UTF-8") from None
    if "\0" in text:
        raise BadInput("There is a NUL in the address")
    return text
