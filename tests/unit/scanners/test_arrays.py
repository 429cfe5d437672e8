"""NumPy arrays and joblib's pickles: elements are passed over, objects are judged, and a doubt is told."""

from __future__ import annotations

import pickle
import pickletools
import struct
import zipfile
from io import BytesIO

import pytest

from scanners.finding import Verdict
from tests.scanning import MODELS, SHELL, judged, name, proto, rules, text, the

ARRAY = (MODELS / "numpy-arrays/main/array.npy").read_bytes()
JOBLIB = (MODELS / "sklearn-joblib/main/model.joblib").read_bytes()


def npy(header: str, body: bytes, version: bytes = b"\x01\x00") -> bytes:
    raw = header.encode("latin-1")
    length = struct.pack("<H" if version == b"\x01\x00" else "<I", len(raw))
    return b"\x93NUMPY" + version + length + raw + body


def header(descr: str, shape: str) -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n"


class TestNumpy:
    def test_an_array_that_numpy_wrote_is_safe(self) -> None:
        report = judged(ARRAY, "array.npy")
        assert (report.format, report.verdict, report.findings) == ("numpy", Verdict.SAFE, ())

    @pytest.mark.parametrize("version", [b"\x01\x00", b"\x02\x00", b"\x03\x00"])
    def test_every_version_of_the_header_is_read(self, version: bytes) -> None:
        assert judged(npy(header("'<f4'", "(2, 3)"), bytes(24), version), "a.npy").verdict is Verdict.SAFE

    @pytest.mark.parametrize(
        ("descr", "size"),
        [
            ("'|b1'", 1),
            ("'<U5'", 20),
            ("'|S7'", 7),
            ("'<M8[ns]'", 8),
            ("[('a', '<f4'), ('b', '|S3', (2,))]", 10),
            ("[('a', [('b', '<i2'), ('', '|V2')])]", 4),
        ],
    )
    def test_elements_are_counted_in_every_type(self, descr: str, size: int) -> None:
        assert judged(npy(header(descr, "(3,)"), bytes(3 * size)), "a.npy").verdict is Verdict.SAFE
        assert judged(npy(header(descr, "(3,)"), bytes(3 * size - 1)), "a.npy").verdict is Verdict.SUSPICIOUS

    @pytest.mark.parametrize("descr", ["'|O'", "[('a', '<f4'), ('b', '|O')]", "[('a', [('b', 'O')], (2,))]"])
    def test_an_array_of_objects_is_judged_as_the_pickle_it_is(self, descr: str) -> None:
        report = judged(npy(header(descr, "(1,)"), proto(SHELL)), "a.npy")
        assert report.verdict is Verdict.UNSAFE
        assert the(report, "pickle-executes-code").where.member == "objects"

    def test_objects_that_read_as_something_else_are_still_judged_as_a_pickle(self) -> None:
        report = judged(npy(header("'|O'", "(1,)"), proto(text("ftyp") + b"0" + SHELL)), "a.npy")
        assert "pickle-executes-code" in rules(report)

    def test_an_array_in_an_npz_is_judged(self) -> None:
        archive = BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("good.npy", ARRAY)
            file.writestr("bad.npy", npy(header("'|O'", "(1,)"), proto(SHELL)))
        report = judged(archive.getvalue(), "arrays.npz")
        assert the(report, "pickle-executes-code").where.member == "bad.npy!/objects"

    def test_what_follows_the_last_element_is_judged(self) -> None:
        report = judged(npy(header("'<f8'", "(1,)"), bytes(8) + proto(SHELL)), "a.npy")
        assert {"numpy-malformed", "pickle-executes-code"} <= rules(report)

    @pytest.mark.parametrize(
        "text",
        [
            "__import__('os').system('id')",
            "{'descr': '<f4', 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': 1}",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
            "{'descr': '<q9x', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': [], 'fortran_order': False, 'shape': (1,)}",
            "{'descr': " + "(" * 300 + "'<f4'" + ",)" * 300 + ", 'fortran_order': False, 'shape': (1,)}",
            "(" * 5000,
        ],
    )
    def test_a_header_that_numpy_does_not_write_is_told_and_not_judged(self, text: str) -> None:
        report = judged(npy(text, bytes(4)), "a.npy")
        assert "numpy-malformed" in rules(report)
        assert not report.complete

    def test_a_header_longer_than_the_file_and_an_unknown_version_are_not_judged(self) -> None:
        assert not judged(b"\x93NUMPY\x01\x00\xff\xff{", "a.npy").complete
        assert not judged(npy(header("'<f4'", "(1,)"), bytes(4), b"\x09\x00"), "a.npy").complete


