"""Pulls of a file that whoever is asked for it does not have: each starts from nothing again."""

from __future__ import annotations

import argparse
import itertools
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks import nginx
from benchmarks.peers import Olah, Upstream, admit, forget_bytes, mirror, weights_of
from benchmarks.reader import Reading, read
from benchmarks.subject import Subject
from fixtures.mirror import MirrorProcess

Pull = Callable[[int], Reading]
"""A cold pull by so many clients at once."""


def ways(
    root: Path, made: Subject, upstream: Upstream, options: argparse.Namespace, stack: ExitStack
) -> list[tuple[str, Pull]]:
    """The upstream itself, the mirror, nginx and olah, with all that has to run for them."""
    ours = stack.enter_context(mirror(root / "data", upstream, processes=options.processes))
    admit(ours)
    found: list[tuple[str, Pull]] = [
        ("direct", lambda streams: read(weights_of(upstream.url), streams=streams)),
        ("mirror", lambda streams: through_mirror(ours, upstream, made, streams)),
        ("nginx proxy_cache", _through_nginx(root / "cache", made, upstream, options.processes, stack)),
    ]
    return found if options.without_olah else [*found, ("olah", _through_olah(root, upstream))]


def through_mirror(ours: MirrorProcess, upstream: Upstream, made: Subject, streams: int) -> Reading:
    """A pull of what the mirror has decided about and does not have; it is made so again afterwards."""
    forget_bytes(ours, made)
    upstream.forget()
    reading = read(weights_of(ours.url), streams=streams)
    sent = upstream.traffic().cdn_bytes
    if sent < made.file().size:
        raise SystemExit(f"The mirror was not cold: the upstream sent {sent} of {made.file().size} bytes.")
    forget_bytes(ours, made)
    return reading


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
            reading = read(weights_of(olah.url), streams=streams)
        shutil.rmtree(folder)
        return reading

    return pull
