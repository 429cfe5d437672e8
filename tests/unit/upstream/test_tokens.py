"""Tokens of the upstream: the right one for each repository, sealed, and none at all under a wrong key."""

from __future__ import annotations

import asyncio
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from curator.audit.record import newest
from curator.database.engine import Database
from curator.database.sealing import Seal
from curator.errors import BadInput, BadSettings, KeyLost
from curator.settings import Settings
from curator.types import RepoId, RepoKind
from curator.upstream.credentials import Credentials
from curator.upstream.tokens import KeptToken, Pattern, add_token, best_match, list_tokens, remove_token

TOKEN = "hf_secret_of_the_company_0123456789"


@pytest.fixture
def seal(tmp_path: Path) -> Seal:
    return Seal(None, tmp_path / "secret.key")


def pattern(text: str, kind: RepoKind | None = None) -> Pattern:
    return Pattern.parse(text, kind)


def token_for(database: Database, seal: Seal, repo: str, kind: RepoKind = RepoKind.MODEL) -> str | None:
    async def ask() -> str | None:
        return (await Credentials("general", database, seal).of(RepoId.parse(repo, kind))).token

    return asyncio.run(ask())


def test_the_most_specific_pattern_wins_and_the_general_token_is_for_the_rest(database: Database, seal: Seal) -> None:
    for text in ("*", "meta-llama/*", "meta-llama/Llama-3*", "meta-llama/Llama-3.2-1B"):
        add_token(database, seal, pattern(text), f"for:{text}", None, "me")
    add_token(database, seal, pattern("meta-llama/*", RepoKind.DATASET), "for-datasets", None, "me")
    assert token_for(database, seal, "meta-llama/Llama-3.2-1B") == "for:meta-llama/Llama-3.2-1B"
    assert token_for(database, seal, "META-LLAMA/llama-3.1") == "for:meta-llama/Llama-3*"
    assert token_for(database, seal, "meta-llama/other") == "for:meta-llama/*"
    assert token_for(database, seal, "meta-llama/other", RepoKind.DATASET) == "for-datasets"
    assert token_for(database, seal, "gpt2") == "for:*"
    remove_token(database, pattern("*"), "me")
    assert token_for(database, seal, "gpt2") == "general"


def test_a_token_is_nowhere_in_the_database_and_in_nothing_that_is_printed(
    database: Database, seal: Seal, tmp_path: Path
) -> None:
    assert not add_token(database, seal, pattern("meta-llama/*"), TOKEN, "the legal team's account", "me")
    assert add_token(database, seal, pattern("meta-llama/*"), TOKEN, None, "me"), "the second replaces the first"
    assert token_for(database, seal, "meta-llama/x") == TOKEN
    database.close()
    for file in tmp_path.iterdir():
        assert TOKEN.encode() not in file.read_bytes(), file.name
    credential = asyncio.run(Credentials(TOKEN, None, seal).of(RepoId.parse("a/b")))
    assert TOKEN not in repr(credential) + repr(list_tokens(database))


def test_who_kept_and_who_forgot_a_token_is_on_the_record_and_the_token_is_not(database: Database, seal: Seal) -> None:
    add_token(database, seal, pattern("meta-llama/*"), TOKEN, "legal", "alice")
    add_token(database, seal, pattern("meta-llama/*"), TOKEN, None, "bob")
    add_token(database, seal, pattern("acme/*", RepoKind.DATASET), TOKEN, None, "bob")
    remove_token(database, pattern("meta-llama/*"), "carol")
    with pytest.raises(BadInput):
        remove_token(database, pattern("meta-llama/*"), "carol")
    rows = sorted(newest(database, 10), key=lambda row: row.at)
    assert [(row.action, row.actor, row.outcome, row.kind, row.repo) for row in rows] == [
        ("upstream-token", "alice", "add", "", "meta-llama/*"),
        ("upstream-token", "bob", "replace", "", "meta-llama/*"),
        ("upstream-token", "bob", "add", "dataset", "acme/*"),
        ("upstream-token", "carol", "remove", "", "meta-llama/*"),
    ]
    assert rows[0].sentence == "A token for meta-llama/* is kept (legal)"
    assert TOKEN not in repr(rows)


