"""YAML with places: a mapping that knows the line and column of each of its keys and values.

PyYAML's own loader forgets where things stood, takes a key twice without a word, and can build objects; here only plain
values are read, and a problem can point at its place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

from rules.not_yaml import not_yaml

Path = tuple[str | int, ...]
"""The keys and indices that lead to a value."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Line and column, from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a file of rules, and where."""

    file: str
    place: Place
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.place.line}:{self.place.column}: {self.sentence}"

    def as_json(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "line": self.place.line,
            "column": self.place.column,
            "sentence": self.sentence,
        }


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML document as plain values, with the place of each."""

    value: Any
    places: dict[Path, Place]
    problems: tuple[Problem, ...]
    text: str = ""
    keys: dict[Path, Place] = field(default_factory=dict)
    """Where the key of a value stands."""

    def indentation(self, line: int) -> int:
        """How many blanks a line begins with."""
        lines = self.text.split("\n")
        found = lines[line - 1] if 0 < line <= len(lines) else ""
        return len(found) - len(found.lstrip(" "))

    def key_place(self, path: Path) -> Place:
        """Where the key of a value stands, or the value where it has none."""
        return self.keys.get(path) or self.place(path)

    def place(self, path: Path) -> Place:
        """Where the value stands, or the nearest thing around it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(1, 1))


_MOST_DEPTH = 32
_MOST_VALUES = 20_000
"""A few lines of aliases to aliases are billions of values."""
MOST_LETTERS = 1 << 18
"""Twenty times the largest rules that we know. PyYAML takes a second for as many."""
_MOST_PROBLEMS = 100
"""Who has more has one mistake a hundred times, or wants a log to be full."""
_LONGEST_PLAIN = 64
"""Characters of what is no text, such as a number: `1:1:1:...` is one of a million digits, and takes hours to read."""


@lru_cache(maxsize=8)
def read_document(text: str, file: str) -> Document:
    """Read YAML; what is wrong with it is told, never raised. Nobody changes its value: the last few are kept, since
    reading takes a hundred milliseconds, and whoever looks at rules looks at the same ones."""
    if len(text) > MOST_LETTERS:
        sentence = (
            f"a file of rules has {MOST_LETTERS:,} characters at most: put long lists of names on the mirror's lists"
        )
        return Document(None, {}, (Problem(file, Place(1, 1), sentence),))
    try:
        node = _Composer(text).get_single_node()
    except _TooMuch as error:
        return Document(None, {}, (Problem(file, error.place, str(error)),))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        return Document(None, {}, (Problem(file, place, not_yaml(error, text)),))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        why = " ".join(str(error).split())[:200]
        return Document(None, {}, (Problem(file, Place(1, 1), f"this is not YAML: {why}"),))
    reader = _Reader(file)
    value = reader.read(node, ()) if node is not None else None
    return Document(value, reader.places, tuple(reader.problems), text, reader.keys)


class _Composer(yaml.SafeLoader):
    """PyYAML's own, which ends as soon as there is too much: it takes half a minute for what has a million characters,
    and the stack of the interpreter for what is nested."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._nodes = self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self._nodes += 1
        self._depth += 1
        if self._nodes > _MOST_VALUES or self._depth > 2 * _MOST_DEPTH:
            said = "this document has too many values" if self._nodes > _MOST_VALUES else "this is nested too deeply"
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise _TooMuch(said, event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _TooMuch(Exception):
    """What makes no sense as rules, and would take long to find out."""

    def __init__(self, sentence: str, mark: yaml.Mark) -> None:
        super().__init__(sentence)
        self.place = Place(mark.line + 1, mark.column + 1)


class _Reader:
    def __init__(self, file: str) -> None:
        self.places: dict[Path, Place] = {}
        self.keys: dict[Path, Place] = {}
        self.problems: list[Problem] = []
        self._file = file
        self._loader = yaml.SafeLoader("")
        self._values = 0

    def read(self, node: yaml.Node, path: Path) -> Any:
        place = Place(node.start_mark.line + 1, node.start_mark.column + 1)
        self._values += 1
        if self._values > _MOST_VALUES:
            if self._values == _MOST_VALUES + 1:
                self._wrong(place, "this document has too many values")
            return None
        self.places[path] = place
        if len(path) > _MOST_DEPTH:
            self._wrong(place, "this is nested too deeply")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, place)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        read: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = Place(key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if not isinstance(key_node, yaml.ScalarNode):
                self._wrong(place, "a key is to be a word")
                continue
            key = str(key_node.value)
            if key in read:
                self._wrong(place, f"{key!r} stands here a second time")
            read[key] = self.read(value_node, (*path, key))
            self.keys[*path, key] = place
            if isinstance(value_node, yaml.CollectionNode):
                self.places[*path, key] = place
        return read

    def _scalar(self, node: yaml.Node, place: Place) -> Any:
        if node.tag != "tag:yaml.org,2002:str" and len(node.value) > _LONGEST_PLAIN:
            self._wrong(place, "this value cannot be read: it is too long for what is no text")
            return None
        try:
            return self._loader.construct_object(node)
        except (OverflowError, LookupError, AttributeError, TypeError):
            # The loader falls over what calls itself a number or a date and is none.
            self._wrong(place, f"this value cannot be read: it is no {node.tag.rpartition(':')[2]}")
            return None
        except (yaml.YAMLError, ValueError) as error:
            problem = getattr(error, "problem", None) or error
            self._wrong(place, f"this value cannot be read: {problem}")
            return None

    def _wrong(self, place: Place, sentence: str) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(Problem(self._file, place, sentence))
