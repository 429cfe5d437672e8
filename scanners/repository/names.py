"""Whether a repository's name is made to be taken for another's.

What deceives is the namespace: anybody may copy `Llama-3.2-1B`, and most who do are honest, but few come by
`meta-IIama` honestly. So the namespace is judged first, and a copied repository name only adds weight.

| score | meaning |
|---|---|
| 0.85 and more | no honest reading |
| 0.7 to 0.84 | deserves a look |
| below | as honest copies and namesakes have it, too |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

from rapidfuzz import process
from rapidfuzz.distance import OSA

from scanners.repository.confusables import (
    LONGEST_PART,
    flat,
    glyphs,
    skeleton,
    spelled_out,
    visible,
    without_figures,
)
from scanners.repository.edits import PHRASES, slip
from scanners.repository.known import SHORTEST_COPIED, SHORTEST_FOR_EDITS, Known, Word, shipped
from scanners.repository.reading import core, pieces, read, tokens, without_claims

Technique = Literal[
    "invisible", "alphabet", "separator", "confusable", "edit", "number", "order", "joined", "claim", "affix",
    "company", "near-owner", "owner-in-name", "copied-name", "former",
]  # fmt: skip

_COPY_ADDS = 0.05
_FOREIGN = 0.9
_DENIED = 0.67
"""At most, of names that say that they are not the publisher's own, such as `qwen-community`."""
_SHORTEST_NAME = 4
_SHORTEST_FOR_BOTH = 8
_SHORTEST_OWNER = 4
"""Whom one slip is held against only together with one of its repositories' names."""


@dataclass(frozen=True, slots=True)
class Lookalike:
    """Whom a name imitates, how surely (0 to 1; from 0.85 on there is no honest reading), and by what."""

    of: str
    """A namespace or, where its repository's name is copied too, the repository."""
    score: float
    why: str
    """A phrase about the name, such as `one letter from meta-llama`."""
    technique: Technique = "copied-name"


def is_known_publisher(namespace: str, known: Known | None = None) -> bool:
    """Whether the namespace itself, whatever its case, is one of the well-known ones."""
    return (known or shipped()).is_publisher(namespace)


def lookalike(repository: str, known: Known | None = None) -> Lookalike | None:
    """Whom `org/name` could be mistaken for; None for the well-known themselves and for names like nobody's.

    `known`: what it is compared with, the shipped lists if not given. Never raises.
    """
    known = known or shipped()
    repository = repository.strip()
    namespace, slash, name = repository.partition("/")
    if not slash or known.is_publisher(namespace) or repository.lower() in known.approved:
        return None
    namespace, name = namespace[:LONGEST_PART].strip(), name[:LONGEST_PART].strip()
    if not namespace:
        return None
    copied = _copied(name, known)
    if (now := known.former.get(namespace.lower())) is not None:
        return _given_up(namespace, now, copied, known)
    judged = (
        _same_to_the_eye(namespace, known)
        or _one_slip_away(namespace, copied, known)
        or _put_together(namespace, copied, known)
        or _dressed_up(namespace, copied, known)
        or _near_the_owner(namespace, copied, known)
        or _for_anybody(namespace, name, copied, known)
    )
    if judged is None:
        return _copy_elsewhere(name, copied, known)
    if (
        not namespace.isascii() and judged.score < _FOREIGN
    ):  # The Hub allows no such letters: nobody has them by chance.
        judged = Lookalike(judged.of, _FOREIGN, f"{judged.why}, in letters of another alphabet", "alphabet")
    if copied is None or "/" in judged.of or not known.same_house(judged.of, copied):
        return judged
    why = f"{judged.why}, and has the name of {copied}"
    return Lookalike(copied, round(min(0.99, judged.score + _COPY_ADDS), 2), why, judged.technique)


def _given_up(namespace: str, now: str, copied: str | None, known: Known) -> Lookalike:
    """A former name: likely nobody's, or somebody else's by now; who has it is told by the age of the account."""
    of = copied if copied is not None and now and known.same_house(now, copied) else now or namespace
    why = f"a name that {now} has given up" if now else "a name that its owner has given up"
    return Lookalike(of, 0.65, why, "former")


