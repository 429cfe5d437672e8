"""What is learnt of a commit is kept so that nobody is asked twice, and nothing that was known is forgotten."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import pytest
from sqlmodel import Session, select

from curator.admission import copies, decisions, looks, refresh, seen, snapshots
from curator.admission.ancestry import find_relatives
from curator.admission.copies import likeness_of, profile_of
from curator.admission.facts import facts_of
from curator.admission.history import observe
from curator.admission.look import GROUPS, Look, Relative, all_unknown, material
from curator.admission.looking import texts_of
from curator.admission.memory import memory_of
from curator.admission.origins import walked
from curator.admission.snapshots import Snapshot
from curator.admission.tables import ReferenceRow
from curator.audit.record import Action, AuditEvent, append
from curator.database.engine import Database, now
from curator.errors import RepoNotFound
from curator.policy import rule_sets
from curator.types import BlobId, Commit, HashKind, RepoFile, RepoId, RepoKind, Revision
from curator.upstream.about import hub_scan_of
from curator.upstream.listing import Description
from rules.circumstances import EVERYBODY
from rules.evaluate import evaluate
from rules.model import starter_policy
from scanners.finding import Report
from scanners.repository.known import shipped
from scanners.repository.license import license_of
from scanners.repository.lineage import Node
from scanners.repository.parents import Parent

MOMENT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ORG = {"type": "org", "_id": "5f" * 12, "isVerified": True, "numFollowers": 3}
TENSORS = {"exact": "1" * 32, "shapes": "2" * 32, "outline": "3" * 32}


def commit(
    database: Database, name: str, created: str, look: Look, tokenizer: str = "t", sha: str = "1"
) -> tuple[Snapshot, list[RepoFile], dict[tuple[BlobId, str], Report]]:
    """A commit with a large model, scanned and looked at."""
    repo = RepoId.parse(name)
    weights = RepoFile("model.safetensors", 1 << 30, BlobId(HashKind.SHA256, sha * 64), "0" * 40, 130)
    words = RepoFile("tokenizer.json", 100, BlobId(HashKind.GIT_SHA1, "a" * 40), "a" * 40)
    info = {"id": name, "createdAt": created, "downloads": 7}
    reports = {
        (weights.blob, weights.name): Report(
            format="safetensors",
            metadata={"tensor_map": TENSORS, "tensors": 200, "parameters": {"BF16": 500_000_000}},
        ),
        (words.blob, words.name): Report(format="json", metadata={"vocabulary": tokenizer * 32}),
    }
    with database.write() as session:
        description = Description(Commit(repo, sha * 40), info)
        snapshot = snapshots.remember(session, repo, Revision("main"), description)
        snapshots.save_listing(session, snapshot.id, [weights, words])
        looks.keep(session, snapshot.id, look)
        profile = profile_of(snapshot, look, [weights, words], reports)
        copies.keep(session, snapshot.id, profile)
    return snapshot, [weights, words], reports


def copied(session: Session, one: tuple[Snapshot, list[RepoFile], Any], look: Look) -> Any:
    snapshot, files, reports = one
    return likeness_of(session, snapshot, look, profile_of(snapshot, look, files, reports), shipped())


def test_what_merely_grows_makes_no_other_look() -> None:
    look = Look(owner=ORG, at=MOMENT)
    later = look.model_copy(update={"owner": ORG | {"numFollowers": 4_000}, "at": now()})
    assert later.digest == look.digest
    assert look.model_copy(update={"owner": ORG | {"_id": "6f" * 12}}).digest != look.digest
    assert look.model_copy(update={"taken_down": "it is gone"}).digest != look.digest
    assert look.model_copy(update={"hub_scan": "unsafe"}).digest != look.digest


def test_a_licence_of_an_ancestor_that_changes_is_material_and_its_next_commit_is_not() -> None:
    parent = Relative(asked="acme/base", repository="acme/base", commit="1" * 40, card={"license": "mit"})
    look = Look(relatives=(parent,), at=MOMENT)
    assert (
        look.model_copy(update={"relatives": (parent.model_copy(update={"commit": "2" * 40}),)}).digest == look.digest
    )
    closed = parent.model_copy(update={"card": {"license": "cc-by-nc-4.0"}})
    assert look.model_copy(update={"relatives": (closed,)}).digest != look.digest


def test_what_was_known_before_an_outage_stays_known() -> None:
    before = Look(owner=ORG, hub_scan="safe", texts={"README.md": "# Hello"}, at=MOMENT)
    look = all_unknown("the Hub is down", now()).filled_from(before)
    assert look.owner == ORG
    assert look.texts == {"README.md": "# Hello"}
    assert look.gaps == {}
    assert look.digest == before.digest


def test_what_was_never_known_stays_a_gap() -> None:
    before = all_unknown("the Hub is down", MOMENT)
    assert set(all_unknown("the Hub is down", now()).filled_from(before).gaps) == set(GROUPS)


def test_a_look_is_wanted_until_there_is_one_and_again_where_it_had_gaps(database: Database) -> None:
    snapshot, _, _ = commit(database, "acme/one", "2026-01-01", Look(owner=ORG, at=MOMENT))
    with database.write() as session:
        assert not looks.is_due(session, snapshot.id, retry=True)
        assert looks.is_due(session, snapshot.id + 1, retry=False)
        looks.keep(session, snapshot.id, all_unknown("the Hub is down", now()))
        assert not looks.is_due(session, snapshot.id, retry=False)
        assert looks.is_due(session, snapshot.id, retry=True)


def test_nobody_is_accused_without_a_look() -> None:
    repo = RepoId.parse("acme/one")
    facts = facts_of(Snapshot(1, Commit(repo, "1" * 40), {"id": "acme/one"}, listed=True), [], {}, {}, MOMENT)
    assert facts.unknown == GROUPS
    assert not facts.owner.changed
    assert facts.lookalike.of == ""
    assert facts.sources == ()


def test_the_first_with_tensors_and_tokenizer_is_the_origin_of_the_second(database: Database) -> None:
    look = Look(owner=ORG, at=MOMENT)
    first = commit(database, "acme/first", "2024-01-01T00:00:00Z", look)
    second = commit(database, "other/second", "2025-01-01T00:00:00Z", look, sha="2")
    with database.read() as session:
        assert copied(session, second, look).undeclared == ("acme/first",)
        assert copied(session, second, look).copied.shape_of == ("acme/first",)
        assert copied(session, first, look).undeclared == ()


def test_another_tokenizer_is_another_model(database: Database) -> None:
    look = Look(owner=ORG, at=MOMENT)
    commit(database, "acme/first", "2024-01-01T00:00:00Z", look)
    second = commit(database, "other/second", "2025-01-01T00:00:00Z", look, tokenizer="u", sha="2")
    with database.read() as session:
        assert copied(session, second, look).undeclared == ()


def test_who_names_his_parent_hides_nothing(database: Database) -> None:
    look = Look(owner=ORG, at=MOMENT)
    commit(database, "acme/first", "2024-01-01T00:00:00Z", look)
    honest = look.model_copy(update={"relatives": (Relative(asked="acme/first", repository="acme/first"),)})
    second = commit(database, "other/second", "2025-01-01T00:00:00Z", honest, sha="2")
    with database.read() as session:
        assert copied(session, second, honest).undeclared == ()


def test_two_that_were_made_from_the_same_base_are_no_copies_of_each_other(database: Database) -> None:
    tuned = Look(owner=ORG, relatives=(Relative(asked="big/base", repository="big/base"),), at=MOMENT)
    commit(database, "acme/first", "2024-01-01T00:00:00Z", tuned)
    second = commit(database, "other/second", "2025-01-01T00:00:00Z", tuned, sha="2")
    with database.read() as session:
        assert copied(session, second, tuned).undeclared == ()


def test_the_very_same_weights_under_another_owner_are_told(database: Database) -> None:
    look = Look(owner=ORG, at=MOMENT)
    commit(database, "acme/first", "2024-01-01T00:00:00Z", look)
    second = commit(database, "other/second", "2025-01-01T00:00:00Z", look)
    again = commit(database, "acme/again", "2025-01-01T00:00:00Z", look)
    with database.read() as session:
        assert copied(session, second, look).copied.weights_of == ("acme/first",)
        assert "acme/first" not in copied(session, again, look).copied.weights_of, "one's own is no copy"


def test_how_a_repository_was_when_it_was_first_seen_is_kept(database: Database) -> None:
    look = Look(owner=ORG, at=MOMENT)
    snapshot, files, reports = commit(database, "acme/one", "2026-01-01", look)
    with database.write() as session:
        seen.first_sight(session, snapshot)
        info = {"id": "acme/one", "downloads": 9_000}
        snapshots.remember(session, RepoId.parse("acme/one"), Revision("main"), Description(snapshot.commit, info))
        seen.first_sight(session, snapshots.get(session, snapshot.id))
    with database.read() as session:
        newest = snapshots.get(session, snapshot.id)
        memory = memory_of(session, newest, look, None, shipped())
    facts = facts_of(newest, files, reports, {}, now(), look, memory)
    assert (facts.downloads_before, facts.downloads) == (7, 9_000)
    assert facts.parameters == 500_000_000


def test_whose_a_repository_was_when_it_was_first_allowed_is_never_overwritten(database: Database) -> None:
    snapshot, _, _ = commit(database, "acme/one", "2026-01-01", Look(owner=ORG, at=MOMENT))
    repo = snapshot.commit.repo
    with database.write() as session:
        seen.first_sight(session, snapshot)
        seen.allowed(session, repo, {"owner_id": "a"}, MOMENT)
        seen.allowed(session, repo, {"owner_id": "b", "first_commit": "1" * 40}, now())
        assert seen.before(session, repo).owner == {"owner_id": "a", "first_commit": "1" * 40}


@pytest.mark.parametrize(
    ("change", "ends"),
    [
        ({"downloads": 8}, False),
        ({"gated": "manual"}, True),
        ({"tags": ["license:other"]}, True),
        ({"disabled": True}, True),
    ],
)
def test_only_what_is_material_ends_a_decision(database: Database, change: dict[str, Any], ends: bool) -> None:
    look = Look(owner=ORG, at=MOMENT)
    snapshot, files, reports = commit(database, "acme/one", "2026-01-01", look)
    policy = starter_policy()
    with database.write() as session:
        rule_sets.keep(session, policy)
        facts = facts_of(snapshot, files, reports, {}, now(), look)
        decisions.keep(session, snapshot.id, evaluate(policy, facts), facts, None)
        description = Description(snapshot.commit, snapshot.info | change)
        snapshots.remember(session, snapshot.commit.repo, Revision("main"), description)
        assert (decisions.current(session, snapshot.id, policy.digest, EVERYBODY) is None) is ends


def test_only_what_is_allowed_and_was_asked_for_lately_is_looked_at_again(database: Database) -> None:
    old = now() - dt.timedelta(days=90)
    look = Look(owner=ORG, at=old)
    snapshot, files, reports = commit(database, "acme/one", "2026-01-01", look)
    policy = starter_policy()
    with database.write() as session:
        rule_sets.keep(session, policy)
        assert refresh.due(session, 60.0) == [], "nothing is decided"
        facts = facts_of(snapshot, files, reports, {}, now(), look)
        decisions.keep(session, snapshot.id, evaluate(policy, facts), facts, None)
        assert refresh.due(session, 60.0) == [snapshot.id]
        assert refresh.due(session, 100 * 86_400.0) == [], "its time has not come"
        for row in session.exec(select(ReferenceRow)):
            row.checked_at = old
            session.add(row)
        session.flush()
        assert refresh.due(session, 60.0) == [], "nobody has asked for it for long"
        event = AuditEvent(
            action=Action.DOWNLOAD,
            actor="somebody",
            kind=RepoKind.MODEL,
            repo="acme/one",
            commit=snapshot.commit.sha,
            outcome="allow",
        )
        append(session, event)
        assert refresh.due(session, 60.0) == [snapshot.id]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({"scansDone": True, "filesWithIssues": []}, "safe"),
        ({"scansDone": False, "filesWithIssues": []}, "pending"),
        ({"scansDone": True, "filesWithIssues": [{"path": "a", "level": "unsafe"}]}, "unsafe"),
        ({"scansDone": False, "filesWithIssues": [{"path": "a", "level": "never heard of"}]}, "suspicious"),
        ({"scansDone": True}, "unknown"),
        ("safe", "unknown"),
        (None, "unknown"),
    ],
)
def test_the_hubs_own_scan_is_told_in_one_word(status: Any, said: str) -> None:
    assert hub_scan_of({"securityRepoStatus": status}) == said


def test_garbage_from_the_hub_is_no_news() -> None:
    assert material({"cardData": 7, "tags": {"license": 1}}) == material({})


def model_file(path: str) -> RepoFile:
    return RepoFile(path, 10, BlobId(HashKind.GIT_SHA1, "b" * 40), "b" * 40)


def test_what_names_parents_is_read_however_many_other_files_stand_before_it() -> None:
    noise = [f"{number:04}/config.json" for number in range(500)] + [f"A-LICENSE-{number:03}" for number in range(100)]
    paths = [*noise, "README.md", "adapter_config.json", "mergekit_config.yml", "LICENSE", "config.json"]
    read = {file.path for file in texts_of([model_file(path) for path in paths], RepoKind.MODEL)}
    assert {"README.md", "adapter_config.json", "mergekit_config.yml", "LICENSE", "config.json"} <= read
    assert len(read) < 60


@pytest.mark.parametrize(
    "texts",
    [
        {"adapter_config.json": '{"base_model_name_or_path": "noncom/writer"' + " " * 1_000},
        {"mergekit_config.yml": "models: &a [{model: noncom/writer}]\nagain: *a\n"},
        {"config.json": "not JSON"},
        {},
    ],
)
def test_a_document_that_may_name_parents_and_cannot_be_read_leaves_the_lineage_unknown(texts: dict[str, str]) -> None:
    files = [model_file(path) for path in texts or {"adapter_config.json": ""}]
    one = Snapshot(1, Commit(RepoId.parse("acme/one"), "1" * 40), {"id": "acme/one"}, listed=True)
    facts = facts_of(one, files, {}, {}, MOMENT, Look(owner=ORG, texts=texts, at=MOMENT))
    assert facts.unknown == ("lineage",)


def test_documents_that_can_be_read_leave_nothing_unknown() -> None:
    texts = {"adapter_config.json": '{"base_model_name_or_path": "acme/base"}', "config.json": "{}"}
    one = Snapshot(1, Commit(RepoId.parse("acme/one"), "1" * 40), {"id": "acme/one"}, listed=True)
    facts = facts_of(one, [model_file(path) for path in texts], {}, {}, MOMENT, Look(owner=ORG, texts=texts, at=MOMENT))
    assert facts.unknown == ()


@pytest.mark.parametrize("decoys", [0, 300])
def test_a_parent_hides_its_own_parents_neither_behind_a_thousand_tags_nor_in_a_long_list(decoys: int) -> None:
    info = {
        "id": "acme/base",
        "tags": [f"tag-{number}" for number in range(1_000)] + ["base_model:noncom/writer"],
        "cardData": {"base_model": [f"decoy/{'x' * 80}{number}" for number in range(decoys)]},
    }

    async def describe(repo: RepoId, revision: Revision) -> Description:
        if str(repo) != "acme/base":
            raise RepoNotFound("there is no such repository")
        return Description(Commit(repo, "2" * 40), info)

    root = Node("acme/one", "1" * 40, license_of({"license": "mit"}, ()), (Parent("acme/base", "merge", "card"),))
    relatives, _ = asyncio.run(find_relatives(root, describe))
    lineage, _ = walked(root, relatives)
    assert "noncom/writer" in lineage.ancestors or lineage.cut


def test_a_licence_that_changes_is_seen_though_the_commit_says_that_it_is_the_older_one(database: Database) -> None:
    def look(license_: str, moment: str) -> Look:
        return Look(owner=ORG, texts={"README.md": f"---\nlicense: {license_}\n---\n"}, committed_at=moment, at=MOMENT)

    first, second = look("mit", "2025-06-01T00:00:00Z"), look("cc-by-nc-4.0", "2020-01-01T00:00:00Z")
    old = commit(database, "acme/one", "2024-01-01T00:00:00Z", first)
    new = commit(database, "acme/one", "2024-01-01T00:00:00Z", second, sha="2")
    with database.write() as session:
        for snapshot, _, _ in (old, new):
            observe(session, snapshot.commit, Revision("main"), now())
    with database.read() as session:
        earlier = memory_of(session, new[0], second, None, shipped()).earlier
        assert [one.card["license"] for one in earlier] == ["mit"]


def test_a_card_that_says_its_licence_twice_is_read_as_the_hub_reads_it() -> None:
    text = "---\nlicense: cc-by-nc-4.0\nlicense: apache-2.0\n---\n"
    info = {"id": "acme/one", "cardData": {"license": "cc-by-nc-4.0"}}
    one = Snapshot(1, Commit(RepoId.parse("acme/one"), "1" * 40), info, listed=True)
    look = Look(owner=ORG, texts={"README.md": text}, at=MOMENT)
    facts = facts_of(one, [model_file("README.md")], {}, {}, MOMENT, look)
    assert facts.license.declared == ("cc-by-nc-4.0",)
