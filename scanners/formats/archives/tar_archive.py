"""Tar archives, NeMo's `.nemo` and PyTorch's oldest format among them: every member is judged by its content."""

from __future__ import annotations

import hashlib
import posixpath
import re

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.archives.member_names import link_leads_outside, note_way_out, plain, shown, unpacks_outside
from scanners.formats.archives.tar_headers import (
    BLOCK,
    DEVICES,
    FOLDER,
    HARD_LINK,
    SYMBOLIC_LINK,
    Entry,
    Walk,
    content,
    walk,
)
from scanners.formats.shared.hidden import look_behind
from scanners.formats.torch import tar as torch_tar
from scanners.reading import SliceSource
from scanners.source import ByteSource

LARGEST_COMPARISON = 16 * 1024 * 1024
IMAGE_MEMBERS = frozenset({"oci-layout", "repositories", "manifest.json"})
"""Only an archive of a container image has one of these at its top, with layers beside it."""
LAYER = "layer.tar"
LAYER_PATH = re.compile(r"(?:^|/)(?:blobs/sha256/[0-9a-f]{64}|[0-9a-f]{64}/layer\.tar)\Z")


def judge(source: ByteSource, case: Case) -> None:
    state = Walk()
    entries = check(source, case, state)
    names = {plain(entry.name) for entry in entries}
    is_image = bool(names & IMAGE_MEMBERS) and any(LAYER_PATH.search(name) for name in names)
    is_torch = len(torch_tar.MEMBERS & names) >= 2
    case.fact("members", len(entries))
    for entry in entries:
        if entry.kind not in (SYMBOLIC_LINK, HARD_LINK, FOLDER, *DEVICES) or entry.size:
            if is_torch and plain(entry.name) in torch_tar.MEMBERS:
                torch_tar.judge_part(content(source, entry), plain(entry.name), case)
            else:
                _examine(source, entry, case, is_image=is_image)
    _finish(source, state, case)


def check(source: ByteSource, case: Case, state: Walk) -> list[Entry]:
    """All members in their order, after noting what is wrong with their headers and names; no content is judged."""
    entries: list[Entry] = []
    files: dict[str, Entry] = {}
    links: set[str] = set()
    is_layer = case.name == LAYER and case.depth > 0 and LAYER_PATH.search(case.member or "") is not None
    for entry in walk(source, case.meter, state):
        case.meter.spend_member()
        entries.append(entry)
        _note_oddities(entry, case)
        note_way_out(entry.name, case, offset=entry.header_at)
        _check_kind(entry, files, is_layer=is_layer, case=case)
        _check_way(entry, links, is_layer=is_layer, case=case)
        if entry.kind in (SYMBOLIC_LINK, HARD_LINK):
            links.add(plain(entry.name))
        elif entry.kind != FOLDER:
            _check_double(source, entry, files, case)
    return entries


def _note_oddities(entry: Entry, case: Case) -> None:
    for sentence in entry.oddities:
        case.add(
            "archive-malformed",
            Severity.HIGH if entry.other_size is not None or "is called" in sentence else Severity.MEDIUM,
            f"The member {shown(entry.name)} is described in a way that readers understand differently: {sentence}",
            offset=entry.header_at,
        )


def _check_kind(entry: Entry, files: dict[str, Entry], *, is_layer: bool, case: Case) -> None:
    if entry.kind in DEVICES and not is_layer:
        case.add(
            "archive-special-member",
            Severity.HIGH,
            f"The member {shown(entry.name)} is {DEVICES[entry.kind]}, which no model has a use for.",
            offset=entry.header_at,
            evidence={"kind": DEVICES[entry.kind]},
        )
    if entry.kind not in (SYMBOLIC_LINK, HARD_LINK):
        return
    target = entry.link
    if entry.kind == SYMBOLIC_LINK:
        outside = link_leads_outside(entry.name, target) and not is_layer
    else:
        outside = unpacks_outside(target)
    if outside:
        severity = Severity.HIGH
        says = "points outside the folder the archive is unpacked to"
    elif entry.kind == HARD_LINK and plain(target) not in files and not is_layer:
        severity, says = Severity.MEDIUM, "is a hard link to something that is not in the archive"
    else:
        return
    case.add(
        "archive-special-member",
        severity,
        f"The member {shown(entry.name)} {says}: {shown(target)}.",
        offset=entry.header_at,
        evidence={"kind": "symlink" if entry.kind == SYMBOLIC_LINK else "hard link", "target": _json(target)},
    )


