"""`curator incident affected`: what of this machine's cache was withdrawn, and how it is got rid of."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator.cli.client import Mirror
from curator.cli.hf_cache import CachedRepo, cache_folder, content_of, forget_blob, forget_commit, repositories
from curator.errors import BadInput

_PATH = "/api/curator/v1/incidents/affected"
_COMMITS, _CONTENTS = 1_000, 5_000
_NO = 1


@dataclass(frozen=True, slots=True)
class _Found:
    """Something that is here and was withdrawn."""

    repo: CachedRepo
    commit: str
    blob: str
    said: dict[str, Any]

    @property
    def what(self) -> str:
        return f"{self.repo.repo}@{self.commit}" if self.commit else f"{content_of(self.blob)} of {self.repo.repo}"

    @property
    def path(self) -> Path:
        return self.repo.folder / (f"snapshots/{self.commit}" if self.commit else f"blobs/{self.blob}")


def affected(cache: Path | None, server: str | None, *, purge: bool, yes: bool, as_json: bool) -> None:
    folder = cache_folder(cache)
    found = _found(Mirror.find(server), list(repositories(folder)))
    freed = 0
    if purge and found:
        _sure(found, yes=yes)
        try:
            freed = sum(
                forget_commit(one.repo, one.commit) if one.commit else forget_blob(one.repo, one.blob) for one in found
            )
        except OSError as error:
            raise BadInput(f"{error.filename} cannot be deleted: {error.strerror}") from None
    if as_json:
        listed = [one.said | {"path": str(one.path)} for one in found]
        print(json.dumps({"cache": str(folder), "affected": listed, "purged": purge, "freed_bytes": freed}))
    else:
        _tell(folder, found, freed, purge=purge)
    if found and not purge:
        raise SystemExit(_NO)


def _found(mirror: Mirror, repos: list[CachedRepo]) -> list[_Found]:
    commits = [(repo, commit) for repo in repos for commit in repo.commits]
    blobs = [(repo, blob) for repo in repos for blob in repo.blobs]
    found = []
    for start in range(0, len(commits), _COMMITS):
        few = commits[start : start + _COMMITS]
        asked = [{"kind": repo.kind.value, "repository": repo.repo, "commit": commit} for repo, commit in few]
        for said in mirror.post(_PATH, {"commits": asked})["affected"]:
            had = (said["kind"], said["repository"], said["commit"])
            found += [_Found(repo, one, "", said) for repo, one in few if (repo.kind.value, repo.repo, one) == had]
    contents = sorted({content_of(blob) for _, blob in blobs})
    for start in range(0, len(contents), _CONTENTS):
        for said in mirror.post(_PATH, {"contents": contents[start : start + _CONTENTS]})["affected"]:
            found += [_Found(repo, "", blob, said) for repo, blob in blobs if content_of(blob) == said["content"]]
    return found


def _sure(found: list[_Found], *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise BadInput("Nobody is here to be asked: say --yes if it is to be deleted")
    for one in found:
        print(f"{one.what}: {one.said['reason']}", file=sys.stderr)
    print(f"Delete {'this' if len(found) == 1 else f'these {len(found)}'}? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise BadInput("Nothing was deleted")


def _tell(folder: Path, found: list[_Found], freed: int, *, purge: bool) -> None:
    if not found:
        print(f"Nothing in {folder} was withdrawn.")
        return
    for one in found:
        print(f"{one.what}: {one.said['reason']} (incident {one.said['incident']})")
        print(f"  {one.path}")
    if purge:
        incidents = sorted({str(one.said["incident"]) for one in found})
        print(f"Deleted; {freed:,} bytes are free again. What ran with it before keeps it until it is started anew.")
        for incident in incidents:
            print(f"When all of your team is clean: curator incident clean {incident}")
    else:
        print("Delete it with: curator incident affected --purge")
