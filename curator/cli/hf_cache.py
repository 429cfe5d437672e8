"""The cache of Hugging Face programs on this machine: what is in it, and how something is taken out of it.

`models--ORG--NAME` has `refs/REV` (a commit), `snapshots/COMMIT/PATH` (links) and `blobs/ETAG` (the bytes); ETAG is the
SHA-256, or the git hash of a small file (huggingface_hub, "Understand caching"). Nothing outside of it is touched: no
link is followed, and a folder that is one is left alone.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from curator.errors import BadInput
from curator.types import RepoKind

_KINDS = {"models": RepoKind.MODEL, "datasets": RepoKind.DATASET, "spaces": RepoKind.SPACE}
_COMMIT = re.compile(r"[0-9a-f]{40}", re.ASCII)
_BLOB = re.compile(r"([0-9a-f]{64}|[0-9a-f]{40})(?:\..*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class CachedRepo:
    """What is there of one repository."""

    kind: RepoKind
    repo: str
    folder: Path
    commits: tuple[str, ...]
    blobs: tuple[str, ...]
    """Names of the files that hold the bytes."""


def cache_folder(named: Path | None) -> Path:
    """The one that is named, or that Hugging Face programs would take. Raises `BadInput` if it cannot be read."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    folder = (named or Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub")).expanduser()
    if named is not None and not folder.is_dir():
        raise BadInput(f"{folder} is no folder: name the cache of Hugging Face programs with --cache")
    # Whoever has his cache behind a link means what is there; from here on no link is followed.
    return folder.resolve()


def repositories(cache: Path) -> Iterator[CachedRepo]:
    """All that is there, by name."""
    for folder in sorted(_folders(cache)):
        kind, *name = folder.name.split("--")
        if kind in _KINDS and name:
            commits = tuple(sorted(one.name for one in _folders(folder / "snapshots") if _COMMIT.fullmatch(one.name)))
            blobs = tuple(sorted(one.name for one in _files(folder / "blobs") if _BLOB.fullmatch(one.name)))
            yield CachedRepo(_KINDS[kind], "/".join(name), folder, commits, blobs)


def content_of(blob: str) -> str:
    """As the mirror names the content of a file of `blobs`."""
    digest = blob.partition(".")[0]
    return f"sha256:{digest}" if len(digest) == 64 else f"git-sha1:{digest}"


def forget_commit(repo: CachedRepo, sha: str) -> int:
    """Delete a commit: its snapshot, what names it, and the bytes that no other snapshot has; how many bytes."""
    snapshots = repo.folder / "snapshots"
    if _is_folder(snapshots) and _is_folder(snapshots / sha):
        shutil.rmtree(snapshots / sha)
    for file in _below(repo.folder / "refs"):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if file.read_text().strip() == sha:
                file.unlink()
    if _is_folder(repo.folder / "trees"):
        (repo.folder / "trees" / f"{sha}.json").unlink(missing_ok=True)
    if _is_folder(repo.folder / ".no_exist") and _is_folder(repo.folder / ".no_exist" / sha):
        shutil.rmtree(repo.folder / ".no_exist" / sha)
    kept = set(_linked(snapshots))
    return sum(_delete(file) for file in _files(repo.folder / "blobs") if file.name not in kept)


def forget_blob(repo: CachedRepo, blob: str) -> int:
    """Delete the bytes of a file, and every link to them; how many bytes."""
    for link in _below(repo.folder / "snapshots"):
        if link.is_symlink() and _target(link) == blob:
            link.unlink()
    file = repo.folder / "blobs" / blob
    return _delete(file) if _is_folder(file.parent) and file.is_file() and not file.is_symlink() else 0


def _linked(snapshots: Path) -> Iterator[str]:
    for link in _below(snapshots):
        if link.is_symlink():
            yield _target(link)


def _target(link: Path) -> str:
    """The name of what a link leads to; the link is not followed."""
    return link.readlink().name


def _delete(file: Path) -> int:
    size = file.lstat().st_size
    file.unlink()
    return size


def _folders(folder: Path) -> Iterator[Path]:
    if _is_folder(folder):
        yield from (one for one in folder.iterdir() if _is_folder(one))


def _files(folder: Path) -> Iterator[Path]:
    if _is_folder(folder):
        yield from (one for one in folder.iterdir() if one.is_file() and not one.is_symlink())


def _below(folder: Path) -> Iterator[Path]:
    """Files and links at whatever depth."""
    if _is_folder(folder):
        for path, _, names in os.walk(folder, followlinks=False):
            yield from (Path(path) / name for name in names)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
