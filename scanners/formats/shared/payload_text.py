"""Code, commands and packed objects in places that are for words: metadata of tensor files, notes in graphs and XML.

Nothing runs there by itself. But no writer of models puts a command into a description: who does it counts on a
loader that evaluates, unpickles or instantiates what it finds (PAIT-EXDIR-101, CVE-2025-23304).
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator

from scanners.case import Case
from scanners.finding import Confidence, Severity
from scanners.formats.shared.payload_signs import signs_in
from scanners.formats.template import LONGEST_TEMPLATE, judge_template
from scanners.kinds import ACTIVE, Format
from scanners.source import MemorySource

LONGEST_TEXT = 1024 * 1024
"""Characters of one text that are looked at; a longer one is left open."""
MOST_PACKED = 50
SHORTEST_BASE64 = 20
SHORTEST_HEX = 20
MOST_LAYERS = 3
"""Packings inside packings that are opened here."""
EXCERPT = 120


_OLD_PICKLE = re.compile(r"(?:^|[^\w])(\(?[ci][A-Za-z_][\w.]{0,200}\n[A-Za-z_][\w.]{0,200}\n)")
"""An import in a pickle of protocol 0, which is plain text."""
WORTH_READING = re.compile(r"[({<$;|\\`\n]|\.\./|__|://|!!|import |_target_|/dev/|py/|\S{24}")
"""What any of the signs and packed objects needs: where texts come by the thousand, the others are passed over."""
_BASE64 = re.compile(rf"(?:[A-Za-z0-9+/\-_]|\\n|\r?\n){{{SHORTEST_BASE64},}}={{0,2}}")
_HEX = re.compile(rf"(?:[0-9a-fA-F]{{2}}|\\x[0-9a-fA-F]{{2}}){{{SHORTEST_HEX},}}")
_BEGINS_PACKED = re.compile(
    rb"\x80[\x02-\x05]|PK\x03\x04|\x7fELF|MZ|\x1f\x8b\x08|BZh\d|\xfd7zXZ|7z\xbc\xaf|\x93NUMPY|\xce\xfa\xed\xfe"
    rb"|\xcf\xfa\xed\xfe|\xca\xfe\xba\xbe|\0asm|[\x00-\xff]{2}\r\n|x[\x01\x5e\x9c\xda]",
    re.DOTALL,
)
"""First bytes of what is worth hiding: most runs of letters are words, and mean nothing as base64."""
_PROGRAM_TEXT = frozenset({Format.PYTHON, Format.SCRIPT})
_LOADABLE = (ACTIVE | {Format.NUMPY}) - _PROGRAM_TEXT
"""What is worth hiding in a text."""


def judge_text(text: str, case: Case, *, place: str, template: bool = True, layer: int = 0) -> Severity | None:
    """Notes what one text carries. `place` says where it stands, such as `the metadata key 'notes'`.

    Returns the worst severity of what was noted about the text itself, None if nothing.
    """
    case.meter.check_clock()
    if len(text) > LONGEST_TEXT:
        case.leave_open(f"The text in {place} has {len(text):,} characters, too many to look at.")
        text = text[:LONGEST_TEXT]
    worst: Severity | None = None
    for sign, at in signs_in(text):
        note(case, sign.what, sign.severity, place, _around(text, at))
        worst = sign.severity
        break
    if template and len(text) <= LONGEST_TEMPLATE and ("{{" in text or "{%" in text):
        judge_template(text, case, key=place[:200])
    old = _OLD_PICKLE.search(text)
    if old is not None:
        # What stands before it may be a part of it, or the key of which it is the value.
        for begin in (0, old.start(1)):
            found_severity = _judge_packed(text[begin:].encode("latin-1", "replace"), case, place, MOST_LAYERS)
            if found_severity is not None:
                worst = found_severity
                break
    if layer < MOST_LAYERS:
        for packed in _packed(text):
            found_severity = _judge_packed(packed, case, place, layer)
            if found_severity is not None and (worst is None or found_severity.rank > worst.rank):
                worst = found_severity
    return worst


def note(case: Case, what: str, severity: Severity, place: str, excerpt: str) -> None:
    case.add(
        "payload-in-data",
        severity,
        f"In {place[:160]} stands {what}, where plain values belong.",
        confidence=Confidence.LIKELY,
        evidence={"what": what, "place": place[:200], "excerpt": excerpt},
    )


def _around(text: str, at: int) -> str:
    begin = max(0, at - 20)
    return text[begin : begin + EXCERPT]


def _packed(text: str) -> Iterator[bytes]:
    """What runs of base64 and hex stand for."""
    count = 0
    for found in _HEX.finditer(text):
        count += 1
        if count > MOST_PACKED:
            return
        yield bytes.fromhex(found.group().replace("\\x", ""))
    for found in _BASE64.finditer(text):
        count += 1
        if count > MOST_PACKED:
            return
        body = re.sub(r"\\n|\s|=", "", found.group()).replace("-", "+").replace("_", "/")
        body = body[: len(body) - (len(body) % 4 == 1)]
        try:
            yield base64.b64decode(body + "=" * (-len(body) % 4))
        except (binascii.Error, ValueError):
            continue


def _judge_packed(data: bytes, case: Case, place: str, layer: int) -> Severity | None:
    from scanners.detect import detect

    if _BEGINS_PACKED.match(data) is None and not data[:64].isascii():
        return None
    kind = detect(MemorySource(data), "").format
    if kind is Format.ZLIB and _is_zlib(data):
        note(case, "something packed", Severity.MEDIUM, place, repr(data[:40]))
        case.examine(MemorySource(data), f"packed in {place[:100]}", name="packed")
        return Severity.MEDIUM
    if kind in _LOADABLE and (kind is not Format.PICKLE or data[:1] == b"\x80" or len(data) > 24):
        note(case, f"a packed {kind.value}", Severity.HIGH, place, repr(data[:40]))
        case.examine(MemorySource(data), f"packed in {place[:100]}", name="packed")
        return Severity.HIGH
    if layer >= MOST_LAYERS:
        return None
    if kind in _PROGRAM_TEXT or kind in (Format.TEXT, Format.JSON, Format.YAML):
        inner = data.decode("utf-8", "replace")
        return judge_text(inner, case, place=f"{place[:120]} (packed)", template=False, layer=layer + 1)
    return None


def _is_zlib(data: bytes) -> bool:
    """Its two first bytes are not rare; that it can be unpacked is."""
    try:
        return len(zlib.decompressobj().decompress(data, 64)) > 0
    except zlib.error:
        return False
