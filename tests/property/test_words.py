"""Whatever somebody says of a repository, it is taken as it was meant or answered by a sentence."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlmodel import Session, SQLModel

from curator.admission.reopening import concerned_by
from curator.admission.tables import SnapshotRow
from curator.api.lists import WantedEntries
from curator.database.engine import Database, now
from curator.policy import lists, waivers
from curator.policy.collections import collection
from curator.policy.waivers import Limits
from curator.policy.word import BadWord, checked_scope, read_until
from curator.types import RepoId
from rules.circumstances import Audience, ListEffect, ListEntry, Scope, Waiver

MOMENT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
NAMES = st.from_regex(re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,10}", re.ASCII), fullmatch=True)
NAME_GLOBS = st.from_regex(re.compile(r"[A-Za-z0-9._*?-]{1,10}", re.ASCII), fullmatch=True)
REPO_GLOBS = st.from_regex(re.compile(r"[A-Za-z0-9_.*?-]{1,8}(/[A-Za-z0-9_.*?-]{1,8})?", re.ASCII), fullmatch=True)
REPOS = st.from_regex(re.compile(r"[a-c_.%-]{1,4}/[a-c_.%-]{1,4}", re.ASCII), fullmatch=True)
SCOPES = st.builds(
    Scope,
    st.lists(NAME_GLOBS, min_size=1, max_size=3, unique=True).map(tuple),
    st.lists(NAME_GLOBS, min_size=1, max_size=3, unique=True).map(tuple),
)
REASONS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30).filter(
    str.strip
)
ENDS = st.none() | st.datetimes(dt.datetime(2200, 1, 1), dt.datetime(2290, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001
PRINTS = st.frozensets(st.from_regex(re.compile(r"[0-9a-f]{64}", re.ASCII), fullmatch=True), min_size=1, max_size=4)
SHAS = st.frozensets(st.from_regex(re.compile(r"[0-9a-f]{40}", re.ASCII), fullmatch=True), max_size=3)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('words')}/curator.db")
    made.migrate()
    yield made
    made.close()


@given(st.text(max_size=40))
def test_an_end_is_a_moment_or_a_sentence(text: str) -> None:
    try:
        end = read_until(text, MOMENT)
    except BadWord as error:
        assert "is no end" in error.sentence
    else:
        assert end.tzinfo is not None
        assert end.utcoffset() == dt.timedelta(0)


@given(st.lists(st.text(max_size=10), max_size=3), st.lists(st.text(max_size=10), max_size=3))
def test_a_scope_is_of_names_that_a_token_can_have_or_a_sentence(teams: list[str], projects: list[str]) -> None:
    try:
        scope = checked_scope(teams, projects)
    except BadWord as error:
        assert "\n" not in error.sentence
    else:
        assert Scope.from_json(scope.as_json()) == scope
        assert all("/" not in name and " " not in name for name in (*scope.teams, *scope.projects))


@given(st.text(max_size=30))
def test_a_collection_is_found_or_a_sentence(name: str) -> None:
    try:
        assert collection(name).repositories
    except BadWord as error:
        assert "\n" not in error.sentence


@given(SCOPES, NAMES, NAMES)
def test_a_scope_that_is_kept_covers_whom_it_covered(scope: Scope, team: str, project: str) -> None:
    audience = Audience(team, project)
    assert Scope.from_json(scope.as_json()).covers(audience) == scope.covers(audience)
    assert Audience.parse(str(audience)) == audience


@given(prints=PRINTS, scope=SCOPES, reason=REASONS, by=NAMES, end=ENDS)
def test_a_waiver_is_kept_as_it_was_given(
    database: Database, prints: frozenset[str], scope: Scope, reason: str, by: str, end: dt.datetime | None
) -> None:
    wanted = waivers.Wanted(
        fingerprints=prints,
        repo=RepoId.parse("acme/tiny"),
        rules=("a", "b"),
        decision="d",
        scope=scope,
        reason=reason,
        by=by,
        expires_at=end,
    )
    with Session(database.engine) as session:
        kept = waivers.add(session, wanted, Limits(200_000, without_end=True))
        assert waivers.find(session, kept.waiver.id).as_json() == kept.as_json()
        active = {waiver.id: waiver for waiver in waivers.active(session, MOMENT)}
    given_ = Waiver(kept.waiver.id, prints, reason.strip(), by, end, scope)
    assert active[given_.id] == kept.waiver == given_


@given(
    globs=st.lists(REPO_GLOBS, min_size=1, max_size=3, unique=True),
    effect=st.sampled_from(ListEffect),
    kinds=st.lists(st.sampled_from(["model", "dataset", "space"]), min_size=1, unique=True),
    commits=SHAS,
    scope=SCOPES,
    reason=REASONS,
    end=ENDS,
)
def test_an_entry_is_kept_as_it_was_given(
    database: Database,
    globs: list[str],
    effect: ListEffect,
    kinds: list[str],
    commits: frozenset[str],
    scope: Scope,
    reason: str,
    end: dt.datetime | None,
) -> None:
    wanted = lists.Wanted(
        effect=effect,
        repositories=tuple(globs),
        kinds=tuple(kinds),
        commits=commits if len(globs) == 1 else frozenset(),
        scope=scope,
        reason=reason,
        by="ada",
        expires_at=end,
    )
    with Session(database.engine) as session:
        kept = lists.add(session, wanted)
        active = {entry.id: entry for entry in lists.active(session, MOMENT)}
        assert lists.find(session, kept.entry.id).as_json() == kept.as_json()
    entry = ListEntry(
        kept.entry.id, effect, wanted.repositories, reason.strip(), "ada", wanted.kinds, wanted.commits, "", end, scope
    )
    assert active[entry.id] == kept.entry == entry


@given(st.lists(st.text(max_size=20), max_size=3), st.lists(st.text(max_size=50), max_size=2))
def test_an_entry_is_checked_or_a_sentence(globs: list[str], commits: list[str]) -> None:
    wanted = lists.Wanted(
        effect=ListEffect.BLOCK,
        repositories=tuple(globs),
        kinds=("model",),
        commits=frozenset(commits),
        scope=Scope(),
        reason="x",
        by="ada",
    )
    try:
        assert lists.check(wanted) == replace(wanted)
    except BadWord as error:
        assert "\n" not in error.sentence


@given(st.from_regex(re.compile(r"[a-c_.%*?\[\]!/\\-]{1,10}", re.ASCII), fullmatch=True), REPOS)
def test_an_entry_concerns_just_the_repositories_that_its_glob_matches(glob: str, repo: str) -> None:
    entry = ListEntry("one", ListEffect.BLOCK, (glob,), "x", "ada")
    with Session(_MEMORY) as session:
        session.add(SnapshotRow(kind="model", repo=repo, sha="0" * 40, info="{}", seen_at=now()))
        assert bool(concerned_by(session, entry)) is fnmatchcase(repo.lower(), glob.lower())


@given(
    st.dictionaries(st.text(max_size=10), st.none() | st.text(max_size=10) | st.lists(st.text(max_size=5), max_size=2))
)
def test_a_body_that_is_no_word_is_refused_as_such(body: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        WantedEntries.model_validate(body)


_MEMORY = create_engine("sqlite://")
SQLModel.metadata.create_all(_MEMORY)