def _check_way(entry: Entry, links: set[str], *, is_layer: bool, case: Case) -> None:
    """A member below a link, or in its place, is written where the link points."""
    way = plain(entry.name)
    through = way if way in links else next((part for part in _parents(way) if part in links), None)
    if through is None or is_layer:
        return
    case.add(
        "archive-special-member",
        Severity.HIGH,
        f"The member {shown(entry.name)} is written through the link {shown(through)} that comes before it.",
        offset=entry.header_at,
        evidence={"link": _json(through)},
    )


def _parents(way: str) -> list[str]:
    found = []
    while way := posixpath.dirname(way):
        if way == "/":
            break
        found.append(way)
    return found


def _check_double(source: ByteSource, entry: Entry, files: dict[str, Entry], case: Case) -> None:
    name = plain(entry.name)
    earlier = files.get(name)
    files[name] = entry
    if earlier is None:
        return
    same = earlier.size == entry.size and _digest(source, earlier) == _digest(source, entry)
    case.add(
        "archive-duplicate-member",
        Severity.LOW if same else Severity.HIGH,
        f"Two members are called {shown(entry.name)}"
        + (", and are the same." if same else " and differ; some readers take the first, most the last."),
        offset=entry.header_at,
        evidence={"member": _json(name)},
    )


def _digest(source: ByteSource, entry: Entry) -> bytes | int:
    data = content(source, entry)
    # What is too large to compare here is taken for different.
    return hashlib.sha256(data.read(0, data.size)).digest() if data.size <= LARGEST_COMPARISON else entry.offset


def _examine(source: ByteSource, entry: Entry, case: Case, *, is_image: bool) -> None:
    data = content(source, entry)
    name = entry.name.encode("utf-8", "replace").decode("utf-8")
    if entry.sparse:
        case.add(
            "archive-malformed",
            Severity.MEDIUM,
            f"The member {shown(entry.name)} is stored with holes (sparse); what it unpacks to was not put together.",
            offset=entry.header_at,
        )
        case.leave_open(f"{name[:100]}: it is stored with holes.")
    if data.size < entry.size:
        case.add(
            "archive-malformed",
            Severity.MEDIUM,
            f"The member {shown(entry.name)} is said to have {entry.size:,} bytes, {data.size:,} of which are there.",
            offset=entry.header_at,
        )
        case.leave_open(f"{name[:100]}: the archive ends in the middle of it.")
    base = name.rsplit("/", 1)[-1]
    is_layer = is_image and LAYER_PATH.search(plain(entry.name)) is not None
    case.examine(data, name, name=LAYER if is_layer else base)
    if entry.other_size is not None:
        # The reader that believes the header sees other members in these bytes.
        start = entry.offset + -(-entry.other_size // BLOCK) * BLOCK
        if 0 < entry.other_size < source.size - entry.offset or entry.other_size == 0:
            case.examine(SliceSource(source, start, max(0, source.size - start)), f"{name} read otherwise")


def _finish(source: ByteSource, state: Walk, case: Case) -> None:
    for sentence in state.oddities:
        case.add("archive-malformed", Severity.MEDIUM, f"The tar archive is damaged: {sentence}")
    look_behind(source, state.end, case, "behind the end of the archive")
    if state.broken is not None:
        case.add(
            "archive-malformed",
            Severity.MEDIUM,
            f"The tar archive {state.broken}; readers stop there or go on behind it.",
            offset=state.end,
        )
        raise Unscannable(f"The tar archive {state.broken}.")


def _json(text: str) -> str:
    return text[:200].encode("utf-8", "replace").decode("utf-8")
