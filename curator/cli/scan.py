"""`curator scan`: judge a file, a folder or a repository of the Hub, without a server."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from anyio.from_thread import start_blocking_portal
from rich.console import Console
from rich.filesize import decimal
from rich.progress import Progress, SpinnerColumn, TextColumn

from curator.errors import BadInput
from curator.settings import Settings
from curator.types import HashKind, RepoFile, RepoId, RepoKind, Revision
from curator.upstream.client import Upstream
from curator.upstream.connect import WORKER_PATIENCE_S, connect
from curator.upstream.ranged import RangedSource
from scanners.finding import Report, Severity, Verdict
from scanners.jail import Jail, Limits
from scanners.source import ByteSource, FileSource, SourceUnavailable

SCHEMA = "curator.scan/1"
_HASH_BYTES = 1 << 20
_INDENT = " " * 13
_NOT_FOLLOWED = {".git"}


@dataclass(frozen=True, slots=True)
class Scanned:
    """One file with its report."""

    path: str
    size: int
    sha256: str | None
    """Hex; None when the bytes were not all read, as with a file of the Hub that git names by another hash."""
    report: Report

    def as_json(self) -> dict[str, Any]:
        return {"path": self.path, "size": self.size, "sha256": self.sha256, **self.report.as_json()}


@dataclass(frozen=True, slots=True)
class Target:
    """A file to be scanned: how to name it and how to read it."""

    path: str
    source: ByteSource
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that is there and cannot be opened."""

    path: str
    why: str


def run(
    targets: list[str],
    config: Path | None,
    *,
    as_json: bool,
    fail_on: Severity,
    upstream: str | None,
    second_opinions: bool,
    quiet: bool,
) -> None:
    """Print the reports and end with 0: nothing found, 1: found, 3: something could not be judged."""
    settings = Settings.load(config, upstream=upstream)
    limits = Limits(memory_bytes=settings.scan_memory_bytes, wall_s=settings.scan_timeout_s)
    scanned: list[Scanned] = []
    with Jail(limits, engines=second_opinions) as jail, _bar(quiet) as told:
        for target in targets:
            prefix = f"{target.rstrip('/')}/" if len(targets) > 1 else ""
            with _files_of(target, settings) as files:
                scanned += [_scan(jail, file, told, prefix) for file in files]
    if as_json:
        print(json.dumps(document(scanned), indent=2))
    else:
        _print_table(scanned, quiet=quiet)
    sys.exit(exit_code([one.report for one in scanned], fail_on))


def document(scanned: list[Scanned]) -> dict[str, Any]:
    """The reports as `curator.scan/1`."""
    engines: dict[str, str] = {}
    for one in scanned:
        engines |= one.report.engines
    engines["curator"] = version("model-curator")
    worst = max((one.report.verdict for one in scanned), key=lambda verdict: verdict.rank, default=Verdict.SAFE)
    return {
        "schema": SCHEMA,
        "verdict": worst.value,
        "engines": engines,
        "files": [one.as_json() for one in scanned],
    }


def exit_code(reports: list[Report], fail_on: Severity) -> int:
    """1 outweighs 3: what was found is certain, whatever else could not be judged."""
    if any(finding.severity.rank >= fail_on.rank for report in reports for finding in report.findings):
        return 1
    return 0 if all(report.complete for report in reports) else 3


def _scan(jail: Jail, target: Target | Unreadable, told: Any, prefix: str) -> Scanned:
    path = prefix + target.path if prefix.rstrip("/") != target.path else target.path
    told(path)
    if isinstance(target, Unreadable):
        return Scanned(path, 0, None, Report(format="unknown", unscannable=target.why))
    try:
        report = jail.scan(target.source, target.path.rpartition("/")[2])
    except SourceUnavailable as error:
        report = Report(format="unknown", unscannable=str(error))
    return Scanned(path, target.source.size, target.sha256, report)


@contextmanager
def _files_of(target: str, settings: Settings) -> Iterator[Iterator[Target | Unreadable]]:
    if target.startswith("hf://"):
        with _of_hub(target.removeprefix("hf://"), settings) as found:
            yield found
        return
    path = Path(target)
    if not path.exists():
        raise BadInput(f"{target}: there is no such file or folder")
    yield _of_disk(path)


