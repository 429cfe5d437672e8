"""Jobs of build services sign in by the identity token that they are given, over a real issuer's keys."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from fixtures.oidc.process import IdentityProvider
from tests.contract.clients import curator
from tests.contract.http import Reply, ask
from tests.contract.runner import github

EXCHANGE = "/api/curator/v1/sign-in/pipeline"
GITHUB = {
    "aud": "curator",
    "sub": "repo:acme/shop:ref:refs/heads/main",
    "repository": "acme/shop",
    "repository_owner_id": 4711,
    "ref": "refs/heads/main",
    "run_id": "17",
    "jti": "once",
}
GITLAB = {"aud": "curator", "sub": "project_path:bank/risk:ref_type:branch", "project_path": "bank/risk", "job_id": 99}


@pytest.fixture(scope="module")
def issuer() -> Iterator[IdentityProvider]:
    with IdentityProvider() as issuer:
        issuer.start("http://127.0.0.1:1")
        yield issuer


@pytest.fixture(scope="module")
def guarded(issuer: IdentityProvider, hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    trusted = [
        {
            "issuer": issuer.issuer,
            "audience": "curator",
            "claims": {"repository": "acme/*", "ref": "refs/heads/*"},
            "team": "shop",
            "project": "checkout",
            "minutes": 30,
        },
        {"issuer": issuer.issuer, "audience": "curator", "claims": {"project_path": "bank/*"}, "team": "risk"},
    ]
    variables = {"CURATOR_ANONYMOUS": "no", "CURATOR_PIPELINES": json.dumps(trusted)}
    with MirrorProcess(tmp_path_factory.mktemp("ci") / "data", hub.url, variables) as mirror:
        yield mirror


def exchange(mirror: MirrorProcess, token: str) -> Reply:
    return ask(mirror.url, EXCHANGE, "POST", body=json.dumps({"token": token}).encode())


def test_a_job_gets_a_token_of_its_team_and_project_that_ends_soon(
    issuer: IdentityProvider, guarded: MirrorProcess
) -> None:
    answer = exchange(guarded, issuer.sign(GITHUB))
    assert answer.status == 200, answer.body
    assert answer.headers["cache-control"] == "no-store"
    document = answer.json
    assert (document["job"], document["team"], document["project"]) == ("github:acme/shop/runs/17", "shop", "checkout")
    who = ask(guarded.url, "/api/whoami-v2", headers={"Authorization": f"Bearer {document['token']}"})
    assert who.status == 200
    assert exchange(guarded, issuer.sign(GITLAB)).json["job"] == "gitlab:bank/risk/jobs/99"


def test_a_job_that_is_tried_again_may_show_the_same_identity_token(
    issuer: IdentityProvider, guarded: MirrorProcess
) -> None:
    token = issuer.sign(GITHUB)
    first, second = exchange(guarded, token).json, exchange(guarded, token).json
    assert first["token"] != second["token"]
    assert first["job"] == second["job"]


def test_curl_has_it_in_one_line(issuer: IdentityProvider, guarded: MirrorProcess) -> None:
    body = urlencode({"token": issuer.sign(GITHUB)}).encode()
    headers = {"Accept": "text/plain", "Content-Type": "application/x-www-form-urlencoded"}
    answer = ask(guarded.url, EXCHANGE, "POST", headers, body)
    assert answer.body.decode().startswith("hf_cur")
    assert answer.body.decode().count("\n") == 1


@pytest.mark.parametrize(
    ("changed", "how", "status"),
    [
        ({"repository": "acme-evil/shop"}, {}, 403),
        ({"repository": "ACME/shop"}, {}, 403),
        ({"repository": "evil/acme/shop"}, {}, 403),
        ({"repository": ["acme/shop"]}, {}, 403),
        ({"repository": None}, {}, 403),
        ({"ref": "refs/pull/1/merge"}, {}, 403),
        ({"aud": "https://github.com/acme"}, {}, 401),
        ({"aud": None}, {}, 401),
        ({"exp": 1_000_000_000}, {}, 401),
        ({"exp": None}, {}, 401),
        ({"exp": "soon"}, {}, 401),
        ({"nbf": 9_000_000_000}, {}, 401),
        ({"iss": "https://token.actions.evil.example"}, {}, 401),
        ({"iss": None}, {}, 400),
        ({}, {"alg": "none"}, 401),
        ({}, {"alg": "HS256"}, 401),
        ({}, {"kid": "no-such-key"}, 401),
    ],
    ids=str,
)
def test_a_token_that_is_not_quite_right_gives_nothing_and_says_why(
    issuer: IdentityProvider, guarded: MirrorProcess, changed: dict[str, Any], how: dict[str, str], status: int
) -> None:
    answer = exchange(guarded, issuer.sign({**GITHUB, **changed}, **how))
    assert answer.status == status, answer.body
    assert set(answer.json) == {"error", "exit_code"}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"token=", b'{"token": 7}', b'{"token": "a.b.c"}', b'{"token": "' + b"." * 40_000]
)
def test_what_is_no_token_at_all_is_bad_input(guarded: MirrorProcess, body: bytes) -> None:
    answer = ask(guarded.url, EXCHANGE, "POST", body=body)
    assert answer.status in {400, 429}, answer.body


def test_bad_tokens_from_an_address_make_no_other_job_behind_it_wait(
    issuer: IdentityProvider, guarded: MirrorProcess
) -> None:
    """Hundreds of jobs share one address of the company."""
    statuses = [exchange(guarded, issuer.sign(GITHUB, alg="HS256")).status for _ in range(34)]
    assert statuses[-1] == 429, "who has none that is signed has to wait"
    rude = {**GITHUB, "sub": "repo:acme/rude:ref:refs/heads/main", "repository": "rude/shop"}
    statuses = [exchange(guarded, issuer.sign(rude)).status for _ in range(34)]
    assert statuses[-1] == 429, "and who is signed for and is not trusted, by the name he is signed for"
    good = exchange(guarded, issuer.sign(GITHUB))
    assert good.status == 200, good.body
    other = exchange(guarded, issuer.sign({**GITHUB, "repository": "elsewhere/shop", "sub": "repo:elsewhere/shop"}))
    assert other.status == 403, "nor is anybody else told to wait"


def test_what_a_job_does_is_on_the_record_by_its_run(issuer: IdentityProvider, guarded: MirrorProcess) -> None:
    token = issuer.sign({**GITHUB, "run_id": "4242"})
    made = exchange(guarded, token).json["token"]
    kept = b"".join(path.read_bytes() for path in guarded.data.rglob("curator.db*")) + guarded.log.read_bytes()
    assert b"github:acme/shop/runs/4242" in kept
    for secret in (token, token.split(".")[2], made):
        assert secret.encode() not in kept


def ci_login(mirror: MirrorProcess, *more: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return curator("ci-login", "--server", mirror.url, "--audience", "curator", *more, **variables)


def test_ci_login_prints_what_a_github_job_exports(issuer: IdentityProvider, guarded: MirrorProcess) -> None:
    with github(issuer.sign(GITHUB), "curator") as address:
        done = ci_login(guarded, ACTIONS_ID_TOKEN_REQUEST_URL=address, ACTIONS_ID_TOKEN_REQUEST_TOKEN="runner")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"export HF_ENDPOINT={guarded.url}"
    assert lines[1].startswith("export HF_TOKEN=hf_cur")


def test_ci_login_takes_the_variable_of_a_gitlab_job(issuer: IdentityProvider, guarded: MirrorProcess) -> None:
    done = ci_login(guarded, "--format", "json", CURATOR_ID_TOKEN=issuer.sign(GITLAB))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["job"] == "gitlab:bank/risk/jobs/99"


def test_ci_login_outside_a_job_says_what_is_missing(guarded: MirrorProcess) -> None:
    done = ci_login(guarded)
    assert done.returncode == 2
    assert "id-token: write" in done.stderr
    assert "Traceback" not in done.stderr
    # So that `eval "$(curator ci-login)"` does not go on as nobody.
    assert done.stdout == "exit 2\n"


def test_an_issuer_that_is_away_is_said_to_be_and_costs_no_long_wait(
    issuer: IdentityProvider, guarded: MirrorProcess
) -> None:
    began = time.monotonic()
    exchange(guarded, issuer.sign(GITHUB, kid="away"))
    assert time.monotonic() - began < 10