def _same_to_the_eye(namespace: str, known: Known) -> Lookalike | None:
    shown = spelled_out(visible(namespace))
    hidden = shown == visible(namespace) != namespace
    text = flat(shown)
    if (of := _other(known.flat.get(text), namespace)) is not None and len(text) >= 3:
        if hidden and visible(namespace).isascii():
            return Lookalike(of, 0.98, f"{of} with invisible characters in it", "invisible")
        if not shown.isascii():
            return Lookalike(of, 0.98, f"{of} in letters of another alphabet", "alphabet")
        return Lookalike(of, 0.92, f"{of} with other separators", "separator")
    if len(text) < SHORTEST_FOR_EDITS:
        of = _other(known.glyphs.get(glyphs(shown)), namespace)
    else:
        of = _other(known.skeletons.get(skeleton(shown)) or known.figures.get(without_figures(shown)), namespace)
    if of is None:
        return None
    return Lookalike(of, 0.96, f"reads as {of}: it has characters that look alike", "confusable")


def _one_slip_away(namespace: str, copied: str | None, known: Known) -> Lookalike | None:
    text = flat(spelled_out(namespace))
    if not SHORTEST_FOR_EDITS <= len(text) <= known.longest_flat + 1:
        return None
    if (of := _other(known.flat.get(_letters(text)), namespace)) is not None and len(_letters(text)) >= 5:
        return Lookalike(of, _of_number(of, known), PHRASES["number"].format(of=of), "number")
    near = process.extract(text, known.flat_list, scorer=OSA.distance, score_cutoff=1, limit=4)
    found = [(one, of) for one, _, _ in near if (of := _other(known.flat[one], namespace)) is not None]
    if not found:
        return _slip_and_likeness(namespace, known)
    nearest, of = next((one for one in found if copied and known.same_house(one[1], copied)), found[0])
    how, length, company = slip(text, nearest), min(len(text), len(nearest)), of in known.companies
    if how == "number":
        score = _of_number(of, known)
    elif length <= SHORTEST_FOR_EDITS:
        score = 0.75 if company else 0.65
    elif length == SHORTEST_FOR_EDITS + 1:
        score = 0.86 if company or how in ("doubled", "swapped") else 0.8
    elif not company and how in ("letter", "keyboard"):
        # Another letter makes another person's name: monology is not monologg.
        score = 0.8
    else:
        score = 0.9
    score = _unless_ordinary(score, of, known)
    if copied and how != "number" and known.same_house(of, copied):
        score = max(score, 0.86 - _COPY_ADDS)
    return Lookalike(of, score, PHRASES[how].format(of=of), "edit")


def _slip_and_likeness(namespace: str, known: Known) -> Lookalike | None:
    """Both at once, as in `rneta-lama`; of long names alone, where that does not happen by itself."""
    text = skeleton(spelled_out(namespace))
    if len(text) < _SHORTEST_FOR_BOTH:
        return None
    for near, _, _ in process.extract(text, known.skeleton_list, scorer=OSA.distance, score_cutoff=1, limit=2):
        of = known.skeletons[near]
        if slip(text, near) != "number":
            return Lookalike(of, 0.86, f"one letter from {of} and with characters that look alike", "confusable")
    return None


def _put_together(namespace: str, copied: str | None, known: Known) -> Lookalike | None:
    """A namespace made of nothing but well-known names and the words people put around them."""
    shown = spelled_out(namespace)
    for parts, form, among in ((tokens(shown), flat, known.flat), (pieces(shown), skeleton, known.skeletons)):
        for order in permutations(parts) if 2 <= len(parts) <= 4 else ():
            if list(order) != parts and (of := _other(among.get(form("".join(order))), namespace)) is not None:
                return Lookalike(of, 0.9, f"the words of {of} in another order", "order")
    words = read(shown, known)
    found = _composed(words, copied, known)
    if found is not None and any(word.kind == "denial" for word in words):
        return Lookalike(found.of, min(found.score, _DENIED), found.why, found.technique)
    return found


