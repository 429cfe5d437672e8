"""Which files of a repository hold a licence, of what, and which licence that is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from functools import lru_cache

from scanners.repository.license_expressions import read
from scanners.repository.license_list import CATEGORIES, CHANGED, REFERENCE, UNKNOWN, data, known_licenses, reference
from scanners.repository.license_text import LONGEST_TEXT, Match, has_weight, known_texts, only_says, words_of

_HEAD = 80
"""Words in which a text says what it is."""
_SHORT = 250
"""Words; a text of fewer mostly names a licence rather than being one."""
_SHORTEST = 100
"""Words of a publisher's own licence."""
_LICENSE = re.compile(r"licen[cs]e|copying|\bcopyright\b|\beula\b|terms[-_ ]of[-_ ]use|^terms\b", re.IGNORECASE)
_NOTICE = re.compile(r"^notice\b", re.IGNORECASE)
_NO_TEXT = re.compile(
    r"\.(?:pdf|png|jpe?g|gif|svg|docx?|py|json|ya?ml|toml|js|ts|css|c|h|cpp|go|rs|sh|safetensors|gguf|bin)$",
    re.IGNORECASE,
)
_OF_A_NAME = frozenset({"license", "the"})
_LICENSES = re.compile(r"(?:^|/)licen[cs]es?$", re.IGNORECASE)
_CODE = re.compile(
    r"(?<![a-z])(?:codes?|software|scripts?|third[-_ ]?part(?:y|ies)|vendor|src|examples?|tests?)(?![a-z])",
    re.IGNORECASE,
)
_USUAL = re.compile(r"(?:licen[cs]e|copying)(?:\.(?:md|txt|rst))?", re.IGNORECASE)
_SECTION = re.compile(r"^#{1,6}[ \t]*(?:\W*[ \t])?licen[cs](?:e|ing)\b[^\n]*$", re.IGNORECASE | re.MULTILINE)
_NEXT_SECTION = re.compile(r"^#{1,6}[ \t]", re.MULTILINE)
_LONGEST_SECTION = 4000


class About(StrEnum):
    """What a file with a licence is about."""

    MODEL = "model"
    """The model, or whatever the repository publishes."""
    CODE = "code"
    """The code beside it only: `LICENSE-CODE`, `third_party/LICENSE`."""
    NOTICE = "notice"
    """It has notices; some name the licence."""


def about(path: str) -> About | None:
    """What the file is about that is called so; None if nobody calls a licence's text like that."""
    folder, _, name = path.rpartition("/")
    if _NO_TEXT.search(name):
        return None
    if _LICENSE.search(name) or _LICENSES.search(folder):
        return About.CODE if _CODE.search(name) or _CODE.search(folder) else About.MODEL
    return About.NOTICE if _NOTICE.search(name) and not folder else None


def is_usual(path: str) -> bool:
    """Whether the file is called as everybody calls a licence, so that it is read before all others."""
    return _USUAL.fullmatch(path.rpartition("/")[2]) is not None


def recognise(text: str) -> tuple[Match, ...]:
    """The licences of a file, the most restrictive first; one unknown match for a text that nobody knows.

    Only the beginning is read (LONGEST_TEXT characters). Never raises; of an empty text nothing is said.
    """
    words = words_of(text)
    if not words:
        # In another alphabet, or no text at all: somebody may read it, and nobody here can.
        return (Match(reference(UNKNOWN), 0.0),) if text.strip() else ()
    if len(text) >= LONGEST_TEXT:
        return (Match(reference(UNKNOWN), 0.0),)
    published = _unchanged(list(_published(words)), words)
    known = [
        match for match in known_texts(words, _names()) if not published or not match.expression.startswith(CHANGED)
    ]
    found = published + known or (named(words) if len(words) < _SHORT else [])
    return _ordered(found) or (Match(reference(UNKNOWN), 0.0),)


def recognise_notice(text: str) -> tuple[Match, ...]:
    """The licences that a NOTICE names as those of the model; most notices name none."""
    found = [match for match in named(words_of(text)) if match.expression.startswith("LicenseRef-")]
    return _ordered(match for match in found if read(match.expression).category != UNKNOWN)


