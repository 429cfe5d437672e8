"""How the mirror reaches its Hub from inside a company: through its proxy, under its authority, with its tokens."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from curator.database.engine import Database
from fixtures import programs
from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.certificates import Certificates, make_certificates
from tests.contract.clients import bare_environment, curator
from tests.contract.http import Reply, ask, settled
from tests.forward_proxy import ForwardProxy

TINY = "/api/models/acme-research/tiny-bert"
GATED = "/api/models/meta-llama/Llama-3.2-1B-Instruct"
GATED_WEIGHTS = "/meta-llama/Llama-3.2-1B-Instruct/resolve/main/model.safetensors"
TOKEN = "hf_fixture_reader_that_accepted_the_terms_1"
OTHER_TOKEN = "hf_fixture_reader_that_accepted_nothing_002"


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return make_certificates(tmp_path)


@pytest.fixture
def secure_hub(certificates: Certificates) -> Iterator[FixtureHub]:
    """A Hub behind TLS, with a certificate that only the company's authority vouches for."""
    with FixtureHub("--certificate", str(certificates.server)) as hub:
        yield hub


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[ForwardProxy]:
    with ForwardProxy(tmp_path / "proxy.log") as proxy:
        yield proxy


def soon(mirror: MirrorProcess, path: str, status: int = 200) -> Reply:
    """The answer, once it has this status: what was refused a moment ago is remembered for a while."""
    deadline = time.monotonic() + 60
    while (reply := settled(mirror.url, path)).status != status and time.monotonic() < deadline:
        time.sleep(0.1)
    assert reply.status == status, reply.body
    return reply


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """The data folder of a mirror that was started once."""
    folder = tmp_path / "data"
    folder.mkdir()
    Database(f"sqlite:///{folder}/curator.db").migrate()
    return folder


