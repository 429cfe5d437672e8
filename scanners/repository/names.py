"""Whether a repository's name is made to be taken for another's.

What deceives is the namespace: anybody may copy `Llama-3.2-1B`, and most who do are honest, but few come by
`meta-IIama` honestly. So the namespace is judged first, and a copied repository name only adds weight.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Literal

from rapidfuzz import process
from rapidfuzz.distance import OSA

from scanners.repository.known import Known

LONGEST_PART = 96
"""The Hub's limit for a namespace or a name; what is beyond it is not looked at."""
SHORTEST_FOR_EDITS = 5
"""One letter changed in a shorter name makes simply another name."""

Kind = Literal["publisher", "company", "product", "claim", "affix"]

COMPANIES = {
    "meta": "meta-llama",
    "facebook": "facebook",
    "google": "google",
    "deepmind": "google",
    "microsoft": "microsoft",
    "openai": "openai",
    "anthropic": "Anthropic",
    "nvidia": "nvidia",
    "apple": "apple",
    "amazon": "amazon",
    "aws": "amazon",
    "ibm": "ibm-granite",
    "xai": "xai-org",
    "alibaba": "Qwen",
    "tencent": "tencent",
    "bytedance": "ByteDance",
    "mistral": "mistralai",
    "deepseek": "deepseek-ai",
    "stability": "stabilityai",
    "cohere": "CohereLabs",
    "moonshot": "moonshotai",
    "huggingface": "huggingface",
}
"""What companies are called, and the namespace under which they publish."""
PRODUCTS = {
    "llama": "meta-llama",
    "codellama": "meta-llama",
    "gemma": "google",
    "gemini": "google",
    "qwen": "Qwen",
    "mixtral": "mistralai",
    "codestral": "mistralai",
    "chatgpt": "openai",
    "gpt": "openai",
    "whisper": "openai",
    "claude": "Anthropic",
    "phi": "microsoft",
    "stablediffusion": "stabilityai",
    "sdxl": "stabilityai",
    "flux": "black-forest-labs",
    "falcon": "tiiuae",
    "bloom": "bigscience",
    "starcoder": "bigcode",
    "grok": "xai-org",
    "nemotron": "nvidia",
    "granite": "ibm-granite",
    "chatglm": "zai-org",
    "kimi": "moonshotai",
    "minimax": "MiniMaxAI",
    "hunyuan": "tencent",
    "dinov": "facebook",
}
"""What models are called, and who publishes them."""
CLAIMS = frozenset(
    {"official", "officially", "real", "verified", "original", "genuine", "authentic", "true", "trusted"}
)
"""Words by which a namespace says that it is the right one."""
AFFIXES = frozenset(
    {
        "ai",
        "app",
        "co",
        "com",
        "community",
        "corp",
        "dev",
        "foundation",
        "group",
        "hf",
        "hub",
        "inc",
        "io",
        "lab",
        "labs",
    }
    | {"llc", "llm", "llms", "ltd", "model", "models", "official", "org", "project", "release", "releases", "research"}
    | {"team", "tech", "the", "weights"},
)
"""Words that change nothing about whom a reader takes a namespace for."""
ORDINARY = frozenset(
    {"adept", "adobe", "albert", "apple", "intel", "sesame", "snowflake", "upstage"} | {"writer"},
)
"""Publishers called by a word or a person's name: others come near it without thinking of them."""

_LOOKS_LIKE = str.maketrans(
    # Cyrillic, then Greek, then a few Latin letters that normalisation leaves as they are.
    "\u0430\u0432\u0435\u0451\u0433\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0455\u0456\u0457\u0458\u04bb\u0501\u051b\u051d\u04cf"
    "\u03b1\u03b2\u03b5\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03b3"
    "\u0131\u0251\u0261\u026a\u0280\u029f",
    "abeerkmhopctyxsiijhdqwlabeikvoptuxyiagirl",
)
_LOOKS_LIKE_CAPITAL = str.maketrans(
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0405\u0406\u0408\u04c0"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7",
    "ABEKMHOPCTYXSIJIABEZHIKMNOPTYX",
)
_STROKES = str.maketrans("i1|!05$", "lllloss")
_GLYPHS = str.maketrans("I1|0O", "llloo")
_SEPARATORS = re.compile(r"[\W_]+")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|[^\W_a-zA-Z]+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Lookalike:
    """Whom a name imitates, how surely (0 to 1; from 0.85 on there is no honest reading), and by what."""

    of: str
    score: float
    why: str


@dataclass(frozen=True, slots=True)
class _Word:
    kind: Kind
    text: str
    of: str


@dataclass(frozen=True, slots=True)
class _Known:
    publishers: frozenset[str]
    flat: dict[str, str]
    flat_list: list[str]
    skeletons: dict[str, str]
    glyphs: dict[str, str]
    words: dict[str, _Word]
    repositories: dict[str, str]
    """By flattened name without the namespace."""
    repository_skeletons: dict[str, str]
    repository_list: list[str]


def is_known_publisher(namespace: str, known: Known | None = None) -> bool:
    """Whether the namespace itself, whatever its case, is one of the well-known ones."""
    return namespace.strip().casefold() in _known().publishers


