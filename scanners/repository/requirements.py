"""Whether a Python package's name is made to be taken for another's, or is known for what it did."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from rapidfuzz import process
from rapidfuzz.distance import OSA

from scanners.repository.confusables import in_latin

MOST_IMITATED = 2500
"""Of the list, most downloaded first: whoever imitates, imitates these."""
SHORTEST_FOR_EDITS = 5
SHORTEST_FOR_TWO_EDITS = 10
_SHORT = frozenset(
    {"numpy", "torch", "scipy", "flask", "keras", "tqdm", "timm", "peft", "vllm", "jax", "onnx", "faiss"}
)
"""So well known that even a short name one letter away deserves a look."""
_ALSO_MEANT = ("pytorch", "sklearn", "opencv", "huggingface", "tensorflow-gpu", "faiss-gpu", "faiss-cpu", "flash-attn")
"""What people call a package, on an index of its own or in conda, besides the most downloaded."""
_SEPARATORS = re.compile(r"[-_.]+")
_STROKES = str.maketrans("01i!|5", "olllls")
_DRESSES = re.compile(
    r"^(?:python3?-?|py3-?)(.+)$|^(.+?)-?(?:python3?|py3|official|original|updated?|fixed|patched|secure|free|v2)$"
)


@dataclass(frozen=True, slots=True)
class Imitation:
    """Whom a name imitates, and whether there is no honest reading of it."""

    of: str
    why: str
    certain: bool


@dataclass(frozen=True, slots=True)
class _Known:
    names: frozenset[str]
    imitated: dict[str, str]
    """Without separators, to the name."""
    imitated_list: list[str]
    skeletons: dict[str, str]
    words: dict[tuple[str, ...], str]
    learning: frozenset[str]


def normal(name: str) -> str:
    """As PyPI compares names (PEP 503)."""
    return _SEPARATORS.sub("-", name.strip()).lower()


def is_malicious(name: str, version: str | None = None) -> bool:
    """Whether the package, or just this version of it, is known to have carried malware."""
    known = _malicious()
    return normal(name) in known or (version is not None and f"{normal(name)}=={version}" in known)


def imitated(name: str, *, quick: bool = False) -> Imitation | None:
    """None for packages on the list, and for names like nobody's; `quick` leaves out what is only near to one."""
    name = name.strip()[:100]
    normalised, known = normal(name), _known()
    flat = normalised.replace("-", "")
    if normalised in known.names or len(flat) < 4:
        return None
    if not name.isascii():
        read_as = normal(in_latin(name))
        whom = read_as if read_as in known.names else known.imitated.get(read_as.replace("-", ""), read_as)
        return Imitation(whom, "it has letters of another alphabet", certain=True)
    if (of := known.imitated.get(flat)) is not None and len(flat) >= SHORTEST_FOR_EDITS:
        return Imitation(of, "it only differs in its separators", certain=True)
    if (of := known.skeletons.get(_skeleton(flat))) is not None and len(flat) >= SHORTEST_FOR_EDITS:
        return Imitation(of, "it has characters that look alike", certain=True)
    words = tuple(sorted(normalised.split("-")))
    if len(words) > 1 and (of := known.words.get(words)) is not None:
        return Imitation(of, "it has the same words in another order", certain=True)
    return _dressed(normalised, known) or (None if quick else _edited(flat, known))


def _edited(flat: str, known: _Known) -> Imitation | None:
    near = process.extract(flat, known.imitated_list, scorer=OSA.distance, score_cutoff=2, limit=6)
    for text, distance, _ in sorted(near, key=lambda one: one[1]):
        of, shortest = known.imitated[text], min(len(flat), len(text))
        digits_only = _letters(flat) == _letters(text)
        if distance == 1 and shortest >= SHORTEST_FOR_EDITS:
            plain = of in known.learning or shortest >= 7
            return Imitation(
                of, "it is one letter away from it", certain=plain and (not digits_only or _slips(flat, text))
            )
        if distance == 1 and of in _SHORT and shortest >= SHORTEST_FOR_EDITS - 2:
            return Imitation(of, "it is one letter away from it", certain=_slips(flat, text))
        if distance == 1 and _slips(flat, text):
            return Imitation(of, "two of its letters are swapped or one is doubled", certain=True)
        if distance == 2 and shortest >= SHORTEST_FOR_TWO_EDITS and flat[0] == text[0] and of in known.learning:
            return Imitation(of, "it is two letters away from it", certain=True)
    return None


def _dressed(normalised: str, known: _Known) -> Imitation | None:
    found = _DRESSES.match(normalised)
    core = (found[1] or found[2] or "").strip("-") if found else ""
    if core in known.learning and core in known.names and len(core) >= 5:
        return Imitation(core, "it is its name with a word added", certain=False)
    return None


def _slips(one: str, other: str) -> bool:
    return sorted(one) == sorted(other) or (
        len(one) == len(other) + 1
        and any(
            one[index] == one[index + 1] and one[:index] + one[index + 1 :] == other for index in range(len(one) - 1)
        )
    )


def _skeleton(text: str) -> str:
    return text.translate(_STROKES).replace("rn", "m").replace("vv", "w")


def _letters(text: str) -> str:
    return "".join(character for character in text if not character.isdigit())


def _lines(name: str) -> Iterable[str]:
    yield from files("scanners").joinpath("data", name).read_text(encoding="utf-8").splitlines()


@lru_cache(maxsize=1)
def _malicious() -> frozenset[str]:
    return frozenset(line.strip() for line in _lines("malicious_packages.txt") if line and not line.startswith("#"))


@lru_cache(maxsize=1)
def _known() -> _Known:
    ranked: list[str] = []
    learning: list[str] = []
    into = ranked
    for line in _lines("packages.txt"):
        if line == "# machine learning":
            into = learning
        elif line and not line.startswith("#"):
            into.append(line.strip())
    learning.extend(_ALSO_MEANT)
    targets = list(dict.fromkeys([*ranked[:MOST_IMITATED], *learning]))
    flat: dict[str, str] = {}
    for name in targets:
        flat.setdefault(name.replace("-", ""), name)
    popular = frozenset([*ranked[:600], *learning])
    return _Known(
        names=frozenset([*ranked, *learning]),
        imitated=flat,
        imitated_list=[text for text in flat if len(text) >= 4 or text in _SHORT],
        skeletons={_skeleton(text): name for text, name in reversed(flat.items())},
        words={tuple(sorted(name.split("-"))): name for name in reversed(targets) if "-" in name},
        learning=popular,
    )
