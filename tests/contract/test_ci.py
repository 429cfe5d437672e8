"""What docs/ci.md has a pipeline do, done as GitHub and GitLab would run it: refused, asked for, approved, passed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from fixtures.oidc.process import IdentityProvider
from fixtures.ports import HeldPort
from tests.contract.clients import ROOT, bare_environment, curator, python_of
from tests.contract.repositories import judge
from tests.contract.runner import github

PAGE = (ROOT / "docs" / "ci.md").read_text()
ADDRESS = "https://models.bank.example"
REFUSED = "mallory/shell-in-a-pickle"


def shown(marker: str, language: str) -> str:
    """What the page has below this comment."""
    found = re.search(rf"<!-- {marker} -->\n```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None, marker
    return found[1]


@dataclass
class Place:
    """A mirror that trusts the jobs of one issuer, and a repository that is built."""

    mirror: MirrorProcess
    issuer: IdentityProvider
    repository: Path
    developer: str
    reviewer: str

    @property
    def variables(self) -> dict[str, str]:
        """What every job has: the commands on its path, with `pip` for one that has installed them before."""
        commands = f"{self.repository.parent / 'bin'}:{python_of('2.4').parent}:{os.environ['PATH']}"
        home = str(self.repository.parent / "home")
        return bare_environment() | {"PATH": commands, "HOME": home, "HF_HUB_DISABLE_XET": "1"}

    def as_person(self, token: str, *words: str) -> subprocess.CompletedProcess[str]:
        return curator(*words, CURATOR_URL=self.mirror.url, CURATOR_TOKEN=token)


@pytest.fixture(scope="module")
def place(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("ci")
    repository, commands = folder / "shop", folder / "bin"
    repository.mkdir()
    commands.mkdir()
    models = re.search(r"```\n(# models.txt\n.*?)```", PAGE, re.DOTALL)
    assert models is not None
    (repository / "models.txt").write_text(models[1])
    for name, does in {
        "pip": "exit 0",
        "curator": f'PYTHONPATH={ROOT} exec {sys.executable} -m curator.cli "$@"',
    }.items():
        (commands / name).write_text(f"#!/bin/sh\n{does}\n")
        (commands / name).chmod(0o755)
    with HeldPort() as port, IdentityProvider() as issuer:
        issuer.start("http://127.0.0.1:1")
        url = f"http://127.0.0.1:{port.number}"
        home = {"issuer": issuer.issuer, "audience": url, "team": "shop", "minutes": 30}
        trusted = [home | {"claims": {"repository": "acme/*"}}, home | {"claims": {"project_path": "acme/*"}}]
        variables = {"CURATOR_ANONYMOUS": "no", "CURATOR_PIPELINES": json.dumps(trusted)}
        with MirrorProcess(folder / "data", hub.url, variables, port.number) as mirror:
            judge(mirror.url, ("models/acme-research/tiny-bert", f"models/{REFUSED}"), mirror.admin_token)
            made = [
                curator("token", "create", role, "--role", role, *team, "--data", str(mirror.data)).stdout.split()[0]
                for role, team in (("developer", ("--team", "shop")), ("reviewer", ()))
            ]
            yield Place(mirror, issuer, repository, *made)


def github_job(place: Place) -> tuple[int, str]:
    """How it ends, and all that is said: the steps run as a runner does it, each in a shell of its own, until one
    fails."""
    workflow = yaml.safe_load(shown("run: github", "yaml"))
    (job,) = workflow["jobs"].values()
    assert workflow["permissions"]["id-token"] == "write"
    variables = place.variables | {"GITHUB_ACTIONS": "true"} | at(place, job["env"])
    kept, log = place.repository.parent / "github.env", ""
    kept.write_text("")
    token = place.issuer.sign({"aud": place.mirror.url, "repository": "acme/shop", "run_id": "17"})
    with github(token, place.mirror.url) as address:
        variables |= {"ACTIONS_ID_TOKEN_REQUEST_URL": address, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "runner"}
        for step in job["steps"]:
            if "run" not in step:
                continue
            later = dict(line.split("=", 1) for line in kept.read_text().splitlines())
            code, said = shell(place, step["run"], variables | later | {"GITHUB_ENV": str(kept)})
            log += said
            if code:
                return code, log
    return 0, log


def gitlab_job(place: Place) -> tuple[int, str]:
    """Run the lines in one shell, as a runner does."""
    (job,) = yaml.safe_load(shown("run: gitlab", "yaml")).values()
    ((name, wanted),) = job["id_tokens"].items()
    audience = wanted["aud"].replace(ADDRESS, place.mirror.url)
    token = place.issuer.sign({"aud": audience, "project_path": "acme/shop", "job_id": 99})
    return shell(place, "\n".join(job["script"]), place.variables | at(place, job["variables"]) | {name: token})


def at(place: Place, variables: dict[str, str]) -> dict[str, str]:
    """With the mirror's address where the page has an example."""
    return {name: value.replace(ADDRESS, place.mirror.url) for name, value in variables.items()}


