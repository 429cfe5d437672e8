"""Pulls of a file that whoever is asked for it does not have: each starts from nothing again."""

from __future__ import annotations

import argparse
import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import measure, nginx
from benchmarks.peers import Olah, Upstream, admit, mirror, weights_of
from benchmarks.reader import Reading, read
from benchmarks.subject import WARM_UP, Subject
from fixtures.mirror import MirrorProcess

Pull = Callable[[int], Reading]
"""A cold pull by so many clients at once."""


def ways(
    root: Path, made: Subject, upstream: Upstream, options: argparse.Namespace, stack: ExitStack
) -> list[tuple[str, Pull]]:
    """The upstream itself, the mirror, nginx and olah, with all that has to run for them."""
    found: list[tuple[str, Pull]] = [
        ("direct", lambda streams: read(weights_of(upstream.url), streams=streams)),
        ("mirror", _through_mirror(root, made, upstream, options.processes)),
        ("nginx proxy_cache", _through_nginx(root / "cache", made, upstream, options.processes, stack)),
    ]
    return found if options.without_olah else [*found, ("olah", _through_olah(root, upstream))]


@contextmanager
def cold_mirror(folder: Path, upstream: Upstream, processes: int) -> Iterator[MirrorProcess]:
    """A mirror that has decided about the repository and brought in another of its files, but not the weights.

    Nothing less than a new one will do: a mirror that once had the weights has scanned them whole, and does not look
    again before it releases their end.
    """
    with mirror(folder, upstream, processes=processes) as ours:
        admit(ours)
        read(weights_of(ours.url, WARM_UP))
        upstream.forget()
        yield ours
    shutil.rmtree(folder)


def pull_cold(ours: MirrorProcess, made: Subject, upstream: Upstream, streams: int) -> Reading:
    """The pull. Ends the program if the mirror sent what the upstream did not."""
    reading = read(weights_of(ours.url), streams=streams)
    sent = upstream.traffic().cdn_bytes
    if sent < made.file().size:
        raise SystemExit(f"The mirror was not cold: the upstream sent {sent} of {made.file().size} bytes.")
    return reading


def _through_mirror(root: Path, made: Subject, upstream: Upstream, processes: int) -> Pull:
    fresh = itertools.count()

    def pull(streams: int) -> Reading:
        with cold_mirror(root / f"data-{next(fresh)}", upstream, processes) as ours:
            measure.settle()
            return pull_cold(ours, made, upstream, streams)

    return pull


def _through_nginx(folder: Path, made: Subject, upstream: Upstream, workers: int, stack: ExitStack) -> Pull:
    """nginx does not follow the Hub's redirect, so it is put in front of the second origin."""
    cache = stack.enter_context(nginx.caching(folder, upstream.cdn_url, workers=workers))
    fresh = itertools.count()

    def pull(streams: int) -> Reading:
        reading = read(f"{cache.url}/{made.file().sha256}?round={next(fresh)}", streams=streams)
        # Under another address in each round nothing is found there again, and only takes room.
        for kept in (folder / "cache").iterdir():
            kept.unlink()
        return reading

    return pull


def _through_olah(root: Path, upstream: Upstream) -> Pull:
    fresh = itertools.count()

    def pull(streams: int) -> Reading:
        folder = root / f"olah-{next(fresh)}"
        with Olah(folder, upstream) as olah:
            read(weights_of(olah.url, WARM_UP))
            upstream.forget()
            reading = read(weights_of(olah.url), streams=streams)
        shutil.rmtree(folder)
        return reading

    return pull
