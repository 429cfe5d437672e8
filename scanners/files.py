"""The files of a folder, as whoever loads the folder would meet them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

_GIT = ".git"
_RUNS_IN_GIT = ("config", "config.worktree", "hooks", "info")
"""What git acts on; the rest of its folder is what it keeps, packed."""


class NoSuchPath(Exception):
    """There is neither a file nor a folder of this name."""


@dataclass(slots=True)
class LocalFile:
    """A file to be judged."""

    path: str
    """For opening it."""
    shown: str
    """For people: relative to the folder that was named, and printable."""
    problem: str | None = None
    """Why it is not opened at all, as a sentence."""
    leads_to: str | None = None
    """Where a link points that leaves the folder; such a link is not followed."""


class _Home:
    """The folder that is judged, and where links inside of it may lead."""

    def __init__(self, target: str) -> None:
        self._root = os.path.realpath(target)
        self._places = [self._root]
        snapshots = os.path.dirname(self._root)
        if os.path.basename(snapshots) == "snapshots":
            # The cache of huggingface_hub: each file of a snapshot is a link to its content beside it.
            self._places.append(os.path.join(os.path.dirname(snapshots), "blobs"))

    def way_out(self, link: str) -> str | None:
        """What the link says, if it leads somewhere else."""
        target = os.path.realpath(link)
        if any(target == place or target.startswith(place.rstrip(os.sep) + os.sep) for place in self._places):
            return None
        return printable(os.readlink(link))


def files_of(target: str, prefix: str = "") -> Iterator[LocalFile]:
    """The file, or every file of the folder in the order of names.

    Links to files of the folder are followed, others are not: what is outside belongs to this machine, and not to the
    model. Raises NoSuchPath. What cannot be listed is there, with its problem: nothing is passed over in silence.
    """
    if not os.path.isdir(target):
        if not os.path.lexists(target):
            raise NoSuchPath(f"{printable(target)}: there is no such file or folder")
        yield LocalFile(target, printable(prefix.rstrip("/") or os.path.basename(target)))
        return
    home = _Home(target)
    unlisted: list[OSError] = []
    for folder, folders, names in os.walk(target, onerror=unlisted.append):
        while unlisted:
            yield _problem(target, prefix, str(unlisted[0].filename), _unlisted(unlisted.pop(0)))
        folders[:] = sorted(_worth_a_look(folder, folders))
        for name in folders:
            path = os.path.join(folder, name)
            if os.path.islink(path):
                why = "It is a link to a folder, which is not followed."
                yield _problem(target, prefix, path, why, home.way_out(path))
        start = _shown(target, prefix, folder)
        for name in sorted(_worth_a_look(folder, names)):
            path = os.path.join(folder, name)
            leads_to = home.way_out(path) if os.path.islink(path) else None
            problem = None if leads_to is None else "It is a link that leaves the folder, which is not followed."
            yield LocalFile(path, start + printable(name), problem, leads_to)
    for error in unlisted:
        yield _problem(target, prefix, str(error.filename), _unlisted(error))


def _worth_a_look(folder: str, names: list[str]) -> list[str]:
    if os.path.basename(folder) == _GIT:
        return [name for name in names if name in _RUNS_IN_GIT]
    if os.path.basename(os.path.dirname(folder)) == _GIT:
        # The examples that git puts there itself are not run.
        return [name for name in names if not name.endswith(".sample")]
    return names


def printable(text: str) -> str:
    """The text without what a terminal would act on, or cannot show."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode-escape", "surrogatepass").decode("ascii")
        for letter in text
    )


def _shown(target: str, prefix: str, folder: str) -> str:
    inside = os.path.relpath(folder, target)
    return prefix + ("" if inside == "." else printable(inside.replace(os.sep, "/")) + "/")


def _problem(target: str, prefix: str, path: str, why: str, leads_to: str | None = None) -> LocalFile:
    return LocalFile(path, _shown(target, prefix, path).rstrip("/") or ".", why, leads_to)


def _unlisted(error: OSError) -> str:
    return f"The folder cannot be listed: {error.strerror}."
