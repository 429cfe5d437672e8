"""What turned bad after it was served: what is withdrawn, who is hit, what was made from it, and back again."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pytest
from sqlmodel import select

from curator.admission import decisions, descent, snapshots
from curator.admission.judge import circumstances_of
from curator.admission.snapshots import Snapshot
from curator.admission.tables import DescentFillRow, DescentRow
from curator.admission.withdrawn import withdrawal
from curator.audit.record import Action, AuditEvent, add_rows
from curator.audit.tables import AuditRow
from curator.database.engine import Database, now
from curator.errors import BadInput
from curator.evidence import blast, incidents
from curator.evidence.affected import Had, affected
from curator.evidence.incident import Incident
from curator.evidence.incidents import NoSuchIncident, NotNow
from curator.evidence.subjects import commits_of, read
from curator.people.caller import Caller
from curator.people.roles import Role
from curator.policy import lists, rule_sets, waivers
from curator.policy.word import BadWord
from curator.review import listing
from curator.types import BlobId, Commit, RepoFile, RepoId, RepoKind, Revision
from curator.upstream.listing import Description
from curator.web.incidents import whole
from rules.circumstances import EVERYBODY, Scope
from rules.evaluate import Decision, Outcome, evaluate
from rules.facts import Facts, FileFacts, HopFacts, LineageFacts, Verdict
from rules.facts import Role as FileRole
from rules.model import starter_policy

A, B = "a" * 40, "b" * 40
WEIGHTS = "sha256:" + "1" * 64
DORA = Caller("dora", Role.DEVELOPER, team="trading")
SUE = Caller("sue", Role.SECURITY)


@dataclass
class House:
    database: Database
    rule_set: str

    def allowed(self, repo: str, sha: str = A, *, blob: str = WEIGHTS, made_from: tuple[str, ...] = ()) -> Snapshot:
        """A commit that everybody may have, with weights, and what it was made from (the nearest first)."""
        name = RepoId.parse(repo, RepoKind.MODEL)
        chain = (repo, *made_from)
        hops = tuple(
            HopFacts(child=chain[at], parent=parent, relation="finetune", depth=at + 1)
            for at, parent in enumerate(made_from)
        )
        weights = FileFacts(
            path="model.safetensors",
            size=9,
            blob=blob,
            format="safetensors",
            verdict=Verdict.SAFE,
            role=FileRole.WEIGHTS,
        )
        facts = Facts(
            repository=repo,
            namespace=name.namespace or "",
            name=name.name,
            kind="model",
            commit=sha,
            observed_at=now(),
            files=(weights,),
            lineage=LineageFacts(hops=hops),
        )
        decision = Decision(Outcome.ALLOW, (), {}, self.rule_set)
        with self.database.write() as session:
            snapshot = snapshots.remember(session, name, Revision("main"), Description(Commit(name, sha), {}))
            file = RepoFile("model.safetensors", 9, BlobId.parse(blob), "0" * 40)
            snapshots.save_listing(session, snapshot.id, [file])
            decisions.keep(session, snapshot.id, decision, facts, None)
        return snapshot

    def pulled(self, repo: str, sha: str = A, **who: Any) -> None:
        self.happened(Action.DOWNLOAD, "allow", repo, sha, blob=WEIGHTS, size=9, **who)

    def happened(self, action: Action, outcome: str, repo: str, sha: str, **more: Any) -> None:
        named = {"actor": "dora", "team": "trading", "address": "10.0.0.1", "user_agent": "hf_hub/2.4.0"} | more
        event = AuditEvent(action=action, kind=RepoKind.MODEL, repo=repo, commit=sha, outcome=outcome, **named)
        with self.database.write_rows() as connection:
            add_rows(connection, [event])

    def opens(self, text: str) -> Incident:
        with self.database.read() as session:
            subject = read(session, text)
        return incidents.open_incident(self.database, subject, "stolen", "sue", self.rule_set).incident

    def holds(self, snapshot: Snapshot) -> bool:
        with self.database.read() as session:
            return decisions.current(session, snapshot.id, self.rule_set) is not None

    def outcome(self, snapshot: Snapshot) -> Outcome:
        """Under the starter's rules as they stand now, with what people have said."""
        with self.database.read() as session:
            row = decisions.newest_facts(session, [snapshot.id])[snapshot.id]
            facts = Facts.model_validate_json(row.facts).model_copy(update={"observed_at": now()})
            return evaluate(starter_policy(), facts, circumstances_of(session, EVERYBODY)).outcome


