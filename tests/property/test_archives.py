"""Whatever the bytes of an archive are, there is a report; no member that Python sees is hidden from us."""

from __future__ import annotations

import io
import tarfile

import lz4.frame
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from fixtures.corpus.archive_parts import CONFIG, SHELL, rar4, rar5, seven_zip, tar_entry, tarred, torch_zip
from fixtures.corpus.archives import HOME
from scanners.budget import Budget, Meter, Unscannable
from scanners.formats.archives.seven_zip_header import Folder, read_contents
from scanners.formats.archives.seven_zip_unpack import unpacked
from scanners.formats.archives.tar_headers import Walk, walk
from scanners.formats.archives.unpackers import Zstd
from scanners.formats.archives.unpacking import unpack
from scanners.source import MemorySource
from tests.scanning import judged

SEEDS = {
    "gnu.tar": (HOME / "gnu.tar").read_bytes()[:7168],
    "pax.tar": (HOME / "pax.tar").read_bytes()[:7168],
    "links.tar": tarred([("a", CONFIG), tar_entry("b", kind=tarfile.SYMTYPE, link="a"), ("c" * 150, SHELL)]),
    "model.nemo": tarred([("a.yaml", CONFIG), ("b.ckpt", torch_zip(SHELL))]),
    "stored.7z": seven_zip([("a", CONFIG), ("b", SHELL)], method=b"\0", properties=b""),
    "packed.7z": seven_zip([("a", CONFIG), ("b", SHELL)], packed_header=True),
    "real.7z": (HOME / "bcj.7z").read_bytes(),
    "model.rar": rar5("data.pkl", SHELL),
    "older.rar": rar4("data.pkl", SHELL),
    "model.zst": zstandard.ZstdCompressor().compress(SHELL * 9),
    "model.lz4": lz4.frame.compress(SHELL * 9),
    "tiny.deb": (HOME / "tiny.deb").read_bytes(),
    "tiny.whl": (HOME / "tiny-1.0-py3-none-any.whl").read_bytes(),
    "zip64.zip": (HOME / "zip64.zip").read_bytes(),
}
CHANGES = st.lists(st.tuples(st.integers(0, 1 << 20), st.binary(min_size=1, max_size=4)), min_size=1, max_size=4)
SMALL = Budget(unpacked_bytes=1 << 22, members=200, wall_s=20)


def changed(seed: bytes, changes: list[tuple[int, bytes]]) -> bytes:
    content = bytearray(seed)
    for place, new in changes:
        at = place % len(seed)
        content[at : at + len(new)] = new
    return bytes(content)


@pytest.mark.parametrize("name", SEEDS)
@given(CHANGES)
def test_an_archive_with_changed_bytes_ends_in_a_report(name: str, changes: list[tuple[int, bytes]]) -> None:
    report = judged(changed(SEEDS[name], changes), name, budget=SMALL)
    assert "Judging it failed" not in (report.unscannable or "")


@pytest.mark.parametrize("name", SEEDS)
@given(st.integers(0, 1 << 20), st.binary(max_size=80))
def test_an_archive_that_goes_on_otherwise_ends_in_a_report(name: str, cut: int, rest: bytes) -> None:
    seed = SEEDS[name]
    report = judged(seed[: cut % len(seed)] + rest, name, budget=SMALL)
    assert "Judging it failed" not in (report.unscannable or "")


@given(st.sampled_from(["gnu.tar", "pax.tar", "links.tar", "model.nemo"]), CHANGES)
def test_every_member_that_python_sees_in_a_tar_is_seen_or_the_archive_is_held_back(
    name: str, changes: list[tuple[int, bytes]]
) -> None:
    content = changed(SEEDS[name], [(place % 4096, new) for place, new in changes])
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            names = [member.name.rstrip("/") for member in archive.getmembers()]
    except (tarfile.TarError, ValueError, OSError):
        return
    state = Walk()
    entries = list(walk(MemorySource(content), Meter(Budget()), state))
    seen = {entry.name.rstrip("/").split("\0")[0] for entry in entries}
    odd = state.broken or state.oddities or any(entry.oddities or entry.sparse for entry in entries)
    assert odd or {known.split("\0")[0] for known in names} <= seen


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
members = st.lists(st.tuples(names, st.binary(min_size=1, max_size=50)), min_size=1, max_size=5)


@given(members, st.booleans(), st.booleans())
def test_what_is_packed_into_a_7z_comes_out(files: list[tuple[str, bytes]], stored: bool, packed_header: bool) -> None:
    how = {"method": b"\0", "properties": b""} if stored else {}
    source = MemorySource(seven_zip(files, packed_header=packed_header, **how))

    def undo(folder: Folder) -> bytes:
        return b"".join(unpacked(source, folder, lambda _: None))

    contents = read_contents(source, undo)
    (folder,) = contents.folders
    assert [item.name for item in contents.items] == [name for name, _ in files]
    assert undo(folder) == b"".join(content for _, content in files)
    assert folder.parts == [len(content) for _, content in files]


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.integers(1, 19), st.booleans())
def test_what_zstandard_packs_comes_out(parts: list[bytes], level: int, checksum: bool) -> None:
    packer = zstandard.ZstdCompressor(level=level, write_checksum=checksum)
    unpacked_source = unpack(MemorySource(b"".join(packer.compress(part) for part in parts)), Zstd, lambda _: None)
    whole = unpacked_source.content.read(0, unpacked_source.content.size)
    assert (whole, unpacked_source.broken) == (b"".join(parts), None)


@given(st.binary(max_size=200))
def test_any_bytes_for_a_7z_header_are_read_or_refused(rest: bytes) -> None:
    source = MemorySource(b"7z\xbc\xaf\x27\x1c\0\4" + rest)
    try:
        read_contents(source, lambda _: b"")
    except Unscannable:
        return
