"""A namespace read as a row of words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from scanners.repository.confusables import in_latin
from scanners.repository.known import Known, Word

_SEPARATORS = re.compile(r"[\W_]+")
_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|[^\W_a-zA-Z]+|.", re.DOTALL)
_LONGEST_WORD = 40
_SHORTEST_CORE = 5
_GLUED = ("official", "models", "team", "labs", "hub", "org", "inc", "ai", "hf")
"""What is glued to a name without a separator so that it still reads well; the longest first."""


def pieces(text: str) -> list[str]:
    """What stands between the separators."""
    return [piece for piece in _SEPARATORS.split(text) if piece]


def tokens(text: str) -> list[str]:
    """The words of a name in small letters: cut at separators, at changes of case, and before numbers.

    Numbers are left out, unless there is nothing else.
    """
    found = [token.casefold() for part in pieces(in_latin(text)) for token in _TOKEN.findall(part)]
    kept = [token for token in found if not token.isdigit()]
    return kept or found


def read(namespace: str, known: Known) -> Sequence[Word]:
    """The namespace as a row of words we know, as few as possible; empty if something else is in it."""
    words, parts = known.words, tokens(namespace)
    text = "".join(parts)
    boundaries, at = {0}, 0
    for part in parts:
        at += len(part)
        boundaries.add(at)
    best: list[list[Word] | None] = [[]] + [None] * len(text)
    for end in range(1, len(text) + 1):
        for start in range(max(0, end - _LONGEST_WORD), end):
            before, word = best[start], words.get(text[start:end])
            if before is None or word is None:
                continue
            whole = start in boundaries and end in boundaries
            outside = not word.of and (start == 0 or end == len(text))
            if not whole and not outside and end - start < 4:
                continue
            shortest = best[end]
            if shortest is None or len(before) + 1 < len(shortest):
                best[end] = [*before, word]
    return best[len(text)] or ()


def core(namespace: str, known: Known) -> tuple[str, tuple[str, ...]]:
    """The namespace without the affixes and claims around it, and these; the last word may be glued on, as in `XyzAI`.

    A core that is empty, or the whole, comes without words.
    """
    parts = pieces(namespace)
    around: list[str] = []
    for at in (0, -1):
        while len(parts) > 1 and _is_around(parts[at], known):
            around.append(parts.pop(at))
    kept = "-".join(parts)
    if len(parts) == 1:
        glued = (word for word in _GLUED if kept.casefold().endswith(word) and len(kept) - len(word) >= _SHORTEST_CORE)
        if (word := next(glued, None)) is not None:
            around.append(kept[-len(word) :])
            kept = kept[: -len(word)]
    return kept, tuple(around)


def without_claims(name: str, known: Known) -> tuple[str, list[str]]:
    """A repository's name without the claims around it, and without what only says that it is for download."""
    around: list[str] = []
    for at in (-1, 0):
        while len(parts := tokens(name)) > 1 and (parts[at] in known.claims or parts[at] in known.generic):
            rest = name[: -len(parts[at])] if at else name[len(parts[at]) :]
            if name.casefold() not in (rest.casefold() + parts[at], parts[at] + rest.casefold()):
                break
            around.append(parts[at])
            name = rest.strip("-_. ")
    return name, around


def _is_around(part: str, known: Known) -> bool:
    word = in_latin(part).casefold()
    return word in known.affixes or word in known.claims or word in known.denials
