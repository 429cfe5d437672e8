"""Where an organisation keeps its rules: a file, or a git folder, whose commits say who changed them and why."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rules import packs

_MOST_BYTES = 1 << 20
_GIT_WITHIN_S = 10.0
_ALONE = {
    # An object that is missing would be fetched by whatever program the folder's own settings name. Older versions of
    # git know the second of these alone.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    # What stands at a commit is what was committed, and not what somebody put in its place.
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


class SourceProblem(Exception):
    """Rules that cannot be read, in a sentence."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Rules as they stand there, with whose they are."""

    text: str
    author: str
    reason: str
    origin: str
    """What problems call it, too: a path, or a path at a commit."""


class RuleSource:
    """The file or folder that a server is told to take its rules from."""

    def __init__(self, place: Path, inside: str) -> None:
        """`inside` is the path of the file of rules in a folder."""
        self.place = place
        self._inside = inside
        self._known: tuple[str, Draft] | None = None

    @property
    def is_git(self) -> bool:
        """Whether what is committed counts, and not what lies about: then nothing is ever seen half written."""
        return (self.place / ".git").exists() or (
            (self.place / "HEAD").is_file() and (self.place / "objects").is_dir() and (self.place / "refs").is_dir()
        )

    def read(self) -> Draft:
        """What stands there now. Raises `SourceProblem`."""
        try:
            if self.is_git:
                return self._committed()
            return _file(self._in_folder() if self.place.is_dir() else self.place)
        except OSError as error:
            raise SourceProblem(f"{self.place}: it cannot be read: {error.strerror}") from None

    def _in_folder(self) -> Path:
        """The file in the folder; links inside the folder are followed, as Kubernetes makes them of a ConfigMap."""
        path = (self.place / self._inside).resolve()
        if not path.is_relative_to(self.place.resolve()):
            raise SourceProblem(f"{self.place}: {self._inside} leads out of the folder: name a file that lies in it")
        return path

    def _committed(self) -> Draft:
        sha = self._git("rev-parse", "--verify", "HEAD^{commit}").strip().decode()
        if self._known is not None and self._known[0] == sha:
            return self._known[1]
        author, subject = _who_and_why(self._git("cat-file", "commit", sha).decode("utf-8", "replace"))
        origin = f"{self.place}@{sha[:12]}:{self._inside}"
        size = self._git("cat-file", "-s", f"{sha}:{self._inside}")
        if not size.strip().isdigit() or int(size) > _MOST_BYTES:
            raise SourceProblem(_too_large(origin))
        draft = Draft(_text(self._git("cat-file", "blob", f"{sha}:{self._inside}"), origin), author, subject, origin)
        self._known = (sha, draft)
        return draft

    def _git(self, *arguments: str) -> bytes:
        """What a command of git's plumbing prints; these run nothing that the folder's own settings name."""
        git = shutil.which("git")
        if git is None:
            raise SourceProblem(f"{self.place} is a git folder, and there is no program `git` on this machine")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        try:
            # Whoever the folder belongs to: it is the one that the administrator named.
            done = subprocess.run(  # noqa: S603
                [git, "-c", "safe.directory=*", "-C", str(self.place), *arguments],
                env=kept | _ALONE,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_GIT_WITHIN_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SourceProblem(f"{self.place}: git did not answer in {_GIT_WITHIN_S:g} s") from None
        if done.returncode:
            said = " ".join(done.stderr.decode("utf-8", "replace").split())[:300]
            raise SourceProblem(f"{self.place}: git says: {said or 'nothing'}")
        return done.stdout


def _file(path: Path) -> Draft:
    # A pipe without a writer would never open.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise SourceProblem(f"{path}: it is no file that can be read twice: name a regular file")
        content = file.read(_MOST_BYTES + 1)
        uid = os.fstat(file.fileno()).st_uid
    try:
        owner = pwd.getpwuid(uid).pw_name
    except KeyError:
        owner = f"user {uid}"
    pack = packs.name_of(path)
    if pack is not None:
        return Draft(_text(content, str(path)), "curator", f"the pack {pack}, as this version has it", f"pack {pack}")
    return Draft(_text(content, str(path)), owner, "the file of rules has changed", str(path))


def _text(content: bytes, name: str) -> str:
    if len(content) > _MOST_BYTES:
        raise SourceProblem(_too_large(name))
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise SourceProblem(f"{name}:1:1: it is not text in UTF-8") from None


def _too_large(name: str) -> str:
    return f"{name}: a file of rules has {_MOST_BYTES} bytes at most"


def _who_and_why(commit: str) -> tuple[str, str]:
    """Author and subject of a commit, as git keeps it (git-commit-tree)."""
    head, _, message = commit.partition("\n\n")
    line = next((line for line in head.splitlines() if line.startswith("author ")), "author unknown")
    author = line.removeprefix("author ").rpartition("> ")[0].strip()
    subject = next((line.strip() for line in message.splitlines() if line.strip()), "no reason is given")
    return (f"{author}>" if author else "unknown"), subject[:500]
