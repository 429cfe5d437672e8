from __future__ import annotations

import datetime as dt
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from scanners.repository.names import Lookalike, lookalike
from scanners.repository.owners import Change, Owner
from scanners.repository.suspicion import Copied, suspicion

NOW = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
NEWCOMER = Owner("user", created_at=NOW - dt.timedelta(days=3))
ESTABLISHED = Owner("organization", True, NOW - dt.timedelta(days=1500), 20_000, 80)
SAME_CARD = Copied("openai/privacy-filter", 0.98)
BLOCKED = 0.85


def test_all_signs_are_told_in_one_line() -> None:
    found = suspicion(
        lookalike("meta-lama/Llama-3.2-1B"), NEWCOMER, Copied("meta-llama/Llama-3.2-1B", 0.99), observed_at=NOW
    )
    assert found.of == "meta-llama/Llama-3.2-1B"
    assert found.score >= 0.95
    assert found.why == (
        "meta-llama with a letter left out, and has the name of meta-llama/Llama-3.2-1B, account created 3 days ago, "
        "unverified, same card"
    )


def test_the_fake_privacy_filter_of_may_2026_is_blocked() -> None:
    found = suspicion(lookalike("Open-OSS/privacy-filter"), NEWCOMER, SAME_CARD, observed_at=NOW)
    assert found.of == "openai/privacy-filter"
    assert found.score >= BLOCKED


def test_a_copied_name_with_the_copied_card_of_a_new_account_is_blocked_whatever_the_account_is_called() -> None:
    found = suspicion(lookalike("someone/privacy-filter"), NEWCOMER, SAME_CARD, observed_at=NOW)
    assert found.score >= BLOCKED


def test_a_copied_card_alone_is_told_of_but_blocks_nobody() -> None:
    old = Owner("user", False, NOW - dt.timedelta(days=900), 40)
    found = suspicion(None, old, SAME_CARD, observed_at=NOW)
    assert found.of == "openai/privacy-filter"
    assert 0.5 < found.score < BLOCKED


def test_an_honest_copy_of_a_newcomer_is_not_blocked() -> None:
    found = suspicion(lookalike("jane/Llama-3.2-1B"), NEWCOMER, observed_at=NOW)
    assert found.score < 0.7


def test_who_names_what_the_copy_was_made_from_is_not_blocked() -> None:
    copied = Copied("meta-llama/Llama-3.2-1B", 1.0, ("meta-llama/Llama-3.2-1B",))
    found = suspicion(lookalike("jane/Llama-3.2-1B"), NEWCOMER, copied, observed_at=NOW, names_its_parent=True)
    assert found.score < BLOCKED


def test_a_verified_organisation_of_many_years_is_not_blocked_for_its_name() -> None:
    found = suspicion(lookalike("meta-lama/Llama-3.2-1B"), ESTABLISHED, observed_at=NOW)
    assert found.score < 0.5
    assert "but the Hub has verified the organisation" in found.why


def test_a_known_publisher_may_quote_a_card() -> None:
    copied = Copied("meta-llama/Llama-2-7b-hf", 1.0, ("meta-llama/Llama-2-7b-hf",))
    found = suspicion(None, Owner("organization"), copied, observed_at=NOW, known_publisher=True)
    assert found.score < 0.35


def test_a_new_account_alone_is_no_reason() -> None:
    found = suspicion(None, NEWCOMER, Copied(weights_of=("a/b",)), observed_at=NOW)
    assert (found.of, found.score, found.why) == ("", 0.0, "")


def test_what_is_unknown_of_the_owner_counts_neither_way() -> None:
    alone = lookalike("meta-lama/Llama-3.2-1B")
    assert alone is not None
    assert suspicion(alone, Owner(), observed_at=NOW).score == suspicion(alone, observed_at=NOW).score == alone.score


EARLIEST, LATEST = (dt.datetime(year, 1, 1, tzinfo=dt.UTC).replace(tzinfo=None) for year in (2017, 2030))
LOOKALIKES = st.none() | st.builds(Lookalike, st.just("meta-llama"), st.floats(0, 1), st.just("one letter from it"))
OWNERS = st.none() | st.builds(
    Owner,
    st.sampled_from(["organization", "user", "unknown"]),
    st.booleans(),
    st.none() | st.datetimes(EARLIEST, LATEST, timezones=st.just(dt.UTC)),
    st.integers(0, 10**6),
    st.integers(0, 100),
)
COPIES = st.builds(
    Copied,
    st.sampled_from(["", "meta-llama/Llama-3.2-1B"]),
    st.floats(0, 1),
    st.sampled_from([(), ("a/b",)]),
    st.sampled_from([(), ("a/b",)]),
)


@given(LOOKALIKES, OWNERS, COPIES, st.booleans(), st.booleans())
def test_the_score_never_falls_with_a_stronger_sign(
    likeness: Lookalike | None, owner: Owner | None, copied: Copied, known: bool, names: bool
) -> None:
    def score(likeness: Lookalike | None, copied: Copied, change: Change | None = None) -> float:
        return suspicion(
            likeness, owner, copied, observed_at=NOW, known_publisher=known, names_its_parent=names, change=change
        ).score

    here = score(likeness, copied)
    assert 0 <= here <= 1
    if likeness is not None:
        assert score(replace(likeness, score=min(1, likeness.score + 0.1)), copied) >= here
    assert score(likeness, replace(copied, card_similarity=min(1, copied.card_similarity + 0.1))) >= here
    assert score(likeness, replace(copied, weights_of=("a/b",))) >= here
    assert score(likeness, replace(copied, shape_of=("a/b",))) >= here
    assert score(likeness, copied, Change(("owner-id",), ("another owner",))) >= here


@given(LOOKALIKES, OWNERS, COPIES)
def test_the_score_never_rises_with_a_better_standing(
    likeness: Lookalike | None, owner: Owner | None, copied: Copied
) -> None:
    here = suspicion(likeness, owner, copied, observed_at=NOW).score
    assert suspicion(likeness, owner, copied, observed_at=NOW, known_publisher=True).score <= here
    assert suspicion(likeness, owner, copied, observed_at=NOW, names_its_parent=True).score <= here
    if owner is None:
        return
    better = [replace(owner, followers=owner.followers + 500)]
    if owner.kind != "unknown":
        better.append(replace(owner, verified=True))
    if owner.created_at is not None:
        better.append(replace(owner, created_at=owner.created_at - dt.timedelta(days=200)))
    assert all(suspicion(likeness, one, copied, observed_at=NOW).score <= here for one in better)
