"""HDF5: what it takes from other files, what it needs to be read, and what is hidden in its values.

Nothing outside of the file is opened, no link is followed but those to its own objects, and no filter is run but the
three of zlib and shuffling.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from scanners.budget import BudgetSpent, Unscannable
from scanners.case import Case
from scanners.detect import detect
from scanners.finding import Confidence, Severity
from scanners.formats.hdf5.carried import Carried
from scanners.formats.hdf5.file import BrokenFile, Bytes, Hdf5File
from scanners.formats.hdf5.heaps import collection
from scanners.formats.hdf5.messages import VIRTUAL, Datatype, Link
from scanners.formats.hdf5.objects import Object, read_object
from scanners.formats.hdf5.values import Values
from scanners.kinds import Format
from scanners.reading import SliceSource
from scanners.source import ByteSource

LARGEST_DATASET = 1 << 36
"""Bytes a dataset may be said to have when the file does not hold them: reading it would take that much memory."""
MOST_SHOWN = 20
LONGEST_USER_BLOCK = 64 * 1024
MATLAB = b"MATLAB 7.3 MAT-file"
"""How the user block of MATLAB's files begins."""
VIRTUAL_OF_THE_SAME_FILE = 4
OWN_FILE = "."
MORE_PARTS = "several parts, the first of them of this file"
MOST_OBJECTS = 200_000
OWN_FILTERS = frozenset({1, 2, 3, 4, 5, 6})
"""That are part of the HDF5 library: deflate, shuffle, fletcher32, szip, nbit, scaleoffset."""
KNOWN_FILTERS = frozenset({305, 307, 32000, 32001, 32004, 32008, 32013, 32015, 32017, 32018, 32024, 32026, 32028})
"""That h5py, PyTables or hdf5plugin bring along: lzo, bzip2, lzf, blosc, lz4, bitshuffle, zfp, zstd, sz, blosc2."""


def judge(source: ByteSource, case: Case) -> None:
    try:
        file = Hdf5File.open(source, case)
    except BrokenFile as reason:
        _malformed(case, str(reason))
        raise
    _judge_surroundings(file, case)
    walker = Walker(file, case)
    try:
        walker.walk()
    finally:
        walker.tell()


def _malformed(case: Case, sentence: str) -> None:
    case.add("hdf5-malformed", Severity.MEDIUM, sentence, evidence={"reason": sentence[:200]})


def _judge_surroundings(file: Hdf5File, case: Case) -> None:
    """What stands before the superblock, and what follows the end: nobody who reads HDF5 sees it."""
    for start, end, what in ((0, file.superblock, "before"), (file.end, file.source.size, "after")):
        size = end - start
        if size <= 0:
            continue
        text = file.source.read(start, min(size, LONGEST_USER_BLOCK)).rstrip(b"\0")
        if not text or text.startswith(MATLAB):
            continue
        # Without the padding: Julia and others put a line of text there.
        part = SliceSource(file.source, start, len(text) if size <= LONGEST_USER_BLOCK else size)
        kind = detect(part, "")
        if kind.format is Format.TEXT and not kind.also and what == "before":
            continue
        if kind.format is Format.UNKNOWN and not kind.also:
            _malformed(case, f"{size:,} bytes stand {what} the HDF5 that are no part of it.")
        elif kind.format is not Format.ZIP or what == "before":
            case.add(
                "polyglot",
                Severity.MEDIUM,
                f"The file is HDF5, and {what} it stands {kind.format.value}.",
                evidence={"formats": ["hdf5", kind.format.value]},
            )
            case.examine(part, f"bytes {what} the HDF5")
    if file.driver is not None and file.version < 2:
        case.add(
            "hdf5-external-data",
            Severity.MEDIUM,
            "The HDF5 is one of several files that are read together; the others are not here.",
        )


