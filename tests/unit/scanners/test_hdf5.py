"""HDF5 is walked by its structure: nothing outside of the file is opened, and tensors are not read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fixtures.corpus.keras import ORDINARY, PICKLE, SHELL, hdf5, old, old_lambda, old_model
from scanners.finding import Severity, Verdict
from scanners.scan import scan
from scanners.source import FileSource
from tests.scanning import judged, rules, the


@pytest.mark.parametrize("name", ["tree-new.h5", "tree-old.h5"])
def test_what_h5py_writes_is_safe(name: str) -> None:
    report = judged((ORDINARY / name).read_bytes(), name)
    assert (report.verdict, report.unscannable) == (Verdict.SAFE, None)
    assert report.metadata["datasets"] == 10


def test_an_external_link_says_where_it_leads() -> None:
    content = hdf5(lambda file: file.__setitem__("layers/weights", h5py.ExternalLink("/etc/passwd", "/data")))
    finding = the(judged(content, "model.h5"), "hdf5-external-data")
    assert finding.severity is Severity.HIGH
    assert finding.evidence == {"path": "/layers/weights", "target": "/etc/passwd:/data"}


def test_a_dataset_with_bytes_elsewhere_says_where() -> None:
    content = hdf5(lambda file: file.create_dataset("kernel", (4,), "f4", external=[("/dev/mem", 0, 16)]))
    assert the(judged(content, "model.h5"), "hdf5-external-data").evidence["target"] == "/dev/mem"


def test_a_view_of_the_files_own_datasets_is_ordinary() -> None:
    def write(file: h5py.File) -> None:
        file["x"] = np.zeros(4, "f4")
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource(".", "x", (4,))
        file.create_virtual_dataset("y", layout)

    report = judged(hdf5(write, libver="latest"), "model.h5")
    assert report.verdict is Verdict.SAFE


def test_a_pickle_in_an_attribute_is_found_where_it_is() -> None:
    content = hdf5(lambda file: file.create_group("a/b").attrs.__setitem__("meta", np.void(PICKLE)))
    finding = the(judged(content, "store.h5"), "pickle-executes-code")
    assert finding.where.member == "/a/b@meta"


@pytest.mark.parametrize("version", ["earliest", "v108", "v110", "latest"])
@pytest.mark.parametrize("groups", [1, 9, 400])
def test_an_attribute_is_found_in_every_layout_of_groups(version: str, groups: int) -> None:
    def write(file: h5py.File) -> None:
        for number in range(groups):
            group = file.create_group(f"group {number}")
        for number in range(groups):
            group.attrs[f"attribute {number}"] = np.void(PICKLE) if number == groups - 1 else "x"

    assert "pickle-executes-code" in rules(judged(hdf5(write, libver=version), "store.h5"))


INDEXES: dict[str, dict[str, Any]] = {
    "one chunk": {"chunks": (300,)},
    "fixed array": {"chunks": (7,)},
    "paged fixed array": {"chunks": (1,), "shape": (3000,)},
    "extensible array": {"chunks": (1,), "maxshape": (None,)},
    "tree": {"chunks": (5, 5), "maxshape": (None, None), "shape": (20, 15)},
}


@pytest.mark.parametrize("version", ["earliest", "v108", "latest"])
@pytest.mark.parametrize("index", INDEXES)
@pytest.mark.parametrize("compression", [None, "gzip", "lzf"])
@pytest.mark.parametrize("place", [0, 150, -1])
def test_a_pickle_is_found_in_every_index_of_chunks(version: str, index: str, compression: str, place: int) -> None:
    how = {"shape": (300,), **INDEXES[index]}
    count = int(np.prod(how["shape"]))
    words = np.array([b"word"] * count, dtype=object)
    words[place] = PICKLE

    def write(file: h5py.File) -> None:
        file.create_dataset(
            "x", data=words.reshape(how["shape"]), dtype=h5py.string_dtype(), compression=compression, **how
        )

    report = judged(hdf5(write, libver=version), "store.h5")
    assert "pickle-executes-code" in rules(report)
    assert report.unscannable is None


def test_a_large_attribute_is_read() -> None:
    content = hdf5(lambda file: file.attrs.__setitem__("model_config", " " * 100_000 + "{}"), libver="latest")
    assert judged(content, "model.h5").verdict is Verdict.SAFE
    big = hdf5(lambda file: file.attrs.__setitem__("x", np.void(PICKLE + bytes(100_000))), libver="latest")
    assert judged(big, "model.h5").verdict is Verdict.UNSAFE


def test_tensors_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = '{"class_name": "Sequential", "config": {"layers": []}}'
        for number in range(20):
            file.create_dataset(f"layer {number}", (1 << 20,), "f4", data=np.ones(1 << 20, "f4"))
    report = scan(FileSource(path), path.name, engines=False)
    assert report.verdict is Verdict.SAFE
    assert report.bytes_read < 2_000_000


@pytest.mark.parametrize(
    "line", [b"MATLAB 7.3 MAT-file, Platform: x".ljust(124) + b"\0\2IM", b"Julia data format, version 0.1"]
)
def test_a_line_of_text_before_the_file_is_ordinary(line: bytes) -> None:
    content = line.ljust(512, b"\0") + hdf5(lambda file: file.create_group("x"), userblock_size=512)[512:]
    assert judged(content, "data.mat").findings == ()


def test_something_else_before_the_file_is_not() -> None:
    content = b"\xfe\x01\x02".ljust(512, b"\xee") + hdf5(lambda file: file.create_group("x"), userblock_size=512)[512:]
    assert judged(content, "model.h5").verdict is Verdict.SUSPICIOUS


def test_a_soft_link_in_a_circle_ends() -> None:
    def write(file: h5py.File) -> None:
        file["a"] = h5py.SoftLink("/b")
        file["b"] = h5py.SoftLink("/a")
        file.create_group("c")["self"] = file["/"]

    assert judged(hdf5(write), "model.h5").verdict is Verdict.SAFE


def test_the_next_object_is_judged_though_one_is_broken() -> None:
    content = bytearray(old_model(old(old_lambda(SHELL))))
    at = content.index(b"SNOD")
    content[at : at + 4] = b"XXXX"
    report = judged(bytes(content), "model.h5")
    assert "hdf5-malformed" in rules(report)
    assert report.unscannable is not None


def test_a_compression_nobody_knows_is_for_a_person_to_look_at() -> None:
    def write(file: h5py.File) -> None:
        kind = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        kind.set_chunk((4,))
        kind.set_filter(54_321, h5py.h5z.FLAG_OPTIONAL, ())
        h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_FLOAT, h5py.h5s.create_simple((4,)), kind)

    assert the(judged(hdf5(write), "model.h5"), "hdf5-filter").evidence["filter"] == 54_321