@pytest.fixture
def house(database: Database) -> House:
    policy = starter_policy()
    with database.write() as session:
        rule_sets.keep(session, policy)
    return House(database, policy.digest)


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("acme/tiny", {"acme/tiny"}),
        (f"acme/tiny@{A}", {"acme/tiny"}),
        ("acme/*", {"acme/tiny", "acme/other"}),
        (WEIGHTS, {"acme/tiny", "zoo/copy"}),
        ("1" * 64, {"acme/tiny", "zoo/copy"}),
    ],
)
def test_from_the_moment_on_no_decision_allows_it_and_no_other_is_touched(
    house: House, text: str, hit: set[str]
) -> None:
    known = {
        "acme/tiny": house.allowed("acme/tiny"),
        "acme/other": house.allowed("acme/other", blob="sha256:" + "2" * 64),
        "zoo/copy": house.allowed("zoo/copy"),
        "zoo/cat": house.allowed("zoo/cat", blob="sha256:" + "3" * 64),
    }
    before = {repo: house.outcome(snapshot) for repo, snapshot in known.items()}
    incident = house.opens(text)
    assert {repo for repo, snapshot in known.items() if not house.holds(snapshot)} == hit
    assert {repo for repo, one in known.items() if house.outcome(one) is Outcome.BLOCK} == hit
    incidents.lift(house.database, incident.id, "it was wrong", "sue", house.rule_set)
    assert {repo: house.outcome(snapshot) for repo, snapshot in known.items()} == before


def test_bytes_that_come_back_in_another_commit_are_blocked_there_too(house: House) -> None:
    house.allowed("acme/tiny")
    house.opens(WEIGHTS)
    assert house.outcome(house.allowed("zoo/late", B)) is Outcome.BLOCK


def test_clients_are_told_of_any_withdrawn_commit_of_a_branch_and_of_a_commit_only_of_itself(house: House) -> None:
    house.allowed("acme/tiny", A)
    house.allowed("acme/tiny", B, blob="sha256:" + "2" * 64)
    house.allowed("zoo/cat", blob="sha256:" + "3" * 64)
    tiny, cat = RepoId.parse("acme/tiny", RepoKind.MODEL), RepoId.parse("zoo/cat", RepoKind.MODEL)

    def told(repo: RepoId, sha: str | None, *, of_branch: bool) -> bool | None:
        with house.database.read() as session:
            found = withdrawal(session, repo, Commit(repo, sha) if sha else None, of_branch=of_branch)
        return None if found is None else found.another

    for text in (f"acme/tiny@{A}", WEIGHTS):
        incident = house.opens(text)
        assert told(tiny, A, of_branch=False) is False
        assert told(tiny, B, of_branch=False) is None
        assert told(tiny, B, of_branch=True) is True
        assert told(cat, A, of_branch=True) is None
        incidents.lift(house.database, incident.id, "it was wrong", "sue", house.rule_set)
        assert told(tiny, A, of_branch=True) is None
    house.opens("acme/tiny")
    assert told(tiny, None, of_branch=True) is False


def test_everybody_who_was_given_it_is_found_page_by_page(house: House) -> None:
    house.allowed("acme/tiny")
    house.allowed("acme/other", blob="sha256:" + "2" * 64)
    for number in range(9):
        team = ("trading", "research", "")[number % 3]
        house.pulled("acme/tiny", actor=f"p{number}", team=team, address=f"10.0.0.{number % 4}", job=f"run {number}")
    house.happened(Action.DOWNLOAD, "allow", "acme/other", A, actor="x", blob="sha256:" + "2" * 64)
    incident = house.opens("acme/tiny")
    with house.database.read() as session:
        for text, people in (("acme/tiny", 9), (f"acme/tiny@{A}", 9), ("acme/*", 10), (WEIGHTS, 9), ("zoo/cat", 0)):
            subject = read(session, text)
            hit = blast.hit(session, subject)
            assert (hit.people, sum(team.people for team in hit.teams)) == (people, people), text
            paged: list[Any] = []
            while page := blast.users(session, subject, blast.cursor(subject, paged[-1]) if paged else None, 4):
                paged += page
            assert len({use.id for use in paged}) == len(paged) == people
        hit = blast.hit(session, incident.subject)
        assert (hit.hosts, hit.files, hit.bytes) == (4, 9, 81)
        assert {team.team: team.people for team in hit.teams} == {"": 3, "trading": 3, "research": 3}
        own = blast.users(session, incident.subject, team="trading")
        assert {use.team for use in own} == {"trading"}
        assert hit.only("trading").people == 3
    assert incident.hit_then["people"] == 9
    with house.database.read() as session, pytest.raises(BadInput, match="'after'"):
        blast.users(session, incident.subject, "nonsense")