def lookalike(repository: str, known: Known | None = None) -> Lookalike | None:
    """Whom `org/name` could be mistaken for; None for the well-known themselves and for names like nobody's."""
    namespace, slash, name = repository.strip().partition("/")
    namespace, name = namespace[:LONGEST_PART].strip(), name[:LONGEST_PART].strip()
    if not slash or not namespace or is_known_publisher(namespace):
        return None
    copied = _copied(name)
    judged = (
        _same_to_the_eye(namespace)
        or _one_edit_away(namespace)
        or _put_together(namespace, copied)
        or _near_the_owner(namespace, copied)
    )
    if judged is None:
        return None if copied is None else _copy_elsewhere(name, copied)
    if copied is not None and _same_house(judged.of, copied):
        why = f"{judged.why}, and carries the name of {copied}"
        return Lookalike(copied, round(min(0.99, judged.score + 0.05), 2), why)
    return judged


def _same_to_the_eye(namespace: str) -> Lookalike | None:
    known, flat = _known(), _flat(namespace)
    if (of := known.flat.get(flat)) is not None and len(flat) >= 3:
        if not in_latin(namespace).isascii() or not namespace.isascii():
            return Lookalike(of, 0.98, f"'{namespace}' is {of} in letters of another alphabet")
        return Lookalike(of, 0.92, f"'{namespace}' is {of} with other separators")
    if len(flat) < SHORTEST_FOR_EDITS:
        of = known.glyphs.get(_glyphs(namespace))
    else:
        of = known.skeletons.get(_skeleton(namespace))
    if of is None:
        return None
    return Lookalike(of, 0.96, f"'{namespace}' reads as {of}: it has characters that look alike")


def _one_edit_away(namespace: str) -> Lookalike | None:
    known, flat = _known(), _flat(namespace)
    if len(flat) < SHORTEST_FOR_EDITS:
        return None
    found = process.extractOne(flat, known.flat_list, scorer=OSA.distance, score_cutoff=1)
    if found is None:
        return None
    nearest = found[0]
    of, length = known.flat[nearest], min(len(flat), len(nearest))
    if _letters(flat) == _letters(nearest):
        score = 0.8  # A number more or less: often a second account.
    else:
        score = 0.72 if length <= SHORTEST_FOR_EDITS else 0.86 if length == 6 else 0.9
    if nearest in ORDINARY:
        score = min(score, 0.6)
    return Lookalike(of, score, f"'{namespace}' is one character away from {of}")


def _put_together(namespace: str, copied: str | None) -> Lookalike | None:
    """A namespace made of nothing but well-known names and the words people put around them."""
    words = _read(namespace)
    names = [word for word in words if word.kind in ("publisher", "company", "product")]
    if not names:
        return None
    first, owners = names[0], list(dict.fromkeys(word.of for word in names))
    if len(names) > 1:
        products_only = all(word.kind == "product" for word in names)
        of = copied if copied is not None else next((w.of for w in names if w.kind == "product"), owners[-1])
        joined = " and ".join(owners) if len(owners) > 1 else f"{owners[0]} and of what is its own"
        one_house = len(owners) == 1 and all(word.kind != "product" for word in names)
        return Lookalike(
            of, 0.75 if one_house else 0.8 if products_only else 0.9, f"'{namespace}' joins the names of {joined}"
        )
    around = [word for word in words if word is not first]
    if any(word.kind == "claim" for word in around):
        score = 0.92 if first.kind == "publisher" else 0.88
        return Lookalike(first.of, score, f"'{namespace}' claims to be {first.of}")
    if first.kind == "publisher" and around:
        extra = "-".join(word.text for word in around)
        score = 0.88 if around[0].text in ("hf", "the") else 0.8
        short = len(first.text) < SHORTEST_FOR_EDITS or first.text in ORDINARY
        return Lookalike(first.of, 0.65 if short else score, f"'{namespace}' is {first.of} with '{extra}' added")
    if copied is not None and _same_house(first.of, copied):
        score = 0.85 if first.kind == "company" or around else 0.75
        return Lookalike(first.of, score, f"'{namespace}' goes by a name that is said of {first.of}")
    return None


def _near_the_owner(namespace: str, copied: str | None) -> Lookalike | None:
    """With a copied repository name, a likeness to its owner that would not be enough alone."""
    if copied is None:
        return None
    owner = copied.partition("/")[0]
    flat, owner_flat = _flat(namespace), _flat(owner)
    if len(owner_flat) >= 7 and OSA.distance(flat, owner_flat, score_cutoff=2) <= 2:
        return Lookalike(owner, 0.86, f"'{namespace}' is nearly {owner}")
    tokens = _tokens(namespace)
    for word in _known().words.values():
        if word.kind not in ("publisher", "company", "product") or not _same_house(word.of, copied):
            continue
        if word.text in tokens or (len(word.text) >= SHORTEST_FOR_EDITS and word.text in flat):
            score = 0.7 if word.kind == "product" else 0.75
            return Lookalike(owner, score, f"'{namespace}' has the name of {word.of} in it")
    return None


