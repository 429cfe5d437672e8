"""What is compressed is judged by what comes out."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable

import pytest

from scanners.budget import Budget
from scanners.finding import Verdict
from scanners.formats.archives import unpacking
from scanners.formats.archives.unpackers import Inflater
from scanners.source import MemorySource
from tests.scanning import MODELS, SHELL, judged, proto, rules, the

KINDS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
}
every_kind = pytest.mark.parametrize("kind", KINDS)
JOBLIB = (MODELS / "sklearn-joblib/main/model.joblib").read_bytes()


@every_kind
def test_code_is_found_under_every_compression(kind: str) -> None:
    report = judged(KINDS[kind](proto(SHELL)), "model.pkl.gz")
    assert report.format == kind
    assert report.verdict is Verdict.UNSAFE
    assert the(report, "pickle-executes-code").where.member == "unpacked"


@every_kind
def test_a_model_of_joblib_is_judged_under_every_compression(kind: str) -> None:
    report = judged(KINDS[kind](JOBLIB), "model.joblib")
    assert rules(report) == {"pickle-needs-class"}
    assert report.complete


@every_kind
def test_a_stream_that_breaks_off_is_judged_as_far_as_it_goes_and_not_as_a_whole(kind: str) -> None:
    data = KINDS[kind](proto(SHELL) + bytes(range(256)) * 400)
    report = judged(data[:-20], "model.pkl")
    assert not report.complete
    assert kind == "bzip2" or report.verdict is Verdict.UNSAFE, "bzip2 gives nothing before a block is whole"


@every_kind
def test_a_second_stream_belongs_to_the_content(kind: str) -> None:
    report = judged(KINDS[kind](proto(b"N")) + KINDS[kind](proto(SHELL)), "model.pkl")
    assert "pickle-executes-code" in rules(report)


@every_kind
def test_what_follows_the_stream_is_judged(kind: str) -> None:
    report = judged(KINDS[kind](proto(b"N")) + proto(SHELL), "model.pkl")
    assert "pickle-executes-code" in rules(report)


@every_kind
def test_a_bomb_ends_at_the_limit_and_is_not_judged(kind: str) -> None:
    report = judged(KINDS[kind](bytes(8_000_000)), "bomb", budget=Budget(unpacked_bytes=1_000_000))
    assert not report.complete
    assert "MiB" in str(report.unscannable)


@every_kind
def test_compressed_nothing_is_nothing(kind: str) -> None:
    report = judged(KINDS[kind](b""), "empty.gz")
    assert (report.verdict, report.complete) == (Verdict.SAFE, True)


def test_an_archive_in_an_archive_in_an_archive_ends() -> None:
    data = proto(SHELL)
    for _ in range(12):
        data = gzip.compress(data)
    report = judged(data, "deep.gz")
    assert not report.complete


def test_a_large_content_is_judged_without_holding_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "KEPT_WHOLE", 1000)
    monkeypatch.setattr(unpacking, "HEAD_BYTES", 300)
    monkeypatch.setattr(unpacking, "TAIL_BYTES", 200)
    monkeypatch.setattr(unpacking, "WINDOW_BYTES", 500)
    content = bytes(index * 7 % 251 for index in range(5000))
    spent: list[int] = []
    unpacked = unpacking.unpack(MemorySource(gzip.compress(content)), lambda: Inflater(31), spent.append)
    assert isinstance(unpacked.content, unpacking.UnpackedSource)
    for offset, length in ((0, 10), (4990, 50), (2000, 700), (100, 900), (4000, 100), (299, 2), (0, 5000), (6000, 1)):
        assert unpacked.content.read(offset, length) == content[offset : offset + length]
    assert sum(spent) == len(content)
