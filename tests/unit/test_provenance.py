"""Where settings were said."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from curator.provenance import VARIABLE, Origin, Said, as_variable, said_where
from curator.settings import Settings
from curator.web.configuration import configuration, written


def test_the_first_that_says_it_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "acme.toml"
    file.write_text('port = 9000\nhost = "0.0.0.0"\ncontact = "mail"\nlease_s = 5\nanonymous = "no"\n')
    monkeypatch.setenv("CURATOR_PORT", "9001")
    monkeypatch.setenv("CURATOR_HOST", "127.0.0.2")
    monkeypatch.setenv("curator_contact", "wiki")
    monkeypatch.setenv("CURATOR_LEASE_S", "")
    settings = Settings.load(file, port=9002)
    said = {name: settings.said[name] for name in ("port", "host", "contact", "lease_s", "spaces")}
    assert said == {
        "port": Said(Origin.COMMAND_LINE, "--port"),
        "host": Said(Origin.ENVIRONMENT, "CURATOR_HOST"),
        "contact": Said(Origin.ENVIRONMENT, "CURATOR_CONTACT"),
        "lease_s": Said(Origin.FILE, str(file)),
        "spaces": Said(Origin.DEFAULT),
    }
    assert (settings.port, settings.host, settings.contact, settings.lease_s) == (9002, "127.0.0.2", "wiki", 5)


def test_processes_that_a_server_starts_say_the_same_as_it() -> None:
    said = {"port": Said(Origin.COMMAND_LINE, "--port"), "host": Said(Origin.FILE, "curator.toml")}
    environment = {"CURATOR_PORT": "1", "CURATOR_HOST": "h"} | as_variable(said)
    assert said_where(["port", "host"], (), environment, None, ()) == said


@pytest.mark.parametrize("text", ["", "[]", "{", '{"port": 3}', '{"port": ["moon", "x"]}', '{"port": ["file"]}', "3"])
def test_what_cannot_be_understood_says_nothing(text: str) -> None:
    assert said_where(["port"], (), {VARIABLE: text}, None, ()) == {"port": Said(Origin.DEFAULT)}


def test_no_secret_and_no_password_of_an_address_is_shown() -> None:
    settings = Settings(
        database_url="postgresql+psycopg://curator:hunter2@db/curator",
        broker_url=SecretStr("redis://:hunter2@broker/0"),
        upstream_token=SecretStr("hf_hunter2"),
    )
    told = configuration(settings).as_json()
    assert "hunter2" not in str(told)
    found = {one["name"]: one["value"] for one in told["settings"]}
    assert found["database_url"] == "postgresql+psycopg://curator:…@db/curator"
    assert (found["broker_url"], found["secret_key"]) == ("set", "not set")


def test_values_are_shown_as_one_would_write_them() -> None:
    shown = [written(value) for value in (None, True, 3, 20.0, 0.5, Path("a/b"), "x", {"a": "http://u:p@h"})]
    assert shown == ["", "true", "3", "20", "0.5", "a/b", "x", '{"a": "http://u:…@h"}']