def test_who_asks_again_is_seen_and_who_asked_before_is_not(house: House) -> None:
    house.allowed("acme/tiny")
    long_ago = now() - dt.timedelta(days=2)
    house.happened(Action.REFUSE, "hold", "acme/tiny", A, actor="early", at=long_ago)
    incident = house.opens(WEIGHTS)
    for number in range(3):
        house.happened(
            Action.REFUSE, "block", "acme/tiny", A, actor="dora", address=f"10.0.0.{number}", team=f"t{number}"
        )
    house.opens("zoo/*")  # It takes what is new of the record.
    with house.database.read() as session:
        again = blast.again(session, incident.subject, incident.opened_at)
        assert (again.people, again.hosts) == (3, 3)
        assert blast.again(session, incident.subject, incident.opened_at, team="t1").people == 1


def test_what_was_made_from_it_is_found_at_any_distance_and_after_an_update(house: House) -> None:
    house.allowed("acme/base")
    house.allowed("acme/child", made_from=("Acme/Base",), blob="sha256:" + "2" * 64)
    house.allowed("zoo/grandchild", made_from=("acme/child", "acme/base"), blob="sha256:" + "3" * 64)
    house.allowed("zoo/other", made_from=("acme/child",), blob="sha256:" + "4" * 64)
    house.pulled("zoo/grandchild", actor="ray")

    def made(text: str) -> list[tuple[str, int, bool, int]]:
        with house.database.read() as session:
            found = blast.relatives(session, read(session, text))
            assert blast.hit(session, read(session, text)).descendants == len(found)
            return [(one.descendant.repo, one.descendant.depth, one.descendant.allowed, one.people) for one in found]

    house.opens("nobody/knows-it")  # It takes what is new of the record.
    wanted = [("acme/child", 1, True, 0), ("zoo/grandchild", 2, True, 1)]
    assert made("acme/base") == wanted
    assert made(WEIGHTS) == wanted
    assert [repo for repo, *_ in made("acme/*")] == ["acme/child", "zoo/grandchild", "zoo/other"]
    # A database of before is filled from the facts that it has.
    with house.database.write() as session:
        for row in session.exec(select(DescentRow)):
            session.delete(row)
        place = session.get_one(DescentFillRow, 1)
        place.done, place.snapshot_id = False, 0
        session.add(place)
    while not descent.fill_some(house.database):
        pass
    assert descent.filled(house.database)
    assert made("acme/base") == wanted
    # What says otherwise later is believed.
    house.allowed("acme/child", made_from=("zoo/cat",), blob="sha256:" + "2" * 64)
    assert [repo for repo, *_ in made("acme/base")] == ["zoo/grandchild"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("acme/tiny", "acme/tiny"),
        ("  https://huggingface.co/acme/tiny/tree/main ", "acme/tiny"),
        (f"https://huggingface.co/acme/tiny/commit/{A}", f"acme/tiny@{A}"),
        (f"https://mirror.bank.example/-/models/acme/tiny?commit={A}", f"acme/tiny@{A}"),
        (A, f"acme/tiny@{A}"),
        ("acme/tiny@aaaaaaa", f"acme/tiny@{A}"),
        ("ACME/TINY", "acme/tiny"),
        ("acme", "everything of acme"),
        ("acme/*", "everything of acme"),
        ("datasets/acme/rows", "the dataset acme/rows"),
        ("1" * 64, f"every file with the content {WEIGHTS}"),
        ("git-sha1:" + "c" * 40, "every file with the content git-sha1:" + "c" * 40),
    ],
)
def test_whatever_is_pasted_is_understood(house: House, text: str, said: str) -> None:
    house.allowed("acme/tiny")
    with house.database.read() as session:
        subject = read(session, text)
        assert subject.said == said
        assert read(session, subject.written, subject.kind) == subject


@pytest.mark.parametrize(
    "text",
    ["", "*", "a/b/c/d", "acme/ti*ny", "acme/tiny@main", "acme/tiny@" + "f" * 7, "f" * 40, "../etc/passwd", "é", "@"],
)
def test_what_is_not_understood_is_said_in_a_sentence(house: House, text: str) -> None:
    house.allowed("acme/tiny")
    with house.database.read() as session, pytest.raises(BadInput):
        read(session, text)


def test_a_developer_sees_his_teams_part_and_answers_for_it(house: House) -> None:
    house.allowed("acme/tiny")
    house.pulled("acme/tiny")
    house.pulled("acme/tiny", actor="ray", team="research")
    incident, other = house.opens("acme/tiny"), house.opens("zoo/cat")
    with house.database.read() as session:
        assert incidents.shown_to(session, incident.id, DORA).id == incident.id
        assert [one.id for one in incidents.listed(session, team="trading")] == [incident.id]
        assert [one.id for one in incidents.listed(session)] == [other.id, incident.id]
        with pytest.raises(NoSuchIncident):
            incidents.shown_to(session, other.id, DORA)
    incidents.answer(house.database, incident.id, "trading", "acknowledge", "", "dora")
    made = incidents.answer(house.database, incident.id, "trading", "clean", "both\nlaptops", "dora")
    assert (made.state, made.note, made.acknowledged_by) == ("cleaned", "both laptops", "dora")
    with pytest.raises(BadInput, match="not given any"):
        incidents.answer(house.database, incident.id, "finance", "clean", "", "x")
    with house.database.read() as session:
        assert {one.team: one.state for one in incidents.checklist(session, incident.id)} == {
            "research": "open",
            "trading": "cleaned",
        }
        assert incidents.states_of(session, [incident.id]) == {incident.id: (1, 2)}
        assert [step.step for step in incidents.steps(session, incident.id)] == ["open", "acknowledge", "clean"]


