"""Exceptions asked and answered, and the reviewer's queue: on both databases."""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass
from typing import Any

import pytest
from sqlmodel import col, select

from curator.admission import decisions, looks, snapshots
from curator.admission.judge import circumstances_of
from curator.admission.snapshots import Snapshot
from curator.audit.follow import follow
from curator.audit.record import Action, AuditEvent, append
from curator.audit.tables import AuditRow
from curator.database.engine import Database, now
from curator.errors import BadInput, CuratorError, NotAllowed
from curator.people.by import By
from curator.people.caller import Caller
from curator.people.roles import Role
from curator.people.teams import add_member, make_team
from curator.people.tokens import create_token
from curator.people.users import NewUser, make_user
from curator.policy import rule_sets
from curator.policy.waivers import Limits
from curator.policy.word import BadWord
from curator.review import deciding, lines, proposals, queue, requests, waiting, waiving
from curator.review.deciding import Desk
from curator.review.lines import Named
from curator.review.mine import groups_of
from curator.review.queue import Filter, Line
from curator.review.requests import AllowedByNow, Asked, Over, Wanted
from curator.review.states import State
from curator.review.tables import ProposalRow, RequestRow
from curator.review.verdicts import Answer, Answered, Reach, StillStands, Verdict, usual_reach
from curator.types import Commit, RepoId, RepoKind, Revision
from curator.upstream.listing import Description
from rules.circumstances import EVERYBODY, Audience, Scope
from rules.evaluate import evaluate
from rules.facts import Facts, FileFacts, FindingFacts, Severity
from rules.facts import Verdict as FileVerdict
from rules.model import parse_policy
from tests.unit.test_admission import SEEN

LIMITS = Limits(max_days=365, without_end=False)
DAY = dt.timedelta(days=1)
BY = By("root")
RISK, SHOP = Audience("risk"), Audience("shop", "till")

RULES = """
schema: curator.rules/1
name: house
rules:
  - id: unsafe-file
    description: An unsafe file is not served.
    when: {file_verdict: [unsafe]}
    outcome: block
    owner: model-risk
    message: "{file} is unsafe: {finding}"
  - id: unknown-publisher
    description: Somebody looks at what nobody knows.
    when: {publisher_known: false}
    outcome: hold
    owner: reviewers
    message: "nobody knows {publisher}"
  - id: two-people
    description: What is gated wants two people.
    when: {gated: true}
    outcome: hold
    approvers: 2
    message: "{repository} is gated"
"""


