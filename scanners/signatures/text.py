"""Text, and what kind of text it is: here a name may say what content cannot."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter

from scanners.formats.shared.wide_text import encoding_of
from scanners.kinds import Format
from scanners.signatures.code import kind_of_code, reads_as_shell
from scanners.signatures.launchers import is_launcher
from scanners.signatures.markup import kind_of_markup
from scanners.signatures.settings import kind_of_settings
from scanners.signatures.tensorflow import is_text_graph
from scanners.source import ByteSource

TAIL_BYTES = 4096
MOST_LETTERS_BEYOND_ASCII = 0.3
"""As a share of a text that is not Unicode, such as one in Latin-1."""
MOST_STRANGE_CHARACTERS = 0.02
"""Characters no standard has named, as a share of a text in UTF-16."""
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Never in text, but for white space and the escape of terminals; DEL is a token of its own in vocabularies."""
_YAML_BY_NAME = frozenset({"mlmodel", "mlproject", ".condarc", "condarc", ".clang-format", "dvc.lock", ".yamllint"})
_ASCII_TEXT = b"\t\n\r" + bytes(range(0x20, 0x7F))


def kind_of_text(source: ByteSource, head: bytes, name: str) -> Format | None:
    """Text reads as such at its beginning and its end."""
    tail = source.read(max(0, source.size - TAIL_BYTES), TAIL_BYTES) if source.size > len(head) else b""
    encoding = encoding_of(head)
    if encoding is not None:
        return Format.WIDE_TEXT if _is_wide_text(head, encoding, is_whole=not tail) else None
    if name.endswith(".py") and b"\0" in head and _is_narrow_text(head.replace(b"\0", b""), is_whole=not tail):
        # Python of old reads up to the zero byte, that of today refuses it.
        return Format.PYTHON
    if not _is_narrow_text(head, is_whole=not tail):
        return None
    # The tail begins anywhere: in the middle of a character, too.
    if tail and not _is_narrow_text(tail[_rest_of_a_character(tail) :], is_whole=True):
        return None
    body = head.removeprefix(b"\xef\xbb\xbf")
    if body.startswith(b"version https://git-lfs.github.com/spec/v1\n"):
        return Format.LFS_POINTER
    if is_launcher(body, name):
        return Format.LAUNCHER
    if name.endswith((".jinja", ".jinja2", ".j2")):
        return Format.TEMPLATE
    code = kind_of_code(body, name, is_whole=not tail)
    if code is not None:
        return code
    if (settings := kind_of_settings(body, name)) is not None:
        return settings
    # What is called JSON is read as JSON, however much white space is around it.
    is_called_json = name.endswith(".json")
    if body.lstrip()[:1] in ((b"{", b"[", b"", b"/") if is_called_json else (b"{", b"[")) and (
        is_called_json or (tail or head).rstrip()[-1:] in (b"}", b"]")
    ):
        is_keras = b'"class_name"' in body and b'"config"' in body
        return Format.KERAS_CONFIG if is_keras else Format.JSON
    if is_text_graph(body):
        return Format.SAVED_MODEL
    if (marked := kind_of_markup(body, name)) is not None:
        return marked
    if (
        name.endswith((".yaml", ".yml", ".dvc"))
        or name in _YAML_BY_NAME
        or (body.startswith((b"---\n", b"%YAML")) and not name.endswith(".md"))
    ):
        return Format.YAML
    return Format.SCRIPT if reads_as_shell(body, name) else Format.TEXT


def _is_narrow_text(data: bytes, *, is_whole: bool) -> bool:
    """UTF-8, possibly cut off within its last character, or another encoding of text that is mostly ASCII."""
    if _CONTROL.search(data):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, final=is_whole)
    except UnicodeDecodeError:
        if len(data.translate(None, _ASCII_TEXT)) <= len(data) * MOST_LETTERS_BEYOND_ASCII:
            return True
        from scanners.signatures.encodings import is_text_of_old_encoding

        return is_text_of_old_encoding(data)
    return True


def _is_wide_text(head: bytes, encoding: str, *, is_whole: bool) -> bool:
    """By more than its first bytes: nearly any bytes decode as UTF-16, so the characters must exist."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head, final=is_whole)
    except UnicodeDecodeError:
        return False
    kinds = Counter(unicodedata.category(character) for character in text)
    breaks = sum(text.count(character) for character in "\t\n\v\f\r\x1b")
    strange = kinds["Cn"] + kinds["Co"]
    return kinds["Cc"] <= breaks and strange <= len(text) * MOST_STRANGE_CHARACTERS


def _rest_of_a_character(data: bytes) -> int:
    """How many bytes at the beginning belong to a UTF-8 character that began before it."""
    count = 0
    while count < min(3, len(data)) and 0x80 <= data[count] < 0xC0:
        count += 1
    return count