def upstream_token(data: Path, *arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    return programs.run(
        "curator.cli", ["upstream-token", *arguments, "--data", str(data)], bare_environment() | variables, stdin
    )


def test_a_plain_hub_is_reached_through_the_proxy(own_hub: FixtureHub, proxy: ForwardProxy, tmp_path: Path) -> None:
    with MirrorProcess(tmp_path / "data", own_hub.url, {"HTTP_PROXY": proxy.url, "http_proxy": proxy.url}) as mirror:
        soon(mirror, TINY)
        soon(mirror, "/acme-research/tiny-bert/resolve/main/model.safetensors")
    asked = {line.split(" ")[1].split("/")[2] for line in proxy.asked()}
    assert asked == {own_hub.url.removeprefix("http://"), own_hub.cdn_url.removeprefix("http://")}
    assert len(proxy.asked()) == len(own_hub.requests()), "nothing went around it"


def test_a_hub_behind_tls_is_reached_through_the_proxy_under_the_companys_authority(
    secure_hub: FixtureHub, proxy: ForwardProxy, certificates: Certificates, tmp_path: Path
) -> None:
    environment = {"https_proxy": proxy.url, "CURATOR_UPSTREAM_CA": str(certificates.authority)}
    with MirrorProcess(tmp_path / "data", secure_hub.url, environment) as mirror:
        soon(mirror, TINY)
        soon(mirror, "/acme-research/tiny-bert/resolve/main/model.safetensors")
    assert {line.split(" ")[0] for line in proxy.asked()} == {"CONNECT"}
    assert any(secure_hub.cdn_url.endswith(line.split(" ")[1]) for line in proxy.asked())


def test_what_no_proxy_names_is_reached_without_it(own_hub: FixtureHub, proxy: ForwardProxy, tmp_path: Path) -> None:
    environment = {"http_proxy": proxy.url, "no_proxy": "127.0.0.1"}
    with MirrorProcess(tmp_path / "data", own_hub.url, environment) as mirror:
        soon(mirror, TINY)
    assert proxy.asked() == []


def test_a_proxy_that_is_not_there_is_told_in_words(own_hub: FixtureHub, tmp_path: Path) -> None:
    with MirrorProcess(tmp_path / "data", own_hub.url, {"http_proxy": "http://me:secret@127.0.0.1:9"}) as mirror:
        reply = ask(mirror.url, TINY)
        assert "secret" not in mirror.log.read_text() + str(reply)
    assert reply.status == 403
    assert "The Hub could not be reached for acme-research/tiny-bert@main" in reply.json["error"]
    assert own_hub.requests() == []


def test_a_certificate_that_nobody_vouches_for_says_which_setting_helps(secure_hub: FixtureHub, tmp_path: Path) -> None:
    with MirrorProcess(tmp_path / "data", secure_hub.url) as mirror:
        said = ask(mirror.url, TINY).json["error"]
    assert "name the company's own authority with CURATOR_UPSTREAM_CA" in said
    assert secure_hub.requests() == []


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be read: No such file or directory"), ("not PEM", "holds no certificate")]
)
def test_an_authority_that_cannot_be_read_ends_the_start(tmp_path: Path, content: str | None, said: str) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    for command in (["serve", "--port", "0", "--data", str(tmp_path / "data")], ["scan", "hf://a/b"], ["worker"]):
        done = curator(*command, CURATOR_UPSTREAM_CA=str(file), CURATOR_BROKER_URL="redis://127.0.0.1:9/0")
        assert done.returncode == 2, done.stderr
        assert done.stderr.startswith(f"curator: CURATOR_UPSTREAM_CA: {file} {said}"), done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_one_account_opens_a_gated_model_for_everybody_without_a_restart(
    hub: FixtureHub, at_once: MirrorProcess
) -> None:
    data = at_once.data
    refused = soon(at_once, GATED, 403)
    assert "`curator upstream-token add 'meta-llama/*'`" in refused.json["error"]
    done = upstream_token(data, "add", "meta-llama/*", "--note", "legal's account", stdin=f"{TOKEN}\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "The upstream is asked for meta-llama/* with this token from now on.\n"
    mark = hub.mark()
    soon(at_once, GATED)
    soon(at_once, GATED_WEIGHTS)
    soon(at_once, TINY)
    for entry in hub.requests(since=mark):
        gated = entry["origin"] == "hub" and "meta-llama" in entry["path"]
        assert entry["token"] in ({TOKEN, ""} if gated else {""}), entry
    assert TOKEN in {entry["token"] for entry in hub.requests("hub", since=mark)}
    listed = upstream_token(data, "list", "--format", "json")
    (row,) = json.loads(listed.stdout)
    assert (row["pattern"], row["kind"], row["note"]) == ("meta-llama/*", None, "legal's account")
    shown = listed.stdout + upstream_token(data, "list").stdout + done.stdout + done.stderr
    answers = b"".join(ask(at_once.url, path).body for path in (GATED, "/readyz", "/"))
    assert TOKEN not in shown + at_once.log.read_text()
    assert TOKEN.encode() not in answers
    for file in data.rglob("*"):
        # What is being fetched has another name a moment later.
        with contextlib.suppress(FileNotFoundError):
            assert not file.is_file() or TOKEN.encode() not in file.read_bytes(), file
    removed = upstream_token(data, "remove", "meta-llama/*")
    assert removed.stdout == "The token for meta-llama/* is forgotten.\n"
    again = upstream_token(data, "remove", "meta-llama/*")
    assert again.returncode == 2
    assert again.stderr.startswith("curator: There is no token for meta-llama/*: `curator upstream-token list` shows")


def test_a_server_with_another_key_does_not_start(own_hub: FixtureHub, begun: Path) -> None:
    data = begun
    assert upstream_token(data, "add", "meta-llama/*", stdin=TOKEN).returncode == 0
    (data / "secret.key").unlink()
    done = curator("serve", "--port", "0", "--data", str(data), "--upstream", own_hub.url)
    assert done.returncode == 2
    assert f"The key {data}/secret.key is missing" in done.stderr
    assert "Traceback" not in done.stderr
    key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    done = curator("serve", "--port", "0", "--data", str(data), "--upstream", own_hub.url, CURATOR_SECRET_KEY=key)
    assert done.returncode == 2
    assert "CURATOR_SECRET_KEY is not the key that this database's secrets are sealed with" in done.stderr
    assert upstream_token(data, "remove", "meta-llama/*").returncode == 0, "without the key it can still be removed"


def test_a_token_is_never_taken_from_the_command_line(begun: Path) -> None:
    done = upstream_token(begun, "add", "meta-llama/*", TOKEN)
    assert done.returncode == 2
    assert upstream_token(begun, "list").stdout == ""
    empty = upstream_token(begun, "add", "meta-llama/*")
    assert empty.returncode == 2
    assert (
        empty.stderr
        == "curator: A token of the Hub is one word of printable ASCII letters: nothing like it was given\n"
    )
