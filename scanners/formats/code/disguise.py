"""Code that is meant not to be seen or understood by a reader: far to the right, in letters that only look alike."""

from __future__ import annotations

import ast
import re
import unicodedata
from typing import TypeGuard

from scanners.case import Case
from scanners.finding import Confidence, Severity
from scanners.formats.code.text import Source

FAR_RIGHT = 160
WIDE_GAP = re.compile(r"[^\s][ \t\f]{80,}(?=[^\s#\\])")
WIDE_INDENT = re.compile(r"^[ \t]{160,}(?=[^\s#])")
LARGE_BLOB = 1500
_ESCAPED_LETTERS = re.compile(r"(?:\\x(?:[46][1-9a-fA-F]|[57][0-9aA])){6}(?:\\x[2-7][0-9a-fA-F])*")
_WORTH_A_WALK = re.compile(r"[ \t\f]{80}|[A-Za-z0-9+/=_-]{60}|(?:\\x[0-9a-fA-F]{2}){8}")
_BLOB = re.compile(r"^[A-Za-z0-9+/=_\-\s]+$")
_LOOK_ALIKES = ("CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU")


def look_at_source(source: Source, tree: ast.Module, case: Case) -> None:
    # A walk over the tree takes longer than reading the text: most text has nothing to look for.
    if _WORTH_A_WALK.search(source.text) is not None:
        _far_and_large(source, tree, case)
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
        name = (
            node.id
            if isinstance(node, ast.Name)
            else node.attr
            if isinstance(node, ast.Attribute)
            else getattr(node, "name", None)
        )
        if not isinstance(name, str) or name.isascii():
            continue
        scripts = {
            unicodedata.name(letter, "").split(" ")[0] for letter in name if letter.isalpha() and not letter.isascii()
        }
        if scripts & set(_LOOK_ALIKES) and any(letter.isascii() and letter.isalpha() for letter in name):
            case.add(
                "code-disguised",
                Severity.HIGH,
                f"The name {name[:40]!r} mixes letters that look alike: it is not the name it seems to be.",
                line=getattr(node, "lineno", None),
                evidence={"name": name[:100]},
            )
            return


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