def _copy_elsewhere(name: str, copied: str) -> Lookalike:
    if _flat(name) == _flat(copied.partition("/")[2]) and name.isascii():
        return Lookalike(copied, 0.35, f"has the name of {copied}, as honest copies do")
    return Lookalike(copied, 0.65, f"'{name}' is nearly the name of {copied}")


def _copied(name: str) -> str | None:
    """The popular repository whose name this is, or nearly is."""
    known, flat = _known(), _flat(name)
    if len(flat) < SHORTEST_FOR_EDITS:
        return None
    if (same := known.repositories.get(flat) or known.repository_skeletons.get(_skeleton(name))) is not None:
        return same
    if len(flat) < 8:
        return None
    for near, _, _ in process.extract(flat, known.repository_list, scorer=OSA.distance, score_cutoff=1, limit=5):
        if _digits(near) == _digits(flat):  # Another number is another model.
            return known.repositories[near]
    return None


def _read(namespace: str) -> Sequence[_Word]:
    """The namespace as a row of words we know, as few as possible; empty if something else is in it."""
    words, tokens = _known().words, _tokens(namespace)
    text = "".join(tokens)
    boundaries, at = {0}, 0
    for token in tokens:
        at += len(token)
        boundaries.add(at)
    best: list[list[_Word] | None] = [[]] + [None] * len(text)
    for end in range(1, len(text) + 1):
        for start in range(max(0, end - 40), end):
            before, word = best[start], words.get(text[start:end])
            if before is None or word is None:
                continue
            whole = start in boundaries and end in boundaries
            outside = word.kind in ("claim", "affix") and (start == 0 or end == len(text))
            if not whole and not outside and end - start < 4:
                continue
            known = best[end]
            if known is None or len(before) + 1 < len(known):
                best[end] = [*before, word]
    return best[len(text)] or ()


def _same_house(of: str, repository: str) -> bool:
    """Whether the owner of the repository is `of`, or belongs to the same company."""
    return _house(of.partition("/")[0]) == _house(repository.partition("/")[0])


def _house(owner: str) -> str:
    first = re.split(r"[-_]", owner.casefold())[0]
    return {"facebookai": "meta", "facebook": "meta", "codellama": "meta", "thudm": "zai"}.get(first, first)


def in_latin(text: str) -> str:
    """Letters of other alphabets as the Latin ones they look like; the case stays."""
    text = unicodedata.normalize("NFKC", text)[:LONGEST_PART].translate(_LOOKS_LIKE).translate(_LOOKS_LIKE_CAPITAL)
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _flat(text: str) -> str:
    return _SEPARATORS.sub("", in_latin(text).casefold())


def _skeleton(text: str) -> str:
    return _flat(in_latin(text).translate(_STROKES)).translate(_STROKES).replace("rn", "m").replace("vv", "w")


def _glyphs(text: str) -> str:
    """As `_skeleton`, but only what is truly drawn alike: for names so short that likeness is common."""
    return _SEPARATORS.sub("", in_latin(text).translate(_GLYPHS))


def _letters(text: str) -> str:
    return "".join(c for c in text if not c.isdigit())


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


def _tokens(text: str) -> list[str]:
    """The words of a namespace in lower case: cut at separators, at changes of case, and before numbers."""
    parts = (part for part in _SEPARATORS.split(in_latin(text)) if part)
    tokens = [token.casefold() for part in parts for token in _WORD.findall(part)]
    kept = [token for token in tokens if not token.isdigit()]
    return kept or tokens


def _lines(name: str) -> Iterable[str]:
    for line in files("scanners").joinpath("data", name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.strip()


@lru_cache(maxsize=1)
def _known() -> _Known:
    publishers, repositories = list(_lines("publishers.txt")), list(_lines("repositories.txt"))
    words: dict[str, _Word] = {text: _Word("affix", text, "") for text in AFFIXES}
    words.update((text, _Word("claim", text, "")) for text in CLAIMS)
    words.update((text, _Word("product", text, of)) for text, of in PRODUCTS.items())
    words.update((text, _Word("company", text, of)) for text, of in COMPANIES.items())
    words.update((_flat(of), _Word("publisher", _flat(of), of)) for of in publishers if len(_flat(of)) >= 3)
    # Names that are nothing but a product stay one: "qwen" is said of many honest things.
    words.update((text, _Word("product", text, of)) for text, of in PRODUCTS.items() if text in ("qwen", "codellama"))
    flat = {_flat(of): of for of in publishers}
    names: dict[str, str] = {}
    for repository in repositories:
        names.setdefault(_flat(repository.partition("/")[2]), repository)
    return _Known(
        publishers=frozenset(of.casefold() for of in publishers),
        flat=flat,
        flat_list=[text for text in flat if len(text) >= SHORTEST_FOR_EDITS],
        skeletons={_skeleton(of): of for of in publishers},
        glyphs={_glyphs(form): of for of in publishers for form in (of, of.upper(), of.lower(), of.capitalize())},
        words=words,
        repositories=names,
        repository_skeletons={_skeleton(r.partition("/")[2]): r for r in repositories},
        repository_list=[text for text in names if len(text) >= 8],
    )
