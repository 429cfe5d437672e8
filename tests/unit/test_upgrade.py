"""A database of version 0.1, with what it has decided, is taken along: and back again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from curator.admission import decisions, snapshots
from curator.admission.explain import explain_ruling
from curator.admission.explained import explanation_text
from curator.database.engine import Database
from curator.policy import rule_sets
from curator.settings import Settings
from rules.circumstances import EVERYBODY
from rules.evaluate import Outcome
from rules.model import starter_policy

OLD = "0006_branch_sessions"
AT = "2026-09-01 00:00:00.000000"
SOURCE = """schema: curator.rules/1
name: of-old
rules:
  - id: unsafe-file-left-out
    description: An unsafe file is left out where the others are enough.
    when: {file_verdict: [unsafe], usable_without_unsafe: true}
    outcome: exclude-file
    message: "{file} is unsafe: {finding}"
  - id: few-downloads
    description: Somebody is to look at what hardly anybody uses.
    when: {downloads_below: 5}
    outcome: hold
    message: "{repository} has hardly any downloads"
"""
FINDING = {
    "rule": "PKL001",
    "severity": "critical",
    "message": "Loading this file runs os.system.",
    "engine": "curator",
    "where": "opcode 3",
    "fingerprint": "f" * 64,
}


def facts(downloads: int) -> dict[str, Any]:
    """As version 0.1 wrote them."""
    return {
        "repository": "acme/tiny",
        "kind": "model",
        "namespace": "acme",
        "name": "tiny",
        "commit": "1" * 40,
        "observed_at": "2026-09-01T00:00:00Z",
        "publisher_known": False,
        "lookalike": {"of": "", "score": 0.0, "why": ""},
        "license": {"declared": ["mit"], "expression": "MIT", "category": "permissive"},
        "files": [
            {
                "path": "model.safetensors",
                "size": 10,
                "format": "safetensors",
                "verdict": "safe",
                "role": "weights",
                "findings": [],
                "unscannable": "",
            },
            {
                "path": "model.pkl",
                "size": 20,
                "format": "pickle",
                "verdict": "unsafe",
                "role": "weights",
                "findings": [FINDING],
                "unscannable": "",
            },
        ],
        "downloads": downloads,
        "likes": 0,
        "created_at": "2026-01-01T00:00:00Z",
        "last_modified": None,
        "gated": False,
        "private": False,
        "tags": [],
        "library": "",
        "pipeline_tag": "",
        "base_models": [],
        "code_from": [],
    }


def left_out(digest: str) -> dict[str, Any]:
    reason = {
        "rule": "unsafe-file-left-out",
        "outcome": "exclude-file",
        "message": "model.pkl is unsafe: Loading this file runs os.system.",
        "files": ["model.pkl"],
        "fingerprints": ["f" * 64],
    }
    return {"outcome": "allow", "reasons": [reason], "excluded_files": {"model.pkl": reason}, "policy_digest": digest}


def held(digest: str) -> dict[str, Any]:
    said = {"rule": "few-downloads", "outcome": "hold", "message": "acme/tiny has hardly any downloads"}
    reason: dict[str, Any] = said | {"files": [], "fingerprints": []}
    return {"outcome": "hold", "reasons": [reason], "excluded_files": {}, "policy_digest": digest}


@pytest.fixture
def old(blank_url: str) -> Iterator[Database]:
    """A database as version 0.1 left it: two decisions of two commits, a token, and the record of a download."""
    database = Database(blank_url)
    database.migrate(to=OLD)
    digest = "d" * 64
    with database.write() as session:
        connection = session.connection()
        # SQLite keeps no zone, and PostgreSQL would take that of the session: the program has always written UTC.
        at = AT if connection.dialect.name == "sqlite" else f"{AT}+00"

        def put(table: str, **values: Any) -> None:
            names = ", ".join(f'"{name}"' for name in values)
            marks = ", ".join(f":{name}" for name in values)
            connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)

        put("rule_sets", digest=digest, name="of-old", source=SOURCE, first_used_at=at)
        for number, downloads, decision in ((1, 7, left_out(digest)), (2, 1, held(digest))):
            info = json.dumps({"id": "acme/tiny"})
            put(
                "snapshots",
                id=number,
                kind="model",
                repo="acme/tiny",
                sha=str(number) * 40,
                info=info,
                seen_at=at,
                listed_at=at,
            )
            put("admissions", snapshot_id=number, rule_set=digest, scanner="2", asked_at=at, open=False)
            put(
                "decisions",
                id=f"{number:032x}",
                snapshot_id=number,
                rule_set=digest,
                scanner="2",
                outcome=decision["outcome"],
                decision=json.dumps(decision),
                facts=json.dumps(facts(downloads)),
                at=at,
            )
        put("tokens", id="t", digest="x", name="alice", role="reader", created_at=at)
        put(
            "audit",
            id="a",
            at=at,
            action="download",
            actor="alice",
            kind="model",
            repo="acme/tiny",
            commit="1" * 40,
            outcome="allow",
            decision=f"{1:032x}",
        )
    yield database
    database.close()


def explained(database: Database, number: int) -> tuple[dict[str, Any], str]:
    with database.read() as session:
        found = decisions.find(session, f"{number:032x}")
        assert found is not None
        ruling, known = found
        commit = snapshots.get(session, ruling.snapshot_id).commit
        document = explain_ruling(session, Settings(), commit, ruling, known)
    return document, explanation_text(document)


def test_every_decision_of_the_version_before_is_kept_and_explained(old: Database) -> None:
    old.migrate()
    document, said = explained(old, 1)
    assert document["outcome"] == "allow"
    assert document["decided_at"].startswith("2026-09-01T00:00:00")
    assert list(document["excluded_files"]) == ["model.pkl"]
    assert "Loading this file runs os.system" in said
    document, said = explained(old, 2)
    assert document["outcome"] == "hold"
    assert "HELD FOR REVIEW by the rule few-downloads" in said
    assert "acme/tiny has hardly any downloads" in said
    with old.read() as session:
        ruling = decisions.before(session, 1, EVERYBODY, "d" * 64)
        assert ruling is not None
        assert ruling.outcome is Outcome.ALLOW
        assert rule_sets.source_of(session, "d" * 64) == SOURCE


def test_the_rules_of_the_version_before_can_be_compared_with_those_of_now(old: Database) -> None:
    old.migrate()
    policy = starter_policy()
    with old.write() as session:
        rule_sets.publish(session, policy, author="curator", reason="a test", origin=rule_sets.STARTER)
        differs = rule_sets.difference(session, "d" * 64, policy.digest)
    assert "few-downloads" in differs.removed
    assert "-name: of-old" in differs.text


def test_one_may_go_back_to_the_version_before_with_all_decisions(old: Database) -> None:
    before = _decisions(old, "facts")
    old.migrate()
    config = Config()
    config.set_main_option("script_location", str(Path(decisions.__file__).parents[1] / "database" / "migrations"))
    with old.engine.connect().execution_options(curator_writes=True) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, OLD)
        connection.commit()
    assert _decisions(old, "facts") == before
    old.migrate()
    assert explained(old, 1)[0]["outcome"] == "allow"


def _decisions(database: Database, column: str) -> list[Any]:
    with database.read() as session:
        query = text(
            f"SELECT id, snapshot_id, rule_set, scanner, outcome, decision, {column} FROM decisions ORDER BY id"
        )
        return list(session.connection().execute(query).all())