@dataclass
class House:
    database: Database
    desk: Desk

    def facts(self, repo: str, sha: str, *, unsafe: bool, gated: bool, base: str) -> Facts:
        finding = FindingFacts(
            rule="pickle", severity=Severity.CRITICAL, message="Loading it runs os.system", fingerprint="f" * 64
        )
        files = (
            FileFacts(
                path="a.bin",
                size=1,
                blob="sha256:" + "0" * 64,
                format="pickle",
                verdict=FileVerdict.UNSAFE,
                role="weights",
                findings=(finding,),
            ),
        )
        return Facts(
            repository=repo,
            name=repo.split("/")[1],
            namespace=repo.split("/", maxsplit=1)[0],
            kind="model",
            commit=sha,
            observed_at=now(),
            publisher_known=False,
            gated=gated,
            files=files if unsafe else (),
            base_models=(base,) if base else (),
        )

    def people(self, *logins: str) -> None:
        """Who may decide, each with an account of his own."""
        with self.database.write() as session:
            for login in logins:
                make_user(session, NewUser(login=login, role=Role.REVIEWER), BY)

    def judged(
        self,
        repo: str,
        *,
        unsafe: bool = False,
        gated: bool = False,
        sha: str = "a" * 40,
        audience: Audience = EVERYBODY,
        base: str = "",
    ) -> decisions.Ruling:
        name = RepoId.parse(repo)
        policy = parse_policy(RULES, "rules")
        with self.database.write() as session:
            facts = self.facts(repo, sha, unsafe=unsafe, gated=gated, base=base)
            snapshot: Snapshot = snapshots.remember(session, name, Revision("main"), Description(Commit(name, sha), {}))
            snapshots.save_listing(session, snapshot.id, [])
            looks.keep(session, snapshot.id, SEEN)
            decision = evaluate(policy, facts, circumstances_of(session, audience))
            return decisions.keep(session, snapshot.id, decision, facts, None, audience)

    def refused(self, ruling: decisions.Ruling, name: str, audience: Audience = EVERYBODY, days_ago: float = 0) -> None:
        """As the mirror puts it on the record."""
        with self.database.write() as session:
            commit = snapshots.get(session, ruling.snapshot_id).commit
            append(
                session,
                AuditEvent(
                    action=Action.REFUSE,
                    actor=name,
                    team=audience.team,
                    project=audience.project,
                    kind=RepoKind.MODEL,
                    repo=str(commit.repo),
                    commit=commit.sha,
                    outcome=ruling.outcome.value,
                    decision=ruling.id,
                    at=now() - days_ago * DAY,
                ),
            )
        self.caught_up()

    def caught_up(self) -> None:
        while follow(self.database, waiting.FOLLOWER, waiting.take):
            pass

    def asks(self, ruling: decisions.Ruling, by: str = "dev", audience: Audience = EVERYBODY, **more: Any) -> Asked:
        wanted = Wanted(ruling=ruling, by=by, audience=audience, reason=more.pop("reason", "for the shop"), **more)
        return requests.ask(self.database, wanted, LIMITS)

    def lines(self, sort: str = "score", **more: Any) -> list[Line]:
        with self.database.read() as session:
            return list(queue.page(session, Filter(**more), review_hours=24, sort=sort).lines)

    def decide(self, answer: Answer, *lines: Line, by: str = "ada", **said: Any) -> list[deciding.Done]:
        more: dict[str, Any] = {"reason": "read it", "expires_at": now() + 30 * DAY} | said
        named = [Named(line.id, line.decision) for line in lines]
        return deciding.decide(self.database, named, Verdict(answer=answer, by=by, **more), self.desk)

    def state(self, request_id: str) -> State:
        with self.database.read() as session:
            return requests.find(session, request_id).state

    def outcome_now(self, ruling: decisions.Ruling, audience: Audience = EVERYBODY) -> str:
        with self.database.read() as session:
            found = decisions.find(session, ruling.id)
            assert found is not None
            facts = found[1].model_copy(update={"observed_at": now()})
            return evaluate(parse_policy(RULES, "rules"), facts, circumstances_of(session, audience)).outcome.value

    def holds(self, ruling: decisions.Ruling) -> bool:
        with self.database.read() as session:
            return decisions.current(session, ruling.snapshot_id, self.desk.rule_set, ruling.audience) is not None

    def recorded(self, action: Action) -> list[AuditRow]:
        with self.database.read() as session:
            return list(
                session.exec(select(AuditRow).where(AuditRow.action == action.value).order_by(col(AuditRow.id)))
            )


@pytest.fixture
def house(database: Database) -> House:
    policy = parse_policy(RULES, "rules")
    with database.write() as session:
        rule_sets.keep(session, policy)
    return House(database, Desk(rule_set=policy.digest, limits=LIMITS))


def test_who_asks_for_what_his_team_has_asked_for_joins_and_the_queue_has_one_line(house: House) -> None:
    ruling = house.judged("acme/tiny")
    first = house.asks(ruling, "dev", RISK)
    second = house.asks(ruling, "eve", RISK)
    other = house.asks(ruling, "bob", SHOP)
    assert (first.joined, second.joined, other.joined) == (False, True, False)
    assert first.request.id == second.request.id != other.request.id
    (line,) = house.lines()
    assert (line.people, line.requests, line.held, line.rules) == (3, 2, False, ("unknown-publisher",))
    assert set(line.teams) == {"risk", "shop"}
    with house.database.read() as session:
        assert [one.name for one in requests.find(session, first.request.id).requesters] == ["dev", "eve"]


