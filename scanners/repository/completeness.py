"""How much of what a model card should say it says.

| part | counts | found in the metadata | or under a heading about |
|---|---|---|---|
| licence | 15 % | `license` | licence |
| description | 15 % | | (30 words of the author's own anywhere) |
| limitations | 15 % | | limitations, bias, risks, ethics, safety |
| training-data | 15 % | `datasets` | training data, dataset, data |
| intended-use | 10 % | | use, usage, out of scope, applications |
| evaluation | 10 % | `model-index`, `metrics` | evaluation, results, performance, benchmarks |
| languages | 5 % | `language` | languages |
| base-model | 5 % | `base_model` | base model, architecture, model details |
| training | 5 % | | training, fine-tuning, procedure |
| contact | 5 % | | contact, citation, authors; an address for mail |

A heading counts if something of the author's own stands under it: an empty template says nothing. Headings are looked
for in English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from scanners.repository.cards import LONGEST, own_paragraphs

WEIGHTS = {
    "licence": 0.15,
    "description": 0.15,
    "limitations": 0.15,
    "training-data": 0.15,
    "intended-use": 0.1,
    "evaluation": 0.1,
    "languages": 0.05,
    "base-model": 0.05,
    "training": 0.05,
    "contact": 0.05,
}

_FIELDS = {
    "licence": ("license",),
    "training-data": ("datasets",),
    "evaluation": ("model-index", "metrics"),
    "languages": ("language",),
    "base-model": ("base_model",),
}
_HEADINGS = {
    "licence": r"licen[cs]e",
    "limitations": r"limitation|bias|risk|ethic|safety|responsib|caveat",
    "training-data": r"train\w*[ -]data|dataset|\bdata\b|corpus|corpora",
    "intended-use": r"\buses?\b|usage|out[ -]of[ -]scope|application|how to use|intended",
    "evaluation": r"evaluat|result|performance|benchmark|metric|accuracy",
    "languages": r"language",
    "base-model": r"base[ -]model|architecture|model details|model description|model information|overview",
    "training": r"training|fine[ -]?tun|procedure|pre[ -]?train",
    "contact": r"contact|citation|cite|bibtex|author|acknowledg|developed by",
}
_HEADING = re.compile(r"[ \t]{0,3}#{1,6}[ \t]{1,8}(\S.{0,200})")
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}\.[a-z]{2,}", re.IGNORECASE)
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|\w+")
_DESCRIBED = 30
"""Words of the author's own."""
_SAID = 5
"""Words that make a section more than a heading."""
_CODE = 40
"""Characters of an example or a citation."""


def card_completeness(card: object, text: str) -> float:
    """From 0 to 1. `card`: the metadata (the Hub's `cardData`); `text`: the whole README. Never raises."""
    lacking = card_lacks(card, text)
    return round(sum(weight for part, weight in WEIGHTS.items() if part not in lacking), 2)


def card_lacks(card: object, text: str) -> tuple[str, ...]:
    """What a card should say and does not, the weightiest first; the names are those of the table above."""
    said = set(_said(card if isinstance(card, dict) else {}, text[:LONGEST]))
    return tuple(part for part in WEIGHTS if part not in said)


def _said(card: dict[Any, Any], text: str) -> Iterator[str]:
    for part, names in _FIELDS.items():
        if any(_says_something(card.get(name)) for name in names):
            yield part
    if _words(text) >= _DESCRIBED:
        yield "description"
    if _MAIL.search(text):
        yield "contact"
    for title, section in _sections(text):
        if _words(section) >= _SAID or ("```" in section and len(section) > _CODE):
            yield from (part for part, pattern in _HEADINGS.items() if re.search(pattern, title))


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """Each heading in small letters, with what stands between it and the next one."""
    title, section = "", list[str]()
    for line in text.splitlines():
        if (heading := _HEADING.match(line)) is not None:
            yield title, "\n".join(section)
            title, section = heading[1].casefold(), []
        else:
            section.append(line)
    yield title, "\n".join(section)


def _words(text: str) -> int:
    return sum(len(_WORD.findall(paragraph)) for paragraph in own_paragraphs(text))


def _says_something(value: object) -> bool:
    if isinstance(value, str):
        return bool(value.strip()) and value.strip().casefold() not in ("unknown", "none", "null", "n/a")
    return bool(value) if isinstance(value, list | dict) else False
