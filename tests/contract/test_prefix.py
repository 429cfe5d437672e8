"""The mirror below a path of its host, as one service among others."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import ROOT, VERSIONS, Client, hf_command
from tests.contract.front_door import FrontDoor
from tests.contract.http import ask

TINY = ROOT / "fixtures/repos/models/acme-research/tiny-bert"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module", params=["the proxy takes it off", "the proxy leaves it on"])
def below(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror whose address for clients is `http://host/hf`."""
    port = free_port()
    with contextlib.ExitStack() as stack:
        hub = stack.enter_context(FixtureHub("--page-size", "2"))
        if request.param == "the proxy takes it off":
            door = stack.enter_context(FrontDoor("/hf"))
            door.target = f"http://127.0.0.1:{port}"
            public = door.url
        else:
            public = f"http://127.0.0.1:{port}/hf"
        data = tmp_path_factory.mktemp("below") / "data"
        yield stack.enter_context(MirrorProcess(data, hub.url, {"CURATOR_PUBLIC_URL": public}, port))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_client_works_below_a_path(below: MirrorProcess, version: str, tmp_path: Path) -> None:
    assert below.url.endswith("/hf")
    client = Client(version, below.url, tmp_path / "home")
    folder = client.snapshot("acme-research/tiny-bert")
    assert (folder / "model.safetensors").read_bytes() == (TINY / "first/model.safetensors").read_bytes()
    assert len(client.call("models", search="acme").value) > 4
    commits = client.call("commits", repo_id="acme-research/tiny-bert")
    assert len(commits.value) == 2
    refused = client.call("snapshot", repo_id="mallory/shell-in-a-pickle")
    assert refused.error == "GatedRepoError"
    assert f"Details: {below.url}/-/decisions/" in refused.message


def test_hf_download_works_below_a_path(below: MirrorProcess, tmp_path: Path) -> None:
    done = hf_command(below.url, tmp_path, "download", "acme-research/tiny-bert", "config.json")
    assert done.returncode == 0, done.stderr


def test_each_link_begins_with_the_path(below: MirrorProcess) -> None:
    host = below.url.removesuffix("/hf")
    assert ask(host, "/hf/healthz").json == {"status": "alive"}
    search = ask(host, "/hf/api/models?search=acme")
    assert search.headers["link"].startswith(f"<{below.url}/api/models?")
    history = ask(host, "/hf/api/models/acme-research/tiny-bert/commits/main?limit=1")
    assert history.headers["link"].startswith(f"<{below.url}/api/models/acme-research/tiny-bert/commits/")
    page = ask(host, "/hf/acme-research/tiny-bert").body.decode()
    assert page.endswith(f"{below.url}/-/models/acme-research/tiny-bert\n")
    assert ask(host, "/hf/-/models/acme-research/tiny-bert").status == 200
    assert f"HF_ENDPOINT={below.url}" in ask(host, "/hf/").body.decode()
