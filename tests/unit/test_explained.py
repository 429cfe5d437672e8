"""An explanation reads well: to a developer who was refused, and to a lawyer who is asked.

The texts stand in `tests/unit/explanations`; `CURATOR_RECORD_TEXTS=1` writes them anew, for somebody to read.
"""

from __future__ import annotations

import datetime as dt
import os
import shlex
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from curator.admission import decisions, snapshots
from curator.admission.explain import explain_ruling
from curator.admission.explained import explanation_text
from curator.admission.explained.page import Tone
from curator.admission.tables import DecisionRow
from curator.admission.words import names_of
from curator.database.engine import Database
from curator.policy import rule_sets
from curator.settings import Settings
from curator.types import Commit, RepoId, Revision
from curator.upstream.listing import Description
from rules.evaluate import Decision, Outcome, Reason, Standing, evaluate
from rules.facts import Facts
from rules.model import Effect, parse_policy
from tests.unit.explanations.cases import EXCLUDED_FILE, LICENCE_CONFLICT, LOOK_ALIKE, NOW, RULES

TEXTS = Path(__file__).parent / "explanations"
SETTINGS = Settings(contact="models@acme.example", public_url="https://models.acme.example")
POLICY = parse_policy(RULES, "rules.yaml")


def explained(database: Database, facts: Facts, decision: Decision | None = None) -> dict[str, Any]:
    """The explanation of the decision that the rules make of these facts, with the ids of a test."""
    commit = Commit(RepoId.parse(facts.repository), facts.commit)
    with database.write() as session:
        rule_sets.keep(session, POLICY)
        snapshot = snapshots.remember(session, commit.repo, Revision("main"), Description(commit, {}))
        made = decision or evaluate(POLICY, facts)
        ruling = decisions.keep(session, snapshot.id, made, facts, made.until)
    with database.read() as session:
        document = explain_ruling(session, SETTINGS, commit, ruling, facts)
    text_id = "01a1f0c2d4e6f8a0b2c4d6e8f0a1b2c3"
    document["details"] = document["details"].replace(ruling.id, text_id)
    return document | {"decision": text_id}


@pytest.mark.parametrize(
    ("name", "facts", "outcome"),
    [
        ("look-alike", LOOK_ALIKE, "block"),
        ("licence-conflict", LICENCE_CONFLICT, "hold"),
        ("excluded-file", EXCLUDED_FILE, "allow"),
    ],
)
@pytest.mark.parametrize("width", [100, 60])
def test_a_decision_reads_as_it_did(database: Database, name: str, facts: Facts, outcome: str, width: int) -> None:
    document = explained(database, facts)
    assert document["outcome"] == outcome
    text = explanation_text(document, width)
    kept = TEXTS / f"{name}-{width}.txt"
    if os.environ.get("CURATOR_RECORD_TEXTS"):
        kept.write_text(text)
    assert text == kept.read_text(), f"see whether it reads as well, then record it: {kept.name}"
    words = [line for line in text.split("\n") if len(line) > width and " " in line.strip(" \\")]
    assert words == [], "only a word that is longer than the line may stand out"


def test_the_answer_comes_first_with_the_rule_the_sentence_and_whom_to_ask(database: Database) -> None:
    document = explained(database, LOOK_ALIKE)
    head = " ".join(explanation_text(document).partition("\nWhy\n")[0].split())
    assert "BLOCKED by the rule look-alike" in head
    assert LOOK_ALIKE.lookalike.why in head
    assert "An exception is for model-security to decide: ask models@acme.example" in head
    assert document["decision"] in head


def test_what_is_allowed_with_a_warning_says_so_first_and_once(database: Database) -> None:
    reasons = (Reason("lineage-terms", Effect.WARN, "a Llama under MIT"),)
    text = explanation_text(explained(database, LOOK_ALIKE, Decision(Outcome.ALLOW, reasons, {}, POLICY.digest)))
    assert "ALLOWED with 1 warning\n\n  warning: A Llama under MIT." in text
    assert "No rule has anything against it" not in text
    assert text.count("Llama under MIT") == 1


def changed(how: str, kind: str, *about: str, outcome: str = "allow", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "how": how, "outcome": outcome, "excluded_files": [], "about": list(about), "at": None} | more


def test_what_would_change_it_is_told_by_what_comes_of_it(database: Database) -> None:
    changes = [
        changed("leaving out a.bin", "files"),
        changed("in 12 days", "time", at="2026-12-08T02:00:00+00:00"),
        changed("the licence mit", "fact", outcome="hold", excluded_files=["b.bin"]),
    ]
    text = explanation_text(explained(database, LOOK_ALIKE) | {"changes": changes})
    assert "It would be allowed:\n    - by leaving out a.bin\n    - without anybody's doing, on 2026-12-08" in text
    assert "It would be held for review, without b.bin:\n    - with the licence mit\n" in text


def test_what_a_reviewer_can_do_comes_with_its_command(database: Database) -> None:
    changes = [
        changed("a waiver of what look-alike says", "waiver", "look-alike"),
        changed("an approval of the repository", "approval", "repository"),
        changed("an approval of this commit", "approval", "commit"),
        changed("taking it off the list of what is blocked (e1)", "list", "e1"),
    ]
    document = explained(database, LOOK_ALIKE) | {"changes": changes, "audience": {"team": "trading", "project": ""}}
    text = explanation_text(document, 200)
    at = f"{document['repository']}@{document['commit']}"
    assert f'\n        curator waive {at} --team=trading --until=90d --reason="..."\n' in text
    assert f'\n        curator approve {document["repository"]} --team=trading --reason="..."\n' in text
    assert f'\n        curator approve {at} --team=trading --reason="..."\n' in text
    assert "\n        curator lists end e1\n" in text