def _of_disk(root: Path) -> Iterator[Target | Unreadable]:
    """Every file, in the order of names; links to files are followed, as whoever loads the folder follows them."""
    if not root.is_dir():
        yield from _one_file(root, root.name)
        return
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _NOT_FOLLOWED)
        for name in folders:
            path = Path(folder) / name
            if path.is_symlink():
                yield Unreadable(path.relative_to(root).as_posix(), "It is a link to a folder, which is not followed.")
        for name in sorted(names):
            path = Path(folder) / name
            yield from _one_file(path, path.relative_to(root).as_posix())


def _one_file(path: Path, shown: str) -> Iterator[Target | Unreadable]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            yield Unreadable(shown, "It is a device, a pipe or a socket, not a regular file.")
            return
        with FileSource(path) as source:
            yield Target(shown, source, _sha256(source))
    except OSError as error:
        yield Unreadable(shown, f"It cannot be read: {error.strerror}.")
    except SourceUnavailable as error:
        yield Unreadable(shown, str(error))


def _sha256(source: ByteSource) -> str:
    digest = hashlib.sha256()
    for offset in range(0, source.size, _HASH_BYTES):
        digest.update(source.read(offset, _HASH_BYTES))
    return digest.hexdigest()


@contextmanager
def _of_hub(name: str, settings: Settings) -> Iterator[Iterator[Target | Unreadable]]:
    """The files of a repository, read in ranges."""
    kind = RepoKind.MODEL
    for other in (RepoKind.DATASET, RepoKind.SPACE):
        if name.startswith(other.url_prefix):
            kind, name = other, name.removeprefix(other.url_prefix)
    repo_text, _, revision_text = name.partition("@")
    repo, revision = RepoId.parse(repo_text, kind), Revision.parse(revision_text or "main")
    with start_blocking_portal() as portal:

        async def begin() -> Upstream:
            # Without a database: it must work where no mirror ever ran.
            return connect(settings, None, patience_s=WORKER_PATIENCE_S, general_token=os.environ.get("HF_TOKEN"))

        upstream = portal.call(begin)
        try:
            description = portal.call(upstream.describe, repo, revision)
            entries = portal.call(upstream.list_files, description.commit)
            yield (
                Target(
                    entry.path,
                    RangedSource(upstream, portal, description.commit, entry),
                    entry.blob.hex if entry.blob.kind is HashKind.SHA256 else None,
                )
                for entry in entries
                if isinstance(entry, RepoFile)
            )
        finally:
            portal.call(upstream.close)


@contextmanager
def _bar(quiet: bool) -> Iterator[Any]:
    """A line on the terminal that says which file is being scanned."""
    if quiet or not sys.stderr.isatty():
        yield lambda _path: None
        return
    columns = SpinnerColumn(), TextColumn("scanning {task.description}")
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("")
        yield lambda path: progress.update(task, description=path)


def _print_table(scanned: list[Scanned], *, quiet: bool) -> None:
    for one in scanned:
        verdict = one.report.verdict
        if quiet and verdict is Verdict.SAFE:
            continue
        print(f"{verdict.value:<11}  {one.path}  ({one.report.format}, {decimal(one.size)})")
        if one.report.unscannable is not None:
            print(f"{_INDENT}not judged: {one.report.unscannable}")
        for finding in one.report.findings:
            place = ", ".join(f"{name} {value}" for name, value in finding.where.as_json().items())
            print(f"{_INDENT}{finding.severity.value}: {finding.message} [{finding.rule}, {finding.engine}]")
            if place:
                print(f"{_INDENT}  at {place}")
    if not quiet:
        print(_summary([one.report.verdict for one in scanned]))


def _summary(verdicts: list[Verdict]) -> str:
    counts = [(verdict, verdicts.count(verdict)) for verdict in sorted(Verdict, key=lambda one: -one.rank)]
    files = "1 file" if len(verdicts) == 1 else f"{len(verdicts)} files"
    return f"{files}: " + (
        ", ".join(f"{count} {verdict.value}" for verdict, count in counts if count) or "nothing to judge"
    )