def test_a_request_about_what_is_allowed_says_so(house: House) -> None:
    ruling = house.judged("acme/tiny")
    house.asks(ruling)
    house.decide(Answer.APPROVE, *house.lines())
    allowed = house.judged("acme/tiny")
    with pytest.raises(AllowedByNow, match="is allowed: there is nothing to ask for, run the same command again"):
        house.asks(allowed)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reason": " "}, "Say why"),
        ({"rules": ("no-such",)}, "says nothing against"),
        ({"files": ("no.bin",)}, "has no file"),
        ({"until": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}, "not in the future"),
        ({"until": dt.datetime(2126, 1, 1, tzinfo=dt.UTC)}, "lasts 365 days at most"),
    ],
)
def test_a_wish_that_cannot_be_taken_is_said_in_a_sentence(house: House, change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadWord, match=said):
        house.asks(house.judged("acme/tiny", unsafe=True), **change)
    assert house.lines() == []


def test_approving_answers_what_blocks_and_what_holds_together(house: House) -> None:
    ruling = house.judged("acme/tiny", unsafe=True)
    asked = house.asks(ruling)
    assert house.outcome_now(ruling) == "block"
    (done,) = house.decide(Answer.APPROVE, *house.lines())
    assert house.outcome_now(ruling) == "allow", "a waiver and an approval, both"
    assert house.state(asked.request.id) is State.APPROVED
    assert not house.holds(ruling), "what was decided before is over"
    assert house.lines() == []
    assert done.opening is not None
    assert (done.opening.before.value, done.opening.then.value) == ("block", "allow")
    (answer,) = house.recorded(Action.ANSWER)
    assert answer.subject == asked.request.id
    assert "blocked before, allowed now, for everybody" in (answer.sentence or "")


def test_an_approval_that_would_leave_it_blocked_is_not_given_unless_it_is_meant_so(house: House) -> None:
    ruling = house.judged("acme/tiny", unsafe=True)
    house.asks(ruling)
    (line,) = house.lines()
    with pytest.raises(StillStands, match=r"held all the same, by the rule unknown-publisher.*Nothing was done"):
        house.decide(Answer.APPROVE, line, rules=("unsafe-file",))
    assert house.outcome_now(ruling) == "block"
    house.decide(Answer.APPROVE, line, rules=("unsafe-file",), partly=True)
    assert house.outcome_now(ruling) == "hold"


def test_a_preview_says_what_is_opened_and_does_nothing(house: House) -> None:
    ruling = house.judged("acme/tiny", unsafe=True)
    house.judged("acme/other", unsafe=True)
    house.asks(ruling)
    (line,) = house.lines()
    verdict = Verdict(answer=Answer.APPROVE, by="ada", reason="read", expires_at=now() + DAY)
    with house.database.read() as session:
        (made,) = deciding.preview(session, [Named(line.id)], verdict, house.desk)
    assert made.opens
    assert made.elsewhere == ("acme/other",)
    first, *_, last = made.sentences
    assert first.startswith("passes over what unsafe-file says of")
    assert "this very content, in this commit and wherever else it is" in first
    assert "acme/other" in last
    assert house.outcome_now(ruling) == "block"
    assert house.holds(ruling)


def test_an_exception_for_one_team_is_for_that_team(house: House) -> None:
    ruling = house.judged("acme/tiny")
    of_risk, of_shop = house.asks(ruling, "dev", RISK), house.asks(ruling, "bob", SHOP)
    house.decide(Answer.APPROVE, *house.lines(), scope=Scope(teams=("risk",)))
    assert house.outcome_now(ruling, RISK) == "allow"
    assert house.outcome_now(ruling, SHOP) == "hold"
    assert (house.state(of_risk.request.id), house.state(of_shop.request.id)) == (State.APPROVED, State.OPEN)
    (line,) = house.lines()
    assert line.people == 1


def test_rejecting_keeps_it_as_it_is_and_tells_the_asker_why(house: House) -> None:
    ruling = house.judged("acme/tiny")
    asked = house.asks(ruling)
    house.decide(Answer.REJECT, *house.lines(), reason="use acme/other")
    assert house.outcome_now(ruling) == "hold"
    with house.database.read() as session:
        assert requests.find(session, asked.request.id).sentence == "ada has rejected it: use acme/other"


def test_a_question_goes_to_the_asker_and_his_answer_brings_it_back(house: House) -> None:
    asked = house.asks(house.judged("acme/tiny"))
    house.decide(Answer.ASK, *house.lines(), reason="which project?")
    assert house.lines() == []
    assert house.state(asked.request.id) is State.ASKED_BACK
    with pytest.raises(NotAllowed):
        requests.reply(house.database, asked.request.id, "eve", "any")
    kept = requests.reply(house.database, asked.request.id, "dev", "the till")
    assert kept.state is State.OPEN
    assert [step.step.value for step in kept.history] == ["ask", "question", "reply"]
    assert len(house.lines()) == 1