def test_it_is_opened_once_lifted_once_and_let_back_by_nothing_else(house: House) -> None:
    house.allowed("acme/tiny")
    incident = house.opens("acme/tiny")
    with pytest.raises(NotNow, match=incident.id):
        house.opens("acme/tiny")
    with pytest.raises(BadWord, match="curator incident lift"):
        listing.take_back(house.database, incident.entry_id, "rita", house.rule_set)
    incidents.lift(house.database, incident.id, "wrong", "sue", house.rule_set)
    with pytest.raises(NotNow, match="lifted already"):
        incidents.lift(house.database, incident.id, "wrong", "sue", house.rule_set)
    again = house.opens("acme/tiny")
    assert again.id != incident.id
    with pytest.raises(BadWord, match="Say why"):
        incidents.open_incident(house.database, again.subject, "  ", "sue", house.rule_set)
    with house.database.read() as session:
        rows = session.exec(select(AuditRow).where(AuditRow.action == "incident").order_by(AuditRow.seq)).all()  # type: ignore[arg-type]
        assert [(row.outcome, row.subject, row.actor) for row in rows] == [
            ("block", incident.id, "sue"),
            ("lift", incident.id, "sue"),
            ("block", again.id, "sue"),
        ]


def test_no_waiver_lets_a_withdrawn_commit_through(house: House) -> None:
    snapshot = house.allowed("acme/tiny")
    house.opens("acme/tiny")
    with house.database.read() as session:
        row = decisions.newest_facts(session, [snapshot.id])[snapshot.id]
        facts = Facts.model_validate_json(row.facts).model_copy(update={"observed_at": now()})
        reasons = evaluate(starter_policy(), facts, circumstances_of(session, EVERYBODY)).reasons
    fingerprints = frozenset(one for reason in reasons for one in reason.fingerprints)
    wanted = waivers.Wanted(
        fingerprints=fingerprints,
        repo=RepoId.parse("acme/tiny"),
        rules=("blocked-list",),
        decision="d",
        scope=Scope(),
        reason="we want it",
        by="rita",
        expires_at=now() + dt.timedelta(days=3),
    )
    with house.database.write() as session:
        waivers.add(session, wanted, waivers.Limits(max_days=365, without_end=False))
    assert house.outcome(snapshot) is Outcome.BLOCK


def test_a_machine_is_told_what_of_its_cache_is_withdrawn_and_nothing_else(house: House) -> None:
    house.allowed("acme/tiny")
    one, other, third = house.opens("acme/*"), house.opens(f"zoo/cat@{B}"), house.opens(WEIGHTS)
    model, rows = RepoKind.MODEL, RepoKind.DATASET
    had = [Had(model, "ACME/any", A), Had(rows, "acme/rows", A), Had(model, "zoo/cat", A), Had(model, "zoo/cat", B)]
    with house.database.read() as session:
        found = affected(session, had, [WEIGHTS, "sha256:" + "9" * 64])
    assert [(each.incident, each.had, each.content) for each in found] == [
        (one.id, had[0], None),
        (one.id, had[1], None),
        (other.id, had[3], None),
        (third.id, None, WEIGHTS),
    ]


def test_the_commits_of_a_subject_are_read_a_few_at_once(house: House) -> None:
    made = [house.allowed(f"acme/m{number}", blob=WEIGHTS).id for number in range(7)]
    with house.database.read() as session:
        assert [row.id for row in commits_of(session, read(session, "acme/*"))] == made
        assert [row.id for row in commits_of(session, read(session, WEIGHTS), made[3])] == made[4:]
        assert lists.listed(session, repo="acme/m1") == []


def test_a_developer_is_shown_nobody_elses_uses(house: House) -> None:
    house.allowed("acme/tiny")
    house.pulled("acme/tiny")
    house.pulled("acme/tiny", actor="ray", team="research", project="secret")
    incident = house.opens("acme/tiny")
    with house.database.read() as session:
        text = str(whole(session, incident.id, DORA).as_json())
        assert "secret" in str(whole(session, incident.id, SUE).as_json())
    assert not any(word in text for word in ("research", "secret", "ray", "sue"))
