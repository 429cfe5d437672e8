"""Code that is meant not to be seen or understood by a reader: far to the right, in letters that only look alike."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterator
from typing import TypeGuard

from scanners.case import Case
from scanners.finding import Confidence, Severity
from scanners.formats.code.text import Source

FAR_RIGHT = 160
WIDE_GAP = re.compile(r"[^\s][ \t\f]{80,}(?=[^\s#\\])")
WIDE_INDENT = re.compile(r"^[ \t]{160,}(?=[^\s#])")
LARGE_BLOB = 1500
LONG_LINE, MANY_CALLS = 1500, 25
_DECODER_IN_PASSING = re.compile(
    r"__import__\s*\(\s*[\"'](?:zlib|base64|marshal|bz2|lzma|codecs|binascii|gzip)[\"']\s*\)|_pyarmor|pyarmor_runtime|__pyarmor__"
)
_NO_NAMES = re.compile(r"(?<![\w.])(?:_{3,}|_*[Oo][Oo0]{4,}|_*[lI][lI1]{4,}|_0x[0-9a-f]{2,})(?!\w)")
_ESCAPED_LETTERS = re.compile(r"(?:\\x(?:[46][1-9a-fA-F]|[57][0-9aA])){6}(?:\\x[2-7][0-9a-fA-F])*")
_WORTH_A_WALK = re.compile(r"[ \t\f]{80}|[A-Za-z0-9+/=_-]{60}|(?:\\x[0-9a-fA-F]{2}){8}")
_BLOB = re.compile(r"^[A-Za-z0-9+/=_\-\s]+$")
_LOOK_ALIKES = ("CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU")


def look_at_source(source: Source, tree: ast.Module, case: Case) -> None:
    # A walk over the tree takes longer than reading the text: most text has nothing to look for.
    if _WORTH_A_WALK.search(source.text) is not None:
        _far_and_large(source, tree, case)
    _packed(source, tree, case)
    escaped = _ESCAPED_LETTERS.search(source.text)
    if escaped is not None:
        case.add(
            "code-disguised",
            Severity.MEDIUM,
            "The code spells a text by the numbers of its letters, so that it cannot be read or searched.",
            confidence=Confidence.LIKELY,
            line=source.text.count("\n", 0, escaped.start()) + 1,
            evidence={"text": escaped.group()[:120]},
        )
    if not source.text.isascii():
        _look_alikes(tree, case)
        _plain_letters(source, tree, case)


def _packed(source: Source, tree: ast.Module, case: Case) -> None:
    """What tools that pack code leave: decoders without an import, names that are no names, one endless expression."""
    found = _DECODER_IN_PASSING.search(source.text)
    if found is not None:
        line: int | None = source.text.count("\n", 0, found.start()) + 1
        _note_packed("takes a decoder without importing it", found.group(), line, case)
        return
    if len(set(_NO_NAMES.findall(source.text))) >= 2:
        nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and _NO_NAMES.fullmatch(node.id)]
        if len({node.id for node in nodes}) >= 2 and len(nodes) >= 6:
            _note_packed("has names that nobody can tell apart", nodes[0].id, nodes[0].lineno, case)
            return
    if any(len(text) > LONG_LINE for text in source.lines):
        for statement in tree.body:
            if statement.lineno == statement.end_lineno and (statement.end_col_offset or 0) > LONG_LINE:
                calls = sum(isinstance(node, (ast.Call, ast.Lambda)) for node in ast.walk(statement))
                if calls >= MANY_CALLS:
                    _note_packed(f"has {calls} calls in one line", "", statement.lineno, case)
                    return


def _note_packed(what: str, excerpt: str, line: int | None, case: Case) -> None:
    case.add(
        "code-disguised",
        Severity.MEDIUM,
        f"The code {what}, as tools write it that hide code from readers.",
        confidence=Confidence.LIKELY,
        line=line,
        evidence={"text": excerpt[:120]} if excerpt else {},
    )


def _far_and_large(source: Source, tree: ast.Module, case: Case) -> None:
    places: set[tuple[int, int]] = set()
    blob: tuple[int, int] | None = None
    comments: set[int] = set()
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if line and not isinstance(node, ast.Constant):
            places.add((line, node.col_offset))  # type: ignore[attr-defined]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            comments.add(id(node.value))
        if isinstance(node, ast.Constant) and id(node) not in comments and _is_blob(node.value):
            blob = blob or (node.lineno, len(node.value))
    _far_right(source, places, case)
    if blob is not None:
        line, size = blob
        case.add(
            "code-disguised",
            Severity.MEDIUM,
            f"The code carries {size:,} characters of encoded data: what they are cannot be read.",
            confidence=Confidence.POSSIBLE,
            line=line,
            evidence={"characters": size},
        )


def _is_blob(value: object) -> TypeGuard[str | bytes]:
    if isinstance(value, bytes):
        value = value.decode("latin-1")
        return len(value) >= LARGE_BLOB and (
            bool(_BLOB.match(value)) or sum(not c.isprintable() for c in value[:2000]) > 200
        )
    if not isinstance(value, str) or len(value) < LARGE_BLOB:
        return False
    letters = value[:4000]
    return bool(_BLOB.match(letters)) and letters.count(" ") < 8 and letters.count("\n") < 80


def _far_right(source: Source, places: set[tuple[int, int]], case: Case) -> None:
    for number, line in enumerate(source.lines, 1):
        if len(line) < FAR_RIGHT // 2:
            continue
        for found in (*WIDE_GAP.finditer(line), *WIDE_INDENT.finditer(line)):
            column = len(line[: found.end()].encode())
            if (number, column) in places or line[found.end()] == ";":
                case.add(
                    "code-disguised",
                    Severity.HIGH,
                    f"Behind {found.end() - found.start() - 1} blanks the line goes on with code, out of sight.",
                    line=number,
                    evidence={"column": found.end() + 1, "code": line[found.end() : found.end() + 120]},
                )
                return


def _look_alikes(tree: ast.Module, case: Case) -> None:
    """Python reads identifiers in their compatibility form, so the parser has already changed what is in the text."""
    for node in ast.walk(tree):
        for name in _names_of(node):
            if not name.isascii() and _mixes(name):
                case.add(
                    "code-disguised",
                    Severity.HIGH,
                    f"The name {name[:40]!r} mixes letters that look alike: it is not the name it seems to be.",
                    line=getattr(node, "lineno", None),
                    evidence={"name": name[:100]},
                )
                return


def _names_of(node: ast.AST) -> Iterator[str]:
    """Every identifier that the node itself writes: `id`, `attr`, `name`, `module`, `arg`, `asname`, `names`."""
    for field in ("id", "attr", "name", "module", "arg", "asname"):
        value = getattr(node, field, None)
        if isinstance(value, str):
            yield value
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        yield from node.names


def _mixes(name: str) -> bool:
    """Letters of an alphabet that looks like ours beside ours, in one word of it."""
    for word in re.split(r"[._]", name):
        scripts = {
            unicodedata.name(letter, "").split(" ")[0] for letter in word if letter.isalpha() and not letter.isascii()
        }
        if scripts & set(_LOOK_ALIKES) and any(letter.isascii() and letter.isalpha() for letter in word):
            return True
    return False


def _plain_letters(source: Source, tree: ast.Module, case: Case) -> None:
    """Words in letters that Python takes for plain ones, such as those as wide as Chinese ones."""
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Name, ast.Attribute)):
            continue
        name = node.id if isinstance(node, ast.Name) else node.attr
        line = source.lines[node.lineno - 1] if node.lineno <= len(source.lines) else ""
        if not name.isascii() or line.isascii() or node.lineno != node.end_lineno:
            continue
        written = line.encode()[node.col_offset : node.end_col_offset].decode("utf-8", "replace")
        if not written.endswith(name) and len(name) > 1:
            case.add(
                "code-disguised",
                Severity.HIGH,
                f"The name {name[:40]!r} is written in letters that only Python takes for plain ones.",
                line=node.lineno,
                evidence={"written": written[-60:], "name": name[:60]},
            )
            return