def _composed(words: Sequence[Word], copied: str | None, known: Known) -> Lookalike | None:
    names = [word for word in words if word.of]
    if not names:
        return None
    first, owners = names[0], list(dict.fromkeys(word.of for word in names))
    if len(names) > 1:
        products_only = all(word.kind == "product" for word in names)
        of = next((word.of for word in names if copied is not None and known.same_house(word.of, copied)), None)
        of = of or next((word.of for word in names if word.kind == "product"), owners[-1])
        joined = " and ".join(owners) if len(owners) > 1 else f"{owners[0]} and of what is its own"
        one_house = len(owners) == 1 and all(word.kind != "product" for word in names)
        score = 0.75 if one_house else 0.8 if products_only else 0.9
        if any(word.kind == "publisher" and word.text in known.ordinary for word in names):
            score = 0.6
        return Lookalike(of, score, f"joins the names of {joined}", "joined")
    around = [word for word in words if word is not first]
    if any(word.kind == "claim" for word in around):
        score = 0.88 if first.kind == "product" else 0.92
        return Lookalike(first.of, score, f"claims to be {first.of}", "claim")
    extra = "-".join(word.text for word in around)
    if first.kind == "publisher" and around:
        score = 0.88 if around[0].text in ("hf", "the") else 0.8
        if len(first.text) < SHORTEST_FOR_EDITS and not (copied and known.same_house(first.of, copied)):
            score = 0.65
        return Lookalike(
            first.of, _unless_ordinary(score, first.of, known), f"{first.of} with '{extra}' added", "affix"
        )
    if copied is not None and known.same_house(first.of, copied):
        score = 0.85 if first.kind == "company" else 0.78 if around else 0.75
        return Lookalike(first.of, score, f"goes by a name that is said of {first.of}", "company")
    if first.kind == "company":
        score = _unless_ordinary(0.72 if around else 0.6, first.of, known)
        return Lookalike(first.of, score, f"goes by a name that is said of {first.of}", "company")
    return None


def _dressed_up(namespace: str, copied: str | None, known: Known) -> Lookalike | None:
    """A name that is nearly somebody's, with more around it (`googIe-ai`), or nearly what somebody is called."""
    inner, around = core(spelled_out(visible(namespace)), known)
    if around:
        found = _same_to_the_eye(inner, known) or _one_slip_away(inner, copied, known)
        if found is not None and found.technique != "number":
            score = max(found.score, 0.9) if any(word.casefold() in known.claims for word in around) else found.score
            why = f"{found.why}, with '{'-'.join(around)}' added"
            return Lookalike(found.of, score, why, found.technique)
    text = flat(inner)
    for near, _, _ in process.extract(text, known.company_names, scorer=OSA.distance, score_cutoff=1, limit=2):
        of = known.words[near].of
        if near == text or (how := slip(text, near)) == "number":
            continue
        score = _unless_ordinary(0.8 if min(len(near), len(text)) > SHORTEST_FOR_EDITS + 1 else 0.65, near, known)
        if copied and known.same_house(of, copied):
            score = max(score, 0.86 - _COPY_ADDS)
        return Lookalike(of, score, f"{PHRASES[how].format(of=near)}, which is said of {of}", "edit")
    return None


def _near_the_owner(namespace: str, copied: str | None, known: Known) -> Lookalike | None:
    """With a copied repository name, a likeness to its owner that would not be enough alone."""
    if copied is None or known.same_house(namespace, copied):
        return None
    owner = copied.partition("/")[0]
    text, of = flat(spelled_out(namespace)), flat(owner)
    if len(of) >= 7 and OSA.distance(text, of, score_cutoff=2) <= 2:
        return Lookalike(owner, 0.86, f"nearly {owner}", "near-owner")
    if len(of) >= _SHORTEST_OWNER and OSA.distance(text, of, score_cutoff=1) <= 1:
        # Owen is not Qwen: another letter makes another short name more easily than one letter more or less does.
        score = 0.75 if slip(text, of) in ("letter", "keyboard") else 0.81
        return Lookalike(owner, score, f"nearly {owner}", "near-owner")
    parts = tokens(namespace)
    for word in known.words_of.get(known.house(owner), ()):
        if word.text in parts or (len(word.text) >= SHORTEST_FOR_EDITS and word.text in text):
            score = 0.62 if word.kind == "product" else 0.55 if word.text in known.ordinary else 0.75
            return Lookalike(owner, score, f"has the name of {word.of} in it", "near-owner")
    return None