def test_a_command_on_several_lines_can_be_copied(database: Database) -> None:
    changes = [changed("a waiver of what look-alike says", "waiver", "look-alike")]
    document = explained(database, LOOK_ALIKE) | {"changes": changes}
    text = explanation_text(document, 60)
    command = text.partition("curator waive ")[2].partition("\n\n")[0]
    assert shlex.split(command.replace("\\\n", "")) == [
        f"{document['repository']}@{document['commit']}",
        "--until=90d",
        "--reason=...",
    ]


def test_a_waiver_that_will_be_over_is_named(database: Database) -> None:
    document = explained(database, LOOK_ALIKE)
    waiver = {"id": "w1", "kind": "waiver", "by": "anna", "reason": "", "expires_at": "2027-01-01T00:00:00Z"}
    change = changed("in 36 days", "time", outcome="block", at="2027-01-01T00:00:00+00:00")
    text = explanation_text(document | {"named": {"w1": waiver}, "changes": [change]})
    assert "- when this is over: waiver w1 by anna, until 2027-01-01 (in 36 days)" in " ".join(text.split())


def test_whose_word_a_decision_rests_on_is_named_with_reason_and_end(database: Database) -> None:
    reasons = (
        Reason("look-alike", Effect.BLOCK, "it looks like another", standing=Standing.WAIVED, by=("w1", "w2")),
        Reason("approved-list", Effect.ALLOW, "it is approved for everybody", by=("l1",)),
        Reason("tried", Effect.HOLD, "it is young", standing=Standing.DRY_RUN),
    )
    document = explained(database, LOOK_ALIKE, Decision(Outcome.ALLOW, reasons, {}, POLICY.digest))
    document["named"] = {
        "w1": {
            "id": "w1",
            "kind": "waiver",
            "by": "anna",
            "reason": "it is ours",
            "expires_at": "2027-01-01T00:00:00Z",
        },
        "l1": {"id": "l1", "kind": "approve", "by": "ben", "reason": "the team needs it", "expires_at": None},
    }
    text = " ".join(explanation_text(document).split())
    assert "ALLOWED" in text
    assert "waived look-alike: It looks like another. It would block it; waiver w1 by anna (it is ours)," in text
    assert "until 2027-01-01; entry w2" in text
    assert "approved approved-list: It is approved for everybody. Approval l1 by ben (the team needs it)." in text
    assert "tried tried: It is young. It would hold it, and is not enforced." in text


def test_a_decision_that_is_no_longer_in_force_says_which_is(database: Database) -> None:
    assert explained(database, LOOK_ALIKE)["superseded_by"] is None
    with database.write() as session:
        second = decisions.keep(session, 1, evaluate(POLICY, LOOK_ALIKE), LOOK_ALIKE, None)
    with database.read() as session:
        commit = snapshots.get(session, 1).commit
        first_id = session.exec(select(DecisionRow.id).order_by(col(DecisionRow.id))).first()
        found = decisions.find(session, first_id or "")
        assert found is not None
        document = explain_ruling(session, SETTINGS, commit, *found)
    assert document["superseded_by"] == second.id
    text = " ".join(explanation_text(document).split())
    assert f"It is no longer in force: decision {second.id} has taken its place." in text


def test_nothing_in_it_moves_a_terminal(database: Database) -> None:
    hostile = "card \x1b[2J\u202e said"
    facts = LOOK_ALIKE.model_copy(update={"copied": LOOK_ALIKE.copied.model_copy(update={"why": hostile})})
    text = explanation_text(explained(database, facts))
    assert all(letter.isprintable() or letter == "\n" for letter in text)


def test_colours_are_only_around_words_and_only_where_asked(database: Database) -> None:
    document = explained(database, LOOK_ALIKE)

    def marked(text: str, tone: Tone) -> str:
        return f"<{tone.value}>{text}</>"

    shown = explanation_text(document, 100, marked)
    assert "<bad>BLOCKED</> by the rule look-alike" in shown
    assert "<head>Why</>" in shown
    for tone in Tone:
        shown = shown.replace(f"<{tone.value}>", "")
    assert shown.replace("</>", "") == explanation_text(document, 100)


def test_nobody_is_named_where_nobody_said_anything(database: Database) -> None:
    with database.read() as session:
        assert names_of(session, ()) == {}
        assert names_of(session, {"nobody"}) == {}
    assert dt.datetime.fromisoformat(NOW).tzinfo is not None


def test_what_stands_below_unless_is_not_told_as_if_it_spoke_for_the_rule(database: Database) -> None:
    document = explained(database, LOOK_ALIKE)
    (rule,) = [one for one in document["rules"] if one["rule"] == "look-alike"]
    rule["asked"] = [{"condition": "unless: publisher_known", "wanted": "true", "said": False, "held": False}]
    assert "    unless publisher_known: true (it is false): not the case\n" in explanation_text(document)
