"""Walks protobuf messages by a table of the few fields that matter; all else is stepped over unread.

Messages may come in any order and any number, so every one is walked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.shared.binary_words import judge_strings
from scanners.formats.shared.hidden import judge_hidden
from scanners.formats.shared.protobuf import BYTES, VARINT, BrokenMessage, Field, ProtobufReader
from scanners.source import ByteSource

DEEPEST_MESSAGE = 100
LONGEST_TEXT = 64 * 1024
MOST_MESSAGES = 5_000_000
MOST_LISTED = 64
MOST_TEXTS = 10_000


@dataclass(frozen=True, slots=True)
class Shape:
    """Field numbers of one kind of message: those that hold messages (by kind), texts and numbers (by name)."""

    inside: Mapping[int, str] = field(default_factory=dict)
    texts: Mapping[int, str] = field(default_factory=dict)
    numbers: Mapping[int, str] = field(default_factory=dict)
    lists: Mapping[int, str] = field(default_factory=dict)
    """Repeated numbers, packed or not."""
    lengths: Mapping[int, str] = field(default_factory=dict)
    """Fields of which only the number of bytes is wanted."""
    may_be_long: frozenset[str] = frozenset()
    """Texts of which the beginning is enough."""
    known: frozenset[int] | None = None
    """All field numbers that there are, where others are to be told."""


@dataclass(slots=True)
class Message:
    """What was read of one message, when it has ended."""

    kind: str
    begin: int
    size: int
    texts: dict[str, list[str]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    lists: dict[str, list[int]] = field(default_factory=dict)
    """Signed, of 64 bits; no more than MOST_LISTED of each."""
    lengths: dict[str, int] = field(default_factory=dict)
    unknown: list[tuple[int, int]] = field(default_factory=list)
    """Offset and size of each field that is not `known`."""

    def text(self, name: str) -> str:
        """The last of this name, as protobuf has it; empty if there is none."""
        return self.texts.get(name, [""])[-1]


@dataclass(slots=True)
class Walk:
    """One walk through a file; `note` is called with each message, the inner before the outer."""

    source: ByteSource
    case: Case
    shapes: Mapping[str, Shape]
    what: str
    """The format, as a sentence calls it: `CoreML`."""
    note: Callable[[Message], None]
    _reader: ProtobufReader = field(init=False)
    _messages: int = 0
    _whole: int = 0
    """Where the last field of the outermost message ended."""

    def __post_init__(self) -> None:
        self._reader = ProtobufReader(self.source, self.what)

    def run(self, root: str) -> None:
        """Raises Unscannable where it is not protobuf, or cut off."""
        try:
            self._walk(root, self.source.size, 0)
        except BrokenMessage as error:
            self._tell(error.reason)
            raise

    def _tell(self, reason: str) -> None:
        """What cannot be walked is at least looked through."""
        self.case.add(
            "format-malformed",
            Severity.MEDIUM,
            f"The {self.what} {reason}.",
            offset=self._reader.window.position,
            evidence={"format": self.what, "reason": reason[:200]},
        )
        judge_strings(self.source, self.case, f"the {self.what}")
        if self._whole:
            rest = self.source.size - self._whole
            judge_hidden(self.source, self._whole, rest, self.case, f"behind what can be read of the {self.what}")

    def _walk(self, kind: str, end: int, depth: int) -> None:
        if depth > DEEPEST_MESSAGE:
            raise self._reader.broken(f"is nested deeper than {DEEPEST_MESSAGE} levels")
        self._messages += 1
        if self._messages > MOST_MESSAGES:
            raise Unscannable(f"Its {self.what} has more than {MOST_MESSAGES:,} messages.")
        if self._messages % 1000 == 0:
            self.case.meter.check_clock()
        shape = self.shapes[kind]
        begin = self._reader.window.position
        message = Message(kind, begin, end - begin)
        for found in self._reader.fields(end):
            if found.wire_type == BYTES:
                if found.number in shape.inside:
                    self._walk(shape.inside[found.number], found.end, depth + 1)
                else:
                    self._read(found, shape, message)
            elif found.wire_type == VARINT:
                if found.number in shape.numbers:
                    message.numbers[shape.numbers[found.number]] = found.value
                elif found.number in shape.lists:
                    _note_number(message.lists.setdefault(shape.lists[found.number], []), found.value)
            if depth == 0:
                self._whole = found.end
        self.note(message)

    def _read(self, found: Field, shape: Shape, message: Message) -> None:
        """Of a field that holds no message, what its shape asks for."""
        number = found.number
        if number in shape.texts:
            name = shape.texts[number]
            texts = message.texts.setdefault(name, [])
            text = self._text(found, is_whole=name not in shape.may_be_long)
            if len(texts) < MOST_TEXTS:
                texts.append(text)
        elif number in shape.lists:
            self._list(message.lists.setdefault(shape.lists[number], []), found.end)
        if number in shape.lengths:
            name = shape.lengths[number]
            message.lengths[name] = message.lengths.get(name, 0) + found.length
        if shape.known is not None and number not in shape.known and len(message.unknown) < MOST_LISTED:
            message.unknown.append((found.start, found.length))

    def _text(self, found: Field, *, is_whole: bool) -> str:
        if found.length > LONGEST_TEXT and is_whole:
            self.case.leave_open(
                f"Its {self.what} has a name or a text of {found.length:,} bytes, too many to look at."
            )
        return self._reader.text(found, LONGEST_TEXT)

    def _list(self, numbers: list[int], end: int) -> None:
        while self._reader.window.position < end and len(numbers) < MOST_LISTED:
            _note_number(numbers, self._reader.varint())


def _note_number(numbers: list[int], value: int) -> None:
    if len(numbers) < MOST_LISTED:
        value &= (1 << 64) - 1
        numbers.append(value - (1 << 64) if value >> 63 else value)
