"""The field corpus stands for what is met outside, and its examiner counts honestly."""

from __future__ import annotations

import hashlib

import pytest

from benchmarks.corpus import mark
from fixtures.corpus import Sample, all_samples, families, samples_of
from scanners.finding import Severity
from tests.scanning import SHELL, proto


@pytest.fixture(scope="module")
def field() -> list[Sample]:
    return [sample for sample in all_samples() if sample.id.startswith("field-")]


def test_it_is_as_wide_as_the_field(field: list[Sample]) -> None:
    unsafe = [sample for sample in field if not sample.is_ordinary]
    assert len(unsafe) >= 500
    assert len({sample.technique for sample in unsafe}) >= 88
    assert len({sample.format for sample in unsafe}) >= 38
    assert len(field) - len(unsafe) >= 130


def test_it_is_built_the_same_way_twice(field: list[Sample]) -> None:
    def digest(samples: list[Sample]) -> str:
        counted = hashlib.sha256()
        for sample in samples:
            for path, content in sample.files.items():
                counted.update(f"{sample.id}\n{path}\n{len(content)}\n".encode() + content)
        return counted.hexdigest()

    again = [sample for name in families() if name.startswith("field_") for sample in samples_of(name)]
    assert digest(field) == digest(again)


def test_no_file_is_large(field: list[Sample]) -> None:
    for sample in field:
        for path, content in sample.files.items():
            assert len(content) < 8 << 20, f"{sample.id}: {path}"


@pytest.mark.parametrize("variant", [".pkl", ".bin", ".txt"])
def test_what_is_found_counts_as_found(variant: str) -> None:
    found = mark(Sample("x/y", "t", "pickle", {f"a{variant}": proto(SHELL)}, Severity.CRITICAL), 5)
    assert found.found
    assert found.right
    assert not found.silent


def test_what_is_clean_counts_as_silent_only_if_it_is_unsafe() -> None:
    content = {"a.txt": b"Some words.\n"}
    missed = mark(Sample("x/y", "t", "text", content, Severity.HIGH), 5)
    assert missed.silent
    assert not missed.right
    ordinary = mark(Sample("x/z", "ordinary", "text", content), 5)
    assert not ordinary.silent
    assert ordinary.right


def test_an_ordinary_file_that_is_blamed_is_wrong() -> None:
    blamed = mark(Sample("x/z", "ordinary", "pickle", {"a.pkl": proto(SHELL)}, None, Severity.MEDIUM), 5)
    assert not blamed.right


def test_more_than_medium_is_right_only_where_the_sample_says_so() -> None:
    content = {"a.pkl": proto(SHELL)}
    assert not mark(Sample("x/y", "t", "pickle", content, Severity.MEDIUM), 5).right
    assert mark(Sample("x/y", "t", "pickle", content, Severity.MEDIUM, Severity.CRITICAL), 5).right
