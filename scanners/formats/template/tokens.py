"""A chat template as tokens: names put together from pieces, also where Jinja's own parser gives up.

Comments and text between the blocks are nothing, and an escape or a name in pieces is read as what it becomes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from scanners.formats.template.names import DUNDER, OBJECTS_OF_JINJA, PYTHON_INTERNALS, Reach

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
_DUNDER_IN_FORMAT = re.compile(rf"\{{[^{{}}]*[.\[]{DUNDER.pattern}")
"""A format string that looks it up: `"{0.__class__}"`."""
_SPACE = re.compile(r"\s")
LONGEST_PIECE = 24
_WORDS_OF_DUNDERS = frozenset({"globals", "builtins", "subclasses", "getattribute", "getitem", "mro"})


@dataclass(frozen=True, slots=True)
class Token:
    """A name, a string (unescaped) or a sign inside a block."""

    kind: str
    value: str
    at: int


def first_reach(text: str) -> Reach | None:
    """Where the template first reaches for the inside of Python."""
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
    return min(found, key=lambda reach: reach.at or 0, default=None)


def without_comments(text: str) -> str:
    """The same lines, with what stands between `{#` and `#}` left out."""
    parts: list[str] = []
    position = kept_until = 0
    while (opening := _OPENING.search(text, position)) is not None:
        begin, position = opening.start(), opening.end()
        if (raw := _RAW.match(text, begin)) is not None:
            end_raw = _END_RAW.search(text, raw.end())
            position = end_raw.end() if end_raw is not None else len(text)
        elif opening.group().startswith("{#"):
            end = text.find("#}", position)
            if end < 0:
                break
            parts += [text[kept_until:begin], "\n" * text.count("\n", begin, end)]
            position = kept_until = end + 2
        else:
            _, position = _tokens(text, position, "}}" if opening.group().startswith("{{") else "%}")
    return "".join([*parts, text[kept_until:]])


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
            hidden = DUNDER.search(token.value)
            yield Reach(hidden.group() if hidden is not None else token.value.strip(), token.at)


def _text_reaches(text: str, before: str, after: str) -> bool:
    # By itself or in a path of attributes. A sentence only speaks of it, unless it is a format string.
    if DUNDER.search(text) and (_SPACE.search(text) is None or _DUNDER_IN_FORMAT.search(text)):
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
        return name in PYTHON_INTERNALS or (name.startswith("_") and "__" in name)
    if name in OBJECTS_OF_JINJA and before != "|" and name not in own_names:
        return after in (".", "[", "|")
    return DUNDER.search(name) is not None


def _is_harmless_lookup(arguments: list[Token]) -> bool:
    """`attr("role")`: one string, without underscores in front. A name that is computed is not."""
    if [token.kind for token in arguments] != ["other", "text", "other"]:
        return False
    opening, name, closing = arguments
    return (
        opening.value == "("
        and closing.value == ")"
        and not name.value.startswith("_")
        and name.value not in PYTHON_INTERNALS
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
        hidden = DUNDER.search(candidate)
        if hidden is not None:
            yield Reach(hidden.group(), strings[0].at)
