"""JSON as its readers take it: with comments, with keys twice, one document or one a line; large ones by parts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.source import ByteSource

WHOLE_BYTES = 1024 * 1024
"""Up to here a document is read at once, without a first look."""
LARGEST_WHOLE_BYTES = 4 * 1024 * 1024
LARGEST_VALUE_BYTES = 1024 * 1024
PIECE_BYTES = 1024 * 1024
OVERLAP_BYTES = 512
MOST_PARTS = 2000

_TELLING = (
    "_target_",
    "auto_map",
    "chat_template",
    "custom_pipeline",
    "custom_pipelines",
    "custom_generate",
    "mcpServers",
    "mcp_servers",
    "weight_map",
    "hooks",
    "scripts",
    "trust_remote_code",
    "py/object",
    "py/reduce",
    "py/function",
    "py/type",
    "py/module",
    "py/repr",
    "postCreateCommand",
    "class_path",
    "auto_mapping",
    "loader_module",
    "_class_name",
    "attn_implementation",
    "_attn_implementation",
)
_NEEDLES = tuple(f'"{key}"'.encode() for key in _TELLING)
_TELLING_KEY = re.compile(rb'"(' + "|".join(_TELLING).encode() + rb')"\s*:\s*(?=["\[{t])')
_PAIR = re.compile(rb'"((?:[^"\\]|\\.){1,200})"\s{0,8}:\s{0,8}"((?:[^"\\]|\\.){0,250})"')
MOST_SHARDS = 20_000
_ESCAPED_KEY = re.compile(rb'\\u00(?:5[fF]|[46][1-9a-fA-F]|[57][0-9aA]|2[fF])[^"\\]{0,60}"\s*:\s*["\[{t]')
"""A key that hides letters or underscores behind escapes, which no writer of JSON does."""
_STRING = r'"(?:[^"\\]|\\.)*(?:"|\Z)'
_COMMENT = re.compile(rf"(?P<text>{_STRING})|//[^\n]*|/\*", re.DOTALL)
_LAST_COMMA = re.compile(rf"(?P<text>{_STRING})|,(?=\s*[}}\]])", re.DOTALL)


class Doubled(dict[str, Any]):
    """An object in which a key stands twice: `pairs` has all of them."""

    pairs: list[tuple[str, Any]]


class TooDeep(Unscannable):
    """Nested beyond what any writer does, and beyond what readers survive."""


class NotJson(Exception):
    """The text is something else."""


def pairs_of(value: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    """Every key and value, those given twice, too: readers differ in which one they keep."""
    return value.pairs if isinstance(value, Doubled) else value.items()


def documents(source: ByteSource, case: Case) -> Iterator[tuple[str | None, Any]]:
    """The whole document, or, of a large one, each part worth judging with its key.

    Raises NotJson, and Unscannable for what is nested too deep.
    """
    if source.size > WHOLE_BYTES and not _is_worth_it(source):
        return
    if source.size <= LARGEST_WHOLE_BYTES:
        yield None, parse(source.read(0, source.size))
        return
    yield from _parts(source, case)


def parse(data: bytes) -> Any:
    """A document; comments and last commas are forgiven, as editors do. Raises NotJson and Unscannable."""
    text = data.decode("utf-8-sig", "replace").strip("\ufeff")
    try:
        return _loads(text)
    except NotJson:
        if "//" not in text and "/*" not in text and not re.search(r",\s*[}\]]", text):
            raise
    bare = _without_comments(text)
    return _loads(_LAST_COMMA.sub(lambda match: match["text"] or "", bare))


def _without_comments(text: str) -> str:
    """Each character is looked at once: a comment without an end would else be searched for from each beginning."""
    parts: list[str] = []
    position = 0
    while (match := _COMMENT.search(text, position)) is not None:
        end = match.end()
        if match["text"] is not None:
            parts.append(text[position:end])
        else:
            parts.append(text[position : match.start()] + " ")
            if match.group() == "/*":
                end = text.find("*/", end) + 2
                if end < 2:
                    raise NotJson("a comment without an end")
        position = end
    parts.append(text[position:])
    return "".join(parts)


def lines(data: bytes) -> list[Any]:
    """One document a line. Raises NotJson."""
    return [_loads(line) for line in data.decode("utf-8-sig", "replace").splitlines() if line.strip()]


def _loads(text: str) -> Any:
    try:
        # Numbers stay text: a long one is no reason to stop.
        return json.loads(text, object_pairs_hook=_object, parse_int=str, parse_float=str)
    except RecursionError as error:
        raise TooDeep("It is JSON nested too deep to be read.") from error
    except ValueError as error:
        raise NotJson(str(error)[:120]) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    doubled = Doubled(pairs)
    doubled.pairs = pairs
    return doubled


def _is_worth_it(source: ByteSource) -> bool:
    return any(_tells(piece) or _ESCAPED_KEY.search(piece) is not None for _, piece in _pieces(source))


def _tells(piece: bytes) -> bool:
    """Plain searches first: they are many times faster than the expression, and vocabularies are long."""
    return any(needle in piece for needle in _NEEDLES) and _TELLING_KEY.search(piece) is not None


def _parts(source: ByteSource, case: Case) -> Iterator[tuple[str | None, Any]]:
    count, done_until = 0, -1
    for start, piece in _pieces(source):
        if _ESCAPED_KEY.search(piece):
            case.leave_open("It is large JSON whose keys hide letters behind escapes.")
        for match in _TELLING_KEY.finditer(piece) if _tells(piece) else ():
            at = start + match.end()
            if at <= done_until:
                continue
            done_until = at
            count += 1
            if count > MOST_PARTS:
                case.leave_open(f"It is large JSON with more than {MOST_PARTS:,} parts that say what to run.")
                return
            if match[1] == b"weight_map":
                yield "weight_map", _shards(source, case)
                continue
            text = source.read(at, LARGEST_VALUE_BYTES).decode("utf-8", "replace")
            key = match[1].decode()
            try:
                value, _ = _DECODER.raw_decode(text)
            except (ValueError, RecursionError):
                case.leave_open(f"It is large JSON whose {key!r} cannot be read by itself.")
                continue
            yield key, value
        case.meter.check_clock()


def _shards(source: ByteSource, case: Case) -> dict[str, str]:
    """Of an index of hundreds of thousands of tensors, one tensor for each file it names."""
    found: dict[str, str] = {}
    for _, piece in _pieces(source):
        for match in _PAIR.finditer(piece):
            name = match[2].decode("utf-8", "replace")
            if name not in found:
                found[name] = match[1].decode("utf-8", "replace")
                if len(found) > MOST_SHARDS:
                    case.leave_open(f"It is an index of more than {MOST_SHARDS:,} files.")
                    return {tensor: one for one, tensor in found.items()}
        case.meter.check_clock()
    return {f"{tensor} ({number})": _unescaped(one) for number, (one, tensor) in enumerate(found.items())}


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=str, parse_float=str)


def _pieces(source: ByteSource) -> Iterator[tuple[int, bytes]]:
    for start in range(0, source.size, PIECE_BYTES):
        begin = max(0, start - OVERLAP_BYTES)
        yield begin, source.read(begin, start - begin + PIECE_BYTES)
