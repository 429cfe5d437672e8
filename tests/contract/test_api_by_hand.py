"""The management API asked as its documentation says: every line of it, and page after page."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import curator
from tests.contract.http import settled

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


@pytest.fixture(scope="module")
def mirror(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    with MirrorProcess(tmp_path_factory.mktemp("api-by-hand") / "data", hub.url) as mirror:
        assert settled(mirror.url, "/api/models/acme-research/tiny-bert").status == 200
        yield mirror


def commands() -> list[str]:
    """Those that stand after a prompt, with the lines that they go on in."""
    blocks = re.findall(r"```console\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [found for block in blocks for found in re.findall(r"^\$ ((?:.*\\\n)*.*)$", block, re.MULTILINE)]


@pytest.mark.parametrize("command", commands(), ids=lambda text: text.split("curator/v1/")[-1][:30])
def test_each_line_of_the_page_works(mirror: MirrorProcess, command: str) -> None:
    told = os.environ | {"CURATOR_URL": mirror.url, "CURATOR_TOKEN": mirror.admin_token or ""}
    line = command.replace("curl ", "curl --silent --show-error --fail-with-body ", 1)
    done = subprocess.run(["bash", "-c", line], env=told, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert isinstance(json.loads(done.stdout), dict)


def test_a_client_follows_the_links_from_page_to_page(mirror: MirrorProcess) -> None:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {mirror.admin_token}"
    api = f"{mirror.url}/api/curator/v1"
    for number in range(4):
        wanted = {"effect": "block", "targets": [f"mallory/m{number}"], "reason": "ticket 12"}
        session.post(f"{api}/lists", json=wanted, timeout=30).raise_for_status()
        session.post(f"{api}/teams", json={"name": f"team-{number}"}, timeout=30).raise_for_status()
    for path, name in (("lists?state=all", "entries"), ("teams?state=all", "teams"), ("record?", "rows")):
        whole = session.get(f"{api}/{path}&limit=200", timeout=30).json()[name]
        for limit in (1, 2, len(whole)):
            seen, url = [], f"{api}/{path}&limit={limit}"
            while url:
                answer = session.get(url, timeout=30)
                assert answer.json()[name], "no page is empty"
                seen += answer.json()[name]
                url = answer.links.get("next", {}).get("url", "")
                assert bool(url) is (answer.json()["next"] is not None)
            assert seen == whole, f"{path} in pages of {limit}"


def test_the_commands_say_who_uses_a_repository_and_who_is_signed_in(mirror: MirrorProcess) -> None:
    told = {"CURATOR_URL": mirror.url, "CURATOR_TOKEN": mirror.admin_token or ""}
    assert settled(mirror.url, "/acme-research/tiny-bert/resolve/main/config.json").status == 200
    deadline = time.monotonic() + 60
    while "anonymous" not in (done := curator("uses", "acme-research/tiny-bert", **told)).stdout:
        assert time.monotonic() < deadline, done.stdout + done.stderr
        time.sleep(0.2)
    assert done.returncode == 0
    (use,) = json.loads(curator("uses", "acme-research/tiny-bert", "--format", "json", **told).stdout)["uses"]
    assert use["files"] >= 1
    vain = curator("uses", f"acme-research/tiny-bert@{use['commit']}", "--refused", **told)
    assert (vain.returncode, vain.stdout.strip()) == (0, "Nobody asked for it in vain.")
    assert curator("uses", "acme-research/tiny-bert", "--refused", **told).returncode == 2

    headers = {"Authorization": f"Bearer {mirror.admin_token}"}
    person = {"login": "alice", "role": "developer"}
    requests.post(f"{mirror.url}/api/curator/v1/users", json=person, headers=headers, timeout=30).raise_for_status()
    nobody = curator("session", "list", "--user", "alice", **told)
    assert (nobody.returncode, nobody.stdout.strip()) == (0, "Nobody is signed in there.")
    unknown = curator("session", "end", "0" * 32, **told)
    assert unknown.returncode != 0
    assert "Traceback" not in unknown.stderr
