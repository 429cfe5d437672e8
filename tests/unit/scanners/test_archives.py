"""What an archive holds is judged, wherever it stands; what leads out of it, hides in it or explodes is said."""

from __future__ import annotations

import gzip
import tarfile
import zipfile
from pathlib import Path

import pytest

from fixtures.corpus.archive_parts import (
    CONFIG,
    HARMLESS,
    OLD_SHELL,
    SHELL,
    elf,
    rar5,
    seven_zip,
    tar_entry,
    tarred,
    torch_zip,
    zipped,
)
from scanners.budget import MIB, Budget
from scanners.finding import Severity, Verdict
from tests.scanning import judged, rules, the

FILE = ("model_config.yaml", CONFIG)


def test_a_pickle_in_a_nemo_archive_is_found_and_its_member_named() -> None:
    report = judged(tarred([FILE, ("model_weights.ckpt", torch_zip(SHELL))]), "model.nemo")
    assert report.format == "tar"
    assert the(report, "pickle-executes-code").where.member == "model_weights.ckpt!/archive/data.pkl"


def test_of_two_members_of_one_name_both_are_judged() -> None:
    report = judged(tarred([("model_weights.ckpt", SHELL), ("./model_weights.ckpt", HARMLESS)]), "model.nemo")
    assert the(report, "archive-duplicate-member").severity is Severity.HIGH
    assert "pickle-executes-code" in rules(report)


def test_the_same_file_appended_again_is_worth_a_note_only() -> None:
    report = judged(tarred([FILE, FILE]), "model.nemo")
    assert the(report, "archive-duplicate-member").severity is Severity.LOW
    assert report.verdict is Verdict.SAFE


@pytest.mark.parametrize("target", ["sub/weights", "../model/weights", "weights"])
def test_a_link_that_stays_inside_is_ordinary(target: str) -> None:
    report = judged(tarred([tar_entry("model/a", kind=tarfile.SYMTYPE, link=target)]), "model.tar")
    assert report.findings == ()


def test_a_member_written_through_a_link_is_unsafe_wherever_the_link_points() -> None:
    link = tar_entry("out", kind=tarfile.SYMTYPE, link="here")
    assert judged(tarred([link, ("out/x", b"text")]), "model.tar").verdict is Verdict.UNSAFE


def test_what_ordinary_tar_reads_stops_at_is_not_passed_over() -> None:
    whole = tarred([FILE])
    spoilt = bytearray(tarred([("second.pkl", SHELL)]))
    spoilt[0] ^= 0x20
    report = judged(whole[:1024] + bytes(spoilt), "model.tar")
    assert not report.complete
    assert "archive-malformed" in rules(report)


@pytest.mark.parametrize("kind", ["tar", "zip", "7z", "rar"])
def test_a_pickle_behind_the_end_of_an_archive_is_found(kind: str) -> None:
    plain = {
        "tar": tarred([FILE]),
        "zip": zipped([FILE]),
        "7z": seven_zip([FILE]),
        "rar": rar5(*FILE),
    }[kind]
    report = judged(plain + OLD_SHELL, f"model.{kind}")
    assert {"hidden-bytes", "pickle-executes-code"} <= rules(report)


def test_a_member_marked_as_encrypted_that_is_not_is_judged_and_called_a_deceit() -> None:
    content = bytearray(zipped([("data.pkl", SHELL)]))
    content[6] |= 1
    content[content.find(b"PK\x01\x02") + 8] |= 1
    report = judged(bytes(content), "model.zip")
    assert "pickle-executes-code" in rules(report)
    assert the(report, "zip-irregular").severity is Severity.HIGH


def test_a_zip_without_its_table_of_contents_is_judged_by_what_is_left_of_it() -> None:
    whole = zipped([("a.txt", b"text"), ("data.pkl", SHELL)], zipfile.ZIP_DEFLATED)
    report = judged(whole[: whole.find(b"PK\x01\x02")], "model.zip")
    assert not report.complete
    assert {"archive-malformed", "pickle-executes-code"} <= rules(report)


def test_bytes_between_the_members_of_a_large_torch_archive_are_seen_without_reading_its_tensors() -> None:
    tensors = [(f"archive/data/{index}", bytes([index]) * 17 * MIB) for index in range(2)]
    plain = zipped([("archive/data.pkl", HARMLESS), *tensors])
    report = judged(plain, "model.pt")
    assert (report.verdict, report.bytes_read < 2 * MIB) == (Verdict.SAFE, True)
    at = plain.find(b"PK\x01\x02")
    hidden = plain[:at] + SHELL.ljust(200, b"\1") + plain[at:-6]
    hidden += (at + 200).to_bytes(4, "little") + plain[-2:]
    assert "hidden-bytes" in rules(judged(hidden, "model.pt"))


def test_a_bomb_is_called_one_though_it_does_not_fit_the_budget() -> None:
    bomb = gzip.compress(bytes(40 * MIB))
    report = judged(bomb, "model.bin.gz", budget=Budget(unpacked_bytes=16 * MIB))
    assert the(report, "archive-bomb").severity.rank >= Severity.MEDIUM.rank
    assert not report.complete


def test_an_archive_nested_too_deep_is_a_bomb_and_not_judged() -> None:
    content = b"text"
    for _ in range(12):
        content = zipped([("a.zip", content)])
    report = judged(content, "a.zip")
    assert the(report, "archive-bomb").severity is Severity.HIGH
    assert not report.complete


def test_what_cannot_be_unpacked_here_is_held_back_and_said() -> None:
    report = judged(rar5("data.pkl", b"\x99" * 40, method=3, size=90), "model.rar")
    assert the(report, "archive-opaque").severity is Severity.MEDIUM
    assert not report.complete


def test_a_program_is_expected_in_a_wheel_and_not_in_a_model() -> None:
    wheel = zipped([("ops/_C.cpython-311-x86_64-linux-gnu.so", elf())])
    assert the(judged(wheel, "ops-1-cp311.whl"), "native-executable").severity is Severity.MEDIUM
    assert the(judged(tarred([FILE, ("ops.so", elf())]), "model.nemo"), "native-executable").severity is Severity.HIGH


@pytest.mark.parametrize(
    "path", sorted(Path("fixtures/corpus/ordinary/archives").glob("*.7z")), ids=lambda path: path.name
)
def test_every_file_in_a_7z_of_a_real_writer_is_seen(path: Path) -> None:
    report = judged(path.read_bytes(), path.name)
    assert (report.unscannable, report.findings) == (None, ())
    assert report.metadata["members"] >= 4


def test_hundreds_of_notes_hide_no_grave_finding() -> None:
    notes = [(f"{index}.so", elf()) for index in range(300)]
    report = judged(zipped([*notes, ("last.pkl", SHELL)]), "model.zip")
    assert report.complete
    assert "pickle-executes-code" in rules(report)
    assert sum(finding.rule == "native-executable" for finding in report.findings) == 201


@pytest.mark.parametrize(
    "rest", [b"", b" " * 40, bytes(40), b"\0\0\0\0\2\1\0"], ids=["nothing", "spaces", "zeros", "no end"]
)
@pytest.mark.parametrize("sign", [b"Rar!\x1a\x07\x01\0", b"Rar!\x1a\x07\0"], ids=["5", "4"])
def test_a_rar_archive_of_which_nothing_can_be_told_is_not_safe(sign: bytes, rest: bytes) -> None:
    report = judged(sign + rest, "model.rar")
    assert not report.complete
    assert report.verdict is not Verdict.SAFE