def recognise_section(card: str) -> tuple[Match, ...]:
    """The one licence that a card's section about it names; nothing where it names several or none."""
    heading = _SECTION.search(card[:LONGEST_TEXT])
    if heading is None:
        return ()
    following = _NEXT_SECTION.search(card, heading.end())
    end = min(following.start() if following else len(card), heading.end() + _LONGEST_SECTION)
    found, rest = _mentioned(words_of(card[heading.end() : end]))
    if len(found) != 1 or (read(found[0].expression).category == "permissive" and has_weight(rest)):
        return ()
    return (Match(found[0].expression, 0.5),)


def named(words: Sequence[str]) -> list[Match]:
    """The licences that a short text names. What it says besides may take back what a mild one grants.

    So a mild one counts only where nothing else is said: `MIT` does not, nor does `Weights: proprietary` beside it.
    """
    found, rest = _mentioned(words)
    if only_says(rest, _saying()):
        return found
    return [match for match in found if read(match.expression).category != "permissive"]


def called(text: str) -> str:
    """The one licence that a text is a name of, and nothing else: `Apache License, Version 2.0`, `GPLv3`; or empty."""
    if "+" in text:  # "or later"
        return ""
    found, rest = _mentioned(words_of(text))
    return found[0].expression if len(found) == 1 and _OF_A_NAME.issuperset(rest) else ""


def _published(words: Sequence[str]) -> Iterator[Match]:
    """Publishers' own licences, by what their texts call themselves and what stands in them."""
    if len(words) < _SHORTEST:
        return
    head, whole = _padded(words[:_HEAD]), _padded(words)
    for license_id, titles, phrases in _publishers():
        titled = any(title in head for title in titles)
        if not titled and not any(title in whole for title in titles):
            continue
        enough = 2 * sum(phrase in whole for phrase in phrases) >= len(phrases)
        if (titled and (enough or len(words) >= _SHORT)) or (enough and len(phrases) > 1):
            confidence = (0.95 if enough else 0.6) if titled else 0.7
            yield Match(known_licenses()[license_id].spdx, confidence)


def _unchanged(published: list[Match], words: Sequence[str]) -> list[Match]:
    """The same, but for those to which somebody added that there is no commercial use."""
    known = data("license_texts.yaml")
    whole = _padded(words)
    added = any(_phrase(phrase) in whole for phrase in known["commerce"])
    if not added or any(read(match.expression).category == "non-commercial" for match in published):
        return published
    silent = {known_licenses()[license_id].spdx for license_id in known["silent_on_commerce"]}
    return [
        Match(CHANGED + match.expression.removeprefix(REFERENCE), 0.9) if match.expression in silent else match
        for match in published
    ]


def _mentioned(words: Sequence[str]) -> tuple[list[Match], list[str]]:
    """The licences that are named, and the words without their names."""
    text = _padded(words)
    found: dict[str, Match] = {}
    for phrase, spdx in _names():
        if phrase in text:
            text = text.replace(phrase, " ")
            found.setdefault(spdx, Match(spdx, 0.7))
    return list(found.values()), text.split()


def _ordered(matches: Iterable[Match]) -> tuple[Match, ...]:
    by_expression: dict[str, Match] = {}
    for match in matches:
        known = by_expression.get(match.expression)
        if known is None or match.confidence > known.confidence:
            by_expression[match.expression] = match
    return tuple(
        sorted(
            by_expression.values(),
            key=lambda match: (-CATEGORIES.index(read(match.expression).category), match.expression),
        )
    )


def _padded(words: Iterable[str]) -> str:
    return f" {' '.join(words)} "


@lru_cache(maxsize=1)
def _publishers() -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
    """Licence id, titles and phrases, padded."""
    return tuple(
        (license_id, tuple(map(_phrase, known["titles"])), tuple(map(_phrase, known["phrases"])))
        for license_id, known in data("license_texts.yaml")["publishers"].items()
    )


@lru_cache(maxsize=1)
def _names() -> tuple[tuple[str, str], ...]:
    """What licences are called, padded, and the licence; the longest first, as a shorter one may be part of it."""
    called = [(spdx, name) for spdx, names in data("license_texts.yaml")["called"].items() for name in names]
    called += [
        (known_licenses()[license_id].spdx, title) for license_id, titles, _ in _publishers() for title in titles
    ]
    return tuple(sorted(((_phrase(name), spdx) for spdx, name in called), key=lambda found: (-len(found[0]), found)))


@lru_cache(maxsize=1)
def _saying() -> frozenset[str]:
    """Words that say that something is under a licence, and nothing of how."""
    return frozenset(data("license_texts.yaml")["saying"].split())


def _phrase(text: str) -> str:
    return _padded(words_of(text))