def shell(place: Place, script: str, variables: dict[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=place.repository,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout


def test_a_build_that_is_refused_passes_as_it_is_when_the_exception_is_approved(place: Place) -> None:
    code, log = github_job(place)
    assert code == 1, log
    assert as_on_the_page(place, log) == shown("said", "")
    assert_sarif(json.loads((place.repository / "models.sarif").read_text()))
    code, log = gitlab_job(place)
    assert code == 1, log
    assert_junit(place.repository / "models.xml")
    # What a job may not do, and what its page says of it.
    asks = re.search(r"^curator request .*$", PAGE, re.MULTILINE)
    assert asks is not None
    who = {"CURATOR_URL": place.mirror.url, "CURATOR_TOKEN": place.developer}
    code, said = shell(place, asks[0], place.variables | who)
    assert code == 3, said
    queue = json.loads(place.as_person(place.reviewer, "review", "list", "--format", "json").stdout)
    (item,) = [one["id"] for one in queue["items"] if one["repository"] == REFUSED]
    answered = place.as_person(
        place.reviewer, "review", "approve", item, "--reason", "read, ticket 9", "--until", "90d"
    )
    assert answered.returncode == 0, answered.stdout + answered.stderr
    for job in (github_job, gitlab_job):
        code, log = job(place)
        assert code == 0, log
        assert "2 allowed" in log
        assert "read, ticket 9" in log
    assert (place.repository.parent / "home/.cache/huggingface/hub" / f"models--{REFUSED.replace('/', '--')}").is_dir()


def as_on_the_page(place: Place, log: str) -> str:
    """What the check printed, with the address of the example and a short id."""
    said = log[log.index("blocked") :].replace(place.mirror.url, ADDRESS)
    return re.sub(r"\b[0-9a-f]{32}\b", "01a2...", said)


def assert_sarif(document: dict[str, Any]) -> None:
    """What SARIF 2.1.0 asks for, and what GitHub's code scanning does beyond it."""
    assert document["version"] == "2.1.0"
    assert document["$schema"].endswith("sarif-2.1.0.json")
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert run["invocations"][0]["executionSuccessful"] is True
    (result,) = [one for one in run["results"] if one["level"] == "error"]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "unsafe-file"
    assert "unsafe-file" in result["message"]["text"]
    assert "/-/decisions/" in result["message"]["text"]
    assert "curator request" in rules[result["ruleIndex"]]["help"]["text"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "models.txt"
    assert place["region"]["startLine"] == 3
    assert result["partialFingerprints"]
    assert not Path(place["artifactLocation"]["uri"]).is_absolute()


def assert_junit(file: Path) -> None:
    cases = list(ET.parse(file).getroot().iter("testcase"))
    assert len(cases) == 2
    (failed,) = [case for case in cases if case.find("failure") is not None]
    assert REFUSED in str(failed.get("name"))


def test_a_job_that_nobody_trusts_ends_where_it_signs_in(place: Place) -> None:
    foreign = place.issuer.sign({"aud": place.mirror.url, "project_path": "evil/shop", "job_id": 1})
    (job,) = yaml.safe_load(shown("run: gitlab", "yaml")).values()
    variables = place.variables | at(place, job["variables"]) | {"CURATOR_ID_TOKEN": foreign}
    code, log = shell(place, "\n".join([*job["script"], "echo went on"]), variables)
    assert code != 0
    assert "went on" not in log
    assert "curator:" in log


def test_a_step_that_is_none_says_so(place: Place) -> None:
    token = place.issuer.sign({"aud": place.mirror.url, "project_path": "acme/shop", "job_id": 2})
    variables = place.variables | {"HF_ENDPOINT": place.mirror.url, "CURATOR_ID_TOKEN": token}
    code, log = shell(place, "curator ci-login --github-env", variables)
    assert code == 2
    assert "Only a step of GitHub leaves variables for later ones" in log


def test_a_folder_is_no_list_of_models(place: Place) -> None:
    done = place.as_person(place.developer, "check", ".")
    assert done.returncode == 2
    assert ". is a folder: list the models that it uses in a file" in done.stderr
