"""`curator pin` and `curator unpin`: where branches stay, kept in the mirror's own database."""

from __future__ import annotations

import json
from pathlib import Path

from curator.admission import pins
from curator.cli.token import open_database
from curator.settings import Settings
from curator.types import Commit, RepoId, RepoKind, Revision

_ACTOR = "administrator"
"""Whoever may write the database is one."""


def move(branch: str, kind: str, sha: str, config: Path | None, data: Path | None, *, as_json: bool) -> None:
    settings = Settings.load(config, data=data)
    repo, revision = _read(branch, kind)
    commit = Commit(repo, sha)
    pins.pin(open_database(settings), commit, revision, _ACTOR)
    if as_json:
        print(json.dumps(_named(repo, revision) | {"commit": commit.sha, "pinned": True}))
        return
    print(f"{revision} of {repo} stays at {sha}, under rules that say 'branches: pin' and allow that commit.")
    print(f"A client in the middle of its work is told of it within {settings.branch_session_s:g} s.")


def let_go(branch: str, kind: str, config: Path | None, data: Path | None, *, as_json: bool) -> None:
    repo, revision = _read(branch, kind)
    pins.unpin(open_database(Settings.load(config, data=data)), repo, revision, _ACTOR)
    if as_json:
        print(json.dumps(_named(repo, revision) | {"pinned": False}))
        return
    print(f"{revision} of {repo} is pinned no longer: it will stay at the next commit of it that is allowed.")


def show(config: Path | None, data: Path | None, *, as_json: bool) -> None:
    rows = [
        {
            "kind": row.kind,
            "repository": row.repo,
            "revision": row.revision,
            "commit": row.sha,
            "by": row.pinned_by,
            "at": row.pinned_at.isoformat(timespec="seconds"),
        }
        for row in pins.list_pins(open_database(Settings.load(config, data=data)))
    ]
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        name = f"{row['repository']}@{row['revision']}"
        print(f"{row['kind']:<8} {name:<50} {row['commit']}  {row['by']}, {row['at']}")


def _read(branch: str, kind: str) -> tuple[RepoId, Revision]:
    name, _, revision = branch.partition("@")
    return RepoId.parse(name, RepoKind(kind)), Revision.parse(revision or "main")


def _named(repo: RepoId, revision: Revision) -> dict[str, object]:
    return {"kind": repo.kind.value, "repository": str(repo), "revision": revision.text}
