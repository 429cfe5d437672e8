"""Bytes of a source file to its text, as Python would decode it (PEP 263), and the tricks that live in between."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from scanners.case import Case
from scanners.finding import Confidence, Severity

_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
"""PEP 263; in the first line, or in the second if the first is a comment or empty."""
_BLANK = re.compile(rb"^[ \t\f]*(?:#.*)?\r?$")
_ORDINARY = frozenset(
    {"utf8", "utf8sig", "ascii", "usascii", "latin1", "iso88591", "iso885915", "cp1252", "utf", "u8", "utf8unix"}
)
_OF_COUNTRIES = frozenset(
    {
        "gbk", "gb2312", "gb18030", "cp936", "big5", "shiftjis", "sjis", "eucjp", "euckr", "cp949", "koi8r", "cp1251",
        "iso88592", "cp932",
    }
)  # fmt: skip
_REWRITING = frozenset(
    {
        "utf7", "unicodeescape", "rawunicodeescape", "rot13", "punycode", "idna", "hex", "base64", "zlib", "uu",
        "quopri",
        "bz2",
    }
)  # fmt: skip
"""What is written is not what runs."""
_DECODED_HERE = {"utf7": "utf-7", "unicodeescape": "unicode_escape", "rawunicodeescape": "raw_unicode_escape"}

_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_INVISIBLE_RUN = re.compile(
    "(?:[\u200b-\u200f\u2060-\u2064\ufeff\u00ad\u180e\ufe00-\ufe0f\U000e0000-\U000e01ef\u3164\u115f\u1160]){12,}"
)
_LONE_RETURN = re.compile(r"#[^\r\n]*\r(?!\n)[^\r\n]*[\w(]")


@dataclass(frozen=True, slots=True)
class Source:
    text: str
    lines: list[str]


def decode(data: bytes, case: Case) -> Source:
    """Notes what is strange about the bytes; never fails."""
    encoding = _encoding(data, case)
    body = data.removeprefix(b"\xef\xbb\xbf")
    try:
        text = body.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        text = body.decode("utf-8", "replace")
    _look_at(text, case)
    # As the tokenizer sees lines; `splitlines` also splits at form feeds and others.
    return Source(text, re.split(r"\r\n|\r|\n", text))


def _encoding(data: bytes, case: Case) -> str:
    cookie = None
    first, _, rest = data.partition(b"\n")
    found = _COOKIE.match(first.removeprefix(b"\xef\xbb\xbf"))
    if found is None and _BLANK.match(first):
        found = _COOKIE.match(rest.partition(b"\n")[0])
    if found is None:
        return "utf-8"
    cookie = found.group(1).decode("ascii", "replace")
    key = re.sub(r"[-_.]", "", cookie.lower()).removesuffix("codec")
    if key in _ORDINARY or key in _OF_COUNTRIES:
        return cookie
    if key in _REWRITING:
        case.add(
            "code-disguised",
            Severity.HIGH,
            f"The file asks to be decoded with {cookie[:30]}: what runs is not what is written.",
            line=1,
            evidence={"encoding": cookie[:60]},
        )
        return _DECODED_HERE.get(key, "utf-8")
    try:
        known = codecs.lookup(cookie)
    except LookupError:
        known = None
    case.add(
        "code-disguised",
        Severity.MEDIUM,
        f"The file names an unusual encoding ({cookie[:30]}), in which it may read differently.",
        line=1,
        evidence={"encoding": cookie[:60]},
    )
    return cookie if known is not None and known._is_text_encoding else "utf-8"  # noqa: SLF001


def _look_at(text: str, case: Case) -> None:
    for pattern, severity, what in (
        (_BIDI, Severity.HIGH, "characters that turn the direction of text: it is shown in another order than it runs"),
        (_INVISIBLE_RUN, Severity.HIGH, "a run of invisible characters, which can carry hidden data or code"),
        (
            _LONE_RETURN,
            Severity.HIGH,
            "a comment that ends at a carriage return: what follows it runs, though it is shown as comment",
        ),
    ):
        found = pattern.search(text)
        if found is not None:
            case.add(
                "code-disguised",
                severity,
                f"The code has {what}.",
                confidence=Confidence.LIKELY,
                line=text.count("\n", 0, found.start()) + 1,
                evidence={"characters": [f"U+{ord(character):04X}" for character in found.group()[:8]]},
            )
