"""From the record to words, whatever stands in it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from curator.audit.record import Action
from curator.audit.tables import AuditRow
from curator.notify.choices import defaults
from curator.notify.delivering import body_of
from curator.notify.drafts import Asker, Known, User, line
from curator.notify.events import TOLD, notices_of, was_allowed
from curator.notify.kinds import SUBJECT_OF, SUBJECTS, NoticeType, Way
from curator.notify.tables import NoticeRow
from curator.people.roles import MAY, Permission, Role

NOW = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
TEXT = some.text(max_size=60)


def row(action: str, **fields: Any) -> AuditRow:
    given: dict[str, Any] = {
        "id": "1",
        "seq": 1,
        "at": NOW,
        "actor": "curator",
        "kind": "model",
        "repo": "acme/tiny",
        "commit": "1" * 40,
        "outcome": "hold",
    }
    return AuditRow(action=action, **(given | fields))


@given(
    some.sampled_from([*Action]),
    some.sampled_from(
        [
            "hold",
            "block",
            "allow",
            "bad",
            "good",
            "in-force",
            "approve",
            "approve-in-part",
            "withdraw",
            "expire",
            "overtake",
            "lapse",
            "failing",
            "disabled",
            "",
        ]
    ),
    TEXT,
    TEXT,
    some.none() | TEXT,
    some.none() | TEXT,
    some.none() | TEXT,
)
def test_whatever_the_record_says_a_notice_has_a_title_of_one_line_and_a_document_that_is_json(
    action: Action,
    outcome: str,
    repo: str,
    actor: str,
    sentence: str | None,
    subject: str | None,
    rules: str | None,
) -> None:
    event = row(action.value, outcome=outcome, repo=repo, actor=actor, sentence=sentence, subject=subject, rules=rules)
    users = (User("risk", repo, actor, NOW, repo), User("", "", actor))
    drafts = notices_of(
        event, Known(users=users, people=("dora",), askers=(Asker("dora", "r1", "risk"),), mailboxes=("risk",))
    )
    assert not drafts or event.action in TOLD, "what is passed over unseen has no notice"
    for draft in drafts:
        assert draft.title
        assert draft.title.isprintable()
        assert len(draft.title) <= 140
        assert all(one.isprintable() for one in draft.lines)
        assert draft.path.startswith("/-/")
        document = draft.document("n1", "https://curator.bank.example")
        assert json.loads(json.dumps(document))["type"] == draft.type.value


@given(TEXT)
def test_a_line_is_one_line(text: str) -> None:
    assert line(text).isprintable()
    assert "\n" not in line(text)
    assert len(line(text, 10)) <= 10


@given(TEXT, TEXT)
def test_a_chat_is_never_told_a_mention_or_a_link_of_somebody_else(title: str, body: str) -> None:
    notice = NoticeRow(
        id="n1",
        type="model.held",
        at=NOW,
        audience="all",
        last_at=NOW,
        document=json.dumps({"link": "https://curator.bank.example/-/"}),
        title=f"<!here> {title}",
        body=f"[x](y) <@U1> {body}",
        path="/-/",
    )
    text = json.loads(body_of(notice, "text"))["text"]
    assert "<" not in text
    assert "](" not in text


@pytest.mark.parametrize(
    ("action", "outcome", "sentence", "types"),
    [
        ("decide", "hold", "x", [NoticeType.HELD]),
        ("decide", "block", "x", [NoticeType.BLOCKED]),
        ("decide", "allow", "x", []),
        ("change", "allow", "held: x until now (decision 1); now allowed", [NoticeType.RELEASED]),
        ("change", "allow", "allowed until now (decision 1); now allowed, without a", []),
        ("change", "block", "allowed until now (decision 1); now blocked: x", [NoticeType.REVERSED]),
        ("change", "block", "held: allowed once until now (decision 1); now blocked: x", [NoticeType.BLOCKED]),
        ("incident", "block", "stolen", [NoticeType.REVERSED]),
        ("download", "allow", None, []),
        ("refuse", "block", "x", []),
        ("rules", "in-force", "x", [NoticeType.RULES]),
        ("scanners", "in-force", "x", [NoticeType.SCANNERS]),
        ("request", "ask", "x", [NoticeType.ASKED]),
        ("request", "withdraw", "x", [NoticeType.OVER]),
        ("request", "expire", "x", [NoticeType.OVER]),
        ("request", "overtake", "x", [NoticeType.OVER]),
        ("answer", "approve", "x", [NoticeType.DECIDED]),
        ("waiver-ending", "waiver", "x", [NoticeType.ENDING, NoticeType.RUNS_OUT]),
        ("notify", "made", "x", []),
        ("notify", "failing", "x", [NoticeType.WEBHOOK_FAILING]),
    ],
)
def test_each_event_is_the_notice_that_people_expect(
    action: str, outcome: str, sentence: str | None, types: list[NoticeType]
) -> None:
    event = row(action, outcome=outcome, sentence=sentence, subject="s1")
    assert [draft.type for draft in notices_of(event, Known(people=("dora",), askers=(Asker("dora", "r1"),)))] == types


def test_a_change_of_what_was_held_is_told_from_one_of_what_was_allowed() -> None:
    assert was_allowed(row("change", sentence="allowed, without model.bin until now (decision 1); now held: x"))
    assert not was_allowed(row("change", sentence="held: allowed by nobody until now (decision 1); now allowed"))
    assert not was_allowed(row("change"))


def test_every_type_belongs_to_one_subject_or_is_sent_on_demand() -> None:
    assert set(NoticeType) - set(SUBJECT_OF) == {NoticeType.TEST, NoticeType.DIGEST}
    assert sum(len(subject.types) for subject in SUBJECTS) == len(SUBJECT_OF)


@pytest.mark.parametrize("role", [role for role in Role if Permission.OWN_ACCOUNT in MAY[role]])
def test_nobody_is_told_by_default_of_what_his_role_may_not_see(role: Role) -> None:
    chosen = defaults(role)
    assert all(
        subject.permission in MAY[role] for subject in SUBJECTS if chosen.ways.get(subject.key, Way.OFF) is not Way.OFF
    )
    assert chosen.ways["reversed"] in {Way.NOW, Way.DIGEST}


@pytest.mark.parametrize(
    ("outcome", "sentence", "said"),
    [
        ("approve", "acme/tiny: held before, allowed now, for everybody: read by hand", "the same command works now"),
        ("approve-in-part", "acme/tiny: held before, blocked now, for everybody: read", "is approved in part"),
        ("reject", "acme/tiny stays as it is: too few downloads", "is rejected"),
        ("block", "acme/tiny: held before, blocked now, for everybody: advisory 7", "is blocked for everybody"),
        ("ask", "rita asks back about acme/tiny: for which project?", "has a question back"),
        ("second", "rita approves acme/tiny; size wants 2 people", "waits for another reviewer"),
    ],
)
def test_who_asked_is_told_each_answer_with_its_reason_in_plain_words(outcome: str, sentence: str, said: str) -> None:
    event = row("answer", outcome=outcome, actor="rita", sentence=sentence, subject="r1")
    (draft,) = notices_of(event, Known(askers=(Asker("dora", "r1"),)))
    assert draft.audience == "person:dora"
    assert said in draft.title
    assert sentence in draft.lines[0]
    assert draft.lines[0].count("rita") == 1, "who answers is named once"
    assert draft.path == "/-/requests/r1"


def test_a_second_reviewer_who_does_not_agree_leaves_the_request_open_and_says_so() -> None:
    event = row("answer", outcome="reject", actor="rob", sentence="rob does not agree to it: no", subject="item1")
    (draft,) = notices_of(event, Known(askers=(Asker("dora", "r1"),)))
    assert "waits for a reviewer again" in draft.title
    assert draft.path == "/-/requests/r1"


def test_reviewers_are_led_to_the_line_where_they_answer() -> None:
    (draft,) = notices_of(row("request", outcome="ask", actor="dora", subject="r1"), Known(item="item1"))
    assert draft.path == "/-/review/item1"
    assert notices_of(row("request", outcome="withdraw", actor="dora", subject="r1"), Known()) == ()


def test_an_incident_is_told_when_it_begins_and_ends_and_not_at_each_step_of_a_team() -> None:
    fields: dict[str, Any] = {"kind": "", "repo": "", "commit": None, "blob": "sha256:" + "a" * 64, "subject": "i1"}
    known = Known(users=(User("risk", "scores", "build-7"), User("trading", "desk", "laptop-3")))
    told = notices_of(row("incident", outcome="block", sentence="it is withdrawn: x", **fields), known)
    assert [one.audience for one in told] == ["overseers", "team:risk", "team:trading"]
    assert {one.type for one in told} == {NoticeType.REVERSED}
    assert {one.path for one in told} == {"/-/incidents/i1"}
    assert "laptop-3" not in json.dumps(told[1].document("n", "u"))
    assert [one.type for one in notices_of(row("incident", outcome="lift", **fields), known)] == [
        NoticeType.RELEASED
    ] * 3
    for step in ("acknowledge", "clean"):
        assert notices_of(row("incident", outcome=step, **fields), known) == ()
    change = row("change", outcome="block", sentence="allowed until now; now withdrawn")
    assert notices_of(change, Known(of_incident=True)) == (), "everybody was told with the incident"
