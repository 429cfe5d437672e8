"""Two formats in one file are called so; what hides behind an end or a name is found; the ordinary is left alone."""

from __future__ import annotations

import pytest

from fixtures.corpus.archive_parts import HARMLESS, SHELL, elf, elf_whole, gif, jpeg, pe, png, torch_zip, zipped
from scanners.finding import Severity, Verdict
from tests.scanning import judged, rules, the


@pytest.mark.parametrize("cover", [png(), jpeg(), gif()], ids=["png", "jpeg", "gif"])
def test_a_pickle_behind_a_picture_is_found_and_its_place_said(cover: bytes) -> None:
    report = judged(cover + bytes(100) + SHELL, "cover")
    assert the(report, "hidden-bytes").where.offset == len(cover) + 100
    assert "pickle-executes-code" in rules(report)


def test_a_picture_with_a_torch_archive_at_its_end_is_judged_as_both() -> None:
    report = judged(png() + torch_zip(SHELL), "cover.png")
    assert the(report, "polyglot").severity is Severity.HIGH
    assert "pickle-executes-code" in rules(report)


def test_an_archive_whose_comment_hides_its_end_is_still_seen_behind_a_picture() -> None:
    archive = zipped([("data.pkl", SHELL)], comment=b"x" * 60000)
    assert "pickle-executes-code" in rules(judged(png() + archive, "cover.png"))


def test_a_second_picture_behind_a_photograph_is_what_telephones_write() -> None:
    assert judged(jpeg() + jpeg(), "photo.jpg").verdict is Verdict.SAFE


def test_a_llamafile_is_called_one() -> None:
    report = judged(pe() + zipped([("tiny.gguf", b"GGUF\3\0\0\0" + bytes(16))]), "tiny.llamafile")
    assert "llamafile" in the(report, "native-executable").message
    assert the(report, "native-executable").severity is Severity.MEDIUM


def test_a_program_that_says_so_needs_a_look_and_one_in_disguise_is_unsafe() -> None:
    assert the(judged(elf(), "libops.so.1.2"), "native-executable").severity is Severity.MEDIUM
    assert the(judged(elf(), "pytorch_model.bin"), "native-executable").severity is Severity.HIGH


def test_what_a_program_calls_is_told() -> None:
    assert the(judged(elf(), "libops.so"), "native-executable").evidence["calls"] == ["execve", "system"]


def test_bytes_behind_a_program_are_looked_at() -> None:
    assert judged(elf_whole(), "tool").verdict is Verdict.SUSPICIOUS
    assert "pickle-executes-code" in rules(judged(elf_whole() + SHELL, "tool"))


def test_a_harmless_pickle_called_safetensors_is_unsafe_all_the_same() -> None:
    assert judged(HARMLESS, "model.safetensors").verdict is Verdict.UNSAFE


@pytest.mark.parametrize(
    "name", ["model\u202etxt.exe", "weights.safetensors.scr", "a.txt" + " " * 40 + ".exe", "a\x08.txt"]
)
def test_a_name_that_hides_what_it_is_is_unsafe(name: str) -> None:
    assert the(judged(b"text\n", name), "deceptive-name").severity is Severity.HIGH


@pytest.mark.parametrize("name", ["model.v1.2.json", "Modèle-größe.txt", "模型.txt", "a.tar.gz.txt", ".gitattributes"])
def test_a_name_that_hides_nothing_is_left_alone(name: str) -> None:
    assert judged(b"{}\n", name).findings == ()


def test_noise_of_an_unknown_format_is_not_taken_for_something_hidden() -> None:
    noise = bytes((index * index * 31 + index // 7) % 256 for index in range(200_000))
    assert judged(b"\x91\x92" + noise, "weights.bin").findings == ()
