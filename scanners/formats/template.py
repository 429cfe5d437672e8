"""Chat templates: Jinja that a loader renders, in Python often without a sandbox (CVE-2024-34359).

No parser, but the tokens Jinja itself would see: comments and text between the blocks are nothing, and an escape or a
name put together from pieces is read as what it becomes. Honest templates read fields of messages; what reaches into
Python goes through names with two underscores.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.source import ByteSource

LONGEST_TEMPLATE = 256 * 1024
LARGEST_JSON = 16 * 1024 * 1024
FILES_WITH_TEMPLATES = frozenset({"tokenizer_config.json", "chat_template.json", "processor_config.json"})
EXCERPT_LENGTH = 120

_OPENING = re.compile(r"\{[{%#][-+]?")
_RAW = re.compile(r"\{%[-+]?\s*raw\s*-?%\}")
_END_RAW = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")
_TOKEN = re.compile(
    r"""(?P<text>'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*")"""
    r"|(?P<end>[-+]?[%}]\})|(?P<name>[^\W\d]\w*)|(?P<space>\s+)|(?P<other>.)",
    re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|(N\{LOW LINE\})|(.))", re.DOTALL
)
_DUNDER = re.compile(
    r"__(?:class|bases?|mro|subclasses|globals|builtins?|import|init|new|dict|code|closure|func|self|module|loader|spec"
    r"|call|getattribute|getattr|getitem|reduce|reduce_ex|wrapped|kwdefaults)__"
)
_DUNDER_IN_FORMAT = re.compile(rf"\{{[^{{}}]*[.\[]{_DUNDER.pattern}")
"""A format string that looks it up: `"{0.__class__}"`."""
_SPACE = re.compile(r"\s")
LONGEST_PIECE = 24
_WORDS_OF_DUNDERS = frozenset({"globals", "builtins", "subclasses", "getattribute", "getitem", "mro"})
_PYTHON_INTERNALS = frozenset(
    {
        "mro", "func_globals", "func_code", "im_func", "im_self", "gi_frame", "gi_code", "cr_frame", "cr_code",
        "ag_frame", "ag_code", "tb_frame", "f_globals", "f_locals", "f_builtins", "f_back", "co_code", "popen",
        "format_map",
    }
)  # fmt: skip
"""Attributes of functions, frames and modules: no message, tool or string has one that a template needs."""
_GLOBALS = frozenset({"cycler", "joiner", "lipsum", "namespace"})
"""What Jinja puts into every template: Python objects to walk from. They are called, never looked into."""


@dataclass(frozen=True, slots=True)
class Token:
    """A name, a string (unescaped) or a sign inside a block."""

    kind: str
    value: str
    at: int


@dataclass(frozen=True, slots=True)
class Reach:
    """What a template reaches for, and where in its text."""

    what: str
    at: int