def test_what_nobody_wants_any_more_leaves_the_queue(house: House) -> None:
    asked = house.asks(house.judged("acme/tiny"))
    assert requests.withdraw(house.database, asked.request.id, "dev").state is State.WITHDRAWN
    assert house.lines() == []
    with pytest.raises(Over, match="It was withdrawn"):
        requests.reply(house.database, asked.request.id, "dev", "yes")


def test_who_is_refused_a_held_commit_waits_until_it_is_allowed(house: House) -> None:
    ruling = house.judged("acme/tiny")
    for name in ("dev", "eve", "dev"):
        house.refused(ruling, name)
    (line,) = house.lines()
    assert (line.held, line.people, line.requests, line.risk) == (True, 2, 0, 1)
    house.asks(ruling, "dev")
    (line,) = house.lines()
    assert (line.people, line.requests) == (2, 1), "whoever asks in words is the same person"
    house.decide(Answer.APPROVE, line)
    assert house.lines() == []
    house.refused(ruling, "dev")
    assert len(house.lines()) == 1, "whoever is refused again waits again"


def test_two_reviewers_at_once_one_answers_and_the_other_is_told(house: House) -> None:
    house.asks(house.judged("acme/tiny"))
    (line,) = house.lines()
    errors: list[CuratorError] = []
    done: list[deciding.Done] = []

    def answer(by: str, answer: Answer) -> None:
        try:
            done.extend(house.decide(answer, line, by=by))
        except CuratorError as error:
            errors.append(error)

    threads = [threading.Thread(target=answer, args=one) for one in (("ada", Answer.APPROVE), ("bob", Answer.REJECT))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 1
    (error,) = errors
    assert isinstance(error, Answered)
    assert error.sentence.startswith("acme/tiny was ")
    assert " by ada at " in error.sentence or " by bob at " in error.sentence


def test_what_has_moved_on_is_not_decided_about_unseen(house: House) -> None:
    house.asks(house.judged("acme/tiny"))
    (line,) = house.lines()
    house.asks(house.judged("acme/tiny", sha="b" * 40), "eve")
    with pytest.raises(Answered, match="has moved on since you looked"):
        house.decide(Answer.APPROVE, line)


def test_a_rule_that_wants_two_people_is_not_opened_by_one(house: House) -> None:
    house.people("ada", "bob")
    ruling = house.judged("acme/tiny", gated=True)
    asked = house.asks(ruling)
    (line,) = house.lines()
    (done,) = house.decide(Answer.APPROVE, line)
    assert done.proposal is not None
    assert house.outcome_now(ruling) == "hold"
    assert house.state(asked.request.id) is State.SECOND
    assert house.lines()[0].proposed_by == "ada"
    with pytest.raises(Answered, match="ada has approved acme/tiny already, and another must agree"):
        house.decide(Answer.APPROVE, line, by="bob")
    with pytest.raises(NotAllowed, match="ada has agreed to this already"):
        deciding.second(house.database, done.proposal.id, "ada", "", house.desk, agrees=True)
    with pytest.raises(NotAllowed, match="dev has asked for acme/tiny"):
        deciding.second(house.database, done.proposal.id, "dev", "", house.desk, agrees=True)
    deciding.second(house.database, done.proposal.id, "bob", "", house.desk, agrees=True)
    assert house.outcome_now(ruling) == "allow"
    assert house.state(asked.request.id) is State.APPROVED
    with pytest.raises(Answered, match="is over: it was confirmed by bob"):
        deciding.second(house.database, done.proposal.id, "eve", "", house.desk, agrees=True)
    outcomes = [row.outcome for row in house.recorded(Action.ANSWER)]
    assert outcomes == ["second", "approve"]


def test_who_does_not_agree_leaves_it_held_and_the_request_open(house: House) -> None:
    house.people("ada", "bob")
    ruling = house.judged("acme/tiny", gated=True)
    asked = house.asks(ruling)
    (done,) = house.decide(Answer.APPROVE, *house.lines())
    assert done.proposal is not None
    deciding.second(house.database, done.proposal.id, "bob", "not read", house.desk, agrees=False)
    assert house.outcome_now(ruling) == "hold"
    assert house.state(asked.request.id) is State.OPEN
    assert house.lines()[0].proposed_by == ""


def test_a_proposal_that_nobody_agrees_to_in_time_is_over(house: House) -> None:
    house.people("ada", "bob")
    ruling = house.judged("acme/tiny", gated=True)
    asked = house.asks(ruling)
    (done,) = house.decide(Answer.APPROVE, *house.lines())
    assert done.proposal is not None
    with house.database.write() as session:
        row = session.get_one(ProposalRow, done.proposal.id)
        row.expires_at = now() - DAY
        session.add(row)
    with pytest.raises(Answered):
        deciding.second(house.database, done.proposal.id, "bob", "", house.desk, agrees=True)
    deciding.expire(house.database)
    assert house.state(asked.request.id) is State.OPEN
    with house.database.read() as session:
        assert proposals.find(session, done.proposal.id).state is proposals.State.EXPIRED


def test_the_old_doors_open_nothing_that_wants_two_people(house: House) -> None:
    ruling = house.judged("acme/tiny", gated=True)
    waive = waiving.Request(
        decision=ruling.id,
        which=waiving.Which(),
        scope=Scope(),
        reason="read",
        by="ada",
        expires_at=now() + DAY,
    )
    with pytest.raises(BadWord, match=r"two-people wants 2 different people .*curator review approve"):
        waiving.waive(house.database, waive, house.desk.rule_set, LIMITS)


def test_nobody_answers_what_he_has_asked_for_but_who_is_alone(house: House) -> None:
    ruling = house.judged("acme/tiny")
    create_token(house.database, "ada", Role.ADMIN)
    house.asks(ruling, "ada")
    (line,) = house.lines()
    create_token(house.database, "bob", Role.REVIEWER)
    with pytest.raises(NotAllowed, match="somebody else who may decide"):
        house.decide(Answer.APPROVE, line, by="ada")
    house.decide(Answer.APPROVE, line, by="bob")
    assert house.outcome_now(ruling) == "allow"


def test_who_is_alone_answers_his_own_but_never_for_a_rule_that_wants_two(house: House) -> None:
    create_token(house.database, "ada", Role.ADMIN)
    plain, gated = house.judged("acme/tiny"), house.judged("acme/gated", gated=True)
    house.asks(plain, "ada")
    house.decide(Answer.APPROVE, *house.lines(), by="ada")
    assert house.outcome_now(plain) == "allow"
    house.asks(gated, "ada")
    with pytest.raises(NotAllowed):
        house.decide(Answer.APPROVE, *house.lines(), by="ada")


def test_the_score_is_hours_by_people_by_risk_and_each_can_be_sorted_by(house: House) -> None:
    old = house.judged("acme/old")
    house.refused(old, "dev", days_ago=3)
    wanted = house.judged("acme/wanted")
    for name in ("a", "b", "c", "d"):
        house.refused(wanted, name, days_ago=0.5)
    risky = house.judged("evil/risky", unsafe=True)
    house.asks(risky)
    order = {sort: [line.commit.repo.name for line in house.lines(sort)] for sort in queue.SORTS}
    assert order["score"][0] == "old"
    assert order["age"][0] == "old"
    assert order["people"][0] == "wanted"
    assert order["risk"][0] == "risky"
    line = house.lines()[0]
    assert line.score == pytest.approx(line.hours * line.people * line.risk, rel=0.01)
    assert [one.commit.repo.name for one in house.lines(overdue=True)] == ["old"]
    assert [one.commit.repo.name for one in house.lines(owner="model-risk")] == ["risky"]
    assert [one.commit.repo.name for one in house.lines(publisher="evil")] == ["risky"]
    assert [one.commit.repo.name for one in house.lines(kind="requests")] == ["risky"]


def test_pages_of_the_queue_have_each_line_once(house: House) -> None:
    for number in range(7):
        house.refused(house.judged(f"acme/m{number}"), "dev", days_ago=number % 3)
    seen: list[str] = []
    after = None
    with house.database.read() as session:
        while True:
            page = queue.page(session, Filter(), review_hours=24, after=after, limit=2)
            seen += [line.id for line in page.lines]
            after = page.next
            if after is None:
                break
    assert len(seen) == len(set(seen)) == page.total == 7


@pytest.mark.parametrize("after", ["x", "1.2", "1.2.zz", "9" * 90, "1.1." + "g" * 32, "-1.1." + "0" * 32])
def test_a_cursor_that_is_none_is_said(house: House, after: str) -> None:
    with house.database.read() as session, pytest.raises(BadInput, match="no place in the queue"):
        queue.page(session, Filter(), review_hours=24, after=after)


def test_a_publisher_or_a_family_is_decided_about_at_once(house: House) -> None:
    rulings = [house.judged(f"acme/m{number}", base="meta/llama") for number in range(3)]
    for ruling in rulings:
        house.asks(ruling)
    with house.database.read() as session:
        (group,) = queue.groups(session, Filter(), "family", review_hours=24)
        assert (group.name, group.lines) == ("meta/llama", 3)
    house.decide(Answer.APPROVE, *house.lines(family="meta/llama"))
    assert {house.outcome_now(ruling) for ruling in rulings} == {"allow"}


def test_of_several_lines_all_are_decided_about_or_none(house: House) -> None:
    good, bad = house.judged("acme/good"), house.judged("acme/bad", unsafe=True)
    house.asks(good)
    house.asks(bad)
    with pytest.raises(StillStands):
        house.decide(Answer.APPROVE, *house.lines(), rules=("unknown-publisher",))
    assert house.outcome_now(good) == "hold"
    assert len(house.lines()) == 2


def test_blocking_a_publisher_blocks_what_he_has_and_rejects_what_was_asked(house: House) -> None:
    ruling, other = house.judged("evil/one"), house.judged("evil/two")
    asked = house.asks(ruling)
    house.decide(Answer.BLOCK, *house.lines(), reach=Reach.PUBLISHER, reason="advisory 7", expires_at=None)
    assert {house.outcome_now(ruling), house.outcome_now(other)} == {"block"}
    assert house.state(asked.request.id) is State.REJECTED


def test_what_is_allowed_otherwise_overtakes_the_request(house: House) -> None:
    ruling = house.judged("acme/tiny")
    asked = house.asks(ruling)
    with house.database.write() as session:
        append(
            session,
            AuditEvent(
                action=Action.DECIDE,
                actor="curator",
                kind=RepoKind.MODEL,
                repo="acme/tiny",
                commit="a" * 40,
                outcome="allow",
                decision="d",
            ),
        )
    house.caught_up()
    assert house.state(asked.request.id) is State.OVERTAKEN
    assert house.lines() == []


def test_a_request_past_its_day_expires(house: House) -> None:
    asked = house.asks(house.judged("acme/tiny"), until=now() + DAY)
    with house.database.write() as session:
        row = session.get_one(RequestRow, asked.request.id)
        row.until = now() - DAY
        session.add(row)
    deciding.expire(house.database)
    assert house.state(asked.request.id) is State.EXPIRED
    assert house.lines() == []


def test_a_decision_that_nobody_waits_for_can_be_proposed_about(house: House) -> None:
    house.people("ada", "bob")
    ruling = house.judged("acme/tiny", gated=True)
    item_id = lines.item_named(house.database, ruling.id)
    (done,) = deciding.decide(
        house.database,
        [Named(item_id)],
        Verdict(answer=Answer.APPROVE, by="ada", reason="read", expires_at=now() + DAY),
        house.desk,
    )
    assert done.proposal is not None
    deciding.second(house.database, done.proposal.id, "bob", "", house.desk, agrees=True)
    assert house.outcome_now(ruling) == "allow"


def test_the_owner_of_a_rule_is_the_team_of_that_name(house: House) -> None:
    house.refused(house.judged("acme/held"), "dev", SHOP)
    house.asks(house.judged("acme/unsafe", unsafe=True), audience=SHOP)
    policy = parse_policy(RULES, "rules")
    with house.database.write() as session:
        for team in ("model-risk", "research"):
            make_team(session, team, "", BY)
        ada = make_user(session, NewUser(login="ada", role=Role.REVIEWER), BY)
        for team in ("model-risk", "research"):
            add_member(session, team, "ada", BY)
        person = Caller("ada", Role.REVIEWER, user_id=ada.id)
        assert groups_of(session, person, policy) == {"model-risk"}
        assert groups_of(session, Caller("bot", Role.REVIEWER, team="reviewers"), policy) == {"reviewers"}
        assert not groups_of(session, Caller("rolf", Role.REVIEWER), policy)
    assert [str(line.commit.repo) for line in house.lines(owners=frozenset({"model-risk"}))] == ["acme/unsafe"]
    assert len(house.lines(owners=frozenset({"model-risk", "reviewers"}))) == 2
    assert not house.lines(owners=frozenset()), "who is in no such team has none"


def test_a_team_with_an_underscore_can_be_asked_for_and_is_no_pattern(house: House) -> None:
    house.refused(house.judged("acme/held"), "dev", Audience("till_team"))
    assert len(house.lines(team="till_team")) == 1
    assert not house.lines(team="till-team")
    assert not house.lines(team="till%")


def test_who_approves_what_some_rules_say_means_their_findings() -> None:
    assert usual_reach(Answer.APPROVE, ("unsafe-file",)) is Reach.FINDINGS
    assert usual_reach(Answer.APPROVE, ()) is Reach.COMMIT
    assert usual_reach(Answer.BLOCK, ("unsafe-file",)) is Reach.COMMIT


def decided(house: House, ruling: decisions.Ruling, outcome: str, audience: Audience = EVERYBODY) -> None:
    """As the mirror puts on the record that a commit was judged."""
    with house.database.write() as session:
        commit = snapshots.get(session, ruling.snapshot_id).commit
        event = AuditEvent(
            action=Action.DECIDE,
            actor="curator",
            team=audience.team,
            project=audience.project,
            kind=RepoKind.MODEL,
            repo=str(commit.repo),
            commit=commit.sha,
            outcome=outcome,
            decision=ruling.id,
        )
        append(session, event)
    house.caught_up()


def test_a_request_ends_when_main_has_moved_on_to_what_is_allowed(house: House) -> None:
    asked = house.asks(house.judged("acme/tiny"))
    decided(house, house.judged("acme/other", sha="b" * 40), "allow")
    assert house.state(asked.request.id) is State.OPEN
    decided(house, house.judged("acme/tiny", sha="c" * 40), "hold")
    assert house.state(asked.request.id) is State.OPEN
    decided(house, house.judged("acme/tiny", sha="d" * 40), "allow")
    assert house.state(asked.request.id) is State.OVERTAKEN
    with house.database.read() as session:
        said = requests.find(session, asked.request.id).sentence
    assert said == "main has moved on to the commit dddddddd, which is allowed: run the same command again"
    assert [row.outcome for row in house.recorded(Action.REQUEST)] == ["ask", "overtake"]


def test_what_is_allowed_for_everybody_answers_nobody_whom_the_rules_tell_apart(house: House) -> None:
    theirs = house.judged("acme/tiny", audience=RISK)
    asked = house.asks(theirs, audience=RISK)
    everybodys = house.judged("acme/tiny")
    decided(house, everybodys, "allow")
    assert house.state(asked.request.id) is State.OPEN
    decided(house, theirs, "allow", RISK)
    assert house.state(asked.request.id) is State.OVERTAKEN


def test_that_a_request_expired_is_on_the_record(house: House) -> None:
    asked = house.asks(house.judged("acme/tiny"), until=now() + DAY)
    with house.database.write() as session:
        row = session.get_one(RequestRow, asked.request.id)
        row.until = now() - DAY
        session.add(row)
    deciding.expire(house.database)
    assert house.state(asked.request.id) is State.EXPIRED
    last = house.recorded(Action.REQUEST)[-1]
    assert (last.outcome, last.actor, last.subject) == ("expire", "curator", asked.request.id)


def test_an_approval_in_part_is_a_fact_of_the_request_and_of_the_record(house: House) -> None:
    asked = house.asks(house.judged("acme/tiny", unsafe=True))
    house.decide(Answer.APPROVE, *house.lines(), rules=("unsafe-file",), partly=True)
    with house.database.read() as session:
        request = requests.find(session, asked.request.id)
    assert request.in_part
    assert "in part" in request.sentence
    assert [row.outcome for row in house.recorded(Action.ANSWER)] == ["approve-in-part"]
