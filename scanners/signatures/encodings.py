"""Text in the encodings of before Unicode that is mostly beyond ASCII: Chinese, Japanese, Korean, Cyrillic, Greek."""

from __future__ import annotations

import codecs
import re

EAST_ASIAN = ("gb18030", "shift_jis", "euc_kr", "euc_jp", "big5")
ONE_BYTE = ("cp1251", "koi8_r", "cp1253", "cp1255", "cp1256", "cp874")
CODECS = (*EAST_ASIAN, *ONE_BYTE)
FEWEST_LETTERS = 24
"""Bytes beyond ASCII; of fewer, too many other things could be text."""
LOOKED_AT = 16 * 1024
_IDEOGRAPHS = re.compile("[\u3000-\u30ff\u4e00-\u9fa5\uac00-\ud7a3\uff00-\uffef]")
_SCRIPT = re.compile("[\u0370-\u06ff\u0e00-\u0e7f]")
_BREAKS = re.compile(rb"[ \t\r\n,;.]")


def is_text_of_old_encoding(data: bytes) -> bool:
    """`data` has no control characters, and may be cut off in the middle of one at both ends."""
    data = data[:LOOKED_AT]
    beyond = sum(byte >= 0x80 for byte in data)
    if beyond < FEWEST_LETTERS:
        return False
    for name in EAST_ASIAN:
        for begin in (0, 1):
            try:
                text = codecs.getincrementaldecoder(name)().decode(data[begin:], final=False)
            except UnicodeDecodeError:
                continue
            # Most pairs of bytes are some sign; those that people write are few of them.
            if len(_IDEOGRAPHS.findall(text)) >= 0.9 * sum(character > "\x7f" for character in text):
                return True
    if len(_BREAKS.findall(data)) < len(data) // 25:
        return False
    for name in ONE_BYTE:
        text = data.decode(name, "replace")
        letters = len(_SCRIPT.findall(text))
        if "\ufffd" not in text and letters >= 0.97 * beyond and _reads_like_words(text):
            return True
    return False


def _reads_like_words(text: str) -> bool:
    """Letters beyond ASCII stand in words of their own, in lower case but for the first."""
    words = re.findall(r"[^\W\d_]+", text)
    good = sum(len(word) for word in words if word[1:] == word[1:].lower() or word == word.upper())
    return bool(words) and good >= 0.9 * sum(len(word) for word in words)