def _for_anybody(namespace: str, name: str, copied: str | None, known: Known) -> Lookalike | None:
    """A namespace that could be anybody's (`Open-OSS`, `official-models`) with a well-known repository's name."""
    parts = tokens(namespace)
    claims = any(part in known.claims for part in parts)
    if not all(part in known.generic or part in known.claims for part in parts):
        return None
    if copied is not None:
        return Lookalike(copied, 0.86 if claims else 0.72, f"has the name of {copied} and an owner like anybody's")
    if (whole := _owner_in_name(name, known)) is not None:
        why = f"has the name of {whole} with its owner, and an owner like anybody's"
        return Lookalike(whole, 0.86 if claims else 0.8, why, "owner-in-name")
    return None


def _copy_elsewhere(name: str, copied: str | None, known: Known) -> Lookalike | None:
    """A repository's name alone: honest people copy it as it is, so it is never more than doubtful."""
    if copied is None:
        return _claimed(name, known)
    if not name.isascii():
        return Lookalike(copied, 0.9, f"has the name of {copied} in letters of another alphabet", "alphabet")
    if flat(name) == flat(copied.partition("/")[2]):
        return Lookalike(copied, 0.35, f"has the name of {copied}, as honest copies do")
    return Lookalike(copied, 0.65, f"nearly has the name of {copied}", "edit")


def _claimed(name: str, known: Known) -> Lookalike | None:
    """`DeepSeek-R1-Official`: a copied name that says it is the right one; `meta-llama-Llama-3.1-8B`."""
    inner, around = without_claims(name, known)
    if inner and not known.claims.isdisjoint(around):
        if (of := _copied(inner, known)) is not None:
            return Lookalike(of, 0.85, f"has the name of {of} and claims to be it", "claim")
        if (whole := _owner_in_name(inner, known)) is not None:
            why = f"has the name of {whole} with its owner and claims to be it"
            return Lookalike(whole, 0.88, why, "owner-in-name")
    if (whole := _owner_in_name(name, known)) is not None:
        return Lookalike(whole, 0.5, f"has the name of {whole} with its owner, as honest copies do", "owner-in-name")
    return None


def _owner_in_name(name: str, known: Known) -> str | None:
    """The popular repository whose owner and name this is, as one: `meta-llama_Llama-3.2-1B`."""
    text = flat(name)
    for cut in range(3, min(len(text) - 4, 40)):
        if (owner := known.flat.get(text[:cut])) is not None:
            whole = known.copied.get(text[cut:])
            if whole is not None and known.same_house(owner, whole):
                return whole
    return None


def _copied(name: str, known: Known) -> str | None:
    """The popular repository whose name this is, or nearly is."""
    text = flat(name)
    if len(text) >= _SHORTEST_NAME and (same := known.copied.get(text)) is not None:
        return same
    if len(text) >= SHORTEST_FOR_EDITS and (same := known.copied_skeletons.get(skeleton(name))) is not None:
        return same
    if not SHORTEST_COPIED <= len(text) <= known.longest_copied + 1:
        return None
    for near, _, _ in process.extract(text, known.copied_list, scorer=OSA.distance, score_cutoff=1, limit=5):
        if _digits(near) == _digits(text):  # Another number is another model.
            return known.copied[near]
    return None


def _other(of: str | None, namespace: str) -> str | None:
    """`of`, unless that is the namespace itself."""
    return None if of is None or (namespace.isascii() and of.lower() == namespace.lower()) else of


def _of_number(of: str, known: Known) -> float:
    """A number more or less: often a second account, less often of a company."""
    return _unless_ordinary(0.8 if of in known.companies else 0.72, of, known)


def _unless_ordinary(score: float, of: str, known: Known) -> float:
    return min(score, 0.6) if flat(of) in known.ordinary else score


def _letters(text: str) -> str:
    return "".join(c for c in text if not c.isdigit())


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())
