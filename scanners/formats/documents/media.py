"""Pictures, sound, films and documents: plain data, as long as nothing stands behind their end or hides in a field."""

from __future__ import annotations

from collections.abc import Callable

from scanners.case import Case
from scanners.detect import detect
from scanners.finding import Severity
from scanners.formats.documents import media_ends
from scanners.formats.documents.media_ends import Extent
from scanners.formats.shared.hidden import find_loadable, look_at, look_behind
from scanners.kinds import Format
from scanners.reading import SliceSource
from scanners.source import ByteSource

ENDS: dict[Format, Callable[[ByteSource], Extent]] = {
    Format.PNG: media_ends.png,
    Format.JPEG: media_ends.jpeg,
    Format.GIF: media_ends.gif,
    Format.WEBP: media_ends.riff,
    Format.WAV: media_ends.riff,
    Format.BMP: media_ends.bmp,
    Format.ICO: media_ends.ico,
    Format.OGG: media_ends.ogg,
    Format.MP4: media_ends.mp4,
    Format.PDF: media_ends.pdf,
}
LARGEST_FIELD = 4 * 1024 * 1024
MOST_FIELDS = 5000
LONGEST_WORDS = 4096
_PRINTABLE = b"\t\n\r" + bytes(range(0x20, 0x7F))


def judge(source: ByteSource, case: Case) -> None:
    detected = detect(source, case.name)
    extent = ENDS[detected.format](source)
    for part in extent.parts[:MOST_FIELDS]:
        _look_into(source, part, case)
    # An archive at the end is judged as such already.
    is_archive = Format.ZIP in detected.also
    if extent.end is not None and extent.end < source.size and not is_archive:
        look_behind(source, extent.end, case, f"behind the end of the {detected.format.value}")
    elif extent.end is None:
        _search_broken(source, case)


def _look_into(source: ByteSource, part: media_ends.Part, case: Case) -> None:
    if part.size < media_ends.SMALLEST_PART:
        return
    found = find_loadable(SliceSource(source, part.offset, min(part.size, LARGEST_FIELD)))
    if found is not None:
        look_at(source, part.offset + found[0], part.size - found[0], case, f"in {part.name}")


def _search_broken(source: ByteSource, case: Case) -> None:
    """A picture that is cut off is harmless; but what is hidden has no end to stand behind."""
    found = find_loadable(SliceSource(source, 16, max(0, source.size - 16)))
    words = source.read(6, LONGEST_WORDS)
    if found is None and len(words) >= media_ends.SMALLEST_PART and not words.translate(None, _PRINTABLE):
        case.add(
            "polyglot",
            Severity.HIGH,
            "The file begins as a picture or document and is text: to who reads it as a script, it is one.",
            evidence={"formats": [detect(source, case.name).format.value, "text"]},
        )
    elif found is not None:
        look_at(source, 16 + found[0], source.size - 16 - found[0], case, "in a file whose structure is broken")
    else:
        case.add("format-malformed", Severity.LOW, "The structure of the file is broken before its end.")
