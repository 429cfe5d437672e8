"""Walks protobuf messages by a table of the few fields that matter; all else is stepped over unread.

Wire format: protobuf.dev, "Encoding". Messages may come in any order and any number, so every one is walked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.shared.binary_words import judge_strings
from scanners.formats.shared.hidden import judge_hidden
from scanners.reading import OutOfBytes, Window
from scanners.source import ByteSource

DEEPEST_MESSAGE = 100
LONGEST_TEXT = 64 * 1024
LARGEST_STEP = 64 * 1024
MOST_MESSAGES = 5_000_000
MOST_LISTED = 64
MOST_TEXTS = 10_000


class _NotProtobuf(Exception):
    """The message is the end of a sentence that begins with the format."""


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
    window: Window = field(init=False)
    _messages: int = 0
    _whole: int = 0
    """Where the last field of the outermost message ended."""

    def __post_init__(self) -> None:
        self.window = Window(self.source)

    def run(self, root: str) -> None:
        """Raises Unscannable where it is not protobuf, or cut off."""
        try:
            self._walk(root, self.source.size, 0)
        except OutOfBytes as reason:
            self._tell(f"is cut off: {reason}")
            raise Unscannable(f"Its {self.what} is cut off: {reason}.") from reason
        except _NotProtobuf as reason:
            self._tell(str(reason))
            raise Unscannable(f"Its {self.what} {reason}.") from reason

    def _tell(self, reason: str) -> None:
        """What cannot be walked is at least looked through."""
        self.case.add(
            "format-malformed",
            Severity.MEDIUM,
            f"The {self.what} {reason}.",
            offset=self.window.position,
            evidence={"format": self.what, "reason": reason[:200]},
        )
        judge_strings(self.source, self.case, f"the {self.what}")
        if self._whole:
            rest = self.source.size - self._whole
            judge_hidden(self.source, self._whole, rest, self.case, f"behind what can be read of the {self.what}")

    def _walk(self, kind: str, end: int, depth: int) -> None:
        if depth > DEEPEST_MESSAGE:
            raise _NotProtobuf(f"is nested deeper than {DEEPEST_MESSAGE} levels")
        self._messages += 1
        if self._messages > MOST_MESSAGES:
            raise Unscannable(f"Its {self.what} has more than {MOST_MESSAGES:,} messages.")
        if self._messages % 1000 == 0:
            self.case.meter.check_clock()
        shape = self.shapes[kind]
        message = Message(kind, self.window.position, end - self.window.position)
        while self.window.position < end:
            if depth == 0:
                self._whole = self.window.position
            tag = self._varint()
            number, wire_type = tag >> 3, tag & 7
            if tag >> 32 or number == 0:
                raise self._broken()
            if wire_type == 2:
                length = self._varint()
                if length > end - self.window.position:
                    raise self._broken()
                if number in shape.inside:
                    self._walk(shape.inside[number], self.window.position + length, depth + 1)
                elif number in shape.texts:
                    name = shape.texts[number]
                    texts = message.texts.setdefault(name, [])
                    text = self._text(length, is_whole=name not in shape.may_be_long)
                    if len(texts) < MOST_TEXTS:
                        texts.append(text)
                elif number in shape.lists:
                    self._list(message.lists.setdefault(shape.lists[number], []), length)
                else:
                    self._step_over(length)
                if number in shape.lengths:
                    message.lengths[shape.lengths[number]] = message.lengths.get(shape.lengths[number], 0) + length
                if shape.known is not None and number not in shape.known and len(message.unknown) < MOST_LISTED:
                    message.unknown.append((self.window.position - length, length))
            elif wire_type == 0:
                value = self._varint()
                if number in shape.numbers:
                    message.numbers[shape.numbers[number]] = value
                elif number in shape.lists:
                    self._note_number(message.lists.setdefault(shape.lists[number], []), value)
            elif wire_type in (1, 5):
                self._step_over(8 if wire_type == 1 else 4)
            else:
                raise self._broken()
        if self.window.position != end:
            raise self._broken()
        self.note(message)

    def _broken(self) -> _NotProtobuf:
        return _NotProtobuf(f"is broken at byte {self.window.position:,}")

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self.window.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise self._broken()

    def _text(self, length: int, *, is_whole: bool) -> str:
        if length > LONGEST_TEXT and is_whole:
            self.case.leave_open(f"Its {self.what} has a name or a text of {length:,} bytes, too many to look at.")
        data = self.window.take(min(length, LONGEST_TEXT))
        self._step_over(length - len(data))
        return data.decode("utf-8", "replace")

    def _list(self, numbers: list[int], length: int) -> None:
        end = self.window.position + length
        while self.window.position < end:
            if len(numbers) >= MOST_LISTED:
                self._step_over(end - self.window.position)
                return
            self._note_number(numbers, self._varint())
        if self.window.position != end:
            raise self._broken()

    @staticmethod
    def _note_number(numbers: list[int], value: int) -> None:
        if len(numbers) < MOST_LISTED:
            value &= (1 << 64) - 1
            numbers.append(value - (1 << 64) if value >> 63 else value)

    def _step_over(self, length: int) -> None:
        if length > LARGEST_STEP:
            # The window starts anew and small: behind one tensor mostly stands the next.
            self.window = Window(self.source, self.window.position + length)
        else:
            self.window.skip(length)
