"""Lists of packages: what imitates, what carried malware, what comes from elsewhere; and what is left alone."""

from __future__ import annotations

import pytest

from scanners.finding import Severity, Verdict
from scanners.repository.requirements import imitated, is_malicious
from tests.scanning import judged, rules, the


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("reqeusts", "requests"),
        ("numpyy", "numpy"),
        ("transf0rmers", "transformers"),
        ("matplotllb", "matplotlib"),
        ("huggingfacehub", "huggingface-hub"),
        ("hub-huggingface", "huggingface-hub"),
        ("tqmd", "tqdm"),
        ("scikit_lear", "scikit-learn"),
    ],
)
def test_an_imitation_says_of_whom(name: str, of: str) -> None:
    found = imitated(name)
    assert found is not None
    assert (found.of, found.certain) == (of, True)


@pytest.mark.parametrize(
    "name", ["requests", "Flask", "scikit_learn", "bs4", "jax", "peft", "trl", "openai", "my-company-tools", "abc", ""]
)
def test_a_package_on_the_list_or_like_nobodys_is_no_imitation(name: str) -> None:
    assert imitated(name) is None


def test_a_single_version_can_be_the_bad_one() -> None:
    assert is_malicious("ultralytics", "8.3.41")
    assert not is_malicious("ultralytics", "8.3.40")
    assert not is_malicious("ultralytics")


def test_the_line_of_a_finding_is_told() -> None:
    report = judged(b"torch\n# a comment\n--extra-index-url https://packages.invalid/simple\n", "requirements.txt")
    assert the(report, "requirement-foreign-source").where.line == 3


def test_packages_without_a_version_are_one_note() -> None:
    finding = the(judged(b"torch\nnumpy\ntqdm==4.66.1\n", "requirements.txt"), "requirement-unpinned")
    assert finding.severity is Severity.LOW
    assert finding.evidence["packages"] == ["torch", "numpy"]


def test_a_list_under_another_name_is_known_by_its_lines() -> None:
    assert "requirement-lookalike" in rules(judged(b"torch==2.0\nreqeusts==2.0\n", "install.txt"))


def test_a_vocabulary_is_no_list_of_packages() -> None:
    assert judged(b"the\nof\nreqeusts\ncolourama\n", "vocab.txt").findings == ()


def test_a_list_too_long_to_look_through_is_not_judged() -> None:
    assert judged(b"a\n" * 200_001, "requirements.txt").verdict is Verdict.UNSCANNABLE
