"""An evidence pack proves itself: whatever byte is changed, cut off or added, that is found, and never a traceback."""

from __future__ import annotations

import csv
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from curator.audit.record import Action, AuditEvent, add_rows
from curator.database.engine import Database
from curator.database.sealing import Seal
from curator.errors import BadInput
from curator.evidence import pack
from curator.evidence.contents import row_of_csv
from curator.evidence.subjects import About, Subject
from curator.evidence.verify_pack import Proof, verify_pack
from curator.settings import Settings
from curator.types import RepoKind

TINY = Subject(About.REPOSITORY, RepoKind.MODEL, "acme/tiny")
few = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A pack of a small record."""
    folder = tmp_path_factory.mktemp("pack")
    database = Database(f"sqlite:///{folder}/curator.db")
    database.migrate()
    event: dict[str, Any] = {
        "kind": RepoKind.MODEL,
        "repo": "acme/tiny",
        "outcome": "allow",
        "actor": "=cmd|' /C calc'!A0",
    }
    with database.write_rows() as connection:
        add_rows(connection, [AuditEvent(action=Action.DOWNLOAD, commit="a" * 40, **event) for _ in range(3)])
    begun = pack.begin(database, "ada", subject=TINY)
    notices: list[dict[str, Any]] = [{"id": "1", "title": "told"}]
    made = pack.stream(Settings(data=folder), database, Seal(None, folder / "key"), begun, lambda: notices)
    whole = b"".join(made)
    database.close()
    return whole


def proof_of(content: bytes, folder: Path, keys: frozenset[str] = frozenset()) -> Proof | None:
    """None: it is no pack at all, which is said in a sentence."""
    file = folder / "pack.tar"
    file.write_bytes(content)
    try:
        return verify_pack(file, keys)
    except BadInput as error:
        assert error.sentence
        return None


def test_a_pack_is_whole_and_any_program_opens_it(taken: bytes, tmp_path: Path) -> None:
    proof = proof_of(taken, tmp_path)
    assert proof is not None
    assert proof.right, proof.problems
    assert proof.rows == 4, "three downloads, and that the pack was taken"
    with tarfile.open(fileobj=io.BytesIO(taken)) as opened:
        names = opened.getnames()
        readme = opened.extractfile("README.txt")
        assert readme is not None
        assert proof.key in readme.read().decode()
    assert names[0] == "README.txt"
    assert names[-2:] == ["manifest.json", "SIGNATURE.json"]
    own, other = proof_of(taken, tmp_path, frozenset({proof.key})), proof_of(taken, tmp_path, frozenset({"0" * 64}))
    assert own is not None
    assert own.right
    assert other is not None
    assert not other.right


@few
@given(st.data())
def test_any_changed_bit_is_found(taken: bytes, tmp_path: Path, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(taken) - 1))
    bit = data.draw(st.integers(0, 7))
    altered = bytearray(taken)
    altered[at] ^= 1 << bit
    proof = proof_of(bytes(altered), tmp_path)
    assert proof is None or not proof.right


def test_every_bit_of_the_signature_and_the_headers_counts(taken: bytes, tmp_path: Path) -> None:
    start = taken.rindex(b"SIGNATURE.json")
    for at in range(start, len(taken), 7):
        for bit in (0, 5):
            altered = bytearray(taken)
            altered[at] ^= 1 << bit
            proof = proof_of(bytes(altered), tmp_path)
            assert proof is None or not proof.right, (at - start, bit)


@few
@given(st.data())
def test_what_is_cut_off_or_added_is_found(taken: bytes, tmp_path: Path, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(taken) - 1))
    added = data.draw(st.binary(max_size=600))
    for altered in (taken[:at], taken[:at] + added + taken[at:] if added else taken[:at], taken + b"\0"):
        proof = proof_of(altered, tmp_path)
        assert proof is None or not proof.right


@few
@given(st.binary(max_size=3_000))
@example(b"")
@example(bytes(1024))
def test_what_is_no_pack_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    assert proof_of(content, tmp_path) is None


@given(st.text())
@example("=1+1")
@example("\t=1+1")
@example(" @sum(a1)")
def test_no_cell_is_a_formula_and_none_is_lost(text: str) -> None:
    (row,) = csv.reader(io.StringIO(row_of_csv([text, 7]).decode("utf-8", "surrogatepass"), newline=""))
    told, number = row
    assert number == "7"
    assert not told.lstrip().startswith(("=", "+", "-", "@"))
    assert told.removeprefix("'") == text.replace("\0", "") or told == text.replace("\0", "")
