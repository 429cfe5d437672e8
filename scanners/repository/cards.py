"""Whether a model card is another's: what remains of a card to compare it by.

A card is reduced to the author's own sentences: no front matter, code, links, markup, headings, settings, names of the
repository, and no sentence that a tool has written (`scanners/data/cards/boilerplate.txt`). Each paragraph becomes the
set of its runs of four words, so that neither the order of paragraphs nor a badge counts. The signature keeps the 256
smallest of the runs' hashes (a bottom-k MinHash sketch), from which the share of common text is estimated within a few
per cent.
"""

from __future__ import annotations

import hashlib
import heapq
import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from scanners.repository.confusables import drawn_alike

KEPT = 256
"""Hashes in a signature."""
BANDS = 16
LEAST_RUNS = 40
"""A card with fewer runs of words of its author's own says too little to be somebody's."""
LONGEST = 120_000
"""Characters of a card that are read; the Hub's own are a small part of that."""
_RUN = 4
_LONGEST_HEADING = 100
"""Characters; a longer one is text that is set large."""
_SAMPLE = 16
"""Hashes of the shorter text that tell how much of it is in the longer one."""
_BITS = 52
"""Of a hash: as many as every reader of JSON keeps."""

_FRONT_MATTER = re.compile(r"\A\s*---[ \t]*\r?\n.*?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FENCE = re.compile(r"[ \t]{0,12}(```|~~~)")
_IMAGE = re.compile(r"!\[[^\]\n]{0,200}\]\([^)\n]{0,1000}\)")
_LINK = re.compile(r"\[([^\]\n]{0,200})\]\([^)\n]{0,1000}\)")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,1000}>")
_ADDRESS = re.compile(
    r"\b(?:https?://|www\.)\S+|[\w.+-]{1,64}@[\w.-]{1,255}|\b[\w.-]{1,100}/[\w.-]{0,100}[\w-]", re.IGNORECASE
)
_INLINE_CODE = re.compile(r"`[^`\n]{0,500}`")
_HEADING = re.compile(r"^[ \t]*(?:#{1,6}[ \t]|[=-]{3,}[ \t]*$)")
_SETTING = re.compile(r"^\W*[\w .()/-]{1,40}[:=][ \t]*\S{0,40}[ \t]*$")
_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|\w+")
_SENTENCE = re.compile(r"(?<=[.!?])\s")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class CardSignature:
    """What remains of a card to compare it by."""

    runs: int = 0
    """How many different runs of four words there are."""
    hashes: tuple[int, ...] = ()
    """The smallest hashes of them, in order; empty if the card is not comparable."""

    @property
    def comparable(self) -> bool:
        """Whether there is enough of its author's own text; a signature that is not is like no other."""
        return bool(self.hashes)

    @property
    def bands(self) -> tuple[str, ...]:
        """Keys for an index: two cards of which most is the same share one of them, nearly always."""
        return tuple(f"{value:013x}" for value in self.hashes[:BANDS])

    def as_json(self) -> dict[str, Any]:
        return {"runs": self.runs, "hashes": list(self.hashes)}

    @classmethod
    def from_json(cls, document: object) -> CardSignature:
        """What cannot be read is a signature that is like no other."""
        if not isinstance(document, dict):
            return cls()
        runs, hashes = document.get("runs"), document.get("hashes")
        if not isinstance(runs, int) or not isinstance(hashes, list) or not LEAST_RUNS <= len(hashes) <= KEPT:
            return cls()
        if runs < len(hashes) or not all(isinstance(value, int) and 0 <= value < 1 << _BITS for value in hashes):
            return cls()
        return cls(runs, tuple(sorted(set(hashes))))


def card_signature(text: str, repository: str = "") -> CardSignature:
    """Of a card's whole text, front matter and all; the names in `owner/name` do not count."""
    runs: set[str] = set()
    for paragraph in own_paragraphs(text, repository):
        words = _WORDS.findall(paragraph.casefold())
        runs.update(" ".join(words[at : at + _RUN]) for at in range(len(words) - _RUN + 1))
    if len(runs) < LEAST_RUNS:
        return CardSignature(len(runs))
    return CardSignature(len(runs), tuple(heapq.nsmallest(KEPT, {_hash(run) for run in runs})))


def similarity(one: CardSignature, other: CardSignature) -> float:
    """How much of the shorter text is in the longer one, from 0 to 1; 0 where one of them is not comparable.

    Where the longer one is so much longer that too little of the shorter one can be compared, it is how much of both
    together they have in common.
    """
    if not one.comparable or not other.comparable:
        return 0.0
    shorter, longer = sorted((one, other), key=lambda side: (side.runs, side.hashes))
    # Beyond the last hash of a signature that was cut nothing is known of its text.
    known = min((side.hashes[-1] for side in (one, other) if side.runs > len(side.hashes)), default=1 << _BITS)
    first = {value for value in shorter.hashes if value <= known}
    second = {value for value in longer.hashes if value <= known}
    return len(first & second) / (len(first) if len(first) >= _SAMPLE else len(first | second))


def own_paragraphs(text: str, repository: str = "") -> Iterator[str]:
    """What the author says, a line of Markdown or a run of such lines each; no headings, code, links and settings."""
    text = drawn_alike(unicodedata.normalize("NFKC", html.unescape(text[:LONGEST]))[:LONGEST])
    text = "\n".join(_without_code(_COMMENT.sub(" ", _FRONT_MATTER.sub("", text))))
    for pattern, instead in ((_IMAGE, " "), (_LINK, r"\1")):
        text = pattern.sub(instead, text)
    for pattern in (_TAG, _ADDRESS, _INLINE_CODE):
        text = pattern.sub(" ", text)
    if (names := _names(repository)) is not None:
        text = names.sub(" ", text)
    said: list[str] = []
    for line in [*text.splitlines(), ""]:
        own = _own(line)
        if own and not _SETTING.match(line) and not (_HEADING.match(line) and len(line) <= _LONGEST_HEADING):
            said.append(own)
        else:
            if said:
                yield " ".join(said)
            said = []


def _without_code(text: str) -> Iterator[str]:
    """The lines that are in no fenced block; a fence that is never closed is none, so that nobody hides behind it."""
    fence, inside = "", list[str]()
    for line in text.splitlines():
        opening = _FENCE.match(line)
        if not fence:
            if opening is None:
                yield line
            else:
                fence = opening[1]
        elif opening is not None and opening[1] == fence:
            fence, inside = "", []
            yield ""
        else:
            inside.append(line)
    yield from inside


def _own(line: str) -> str:
    """Without the sentences that a tool wrote."""
    if not _is_a_tools(line):
        return line.strip()
    return " ".join(sentence for sentence in _SENTENCE.split(line) if not _is_a_tools(sentence)).strip()


def _is_a_tools(text: str) -> bool:
    plain = _SPACES.sub(" ", text.casefold().replace("*", ""))
    return any(phrase in plain for phrase in _boilerplate())


@lru_cache(maxsize=1)
def _boilerplate() -> tuple[str, ...]:
    text = files("scanners").joinpath("data", "cards", "boilerplate.txt").read_text(encoding="utf-8")
    return tuple(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


def _names(repository: str) -> re.Pattern[str] | None:
    """Whatever the repository and its owner are called, with any separators."""
    forms = [re.split(r"[\W_]+", part) for part in repository[:200].split("/")]
    patterns = [r"[\W_]{0,2}".join(map(re.escape, filter(None, form))) for form in forms]
    patterns = [pattern for pattern in patterns if len(pattern) >= 3]
    return re.compile("|".join(rf"(?<!\w){pattern}(?!\w)" for pattern in patterns), re.IGNORECASE) if patterns else None


def _hash(run: str) -> int:
    digest = hashlib.blake2b(run.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> (64 - _BITS)
