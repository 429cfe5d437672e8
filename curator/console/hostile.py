"""Texts that strangers wrote, as the console shows them: letters that cannot be seen or that lead astray are named."""

from __future__ import annotations

import re
import unicodedata

from markupsafe import Markup, escape

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff\ud800-\udfff]"
    # Other scripts and pictures are joined and kept apart with these.
    "|(?<![\u0600-\U0010ffff])[\u200c\u200d]"
)
"""Control characters but line ends and tabs, what turns a line around, what has no width, tags, half pairs."""
_WORD = re.compile(r"\w+")
_LIKE_LATIN = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
LONGEST = 20_000


def plain(text: str) -> str:
    """The same with unseen letters written out, as in `[U+202E]`."""
    return _UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)


def finalized(value: object) -> object:
    """What a template writes, if nobody has said otherwise of it: no letter of it is unseen, whoever wrote it."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def shown(text: object) -> Markup:
    """For a page: isolated from the direction of what stands around it, unseen letters and mixed words marked."""
    whole = str(text)
    cut = whole[:LONGEST]
    parts: list[Markup] = []
    at = 0
    for found in _UNSEEN.finditer(cut):
        parts += [_words(cut[at : found.start()]), _mark(found[0])]
        at = found.end()
    parts.append(_words(cut[at:]))
    more = Markup("…") if len(whole) > LONGEST else Markup("")
    return Markup("<bdi>%s%s</bdi>") % (Markup("").join(parts), more)


def _mark(letter: str) -> Markup:
    name = unicodedata.name(letter, "control character").lower()
    return Markup('<span class="unseen" title="%s">U+%s</span>') % (name, f"{ord(letter):04X}")


def _words(text: str) -> Markup:
    """Words in which letters of one script stand for those of another are marked."""
    if text.isascii():
        return escape(text)
    parts: list[Markup] = []
    at = 0
    for found in _WORD.finditer(text):
        if not is_mixed(found[0]):
            continue
        parts += [escape(text[at : found.start()]), Markup('<span class="mixed" title="letters of several scripts">')]
        parts += [escape(found[0]), Markup("</span>")]
        at = found.end()
    return Markup("").join([*parts, escape(text[at:])])


def is_mixed(word: str) -> bool:
    """Whether Latin letters stand beside some that look like them."""
    if word.isascii():
        return False
    names = [unicodedata.name(letter, "") for letter in word if letter.isalpha()]
    return any(name.startswith("LATIN") for name in names) and any(name.startswith(_LIKE_LATIN) for name in names)
