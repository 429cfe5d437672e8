"""The names that others may be taken for: publishers, popular repositories, and the words that are said of them.

All of it is data that a person can read and change: `scanners/data/names/*.txt`. An administrator may give a
folder with newer files of the same form; what that folder does not have is taken from the shipped ones.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from scanners.repository.confusables import flat, glyphs, skeleton, without_figures

SHORTEST_FOR_EDITS = 5
"""One letter changed in a shorter name makes simply another name."""
SHORTEST_COPIED = 8
"""Of a repository's name, for what is only near to it."""
FILES = ("publishers.txt", "former.txt", "repositories.txt", "called.txt", "houses.txt", "words.txt")

WordKind = Literal["publisher", "company", "product", "claim", "affix", "denial"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_WORD = re.compile(r"[a-z0-9]{1,40}")
_LARGEST = 4 * 1024 * 1024


class KnownNamesError(ValueError):
    """A list of names cannot be read: which file, which line, what to do."""


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of a namespace, and whom it stands for."""

    kind: WordKind
    text: str
    of: str
    """The namespace; empty for words that stand for nobody."""


@dataclass(frozen=True)
class Known:
    """What names are compared with; made by `load`, `shipped` and `extended`."""

    version: str
    """Changes whenever anything in it does: a digest, 64 hex digits."""
    publishers: tuple[str, ...] = ()
    """Never taken for look-alikes, whatever they publish."""
    targets: tuple[str, ...] = ()
    """Namespaces besides that others may imitate: former names, and the owners of approved repositories."""
    repositories: tuple[str, ...] = ()
    approved: frozenset[str] = frozenset()
    """Repositories, in small letters, that are no look-alikes themselves because somebody here approved them."""
    former: dict[str, str] = field(default_factory=dict)
    """From a name in small letters that a publisher gave up to its present one; empty if there is none."""
    called: tuple[Word, ...] = ()
    houses: dict[str, str] = field(default_factory=dict)
    """From a namespace in small letters to the house that it belongs to."""
    claims: frozenset[str] = frozenset()
    affixes: frozenset[str] = frozenset()
    denials: frozenset[str] = frozenset()
    generic: frozenset[str] = frozenset()
    ordinary: frozenset[str] = frozenset()

    @classmethod
    def load(cls, folder: Path | None = None) -> Known:
        """From a folder with the same files as `scanners/data/names`; without one, the shipped files.

        A file that the folder does not have is taken from the shipped ones. Raises `KnownNamesError` for a folder
        that cannot be read, a file of another name in it (surely a slip), and a line that is not of its file's form.
        """
        texts = {name: _shipped(name) for name in FILES} | (_of_folder(folder) if folder is not None else {})
        digest = hashlib.sha256()
        for name in FILES:
            digest.update(f"{name}\0{texts[name]}\0".encode())
        words = dict[str, set[str]]()
        for where, (kind, word) in _rows("words.txt", texts["words.txt"], 2):
            _check(kind in ("claim", "affix", "denial", "generic", "ordinary"), where, f"'{kind}' is no kind of word")
            _check(bool(_WORD.fullmatch(word)), where, f"'{word}' is no word of small letters and figures")
            words.setdefault(kind, set()).add(word)
        repositories = tuple(_repositories(texts["repositories.txt"]))
        publishers = [*_publishers(texts["publishers.txt"]), *(name.partition("/")[0] for name in repositories)]
        former = dict(_former(texts["former.txt"]))
        return cls(
            version=digest.hexdigest(),
            publishers=tuple(name for name in _once(publishers) if name.lower() not in former),
            targets=tuple(former),
            repositories=repositories,
            former={name.lower(): now for name, now in former.items()},
            called=tuple(_called(texts["called.txt"])),
            houses=_houses(texts["houses.txt"]),
            claims=frozenset(words.get("claim", ())),
            affixes=frozenset(words.get("affix", ())),
            denials=frozenset(words.get("denial", ())),
            generic=frozenset(words.get("generic", ())),
            ordinary=frozenset(words.get("ordinary", ())),
        )

    def extended(self, repositories: Iterable[str] = (), publishers: Iterable[str] = ()) -> Known:
        """With names that the organisation has approved, which others may imitate from then on.

        An approved publisher is never a look-alike; of an approved repository only that repository is not, whatever
        else its owner has. What is no name of the Hub is passed over. Cached by what is added.
        """
        more_repositories = frozenset(name for name in repositories if _is_repository(name))
        more_publishers = frozenset(name for name in publishers if _NAME.fullmatch(name))
        if not more_repositories and not more_publishers:
            return self
        return _extended(self, more_repositories, more_publishers)

    def is_publisher(self, namespace: str) -> bool:
        """Whether the namespace itself, whatever its case, is one of the publishers."""
        namespace = namespace.strip()
        return namespace.isascii() and namespace.lower() in self.publisher_names

    def house(self, owner: str) -> str:
        """Which organisation a namespace belongs to."""
        return self.houses.get(owner.lower(), owner.lower())

    def same_house(self, one: str, other: str) -> bool:
        """Whether two namespaces, or the owners of two repositories, belong together."""
        return self.house(one.partition("/")[0]) == self.house(other.partition("/")[0])

    @cached_property
    def publisher_names(self) -> frozenset[str]:
        return frozenset(name.lower() for name in self.publishers)

    @cached_property
    def flat(self) -> dict[str, str]:
        """From a namespace without separators to the namespace."""
        return _first((flat(name), name) for name in (*self.publishers, *self.targets))

    @cached_property
    def flat_list(self) -> list[str]:
        return [text for text in self.flat if len(text) >= SHORTEST_FOR_EDITS]

    @cached_property
    def longest_flat(self) -> int:
        return max(map(len, self.flat_list), default=0)

    @cached_property
    def skeletons(self) -> dict[str, str]:
        return _first((skeleton(name), name) for name in self.flat.values())

    @cached_property
    def skeleton_list(self) -> list[str]:
        return [text for text in self.skeletons if len(text) > SHORTEST_FOR_EDITS]

    @cached_property
    def figures(self) -> dict[str, str]:
        names = [name for text, name in self.flat.items() if len(text) >= SHORTEST_FOR_EDITS]
        return _first((without_figures(name), name) for name in names)

    @cached_property
    def glyphs(self) -> dict[str, str]:
        forms = ((form, name) for name in self.flat.values() for form in (name, name.upper(), name.lower()))
        return _first((glyphs(form), name) for form, name in forms)

    @cached_property
    def words(self) -> dict[str, Word]:
        """What a namespace may be put together of. A word that is said of a product stays one: it is in many names."""
        words = {text: Word("affix", text, "") for text in self.affixes}
        words |= {text: Word("denial", text, "") for text in self.denials}
        words |= {text: Word("claim", text, "") for text in self.claims}
        words |= {
            text: Word("publisher", text, name)
            for text, name in self.flat.items()
            if len(text) >= 4 and text not in words
        }
        return words | {word.text: word for word in self.called}

    @cached_property
    def words_of(self) -> dict[str, list[Word]]:
        """The names in `words`, by the house that they stand for."""
        found: dict[str, list[Word]] = {}
        for word in self.words.values():
            if word.of:
                found.setdefault(self.house(word.of), []).append(word)
        return found

    @cached_property
    def companies(self) -> frozenset[str]:
        """Namespaces that a company's name is said of."""
        return frozenset(word.of for word in self.called if word.kind == "company")

    @cached_property
    def company_names(self) -> list[str]:
        """What companies are called, as far as a slip in it can be told."""
        return [word.text for word in self.called if word.kind == "company" and len(word.text) > SHORTEST_FOR_EDITS]

    @cached_property
    def copied(self) -> dict[str, str]:
        """From a repository's name without its owner and without separators to the repository; the first has it."""
        return _first((flat(name.partition("/")[2]), name) for name in self.repositories)

    @cached_property
    def copied_list(self) -> list[str]:
        return [text for text in self.copied if len(text) >= SHORTEST_COPIED]

    @cached_property
    def longest_copied(self) -> int:
        return max(map(len, self.copied_list), default=0)

    @cached_property
    def copied_skeletons(self) -> dict[str, str]:
        return _first((skeleton(name.partition("/")[2]), name) for name in self.copied.values())


@lru_cache(maxsize=1)
def shipped() -> Known:
    """The lists that come with the scanner."""
    return Known.load()


def _shipped(name: str) -> str:
    return files("scanners").joinpath("data", "names", name).read_text(encoding="utf-8")


_cache: dict[tuple[str, frozenset[str], frozenset[str]], Known] = {}


def _extended(known: Known, repositories: frozenset[str], publishers: frozenset[str]) -> Known:
    key = (known.version, repositories, publishers)
    if (found := _cache.get(key)) is None:
        digest = hashlib.sha256(known.version.encode())
        for kind, names in (("repository", repositories), ("publisher", publishers)):
            for name in sorted(names):
                digest.update(f"{kind}\0{name}\0".encode())
        owners = (name.partition("/")[0] for name in sorted(repositories))
        found = replace(
            known,
            version=digest.hexdigest(),
            publishers=_once([*known.publishers, *sorted(publishers)]),
            targets=_once([*known.targets, *owners]),
            repositories=_once([*known.repositories, *sorted(repositories)]),
            approved=known.approved | {name.lower() for name in repositories},
        )
        if len(_cache) >= 16:  # A handful of teams; older lists are not asked for again.
            _cache.clear()
        _cache[key] = found
    return found


def _of_folder(folder: Path) -> dict[str, str]:
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix == ".txt")
    except OSError as error:
        raise KnownNamesError(f"the folder of known names {folder} cannot be read: {error.strerror}") from error
    texts: dict[str, str] = {}
    for path in found:
        if path.name not in FILES:
            raise KnownNamesError(f"{path} is none of {', '.join(FILES)}: rename it or take it away")
        try:
            if path.stat().st_size > _LARGEST:
                raise KnownNamesError(f"{path} is larger than {_LARGEST >> 20} MiB: take names out of it")
            texts[path.name] = path.read_text(encoding="utf-8")
        except OSError as error:
            raise KnownNamesError(f"{path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise KnownNamesError(f"{path} is not UTF-8 text, at byte {error.start}: save it as UTF-8") from error
    return texts


def _lines(name: str, text: str) -> Iterator[tuple[str, str]]:
    """Each line that says something, with where it stands."""
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        said = line.partition("#")[0].strip()
        if said:
            yield f"{name}, line {number}", said


def _rows(name: str, text: str, columns: int) -> Iterator[tuple[str, list[str]]]:
    for where, line in _lines(name, text):
        row = line.split()
        _check(len(row) == columns, where, f"'{line}' does not have {columns} words")
        yield where, row


def _publishers(text: str) -> Iterator[str]:
    for where, line in _lines("publishers.txt", text):
        _check(bool(_NAME.fullmatch(line)), where, f"'{line}' is no namespace of the Hub")
        yield line


def _repositories(text: str) -> Iterator[str]:
    for where, line in _lines("repositories.txt", text):
        _check(_is_repository(line), where, f"'{line}' is not of the form namespace/name")
        yield line


def _former(text: str) -> Iterator[tuple[str, str]]:
    for where, (name, now) in _rows("former.txt", text, 2):
        _check(bool(_NAME.fullmatch(name)), where, f"'{name}' is no namespace of the Hub")
        _check(now == "-" or bool(_NAME.fullmatch(now)), where, f"'{now}' is neither a namespace of the Hub nor -")
        yield name, "" if now == "-" else now


def _called(text: str) -> Iterator[Word]:
    for where, (kind, word, of) in _rows("called.txt", text, 3):
        _check(bool(_WORD.fullmatch(word)), where, f"'{word}' is no word of small letters and figures")
        _check(bool(_NAME.fullmatch(of)), where, f"'{of}' is no namespace of the Hub")
        if kind == "company":
            yield Word("company", word, of)
        elif kind == "product":
            yield Word("product", word, of)
        else:
            raise KnownNamesError(f"{where}: '{kind}' is neither company nor product")


def _houses(text: str) -> dict[str, str]:
    houses: dict[str, str] = {}
    for where, line in _lines("houses.txt", text):
        house, colon, members = line.partition(":")
        _check(bool(colon and members.split()), where, f"'{line}' is not of the form house: namespace namespace")
        for member in members.split():
            _check(bool(_NAME.fullmatch(member)), where, f"'{member}' is no namespace of the Hub")
            _check(member.lower() not in houses, where, f"'{member}' belongs to {houses.get(member.lower())} already")
            houses[member.lower()] = house.strip()
    return houses


def _is_repository(name: str) -> bool:
    owner, slash, rest = name.partition("/")
    return bool(slash and _NAME.fullmatch(owner) and _NAME.fullmatch(rest))


def _check(right: bool, where: str, problem: str) -> None:
    if not right:
        raise KnownNamesError(f"{where}: {problem}")


def _once(names: Iterable[str]) -> tuple[str, ...]:
    """Each once, whatever its case; the first form stays."""
    return tuple(_first((name.lower(), name) for name in names).values())


def _first(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in pairs:
        if key:
            found.setdefault(key, value)
    return found
