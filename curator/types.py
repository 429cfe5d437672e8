"""Small frozen values with their parsing: the nouns of the Hub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from curator.errors import BadInput
from curator.redaction import has_token, without_secrets

_SEGMENT = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?", re.ASCII)
_SHA1 = re.compile(r"[0-9a-f]{40}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
# What git forbids in a reference name (git-check-ref-format), and control characters.
_NOT_IN_A_REVISION = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|@\{")
_NOT_IN_A_PATH = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
"""Control characters, and halves of pairs of surrogates, which are no text."""
_LONGEST_REVISION = 255
_LONGEST_PATH = 1024


class RepoKind(StrEnum):
    MODEL = "model"
    DATASET = "dataset"
    SPACE = "space"

    @property
    def plural(self) -> str:
        """As in `/api/models/...`."""
        return f"{self.value}s"

    @property
    def url_prefix(self) -> str:
        """As in `/datasets/ns/name/resolve/...`: empty for models."""
        return "" if self is RepoKind.MODEL else f"{self.plural}/"


class UpstreamMode(StrEnum):
    FALLBACK = "fallback"
    """The upstream when it can be reached, the cache otherwise."""
    STRICT = "strict"
    """A branch or tag only as the upstream has just confirmed it."""
    OFFLINE = "offline"
    """The cache alone."""


@dataclass(frozen=True, slots=True)
class RepoId:
    """A repository of the Hub; `namespace` is None for the oldest ones, such as `gpt2`."""

    kind: RepoKind
    namespace: str | None
    name: str

    @classmethod
    def parse(cls, text: str, kind: RepoKind = RepoKind.MODEL) -> Self:
        """Read `namespace/name` or `name` by the Hub's own rules (huggingface_hub `validate_repo_id`)."""
        check_no_token(text)
        parts = text.split("/")
        wrong = (
            len(parts) > 2
            or any(not _SEGMENT.fullmatch(part) or "--" in part or ".." in part for part in parts)
            or text.endswith(".git")
        )
        if wrong:
            raise BadInput(
                f"{_shown(text)} is not a repository id: write it as 'namespace/name', with letters, digits, '-', "
                "'_' and '.', at most 96 characters each"
            )
        return cls(kind, parts[0] if len(parts) == 2 else None, parts[-1])

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True)
class Revision:
    """A branch, a tag, a commit or a `refs/...` name, as somebody asked for it."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        check_no_token(text)
        wrong = (
            not text
            or len(text) > _LONGEST_REVISION
            or _NOT_IN_A_REVISION.search(text)
            or text.startswith(("/", ".", "-"))
            or text.endswith(("/", ".", ".lock"))
        )
        if wrong:
            raise BadInput(f"{_shown(text)} is not a revision: name a branch, a tag or a commit of 40 hex digits")
        return cls(text)

    @property
    def is_commit(self) -> bool:
        """Whether it names one commit for good."""
        return _SHA1.fullmatch(self.text) is not None

    @property
    def is_pull_request(self) -> bool:
        """Whether it is one of the references that anybody on the Hub can push to."""
        return self.text.startswith("refs/pr/")

    def __str__(self) -> str:
        return self.text


class RefKind(StrEnum):
    """What kind of name a repository has for a commit, in the words of the Hub's list of them."""

    BRANCH = "branches"
    CONVERSION = "converts"
    TAG = "tags"
    NEITHER = ""
    """Something that the Hub understands and does not list, such as the first digits of a commit."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What a revision resolves to; all facts and decisions hang on it."""

    repo: RepoId
    sha: str

    def __post_init__(self) -> None:
        if not _SHA1.fullmatch(self.sha):
            raise BadInput(f"{_shown(self.sha)} is not a commit: it has 40 hex digits")

    def __str__(self) -> str:
        return f"{self.repo}@{self.sha}"


class HashKind(StrEnum):
    SHA256 = "sha256"
    """Of the bytes: files in LFS or Xet."""
    GIT_SHA1 = "git-sha1"
    """Of `blob <length>\\0` and the bytes: files in git itself."""


@dataclass(frozen=True, slots=True)
class BlobId:
    """Names the content of a file, as the commit does; printed `sha256:<hex>` or `git-sha1:<hex>`."""

    kind: HashKind
    hex: str

    def __post_init__(self) -> None:
        pattern = _SHA256 if self.kind is HashKind.SHA256 else _SHA1
        if not pattern.fullmatch(self.hex):
            raise BadInput(f"{_shown(self.hex)} is not a {self.kind.value} hash")

    @classmethod
    def parse(cls, text: str) -> Self:
        kind, _, digits = text.partition(":")
        return cls(HashKind(kind), digits)

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.hex}"


@dataclass(frozen=True, slots=True)
class RepoFile:
    """One file of a commit."""

    path: str
    size: int
    """Bytes of the content, not of its LFS pointer."""
    blob: BlobId
    oid: str
    """The git object id in the tree: of the pointer, for a file in LFS."""
    pointer_size: int | None = None
    """Bytes of the LFS pointer; None for a file in git itself."""

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def in_lfs(self) -> bool:
        return self.blob.kind is HashKind.SHA256


@dataclass(frozen=True, slots=True)
class Directory:
    """A folder of a commit."""

    path: str
    oid: str


def parse_path(text: str) -> str:
    """A file's or folder's path inside a repository, with nothing in it that could lead out."""
    parts = text.split("/")
    wrong = (
        not text
        or len(text) > _LONGEST_PATH
        or "\\" in text
        or _NOT_IN_A_PATH.search(text)
        or any(part in {"", ".", ".."} for part in parts)
        or parts[0] == ".git"
    )
    if wrong:
        raise BadInput(f"{_shown(text)} is not a path inside a repository")
    return text


def check_no_token(text: str) -> None:
    """That nobody has put a token where a name belongs: the upstream would be asked for it, and have it. Raises
    `BadInput`."""
    if has_token(text):
        raise BadInput(
            "A token stands where a name belongs, and was sent on to nobody: show it as HF_TOKEN, and have this one "
            "revoked, for addresses are written down on the way"
        )


def check_no_secret(what: str, text: str) -> str:
    """A text that is kept and that others read, as `what` says. Raises `BadInput` for one that has a secret in it."""
    if without_secrets(text) != text:
        raise BadInput(
            f"There is something like a token or a password in the {what}, and nothing was kept: leave it out, since "
            "others read this"
        )
    return text


def _shown(text: str) -> str:
    """Somebody else's text, fit for a sentence: quoted, ASCII, not too long."""
    return ascii(text if len(text) <= 80 else text[:77] + "...")