def test_the_key_is_made_once_and_only_for_this_user(tmp_path: Path) -> None:
    file = tmp_path / "data" / "secret.key"
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda at: Seal(None, file).close(f"text {at}"), range(16)))
    assert [Seal(None, file).open(one, "it") for one in sealed] == [f"text {at}" for at in range(16)]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["secret.key"]


def test_a_wrong_key_opens_nothing_and_no_other_token_takes_its_place(
    database: Database, seal: Seal, tmp_path: Path
) -> None:
    add_token(database, seal, pattern("meta-llama/*"), TOKEN, None, "me")
    other = Seal(Fernet.generate_key().decode(), tmp_path / "secret.key")
    with pytest.raises(KeyLost, match=r"token for meta-llama/\* cannot be opened: CURATOR_SECRET_KEY is not the key"):
        token_for(database, other, "meta-llama/x")
    assert token_for(database, other, "gpt2") == "general"
    (tmp_path / "secret.key").unlink()
    with pytest.raises(KeyLost, match=r"secret\.key is missing"):
        token_for(database, seal, "meta-llama/x")
    assert not (tmp_path / "secret.key").exists(), "a new key would hide that the old one is gone"
    (tmp_path / "secret.key").write_text("not a key")
    (tmp_path / "secret.key").chmod(0o600)
    with pytest.raises(KeyLost, match="is not a key of 32 bytes"):
        token_for(database, seal, "meta-llama/x")


def test_a_key_that_others_can_read_is_not_used(database: Database, seal: Seal, tmp_path: Path) -> None:
    add_token(database, seal, pattern("meta-llama/*"), TOKEN, None, "me")
    (tmp_path / "secret.key").chmod(0o644)
    with pytest.raises(KeyLost, match="can be read by others"):
        token_for(database, seal, "meta-llama/x")


@pytest.mark.parametrize("text", ["", "a/b/c", "meta llama/*", "meta-llama/[a-z]*", "../x\n", "x" * 201])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="is not a pattern"):
        pattern(text)


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "é", "x" * 501])
def test_what_is_no_token_is_refused_and_not_repeated(database: Database, seal: Seal, token: str) -> None:
    with pytest.raises(BadInput) as refused:
        add_token(database, seal, pattern("a/*"), token, None, "me")
    assert not token or token not in refused.value.sentence


def test_a_key_in_the_settings_that_is_none_is_one_sentence_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURATOR_SECRET_KEY", "hunter2")
    with pytest.raises(BadSettings, match="CURATOR_SECRET_KEY: it is not 32 bytes in URL-safe base64") as refused:
        Settings.load()
    assert "hunter2" not in refused.value.sentence


@pytest.mark.parametrize("url", ["http://hub:99999", "http://hub:0", "http://hub:x"])
def test_an_upstream_whose_port_is_none_ends_the_start(url: str) -> None:
    with pytest.raises(BadSettings, match="CURATOR_UPSTREAM is"):
        Settings.load(upstream=url)


PATTERNS = st.lists(
    st.builds(Pattern, st.text("ab*?", min_size=1, max_size=4), st.none() | st.just(RepoKind.MODEL)),
    max_size=6,
    unique_by=lambda one: (one.text, one.kind),
)


@given(PATTERNS, st.text("ab", min_size=1, max_size=4), st.randoms())
def test_which_one_wins_does_not_depend_on_their_order(patterns: list[Pattern], name: str, random: object) -> None:
    import datetime as dt
    import random as randoms

    assert isinstance(random, randoms.Random)
    kept = [KeptToken(one, dt.datetime.now(dt.UTC), None, "") for one in patterns]
    repo = RepoId.parse(name)
    best = best_match(kept, repo)
    random.shuffle(kept)
    assert best_match(kept, repo) == best
    matching = [one.pattern for one in kept if one.pattern.matches(repo)]
    assert (best is None) == (not matching)
    if best is not None and name in {one.text for one in matching}:
        assert best.pattern.text == name, "a whole name comes before every pattern"
