"""Whatever the bytes of an HDF5 file are, there is a report; and what h5py writes, our own reader reads the same."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.corpus.keras import PICKLE, SHELL, hdf5, old, old_lambda, old_model
from scanners.budget import Budget, Meter
from scanners.case import Case, Dossier
from scanners.finding import Verdict
from scanners.formats.hdf5.file import Hdf5File
from scanners.formats.hdf5.objects import read_object
from scanners.formats.hdf5.values import Values
from scanners.scan import scan
from scanners.source import MemorySource

names = st.text("abcdefghijklmnopqrstuvwxyz 0123456789", min_size=1, max_size=20)
trees = st.recursive(
    st.integers(0, 40).map(lambda count: count),
    lambda inner: st.dictionaries(names, inner, max_size=12),
    max_leaves=20,
)
versions = st.sampled_from(["earliest", "v108", "v110", "latest"])


def write(group: h5py.Group, tree: Any) -> None:
    for name, inner in tree.items():
        if isinstance(inner, int):
            group.create_dataset(name, data=np.arange(inner))
        else:
            write(group.create_group(name, track_order=bool(len(name) % 2)), inner)


def shape_of(group: h5py.Group) -> Any:
    return {name: shape_of(item) if isinstance(item, h5py.Group) else item.shape for name, item in group.items()}


def our_shape_of(file: Hdf5File, address: int) -> Any:
    found = read_object(file, address)
    if found.layout is not None:
        return found.shape
    return {link.name: our_shape_of(file, link.address) for link in found.links if link.address is not None}


@settings(deadline=None)
@given(st.dictionaries(names, trees, max_size=30), versions, st.booleans())
def test_our_reader_sees_what_h5py_wrote(tree: Any, version: str, in_order: bool) -> None:
    seen: list[Any] = []

    def fill(file: h5py.File) -> None:
        write(file, tree)
        seen.append(shape_of(file))

    content = hdf5(fill, libver=version, track_order=in_order)
    file = Hdf5File.open(MemorySource(content), Case(Dossier(Meter(Budget())), lambda *_: None, "x"))
    assert our_shape_of(file, file.root) == seen[0]
    report = scan(MemorySource(content), "model.h5", engines=False)
    assert (report.verdict, report.findings, report.unscannable) == (Verdict.SAFE, (), None)


def _with_everything(file: h5py.File) -> None:
    file["words"] = np.array(["a", "b"], dtype=h5py.string_dtype())
    file["packed"] = np.void(PICKLE)
    file.create_dataset("chunks", data=np.arange(100, dtype="u1"), chunks=(10,), compression="gzip", shuffle=True)
    for number in range(12):
        file.attrs[f"n{number}"] = "text"
    file["elsewhere"] = h5py.ExternalLink("other.h5", "/x")


SEEDS = [
    old_model(old(old_lambda(SHELL))),
    hdf5(_with_everything),
    hdf5(_with_everything, libver="latest"),
]


@settings(deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_a_file_with_changed_bytes_ends_in_a_report(seed: bytes, changes: list[tuple[float, int]]) -> None:
    content = bytearray(seed)
    for at, value in changes:
        content[int(at * len(content))] = value
    report = scan(MemorySource(bytes(content)), "model.h5", engines=False)
    assert "failed" not in (report.unscannable or "")


@given(st.sampled_from(SEEDS), st.integers(0, 20_000))
def test_a_file_that_is_cut_off_is_never_safe(seed: bytes, length: int) -> None:
    content = seed[: min(length, len(seed) - 1)]
    report = scan(MemorySource(content), "model.h5", engines=False)
    assert content == b"" or report.verdict is not Verdict.SAFE


@given(st.binary(max_size=500))
def test_any_bytes_behind_a_signature_end_in_a_report(rest: bytes) -> None:
    for head in (b"\x89HDF\r\n\x1a\n", SEEDS[0][:40], SEEDS[2][:48]):
        report = scan(MemorySource(head + rest), "model.h5", engines=False)
        assert "failed" not in (report.unscannable or "")


@settings(deadline=None)
@given(
    st.binary(min_size=1, max_size=2000),
    st.sampled_from([None, "gzip", "lzf"]),
    st.booleans(),
    versions,
    st.integers(1, 50),
    st.booleans(),
)
def test_bytes_come_out_as_h5py_put_them_in(
    content: bytes, compression: str | None, shuffle: bool, version: str, chunk: int, can_grow: bool
) -> None:
    def fill(file: h5py.File) -> None:
        data = np.frombuffer(content, np.uint8)
        how = {"chunks": (min(chunk, len(data)),), "maxshape": (None,) if can_grow else None}
        file.create_dataset("x", data=data, compression=compression, shuffle=shuffle, fletcher32=shuffle, **how)

    written = hdf5(fill, libver=version)
    file = Hdf5File.open(MemorySource(written), Case(Dossier(Meter(Budget())), lambda *_: None, "x"))
    (link,) = read_object(file, file.root).links
    (value,) = Values(file).of_dataset(read_object(file, link.address or 0))
    assert value.read(0, len(content)) == content
