"""What may be asked of the Hub, each kind of question as a type."""

from __future__ import annotations

from dataclasses import dataclass

from curator.hub.closed import ClosedAddress
from curator.types import RepoId, RepoKind, Revision


@dataclass(frozen=True, slots=True)
class ResolveFile:
    """The bytes of a file: `/{repo}/resolve/{revision}/{path}`, `/api/{type}/{repo}/resolve/{revision}/{path}`,
    `/api/resolve-cache/{type}/{repo}/{commit}/{path}`.

    Served (GET, HEAD, one range) as 200 or 206, with no redirect, never compressed.
    """

    repo: RepoId
    revision: Revision
    path: str


@dataclass(frozen=True, slots=True)
class RepoInfo:
    """What a revision is: `/api/{type}/{repo}`, `/api/{type}/{repo}/revision/{revision}`.

    Served, with `expand` and `blobs`; the files that are left out are not in it.
    """

    repo: RepoId
    revision: Revision


@dataclass(frozen=True, slots=True)
class RepoTree:
    """What a folder of a revision holds: `/api/{type}/{repo}/tree/{revision}[/{path}]`.

    Served on one page, whatever `limit` and `cursor` say; with `expand`, our verdict stands in `securityFileStatus`.
    """

    repo: RepoId
    revision: Revision
    path: str | None


@dataclass(frozen=True, slots=True)
class PathsInfo:
    """Some paths of a revision: `/api/{type}/{repo}/paths-info/{revision}`.

    Served to POST; 405 to GET.
    """

    repo: RepoId
    revision: Revision


@dataclass(frozen=True, slots=True)
class AuthCheck:
    """Whether one may pull: `/api/{type}/{repo}/auth-check`.

    The verdict about `main`.
    """

    repo: RepoId


@dataclass(frozen=True, slots=True)
class RepoRefs:
    """The branches and tags: `/api/{type}/{repo}/refs`.

    Served, with the commit of `main` that is served here, and never a pull request.
    """

    repo: RepoId


@dataclass(frozen=True, slots=True)
class RepoCommits:
    """The history of a revision: `/api/{type}/{repo}/commits/{revision}`.

    Served page by page, up to the commit that is served here.
    """

    repo: RepoId
    revision: Revision


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file as git has it: `/{repo}/raw/{revision}/{path}`.

    Served under the decision of `resolve`: the pointer's text of a file in LFS, the bytes of any other.
    """

    repo: RepoId
    revision: Revision
    path: str


@dataclass(frozen=True, slots=True)
class SafetensorsMetadata:
    """The headers of all shards that an index names: `/api/models/{repo}/safetensors-metadata/{path}`.

    Served from the files themselves, under the decision of `resolve`.
    """

    repo: RepoId
    path: str


@dataclass(frozen=True, slots=True)
class Search:
    """Which repositories there are: `/api/models`, `/api/datasets`, `/api/spaces`.

    The Hub's answer to the same query, with marks on what is not allowed (`CURATOR_SEARCH`); what is remembered, if the
    Hub is down.
    """

    kind: RepoKind


@dataclass(frozen=True, slots=True)
class TagsByType:
    """Which tags one may filter by: `/api/models-tags-by-type`, `/api/datasets-tags-by-type`.

    The Hub's answer, kept for an hour.
    """

    kind: RepoKind


@dataclass(frozen=True, slots=True)
class Registry:
    """Whether there is a registry here: `/v2/`.

    Yes.
    """


@dataclass(frozen=True, slots=True)
class Manifest:
    """What Ollama and older llama.cpp ask of a GGUF repository: `/v2/{repo}/manifests/{tag}`.

    Served: the tag is a file name, a quantisation or `latest`. Refusals have the registry's form.
    """

    repo: RepoId
    tag: str


@dataclass(frozen=True, slots=True)
class RegistryBlob:
    """The bytes that a manifest names: `/v2/{repo}/blobs/sha256:{hex}`.

    Served if a commit of this repository that may be served has such a file.
    """

    repo: RepoId
    digest: str


@dataclass(frozen=True, slots=True)
class XetToken:
    """A permission to fetch bytes around the mirror: `/api/{type}/{repo}/xet-read-token/{revision}`.

    Refused: 403, with the advice to switch Xet off.
    """

    repo: RepoId


@dataclass(frozen=True, slots=True)
class WhoAmI:
    """Who asks: `/api/whoami-v2`.

    The owner of the mirror's own token; 401 without one.
    """


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What clients tell the Hub about themselves: `/api/telemetry/{topic}`.

    200, and it goes no further.
    """


@dataclass(frozen=True, slots=True)
class Git:
    """Git's own protocol, and LFS's: `/{repo}.git/...`, `/{repo}/info/refs`, `/{repo}/info/lfs/...`.

    Refused: 403, in plain text that git prints, or in the JSON of LFS.
    """

    lfs: bool


@dataclass(frozen=True, slots=True)
class Closed:
    """Anything else: not served."""

    address: str
    known: ClosedAddress | None = None
    """What it is at the Hub; None for an address that is nothing there either."""


Route = (
    ResolveFile
    | RawFile
    | RepoInfo
    | RepoTree
    | PathsInfo
    | RepoRefs
    | RepoCommits
    | SafetensorsMetadata
    | AuthCheck
    | Search
    | TagsByType
    | Registry
    | Manifest
    | RegistryBlob
    | XetToken
    | WhoAmI
    | Telemetry
    | Git
    | Closed
)
