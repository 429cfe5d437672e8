"""Tables: Arrow and Parquet, whose metadata can name a type that pyarrow unpickles (CVE-2023-47248), and SQLite.

Only what describes the columns is read; the rows are data.
"""

from __future__ import annotations

import base64
import binascii
import re

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.shared.binary_words import judge_strings
from scanners.formats.shared.hidden import find_loadable
from scanners.formats.shared.payload_text import judge_text
from scanners.reading import SliceSource
from scanners.source import ByteSource, MemorySource

LARGEST_DESCRIPTION = 1024 * 1024
LARGEST_FOOTER = 16 * 1024 * 1024
PYTHON_TYPE = b"arrow.py_extension_type"
_SCHEMA = re.compile(rb"ARROW:schema.{1,12}?([A-Za-z0-9+/]{40,}={0,2})", re.DOTALL)
_WORDS = re.compile(rb"[\t\r\n\x20-\x7e]{12,65536}")
_ACTS = re.compile(rb"load_extension\s*\(|fts3_tokenizer\s*\(|writefile\s*\(|readfile\s*\(|\bedit\s*\(", re.IGNORECASE)
MOST_WORDS = 5_000


def judge_arrow(source: ByteSource, case: Case) -> None:
    """The schema stands at the beginning, in files also at the end."""
    _judge_description(source.read(0, LARGEST_DESCRIPTION), case, "the schema")
    if source.size > LARGEST_DESCRIPTION:
        _judge_description(source.read(source.size - LARGEST_DESCRIPTION, LARGEST_DESCRIPTION), case, "the footer")


def judge_parquet(source: ByteSource, case: Case) -> None:
    """The footer: its length in the four bytes before the last four, and before them itself."""
    length = int.from_bytes(source.read(source.size - 8, 4), "little")
    if length > source.size - 12:
        case.add("format-malformed", Severity.MEDIUM, "The Parquet footer is longer than the file.",
                 evidence={"format": "parquet", "reason": "footer"})  # fmt: skip
        raise Unscannable("Its Parquet footer is longer than the file.")
    if length > LARGEST_FOOTER:
        case.leave_open(f"Its Parquet footer has {length:,} bytes, too many to look at.")
        length = LARGEST_FOOTER
    footer = source.read(source.size - 8 - length, length)
    _judge_description(footer, case, "the footer")
    for found in _SCHEMA.finditer(footer):
        try:
            _judge_description(base64.b64decode(found.group(1)), case, "the schema in the footer")
        except (binascii.Error, ValueError):
            continue


def _judge_description(data: bytes, case: Case, where: str) -> None:
    if PYTHON_TYPE in data:
        case.add(
            "table-unpickles",
            Severity.HIGH,
            f"In {where} stands a type of Python's own, which older pyarrow unpickles when the table is opened.",
            evidence={"type": PYTHON_TYPE.decode()},
        )
    packed = MemorySource(data)
    found = find_loadable(packed) if data[:1] else None
    if found is not None and found[0] > 0:
        case.examine(SliceSource(packed, found[0], len(data) - found[0]), f"{found[1].value} in {where}", name="packed")
        case.add(
            "payload-in-data",
            Severity.HIGH,
            f"In {where} stands a packed {found[1].value}, where plain values belong.",
            evidence={"what": f"a packed {found[1].value}", "place": where},
        )
    for number, words in enumerate(_WORDS.finditer(data)):
        if number == MOST_WORDS:
            break
        judge_text(words.group().decode("ascii"), case, place=where, template=False)
    case.meter.check_clock()


def judge_sqlite(source: ByteSource, case: Case) -> None:
    """Triggers and views run for who reads; what they call is looked for at the beginning, where the schema is."""
    found = _ACTS.search(source.read(0, LARGEST_DESCRIPTION))
    if found is not None:
        case.add(
            "active-content",
            Severity.MEDIUM,
            f"The database calls {found.group().decode()!r} in its schema or its rows: it reaches out of SQL.",
            offset=found.start(),
            evidence={"what": found.group().decode()},
        )
    judge_strings(SliceSource(source, 0, min(source.size, LARGEST_DESCRIPTION)), case, "the database", libraries=False)