@dataclass(slots=True)
class Walker:
    """Visits every object of a file once."""

    file: Hdf5File
    case: Case
    values: Values = field(init=False)
    carried: Carried = field(init=False)
    datasets: int = 0
    outside: dict[str, str] = field(default_factory=dict)
    """Path in the file to what it is taken from."""
    filters: dict[int, str] = field(default_factory=dict)
    soft_links: int = 0

    def __post_init__(self) -> None:
        self.values = Values(self.file)
        self.carried = Carried(self.case)

    def walk(self) -> None:
        stack: list[tuple[int, str]] = [(self.file.root, "")]
        seen: set[int] = set()
        while stack:
            address, path = stack.pop()
            if address in seen:
                continue
            seen.add(address)
            if len(seen) > MOST_OBJECTS:
                raise BrokenFile(f"Its HDF5 has more than {MOST_OBJECTS:,} objects.")
            try:
                found = read_object(self.file, address)
            except BrokenFile as reason:
                _malformed(self.case, str(reason))
                self.case.leave_open(str(reason))
                continue
            stack.extend(self._links(found.links, path))
            self._object(found, path or "/")

    def _links(self, links: list[Link], path: str) -> list[tuple[int, str]]:
        inside = []
        for link in links:
            place = f"{path}/{link.name}"[:500]
            if link.other_file is not None:
                self.outside.setdefault(place, f"{link.other_file}:{link.target}")
            elif link.address is not None:
                inside.append((link.address, place))
            else:
                self.soft_links += 1
        return inside

    def _object(self, found: Object, path: str) -> None:
        for attribute in found.attributes:
            if attribute.datatype.is_bytes or attribute.datatype.base is not None:
                self._look(
                    self.values.of_attribute(attribute), f"{path}@{attribute.name}", attribute.name, attribute.datatype
                )
        if found.layout is None:
            return
        self.datasets += 1
        for name in found.external_files:
            self.outside.setdefault(path, name)
        if found.layout.kind == VIRTUAL:
            self._virtual(found, path)
        for number, name in found.filters:
            if number not in OWN_FILTERS:
                self.filters.setdefault(number, name)
        self._judge_size(found, path)
        if found.datatype is not None and found.datatype.is_bytes and not found.external_files:
            self._look(self.values.of_dataset(found), path, path.rsplit("/", 1)[-1], found.datatype)

    def _look(self, values: Iterator[ByteSource], path: str, name: str, datatype: Datatype) -> None:
        try:
            self.carried.look_at_all(values, path, name)
        except BudgetSpent:
            raise
        except BrokenFile as reason:
            _malformed(self.case, str(reason))
            self.case.leave_open(f"{path[:100]}: {reason}")
        except Unscannable as reason:
            # Numbers and names are not read from there either; only what can hold a pickle is missed.
            if datatype.holds_objects:
                self.case.leave_open(f"{path[:100]}: {reason}")

    def _virtual(self, found: Object, path: str) -> None:
        """A virtual dataset: its heap object names the files (III.F: version, count, then names and selections)."""
        layout = found.layout
        if layout is None or layout.address is None:
            return
        try:
            place = collection(self.file, layout.address).get(layout.index)
            sources = Bytes(self.file, self.file.read(*place) if place is not None else b"")
            version, count = sources.number(1), sources.length()
            same_file = version > 0 and sources.number(1) & VIRTUAL_OF_THE_SAME_FILE
            name = OWN_FILE if same_file else sources.text()
        except BrokenFile as reason:
            _malformed(self.case, str(reason))
            return
        # Of several parts, only the first one's file is read here.
        self.outside.setdefault(path, name if name != OWN_FILE or count == 1 else MORE_PARTS)

    def _judge_size(self, found: Object, path: str) -> None:
        layout, datatype = found.layout, found.datatype
        if layout is None or datatype is None or found.shape is None:
            return
        said = found.elements * datatype.size
        held = layout.kind == 1 and layout.address is not None
        if (held and layout.size and said > layout.size) or (held and layout.size > self.file.source.size):
            _malformed(
                self.case, f"The dataset {path[-80:]!r} says it has {said:,} bytes, more than the file holds for it."
            )
        elif not held and said > max(LARGEST_DATASET, 1000 * self.file.source.size):
            _malformed(
                self.case, f"The dataset {path[-80:]!r} says it has {said:,} bytes: reading it fills the memory."
            )

    def tell(self) -> None:
        """Findings and facts from all that was visited."""
        self.case.fact("datasets", self.datasets)
        for path, target in list(self.outside.items())[:MOST_SHOWN]:
            is_own = target in (OWN_FILE, MORE_PARTS)
            self.case.add(
                "hdf5-external-data",
                Severity.HIGH if not is_own else Severity.LOW if target == OWN_FILE else Severity.MEDIUM,
                f"{path[-80:]!r} is made of other datasets of the file."
                if is_own
                else f"{path[-80:]!r} is taken from another file, {target[:80]!r}: whoever reads the model reads that.",
                evidence={"path": path[-200:], "target": target[:200]},
            )
        for number, name in sorted(self.filters.items())[:MOST_SHOWN]:
            known = number in KNOWN_FILTERS
            self.case.add(
                "hdf5-filter",
                Severity.LOW if known else Severity.MEDIUM,
                f"Its data is compressed by {name[:60] or number!r}, "
                + (
                    "which a plugin of HDF5 reads."
                    if known
                    else "which no known library reads: HDF5 loads a plugin for it."
                ),
                confidence=Confidence.CERTAIN,
                evidence={"filter": number, "name": name[:100]},
            )
