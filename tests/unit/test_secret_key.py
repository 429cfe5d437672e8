"""One secret key for all who share a database: another one is told so, and changing it loses nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlmodel import select

from curator.audit.record import Action
from curator.audit.seals import keys_made_here, new_key, seal_now, signer
from curator.audit.tables import AuditRow
from curator.audit.verify import verify
from curator.cli import key as command
from curator.cli.key import Change
from curator.cli.place import Place
from curator.database import secret_key
from curator.database.engine import Database
from curator.database.sealing import Seal
from curator.database.secret_key import OtherKey
from curator.errors import BadInput, KeyLost
from curator.notify import webhooks
from curator.notify.addresses import Allowed
from curator.notify.webhooks import Wanted
from curator.settings import Settings
from curator.tasks import run_worker
from curator.upstream.tokens import Pattern, add_token, list_tokens, open_token
from tests.unit.test_verify import fill

LOCAL = Allowed.parse("127.0.0.0/8")


@pytest.fixture
def place(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Place:
    monkeypatch.setenv("CURATOR_DATABASE_URL", database.engine.url.render_as_string(hide_password=False))
    return Place(None, tmp_path / "data")


def here(tmp_path: Path) -> Seal:
    return Seal(None, tmp_path / "data" / "secret.key")


def filled(database: Database, seal: Seal) -> tuple[str, str]:
    """A sealed record, a token and a webhook; the record's public key, and the webhook's secret."""
    fill(database, 3)
    with_key = signer(database, seal)
    with database.write() as session:
        seal_now(session, with_key)
    add_token(database, seal, Pattern.parse("meta-llama/*", None), "hf_token", None, "ada")
    _, secret = webhooks.make(database, seal, Wanted(name="chat", url="http://127.0.0.1:9009/x"), LOCAL, "ada")
    return with_key.key, secret


def test_a_key_of_ones_own_seals_nothing_in_a_database_that_others_share(database: Database, tmp_path: Path) -> None:
    filled(database, here(tmp_path))
    other = Seal(Fernet.generate_key().decode(), tmp_path / "x")
    for attempt in (
        lambda: signer(database, other),
        lambda: add_token(database, other, Pattern.parse("acme/*", None), "hf_token", None, "ada"),
        lambda: webhooks.make(database, other, Wanted(name="b", url="http://127.0.0.1:9009/y"), LOCAL, "ada"),
        lambda: webhooks.rotate(database, other, "chat", "ada"),
        lambda: verify(database, seal=other),
    ):
        with pytest.raises(OtherKey, match="CURATOR_SECRET_KEY is not the key that this database's secrets"):
            attempt()
    absent = Seal(None, tmp_path / "elsewhere" / "secret.key")
    with pytest.raises(KeyLost, match="is missing"):
        signer(database, absent)
    assert not (tmp_path / "elsewhere").exists(), "no key is made beside the one there is"
    assert verify(database, seal=here(tmp_path)).right


def test_a_worker_with_another_key_does_not_start(database: Database, tmp_path: Path) -> None:
    filled(database, here(tmp_path))
    url = database.engine.url.render_as_string(hide_password=False)
    with pytest.raises(OtherKey):
        run_worker(
            Settings(
                data=tmp_path / "worker",
                database_url=url,
                broker_url="redis://127.0.0.1:9009/0",
                secret_key=Fernet.generate_key().decode(),
            )
        )


def test_a_record_of_before_is_not_taken_over_by_who_cannot_open_its_key(database: Database, tmp_path: Path) -> None:
    """As after an upgrade, when the database knows no key yet."""
    filled(database, here(tmp_path))
    with database.write() as session:
        row = secret_key.known(session)
        session.delete(row)
    with pytest.raises(OtherKey):
        signer(database, Seal(Fernet.generate_key().decode(), tmp_path / "x"))
    signer(database, here(tmp_path))
    with database.read() as session:
        assert secret_key.check(session, here(tmp_path))


def test_the_key_is_changed_and_everything_opens_and_counts_as_before(
    database: Database, tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    public, secret = filled(database, here(tmp_path))
    _, newer = webhooks.rotate(database, here(tmp_path), "chat", "ada")
    new = Fernet.generate_key().decode()
    monkeypatch.setenv("CURATOR_SECRET_KEY", new)
    change = Change(tmp_path / "data" / "secret.key", lost=False, record_keys=(), new_record_key=True)
    command.change(change, place, as_json=False)
    seal = Seal(new, tmp_path / "none")
    assert [open_token(seal, one) for one in list_tokens(database)] == ["hf_token"]
    with database.read() as session:
        assert webhooks.keys_of(seal, webhooks.find(session, "chat")) == [newer, secret]
        said = session.exec(select(AuditRow).where(AuditRow.action == Action.SETTINGS)).one()
    assert "the secret key was changed" in str(said.sentence)
    assert new not in str(said.sentence)
    assert signer(database, seal).key != public, "it signs with a new one"
    found = verify(database, seal=seal)
    assert found.right, found.problems
    assert public in found.keys
    with pytest.raises(OtherKey):
        signer(database, here(tmp_path))


def test_a_server_that_had_a_key_of_its_own_is_taken_over_into_the_one(
    database: Database, tmp_path: Path, place: Place
) -> None:
    """As it was possible before: two servers on a database, each with a secret."""
    public, _ = filled(database, here(tmp_path))
    with database.write() as session:
        session.delete(secret_key.known(session))
    theirs = Seal(None, tmp_path / "theirs.key")
    with database.write() as session:
        theirs.make()
        strange = new_key(session, theirs).key
    signer(database, here(tmp_path))
    assert not verify(database, seal=here(tmp_path)).right
    command.change(
        Change(tmp_path / "theirs.key", lost=False, record_keys=(), new_record_key=False), place, as_json=False
    )
    found = verify(database, seal=here(tmp_path))
    assert found.right
    assert set(found.keys) == {public, strange}


def test_a_lost_key_is_said_to_be_lost_and_the_record_goes_on_with_what_was_noted_down(
    database: Database, tmp_path: Path, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    public, _ = filled(database, here(tmp_path))
    (tmp_path / "data" / "secret.key").unlink()
    with pytest.raises(KeyLost, match=f"--record-key {public}"):
        command.change(Change(None, lost=True, record_keys=(), new_record_key=False), place, as_json=False)
    with pytest.raises(BadInput, match="never sealed with"):
        command.change(Change(None, lost=True, record_keys=("ab" * 32,), new_record_key=False), place, as_json=False)
    command.change(Change(None, lost=True, record_keys=(public,), new_record_key=False), place, as_json=False)
    said = capsys.readouterr().out
    assert "token for meta-llama/* is lost" in said
    assert "secret of the webhook chat is lost" in said
    assert list_tokens(database) == []
    with database.read() as session:
        assert webhooks.find(session, "chat").disabled_at is not None
        assert keys_made_here(session, here(tmp_path)) == (frozenset({public}), ())
    assert signer(database, here(tmp_path)).key != public
    assert verify(database, seal=here(tmp_path)).right


def test_whoever_looks_is_told_whether_it_is_the_key(
    database: Database,
    tmp_path: Path,
    place: Place,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command.show(place, as_json=False)
    assert "knows no secret key yet" in capsys.readouterr().out
    filled(database, here(tmp_path))
    command.show(place, as_json=True)
    assert json.loads(capsys.readouterr().out)["right"] is True
    monkeypatch.setenv("CURATOR_SECRET_KEY", Fernet.generate_key().decode())
    with pytest.raises(SystemExit) as ended:
        command.show(place, as_json=False)
    assert ended.value.code == 1
    assert "CURATOR_SECRET_KEY is another" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Change(None, lost=False, record_keys=(), new_record_key=False), "Name the file"),
        (Change(Path("x"), lost=True, record_keys=(), new_record_key=False), "Name the file"),
        (Change(Path("x"), lost=False, record_keys=("a",), new_record_key=False), "--record-key is for"),
    ],
)
def test_what_cannot_be_meant_is_refused(change: Change, said: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=said):
        command.change(change, Place(None, tmp_path), as_json=False)
