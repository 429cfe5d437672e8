"""What a build wants, as people write it: names, `hf://` forms, addresses of the Hub, and files with one a line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from curator.errors import BadInput
from curator.types import RepoId, RepoKind, Revision, parse_path

STANDARD_INPUT = "-"
MAIN = Revision("main")
HUB_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co"})
_MOST_SHOWN = 10
_PREFIXES = {kind.plural: kind for kind in RepoKind}
_OF_FILES = frozenset({"resolve", "blob", "raw", "tree"})
_OF_COMMITS = frozenset({"commit", "commits"})
# As huggingface_hub's HfFileSystem reads them: these revisions have slashes that need not be encoded.
_SLASHED = re.compile(r"refs/(?:convert/[\w.-]+|pr/\d+)")
_COMMENT = re.compile(r"(?:^|\s)#.*$")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was asked for."""

    file: str
    """`-` for standard input."""
    line: int
    """From 1."""

    def __str__(self) -> str:
        return f"{'standard input' if self.file == STANDARD_INPUT else self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A repository at a revision, or one file of it, and every place that asks for it."""

    repo: RepoId
    revision: Revision = MAIN
    path: str | None = None
    places: tuple[Place, ...] = ()

    def __str__(self) -> str:
        """As one would write it: `datasets/ORG/NAME@REV`."""
        revision = "" if self.revision == MAIN else f"@{self.revision}"
        return f"{self.repo.kind.url_prefix}{self.repo}{revision}" + (f"/{self.path}" if self.path else "")


def parse_wanted(text: str, kind: RepoKind = RepoKind.MODEL, hosts: Iterable[str] = HUB_HOSTS) -> Wanted:
    """Read one; `kind` is that of names which do not say. Raises `BadInput`.

    `ORG/NAME`, `ORG/NAME@REV`, `datasets/ORG/NAME`, `hf://datasets/ORG/NAME@REV/path`, or an address of the Hub or of
    one of `hosts` as a browser shows it: `https://huggingface.co/ORG/NAME/resolve/REV/path`.
    """
    if text.startswith("hf://"):
        return _of_file_system(text.removeprefix("hf://"), kind)
    if text.startswith(("https://", "http://")):
        return _of_address(text, hosts)
    kind, name = _kind_of(text, kind)
    repo, at, revision = name.partition("@")
    return Wanted(RepoId.parse(repo, kind), Revision.parse(revision) if at else MAIN)


def read_wanted(text: str, file: str, kind: RepoKind, hosts: Iterable[str] = HUB_HOSTS) -> list[Wanted]:
    """Those of a file, one a line; what follows a `#` is a comment. Raises `BadInput` with every bad line."""
    found: list[Wanted] = []
    wrong: list[str] = []
    for number, written in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        line = _COMMENT.sub("", written).strip()
        if not line:
            continue
        place = Place(file, number)
        try:
            found.append(replace(parse_wanted(line, kind, hosts), places=(place,)))
        except BadInput as error:
            wrong.append(f"{place}: {error.sentence}")
    if wrong:
        more = len(wrong) - _MOST_SHOWN
        raise BadInput("\n".join(wrong[:_MOST_SHOWN]) + (f"\n(and {more} more lines)" if more > 0 else ""))
    return found


def read_file(file: Path) -> str:
    """The text of a list of models. Raises `BadInput`."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{file}: it cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{file}: it is not text in UTF-8") from None


def each_once(wanted: Iterable[Wanted]) -> list[Wanted]:
    """In their order; what is asked for in several places has them all."""
    places: dict[Wanted, tuple[Place, ...]] = {}
    for one in wanted:
        bare = replace(one, places=())
        places[bare] = places.get(bare, ()) + one.places
    return [replace(bare, places=where) for bare, where in places.items()]


def _of_file_system(text: str, kind: RepoKind) -> Wanted:
    kind, name = _kind_of(text, kind)
    before, at, after = name.partition("@")
    if at:
        slashed = _SLASHED.match(after)
        revision = slashed[0] if slashed else after.partition("/")[0]
        path = after[len(revision) :].strip("/")
        return Wanted(RepoId.parse(before, kind), Revision.parse(unquote(revision)), _path(path))
    parts = before.strip("/").split("/")
    return Wanted(RepoId.parse("/".join(parts[:2]), kind), MAIN, _path("/".join(parts[2:])))


def _of_address(text: str, hosts: Iterable[str]) -> Wanted:
    try:
        url = urlsplit(text)
        host = _host(url)
    except ValueError:
        raise BadInput(f"{_shown(text)} is not an address") from None
    if host not in {*HUB_HOSTS, *hosts}:
        raise BadInput(f"{_shown(text)} is not an address of the Hub: write it as 'ORG/NAME@REVISION'")
    kind, name = _kind_of(url.path.strip("/"), RepoKind.MODEL)
    parts = name.split("/")
    verbs = _OF_FILES | _OF_COMMITS
    # The oldest repositories have no owner in their names.
    count = 1 if len(parts) > 2 and parts[1] in verbs and parts[2] not in verbs else 2
    repo, verb, after = RepoId.parse("/".join(parts[:count]), kind), parts[count : count + 1], parts[count + 1 :]
    if not verb:
        return Wanted(repo)
    if verb[0] not in verbs or not after:
        raise BadInput(f"{_shown(text)} names no revision or file of {repo}: write it as '{repo}@REVISION'")
    # A revision may have slashes, plain ones in a full name and encoded ones in any other.
    length = 3 if after[0] == "refs" and len(after) > 2 else 1
    revision, path = unquote("/".join(after[:length])), unquote("/".join(after[length:]))
    return Wanted(repo, Revision.parse(revision), _path(path) if verb[0] in _OF_FILES else None)


def _kind_of(text: str, kind: RepoKind) -> tuple[RepoKind, str]:
    """What the text says to be, and what follows that; no owner can be called `datasets`."""
    prefix, slash, rest = text.partition("/")
    return (_PREFIXES[prefix], rest) if slash and prefix in _PREFIXES else (kind, text)


def _path(text: str) -> str | None:
    return parse_path(text) if text else None


def _host(url: SplitResult) -> str:
    port = f":{url.port}" if url.port else ""
    return f"{(url.hostname or '').lower()}{port}"


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 80 else text[:77] + "...")