def judge_template(text: str, case: Case, *, key: str | None = None) -> None:
    """Notes one finding for a template, at its first reach into Python. `key` says which template of a file it is."""
    case.meter.check_clock()
    found = _first_reach(text)
    if found is None:
        return
    begin = max(0, found.at - EXCERPT_LENGTH // 2)
    evidence = {"reaches_for": found.what[:100], "excerpt": text[begin : begin + EXCERPT_LENGTH]}
    if key is not None:
        evidence["key"] = key[:200]
    case.add(
        "template-dunder-access",
        Severity.HIGH,
        f"The chat template reaches for Python internals ({found.what[:60]}): a loader that renders it outside a "
        "sandbox runs code of the template's choice.",
        line=text.count("\n", 0, found.at) + 1,
        evidence=evidence,
    )


def judge_template_file(source: ByteSource, case: Case) -> None:
    judge_template(source.read(0, LONGEST_TEMPLATE).decode("utf-8", "replace"), case)
    if source.size > LONGEST_TEMPLATE:
        case.leave_open(f"It is a chat template of more than {LONGEST_TEMPLATE // 1024:,} KiB.")


def judge_json(source: ByteSource, case: Case) -> None:
    """JSON is data; the tokenizer's own files can carry templates."""
    if case.name.lower() not in FILES_WITH_TEMPLATES:
        return
    if source.size > LARGEST_JSON:
        raise Unscannable(f"It is JSON of more than {LARGEST_JSON // 1024 // 1024} MiB.")
    templates: list[Any] = []

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        # Of a key given twice, too, both are looked at: parsers differ in which one they keep.
        templates.extend(value for key, value in pairs if key == "chat_template")
        return dict(pairs)

    try:
        # Numbers stay text: a long one is no reason to stop.
        json.loads(source.read(0, source.size), object_pairs_hook=collect, parse_int=str, parse_float=str)
    except RecursionError as error:
        raise Unscannable("It is JSON nested too deep to be read.") from error
    except ValueError:
        # Not JSON after all: text, which the library that looks for a template cannot read either.
        return
    for template in _texts(templates):
        judge_template(template[:LONGEST_TEMPLATE], case, key="chat_template")
        if len(template) > LONGEST_TEMPLATE:
            case.leave_open(f"It has a chat template of more than {LONGEST_TEMPLATE // 1024:,} KiB.")


def _texts(templates: list[Any]) -> Iterator[str]:
    """One template is a string; several are a list of `{"name": ..., "template": ...}` or an object by name."""
    for value in templates:
        for part in value if isinstance(value, list) else [value]:
            inner = part.values() if isinstance(part, dict) else [part]
            yield from (text for text in inner if isinstance(text, str))


def _first_reach(text: str) -> Reach | None:
    found: list[Reach] = []
    pieces: list[Token] = []
    blocks = list(_blocks(text))
    own_names = {name for block in blocks for name in _names_bound_in(block)}
    for block in blocks:
        found.extend(_reaches(block, own_names))
        strings = [token for token in block if _could_be_a_piece(token)]
        found.extend(_put_together(strings))
        pieces.extend(token for token in strings if token.value.startswith("_") or token.value.endswith("_"))
    # Pieces can also be kept in variables, each set in a block of its own.
    found.extend(_put_together(pieces))
    return min(found, key=lambda reach: reach.at, default=None)


def _blocks(text: str) -> Iterator[list[Token]]:
    """The tokens of each `{{ }}` and `{% %}`. Ends where Jinja would refuse the template."""
    position = 0
    while (opening := _OPENING.search(text, position)) is not None:
        position = opening.end()
        if opening.group().startswith("{#"):
            end = text.find("#}", position)
            if end < 0:
                return
            position = end + 2
        elif (raw := _RAW.match(text, opening.start())) is not None:
            end_raw = _END_RAW.search(text, raw.end())
            if end_raw is None:
                return
            position = end_raw.end()
        else:
            closing = "}}" if opening.group().startswith("{{") else "%}"
            tokens, position = _tokens(text, position, closing)
            yield tokens


def _tokens(text: str, position: int, closing: str) -> tuple[list[Token], int]:
    tokens: list[Token] = []
    nested = 0
    while (match := _TOKEN.match(text, position)) is not None:
        kind, value, at = str(match.lastgroup), match.group(), position
        position = match.end()
        if kind == "end":
            if nested == 0 and value.endswith(closing):
                return tokens, position
            # It only looks like an end: `{{ {"a": {}} }}`.
            kind, value, position = "other", value[0], at + 1
        if value in ("'", '"'):
            # A string without an end.
            break
        if kind == "text":
            value = _unescaped(value[1:-1])
        elif value in ("(", "[", "{"):
            nested += 1
        elif value in (")", "]", "}"):
            nested -= 1
        if kind != "space":
            tokens.append(Token(kind, value, at))
    return tokens, len(text)


def _unescaped(value: str) -> str:
    def become(match: re.Match[str]) -> str:
        short, four, eight, octal, low_line, other = match.groups()
        if low_line:
            return "_"
        if other is not None:
            return str(other)
        code = int(octal, 8) if octal else int(short or four or eight, 16)
        return chr(code) if code < 0x110000 else ""

    return _ESCAPE.sub(become, value)


def _names_bound_in(block: list[Token]) -> Iterator[str]:
    """Names a template gives a meaning of its own: set, looped over, or taken by a macro."""
    if block and block[0].value in ("set", "for", "macro", "call"):
        for token in block[1:]:
            if token.value in ("=", "in"):
                return
            if token.kind == "name":
                yield token.value


def _reaches(block: list[Token], own_names: set[str]) -> Iterator[Reach]:
    for index, token in enumerate(block):
        before = block[index - 1].value if index and block[index - 1].kind == "other" else ""
        after = block[index + 1].value if index + 1 < len(block) and block[index + 1].kind == "other" else ""
        if token.kind == "text":
            reaches = _text_reaches(token.value, before, after)
        else:
            reaches = token.kind == "name" and _name_reaches(token.value, before, after, own_names)
            if before == "|" and token.value == "attr":
                reaches = not _is_harmless_lookup(block[index + 1 : index + 4])
        if reaches:
            hidden = _DUNDER.search(token.value)
            yield Reach(hidden.group() if hidden is not None else token.value.strip(), token.at)


def _text_reaches(text: str, before: str, after: str) -> bool:
    # By itself or in a path of attributes. A sentence only speaks of it, unless it is a format string.
    if _DUNDER.search(text) and (_SPACE.search(text) is None or _DUNDER_IN_FORMAT.search(text)):
        return True
    # Ways to spell one: characters by their number, underscores multiplied, a word that gets its underscores later.
    if "%c" in text or ":c}" in text or (after == "*" and text.strip("_") == ""):
        return True
    if text in _WORDS_OF_DUNDERS and (before in ("~", "+") or after in ("~", "+")):
        return True
    # `map("attr", ...)` is `|attr` for each of a list.
    return text == "attr" and before == "("


def _name_reaches(name: str, before: str, after: str, own_names: set[str]) -> bool:
    if before == ".":
        return name in _PYTHON_INTERNALS or (name.startswith("_") and "__" in name)
    if name in _GLOBALS and before != "|" and name not in own_names:
        return after in (".", "[", "|")
    return _DUNDER.search(name) is not None


def _is_harmless_lookup(arguments: list[Token]) -> bool:
    """`attr("role")`: one string, without underscores in front. A name that is computed is not."""
    if [token.kind for token in arguments] != ["other", "text", "other"]:
        return False
    opening, name, closing = arguments
    return (
        opening.value == "("
        and closing.value == ")"
        and not name.value.startswith("_")
        and name.value not in _PYTHON_INTERNALS
    )


def _could_be_a_piece(token: Token) -> bool:
    """Short texts, and names such as in `dict(__cla=1, ss__=1)|join`."""
    if token.kind == "text":
        return len(token.value) <= LONGEST_PIECE and " " not in token.value
    return token.kind == "name" and (token.value.startswith("__") or token.value.endswith("__"))


def _put_together(strings: list[Token]) -> Iterator[Reach]:
    """A dunder name in pieces (`"__cl" ~ "ass__"`), in one order or the other."""
    if not strings:
        return
    joined = "".join(token.value for token in strings)
    reversed_strings = "".join(token.value[::-1] for token in strings)
    for candidate in (joined, joined[::-1], reversed_strings):
        hidden = _DUNDER.search(candidate)
        if hidden is not None:
            yield Reach(hidden.group(), strings[0].at)
