"""PyTorch's archives, and zip archives at large: what one reader sees, all see, or it is told."""

from __future__ import annotations

import struct
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from scanners.budget import Budget
from scanners.finding import Verdict
from tests.scanning import POISONED_TORCH_ZIP, SHELL, TORCH_LEGACY, TORCH_ZIP, judged, proto, rules, the

POISON = proto(SHELL)


def archive(*members: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, content in members:
            file.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(("path", "kind"), [(TORCH_ZIP, "torch-zip"), (TORCH_LEGACY, "torch-legacy")])
def test_a_checkpoint_that_torch_wrote_is_safe(path: Path, kind: str) -> None:
    report = judged(path.read_bytes(), "pytorch_model.bin")
    assert (report.format, report.verdict, report.findings) == (kind, Verdict.SAFE, ())
    assert report.metadata["tensors"] > 0


def test_a_poisoned_checkpoint_says_which_member_does_what() -> None:
    report = judged(POISONED_TORCH_ZIP.read_bytes(), "pytorch_model.bin")
    assert report.verdict is Verdict.UNSAFE
    assert str(the(report, "pickle-executes-code").where.member).endswith("data.pkl")


@pytest.mark.parametrize("name", ["archive/data.pkl", "x/DATA.PKL", "data.pkl", "archive/extra/notes.txt", "deep/a/b"])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_pickle_is_found_under_every_name(name: str, method: int) -> None:
    report = judged(archive(("archive/version", b"3\n"), (name, POISON), method=method), "model.pt")
    assert "pickle-executes-code" in rules(report)


def test_an_archive_in_an_archive_is_judged() -> None:
    inner = archive(("archive/data.pkl", POISON))
    report = judged(archive(("a.txt", b"text"), ("inner.zip", inner)), "outer.zip")
    assert the(report, "pickle-executes-code").where.member == "inner.zip!/archive/data.pkl"


def test_two_members_of_one_name_are_told_and_both_judged() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        content = archive(("archive/data.pkl", POISON), ("archive/data.pkl", proto(b"}")))
    assert {"zip-duplicate-member", "pickle-executes-code"} <= rules(judged(content, "model.pt"))


def test_a_member_that_calls_itself_something_else_is_told() -> None:
    content = archive(("archive/data.pkl", proto(b"}")), ("archive/version", b"3\n"))
    report = judged(content.replace(b"archive/version", b"archive/versioX", 1), "model.pt")
    assert "zip-header-mismatch" in rules(report)
    assert report.verdict is Verdict.UNSAFE


def test_a_wrong_checksum_is_told() -> None:
    content = bytearray(archive(("a/data.pkl", proto(b"}"))))
    place = content.index(b"PK\x01\x02") + 16
    content[place : place + 4] = struct.pack("<I", 1)
    header = content.index(b"PK\x03\x04") + 14
    content[header : header + 4] = struct.pack("<I", 1)
    assert "zip-crc-mismatch" in rules(judged(bytes(content), "model.pt"))


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "a/../../b"])
def test_a_name_that_leads_outside_is_told(name: str) -> None:
    report = judged(archive((name, b"text")), "files.zip")
    assert "archive-path-traversal" in rules(report)
    assert report.verdict is Verdict.UNSAFE


def test_an_archive_behind_something_else_is_both() -> None:
    content = b"\x89PNG\r\n\x1a\n" + bytes(64) + archive(("archive/data.pkl", POISON))
    assert {"polyglot", "pickle-executes-code"} <= rules(judged(content, "image.png"))


def test_a_bomb_ends_at_the_limit_and_is_not_judged() -> None:
    content = archive(("a.bin", bytes(4_000_000)), method=zipfile.ZIP_DEFLATED)
    assert not judged(content, "a.zip", budget=Budget(unpacked_bytes=1_000_000)).complete


def test_too_many_members_are_not_judged() -> None:
    content = archive(*((f"{number}", b"text") for number in range(200)))
    assert not judged(content, "a.zip", budget=Budget(members=100)).complete


def test_an_archive_that_is_cut_off_is_not_judged() -> None:
    content = archive(("archive/data.pkl", proto(b"}")), ("archive/data/0", bytes(100)))
    assert not judged(content[:-30], "model.pt").complete


def test_an_archive_without_members_is_judged() -> None:
    report = judged(archive(), "empty.zip")
    assert (report.format, report.complete) == ("zip", True)
