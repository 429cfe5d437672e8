"""Secrets are found by their issuers' forms, told only in part, and examples are left alone."""

from __future__ import annotations

import json

import pytest

from fixtures.corpus.secrets import SECRETS
from scanners.finding import Severity, Verdict
from tests.scanning import judged, rules, the

TOKEN = SECRETS["hugging-face"]


@pytest.mark.parametrize("name", SECRETS)
def test_no_secret_is_ever_told_whole(name: str) -> None:
    report = judged(f"a line\n{SECRETS[name]}\n".encode(), "notes.txt")
    assert "secret-in-file" in rules(report)
    body = SECRETS[name].rsplit(" ", 1)[-1]
    assert all(body[8:] not in json.dumps(finding.as_json()) for finding in report.findings)


def test_the_line_of_a_secret_is_told() -> None:
    finding = the(judged(f"one\ntwo\n{TOKEN}\n".encode(), "notes.txt"), "secret-in-file")
    assert (finding.where.line, finding.severity) == (3, Severity.MEDIUM)


@pytest.mark.timeout(60)
def test_a_secret_in_a_large_text_is_found_and_quickly() -> None:
    content = b"some words of a text, https://a.invalid/b and sk and hf_\n" * 100_000 + TOKEN.encode()
    assert "secret-in-file" in rules(judged(content, "notes.txt"))


@pytest.mark.parametrize("name", ["vocab.txt", "merges.txt", "tokenizer.json"])
def test_a_vocabulary_is_not_looked_through(name: str) -> None:
    assert judged(f'"{TOKEN}"\n'.encode(), name).verdict is Verdict.SAFE


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "hf_" + "your0token0here0" * 2 + "ab",
        "postgres://user:password@localhost/db",
        "sk-" + "0" * 48,
    ],
)
def test_an_example_is_no_secret(text: str) -> None:
    assert judged(f"KEY={text}\n".encode(), "README.md").findings == ()


@pytest.mark.parametrize(
    "piece",
    [b"sk-", b"eyJaaaaaaaaaaa", b"://a:", b"SG.", b"-----BEGIN PRIVATE KEY-----\n", b"glpat-", b"AKIAIOSFODNN7"],
)
@pytest.mark.timeout(60)
def test_a_text_made_to_be_slow_is_not(piece: bytes) -> None:
    judged(piece * (600_000 // len(piece)), "a.txt")