NDARRAY = name("numpy", "ndarray")
WRAPPER = name("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81"


def dtype(code: str, flags: int = 0, size: int = -1) -> bytes:
    state = b"(K\x03" + text("<") + b"NNN" + b"J" + struct.pack("<i", size) + b"J\xff\xff\xff\xff" + bytes([75, flags])
    return name("numpy", "dtype") + text(code) + b"\x89\x88\x87R" + state + b"tb"


def wrapper(code: bytes, count: int = 2, alignment: bytes = b"N", extra: bytes = b"") -> bytes:
    """A wrapper with its attributes, as joblib writes it in front of an array."""
    attributes = text("subclass") + NDARRAY + text("shape") + b"K" + bytes([count]) + b"\x85" + text("order")
    attributes += text("C") + text("dtype") + code + text("allow_mmap") + b"\x89"
    attributes += text("numpy_array_alignment_bytes") + alignment
    return WRAPPER + b"}(" + attributes + extra + b"ub"


class TestJoblib:
    def test_a_model_that_joblib_wrote_says_what_it_needs_and_no_more(self) -> None:
        report = judged(JOBLIB, "model.joblib")
        assert report.verdict is Verdict.SUSPICIOUS
        assert report.complete
        assert rules(report) == {"pickle-needs-class"}

    @pytest.mark.parametrize("alignment", [b"N", b"K\x10"])
    def test_code_behind_an_array_is_found(self, alignment: bytes) -> None:
        padding = b"" if alignment == b"N" else b"\x03\xff\xff\xff"
        body = wrapper(dtype("f8"), 2, alignment) + padding + b"\xee" * 16 + SHELL
        report = judged(proto(body), "model.joblib")
        assert the(report, "pickle-executes-code").evidence["import"] == "os.system"
        assert report.complete

    def test_code_that_stands_in_an_array_is_found_for_who_reads_it_with_pickle(self) -> None:
        payload = (b"0" + SHELL + b".").ljust(48, b".")
        report = judged(proto(wrapper(dtype("f8"), 6) + payload), "model.joblib")
        assert report.verdict is Verdict.UNSAFE
        assert the(report, "pickle-executes-code").evidence["import"] == "os.system"

    def test_an_array_of_objects_is_judged_where_it_stands(self) -> None:
        body = wrapper(dtype("O8", flags=63), 2) + proto(SHELL) + b"0N"
        report = judged(proto(body), "model.joblib")
        assert the(report, "pickle-executes-code").evidence["import"] == "os.system"

    @pytest.mark.parametrize(
        "array",
        [
            pytest.param(wrapper(dtype("f8"), 200) + bytes(16), id="longer than the file"),
            pytest.param(wrapper(dtype("f7"), 2) + bytes(16), id="of a width that does not exist"),
            pytest.param(wrapper(dtype("f8", size=4), 2) + bytes(16), id="that says two sizes"),
            pytest.param(wrapper(dtype("V8", size=4), 2) + bytes(16), id="of raw bytes that says two sizes"),
            pytest.param(wrapper(text("f8"), 2) + bytes(16), id="whose type is a text"),
            pytest.param(wrapper(dtype("f8"), 2, extra=text("read") + b"N") + bytes(16), id="with a method of its own"),
            pytest.param(WRAPPER + b"Nb" + bytes(16), id="that says nothing"),
        ],
    )
    def test_an_array_of_which_nobody_knows_the_end_is_not_judged(self, array: bytes) -> None:
        assert not judged(proto(array), "model.joblib").complete

    def test_the_second_opinions_get_the_opcodes_without_the_arrays(self) -> None:
        from scanners.budget import Budget, Meter
        from scanners.case import Case, Dossier
        from scanners.formats.pickle.judge import judge
        from scanners.source import MemorySource

        case = Case(Dossier(Meter(Budget())), lambda *_: None, "model.joblib")
        judge(MemorySource(JOBLIB), case)
        (stream,) = case.dossier.streams
        opcodes = [opcode.name for opcode, _, _ in pickletools.genops(stream.source.read(0, stream.source.size))]
        assert opcodes[-1] == "STOP"
        assert len(opcodes) == stream.opcodes

    def test_plain_python_is_safe_under_joblibs_name(self) -> None:
        assert judged(pickle.dumps({"a": [1, 2.0, b"x"]}), "model.joblib").verdict is Verdict.SAFE
