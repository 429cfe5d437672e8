from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanners.repository.owners import Owner, OwnerSeen, continuity, moment_of, owner_of

BEFORE = OwnerSeen(
    owner_id="5e67bdd61009063689407479",
    owner_created_at=dt.datetime(2020, 3, 10, 16, 17, 10, tzinfo=dt.UTC),
    repository_id="621ffdc036468d709f174328",
    repository_created_at=dt.datetime(2022, 3, 2, 23, 29, 4, tzinfo=dt.UTC),
    first_commit="a" * 40,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
FIELDS = ["_id", "id", "name", "user", "type", "createdAt", "isVerified", "numFollowers", "numModels", "isPro"]


def test_an_organisation_is_read_as_the_hub_tells_of_it() -> None:
    owner = owner_of(
        {
            "_id": "63e5ef7bf2e9a8f22c515654",
            "type": "org",
            "name": "openai",
            "fullname": "OpenAI",
            "isVerified": True,
            "numModels": 40,
            "numFollowers": 30_000,
            "createdAt": "2023-02-10T07:17:15.000Z",
        }
    )
    created = dt.datetime(2023, 2, 10, 7, 17, 15, tzinfo=dt.UTC)
    assert owner == Owner("organization", True, created, 30_000, 40, "63e5ef7bf2e9a8f22c515654", "openai")


def test_a_user_is_read_and_is_never_a_verified_organisation() -> None:
    owner = owner_of({"type": "user", "user": "julien-c", "isVerified": True, "numModels": 12})
    assert (owner.kind, owner.verified, owner.name, owner.repositories) == ("user", False, "julien-c", 12)


def test_where_the_hub_gives_no_date_the_id_says_when_the_account_was_made() -> None:
    owner = owner_of({"type": "org", "_id": "5e67bdd61009063689407479", "name": "huggingface"})
    assert owner.created_at == dt.datetime(2020, 3, 10, 16, 18, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize("owner_id", ["0" * 24, "not an id", "5e67bdd6", ""])
def test_an_id_that_is_none_says_nothing_of_dates(owner_id: str) -> None:
    assert owner_of({"type": "org", "_id": owner_id}).created_at is None


@pytest.mark.parametrize("garbage", [None, [], "org", 3, {}, {"type": 3, "_id": [], "numFollowers": "many"}])
def test_garbage_is_an_owner_of_whom_nothing_is_known(garbage: object) -> None:
    assert owner_of(garbage) == Owner()


@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(), JSON) | JSON)
def test_no_answer_makes_it_fail(document: Any) -> None:
    owner = owner_of(document)
    assert owner.followers >= 0
    assert owner.repositories >= 0
    assert owner.created_at is None or owner.created_at.tzinfo is not None


@given(st.text(max_size=80))
def test_no_text_makes_reading_a_moment_fail(text: str) -> None:
    moment = moment_of(text)
    assert moment is None or moment.year >= 2016


def test_the_same_owner_and_repository_have_not_changed() -> None:
    assert continuity(BEFORE, BEFORE) is None


def test_a_name_that_was_registered_anew_is_told_by_its_first_commit() -> None:
    change = continuity(OwnerSeen(first_commit="a" * 40), OwnerSeen(first_commit="b" * 40))
    assert change is not None
    assert change.why == "the repository's history begins with another commit than when it was approved"
    assert change.what == ("first-commit",)


@pytest.mark.parametrize(
    ("after", "what"),
    [
        (OwnerSeen(owner_id="63e5ef7bf2e9a8f22c515654"), "owner-id"),
        (OwnerSeen(repository_id="63e5ef7bf2e9a8f22c515654"), "repository-id"),
        (OwnerSeen(owner_created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)), "owner-created"),
        (OwnerSeen(repository_created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)), "repository-created"),
    ],
)
def test_each_thing_that_cannot_be_taken_with_a_name_tells_of_a_change(after: OwnerSeen, what: str) -> None:
    change = continuity(BEFORE, after)
    assert change is not None
    assert change.what == (what,)
    assert change.why


def test_all_that_changed_is_told() -> None:
    after = OwnerSeen(owner_id="63e5ef7bf2e9a8f22c515654", first_commit="c" * 40)
    change = continuity(BEFORE, after)
    assert change is not None
    assert len(change.sentences) == 2
    assert change.why.count(";") == 1


def test_what_is_missing_on_either_side_is_unknown_and_not_changed() -> None:
    assert continuity(OwnerSeen(), BEFORE) is None
    assert continuity(BEFORE, OwnerSeen()) is None


def test_an_earlier_date_is_a_correction_and_no_change_of_hands() -> None:
    after = OwnerSeen(repository_created_at=dt.datetime(2021, 1, 1, tzinfo=dt.UTC))
    assert continuity(BEFORE, after) is None


def test_the_same_id_is_the_same_account_whatever_date_the_hub_gives_it() -> None:
    later = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    after = OwnerSeen(owner_id=BEFORE.owner_id, owner_created_at=later, repository_id=BEFORE.repository_id)
    assert continuity(BEFORE, after) is None


def test_an_owner_who_rewrote_the_history_is_told_from_a_name_that_was_registered_anew() -> None:
    change = continuity(BEFORE, replace(BEFORE, first_commit="d" * 40))
    assert change is not None
    assert change.why == "the repository's history was rewritten since it was approved: it begins with another commit"


def test_fractions_of_a_second_are_no_change() -> None:
    assert BEFORE.owner_created_at is not None
    after = OwnerSeen(owner_created_at=BEFORE.owner_created_at + dt.timedelta(milliseconds=900))
    assert continuity(BEFORE, after) is None


def test_a_first_commit_that_is_no_commit_is_unknown() -> None:
    assert continuity(BEFORE, OwnerSeen(first_commit="main")) is None


EARLIEST = dt.datetime(2017, 1, 1, tzinfo=dt.UTC).replace(tzinfo=None)
SEEN = st.builds(
    OwnerSeen,
    owner_id=st.none() | st.sampled_from(["a" * 24, "b" * 24]),
    owner_created_at=st.none() | st.datetimes(EARLIEST, timezones=st.just(dt.UTC)),
    repository_id=st.none() | st.text(max_size=5),
    repository_created_at=st.none() | st.datetimes(EARLIEST),
    first_commit=st.none() | st.sampled_from(["a" * 40, "b" * 40, "HEAD"]),
)


@given(SEEN, SEEN)
def test_whatever_was_seen_can_be_compared(before: OwnerSeen, after: OwnerSeen) -> None:
    change = continuity(before, after)
    assert change is None or len(change.what) == len(change.sentences) > 0
    assert continuity(after, after) is None


@given(SEEN)
def test_what_was_seen_can_be_kept_as_json(seen: OwnerSeen) -> None:
    kept = OwnerSeen.from_json(seen.as_json())
    assert continuity(seen, kept) is None
    assert OwnerSeen.from_json(kept.as_json()) == kept


@given(JSON)
def test_no_kept_document_makes_it_fail(document: Any) -> None:
    OwnerSeen.from_json(document)
