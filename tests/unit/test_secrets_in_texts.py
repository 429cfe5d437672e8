"""A secret that somebody puts where none belongs is in no text that is kept or told; and no line of a log is forged."""

from __future__ import annotations

import logging
import string
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.audit.record import Action, AuditEvent, append
from curator.audit.tables import AuditRow
from curator.cli import logs
from curator.database.engine import Database
from curator.errors import BadInput, CuratorError
from curator.hub.addresses import read_route
from curator.hub.request import read_query
from curator.redaction import HIDDEN, has_token, without_secrets
from curator.types import RepoId, RepoKind, Revision

OURS = "hf_cur" + "Ab3" * 11 + "x"
THEIRS = "hf_" + "xYz9" * 8 + "Qq"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL3guZXhhbXBsZSJ9.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"/{OURS}/resolve/main/x", OURS),
        (f"/acme/{THEIRS}", THEIRS),
        (f"?token={OURS}", OURS),
        (f"/hf%5F{OURS[3:]}/x", OURS[3:]),
        ("/x?access_token=abcdefgh12345&x=1", "abcdefgh12345"),
        (f"curl/8 (Authorization: Bearer {JWT})", JWT),
        (f"see {JWT}.", JWT),
        ("Basic dXNlcjpiYXNpYy1zZWNyZXQ=", "dXNlcjpiYXNpYy1zZWNyZXQ="),
        ("postgresql://curator:pass-7Q2@db/x is away", "pass-7Q2"),
        ("https://cdn.example/x?X-Amz-Signature=0123456789abcdef&y", "0123456789abcdef"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("api_org_" + "aB3" * 12, "aB3" * 12),
    ],
)
def test_no_secret_is_left_in_a_text(text: str, secret: str) -> None:
    assert secret not in without_secrets(text)
    assert HIDDEN in without_secrets(text)
    assert secret not in str(CuratorError(text))
    assert secret not in CuratorError(text).sentence


@pytest.mark.parametrize(
    "text",
    [
        "acme-research/tiny-bert",
        "hf-internal-testing/tiny-random-gpt2",
        "hf_transformers_internal_testing_repository",
        "data/hf_0123456789abcdef0123456789abcdef01234567.parquet",
        "The basic understanding of bearer certificates",
        "acme/x@0123456789abcdef0123456789abcdef01234567 is blocked by the rule no-pickles: a.bin imports os.system",
        "https://huggingface.co/acme/tiny-bert/resolve/main/config.json?download=true",
        "huggingface_hub/0.36.0; python/3.12; torch/2.3; file_type/config; from_auto_class/True",
    ],
)
def test_a_text_without_one_stays_as_it_is(text: str) -> None:
    assert without_secrets(text) == text


@given(st.text(), st.text(string.ascii_letters + string.digits, min_size=34, max_size=40), st.text())
def test_a_token_is_found_wherever_it_stands(before: str, letters: str, after: str) -> None:
    token = f"hf_{letters}"
    text = f"{before} {token}{after}"
    if not all(letter in "0123456789abcdef" for letter in letters):
        assert has_token(text)
        assert token not in without_secrets(text)
    assert without_secrets(without_secrets(text)) == without_secrets(text)


@pytest.mark.parametrize("token", [OURS, THEIRS])
def test_a_token_is_no_name_and_nobody_upstream_is_asked_for_it(token: str) -> None:
    for parse in (RepoId.parse, Revision.parse):
        with pytest.raises(BadInput, match="A token stands where a name belongs") as refused:
            parse(token)
        assert token not in str(refused.value)
    for path in (
        f"/{token}/resolve/main/x",
        f"/api/models/{token}",
        f"/api/models/acme/{token}",
        f"/acme/x/resolve/{token}/x",
        f"/api/models/%68f_{token[3:]}",
        f"/v2/acme/{token}/manifests/latest",
    ):
        with pytest.raises(BadInput, match="have this one revoked"):
            read_route(path.encode())
    for query in (f"token={token}", f"search=hf%5f{token[3:]}", f"{token}=1"):
        with pytest.raises(BadInput, match="have this one revoked"):
            read_query({"query_string": query.encode()})


def test_the_record_has_no_secret_in_any_of_its_texts(database: Database) -> None:
    event = AuditEvent(
        action=Action.REFUSE,
        actor="anonymous",
        kind=RepoKind.MODEL,
        repo=f"acme/{OURS}",
        outcome="error",
        revision=OURS,
        path=f"/x?token={OURS}",
        sentence=f"There is no {OURS}",
        job=f"ci {OURS}",
        subject=OURS,
        user_agent=f"curl (Bearer {JWT})",
    )
    with database.write() as session:
        append(session, event)
    with database.read() as session:
        row = session.get_one(AuditRow, event.id).model_dump()
    assert OURS not in str(row)
    assert JWT not in str(row)
    assert row["path"] == f"/x?token={HIDDEN}"


def test_a_line_of_the_log_is_one_line_and_a_traceback_is_told_from_it(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        logs.configure(quiet=False)
        log = logging.getLogger("curator.test")
        forged = "2026-11-26T07:00:00.000Z INFO curator.access all is well"
        log.warning("the Hub says %s", f"no\r\n{forged}\x1b[2J\x1b]8;;https://evil.example\x07\u202e\ud800 {OURS}")
        try:
            int(f"bad\n{forged}\x1b[31m {THEIRS}")
        except ValueError:
            log.exception("a request failed")
        log.error("%s", f"bad\n{THEIRS}", exc_info=ValueError(f"bad\n{forged}\x1b[31m {THEIRS}"))
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    told = capsys.readouterr().err
    assert not [line for line in told.splitlines() if line == forged or line.startswith(forged[:20])]
    assert all(letter.isprintable() or letter == "\n" for letter in told)
    assert OURS not in told
    assert THEIRS not in told
    assert "\\x1b[2J" in told
    assert sys.stderr is not None
