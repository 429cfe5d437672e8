"""What a name looks like: the same letters for what the eye takes for the same.

The Hub allows ASCII alone in names. Others come from elsewhere: a card, a configuration, a copied link, a mirror of
other rules; so letters of other alphabets, invisible characters and punycode are read, too.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LONGEST_PART = 96
"""The Hub's limit for a namespace or a name; what is beyond it is not looked at."""

_PAIRS = (  # Of the form (letters, what they look like).
    # Cyrillic, small and capital.
    ("\u0430\u0432\u0435\u0451\u0433\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0455\u0456\u0457\u0458\u04bb\u0501\u051b\u051d\u04cf\u044c\u0432",
     "abeerkmhopctyxsiijhdqwlbb"),
    ("\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0405\u0406\u0408\u04c0\u050c",
     "ABEKMHOPCTYXSIJIG"),
    # Greek, small and capital.
    ("\u03b1\u03b2\u03b5\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03b3\u03c9\u03f2\u03f3", "abeikvoptuxywcj"),
    ("\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03f9", "ABEZHIKMNOPTYXC"),
    # Latin letters that normalisation leaves as they are.
    ("\u0131\u0237\u0251\u0261\u026a\u0280\u029f\u1d00\u1d04\u1d05\u1d07\u1d0a\u1d0b\u1d0d\u1d0f\u1d18\u1d1b\u1d1c\u1d20\u1d21\u1d22\u0299\u0262\u029c\u0274\u00f8\u0142\u0111\u0180\u0127",
     "ijagirlacdejkmoptuvwzbghnoldbh"),
    # Armenian.
    ("\u0585\u0578\u057d\u0570\u0581\u0566\u0575\u0561", "onuhgqjw"),
    # Cherokee.
    ("\u13aa\u13a0\u13bb\u13df\u13a2\u13ac\u13ab\u13e6\u13de\u13b7\u13a1\u13e2\u13da\u13a5\u13d9\u13b3\u13c3\u13c0",
     "ADHCTEJKLMRPSiVWZG"),
)  # fmt: skip
_LOOKS_LIKE = str.maketrans("".join(of for of, _ in _PAIRS), "".join(to for _, to in _PAIRS))
_STROKES = str.maketrans("i1|!05$", "lllloss")
_GLYPHS = str.maketrans("I1|0O", "llloo")
_FIGURES = str.maketrans("34789@", "eatbga")
_SEPARATORS = re.compile(r"[\W_]+")
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]"
)
_PUNYCODE = re.compile(r"xn--([a-z0-9-]+)", re.IGNORECASE)

_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_SHIFTS = (-0.5, 0.0, 0.25, 0.75)
_PLACES = {
    letter: (column + shift, row)
    for row, (letters, shift) in enumerate(zip(_ROWS, _SHIFTS, strict=True))
    for column, letter in enumerate(letters)
}


def visible(text: str) -> str:
    """Without what cannot be seen: control and format characters, such as zero-width spaces and soft hyphens."""
    if text.isascii() and text.isprintable():
        return text
    text = text[:LONGEST_PART]
    return "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))


def spelled_out(text: str) -> str:
    """With punycode (`xn--...`) as the letters that it stands for."""
    return _PUNYCODE.sub(_decoded, text) if "xn--" in text[:LONGEST_PART].lower() else text


def drawn_alike(text: str) -> str:
    """A whole text with every letter as the Latin one that it looks like, and nothing that cannot be seen."""
    return text if text.isascii() else _INVISIBLE.sub("", text).translate(_LOOKS_LIKE)


@lru_cache(maxsize=64)
def in_latin(text: str) -> str:
    """Letters of other alphabets as the Latin ones they look like; the case stays."""
    if text.isascii():
        return text[:LONGEST_PART]
    text = visible(unicodedata.normalize("NFKC", text[:LONGEST_PART])[:LONGEST_PART]).translate(_LOOKS_LIKE)
    return "".join(
        c for c in unicodedata.normalize("NFKD", text).translate(_LOOKS_LIKE) if not unicodedata.combining(c)
    )


def flat(text: str) -> str:
    """In Latin small letters and figures, without separators."""
    return _SEPARATORS.sub("", in_latin(text).casefold())


def skeleton(text: str) -> str:
    """Equal for names that a glance takes for the same: `l`, `I`, `1` and `i`; `0` and `o`; `rn` and `m`."""
    plain = flat(in_latin(text).translate(_STROKES)).translate(_STROKES)
    return plain.replace("rn", "m").replace("vv", "w").replace("cl", "d")


def glyphs(text: str) -> str:
    """As `skeleton`, but only what is truly drawn alike: for names so short that likeness is common."""
    return _SEPARATORS.sub("", in_latin(text).translate(_GLYPHS))


def without_figures(text: str) -> str:
    """As `skeleton`, with all figures read as the letters that they stand for in `huggingf4ce`."""
    return skeleton(in_latin(text).casefold().translate(_FIGURES))


def neighbours(one: str, other: str) -> bool:
    """Whether two characters lie next to each other on a QWERTY keyboard."""
    first, second = _PLACES.get(one), _PLACES.get(other)
    if first is None or second is None or first == second:
        return False
    return abs(first[0] - second[0]) <= 1 and abs(first[1] - second[1]) <= 1


def _decoded(found: re.Match[str]) -> str:
    try:
        return found[1].encode("ascii").decode("punycode")
    except (UnicodeError, OverflowError):
        return found[0]
