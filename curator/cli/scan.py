"""`curator scan`: judge a file, a folder or a repository of the Hub, without a server."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from curator.errors import BadInput
from curator.settings import Settings
from scanners.command import Options, judge, prefix_of, progress, write
from scanners.confinement import Limits
from scanners.files import LocalFile, NoSuchPath, files_of, printable
from scanners.finding import Report
from scanners.output import render
from scanners.output.record import Scanned, exit_code
from scanners.source import ByteSource, SourceUnavailable

HUB = "hf://"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository, read in ranges."""

    path: str
    source: ByteSource
    sha256: str | None
    """Hex; None for a file that git names by another hash."""


def run(options: Options, config: Path | None, upstream: str | None) -> None:
    """Print the reports and end with 0: nothing found, 1: found, 3: something could not be judged."""
    settings = Settings.load(config, upstream=upstream)
    limits = Limits(memory_bytes=settings.scan_memory_bytes, wall_s=settings.scan_timeout_s)
    several = len(options.targets) > 1
    local: dict[int, list[LocalFile]] = {}
    for number, target in enumerate(options.targets):
        if not target.startswith(HUB):
            try:
                local[number] = list(files_of(target, prefix_of(target, several=several)))
            except NoSuchPath as error:
                raise BadInput(str(error)) from None
    # All local files before anything of the Hub is loaded: their children are forks of a process without threads.
    judged = iter(judge([file for files in local.values() for file in files], options, limits))
    found = {number: [next(judged) for _ in files] for number, files in local.items()}
    for number, target in enumerate(options.targets):
        if target.startswith(HUB):
            found[number] = _of_hub(target, options, limits, settings)
    scanned = [one for _, files in sorted(found.items()) for one in files]
    write(render(options.style, scanned, fail_on=options.fail_on, quiet=options.quiet))
    sys.exit(exit_code(scanned, options.fail_on))


def _of_hub(target: str, options: Options, limits: Limits, settings: Settings) -> list[Scanned]:
    from scanners.jail import Jail

    scanned: list[Scanned] = []
    prefix = prefix_of(target, several=len(options.targets) > 1)
    with (
        Jail(limits, engines=options.second_opinions) as jail,
        _remote(target, settings) as (total, files),
        progress(total, quiet=options.quiet) as told,
    ):
        for number, file in enumerate(files):
            told(number, printable(file.path))
            try:
                report = jail.scan(file.source, file.path.rpartition("/")[2])
            except SourceUnavailable as error:
                report = Report(format="unknown", unscannable=str(error))
            shown, place = printable(prefix + file.path), f"{target.rstrip('/')}/{file.path}"
            scanned.append(Scanned(shown, file.source.size, file.sha256, report, place))
    return scanned


@contextmanager
def _remote(target: str, settings: Settings) -> Iterator[tuple[int, Iterator[RemoteFile]]]:
    """How many files the repository has, and each."""
    from anyio.from_thread import start_blocking_portal

    from curator.types import HashKind, RepoFile, RepoId, RepoKind, Revision
    from curator.upstream.client import Upstream
    from curator.upstream.connect import WORKER_PATIENCE_S, connect
    from curator.upstream.ranged import RangedSource

    name = target.removeprefix(HUB)
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
            listed = portal.call(upstream.list_files, description.commit)
            entries = [entry for entry in listed if isinstance(entry, RepoFile)]
            yield (
                len(entries),
                (
                    RemoteFile(
                        entry.path,
                        RangedSource(upstream, portal, description.commit, entry),
                        entry.blob.hex if entry.blob.kind is HashKind.SHA256 else None,
                    )
                    for entry in entries
                ),
            )
        finally:
            portal.call(upstream.close)
