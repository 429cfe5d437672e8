"""The management API does what its own description says: statuses, types and schemas, whatever is sent to it.

Each operation of the document is driven with values that fit what it declares and with values that do not
(schemathesis), so that a route that is added later is tried without anybody's doing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import curator
from tests.contract.http import ask, settled

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    allow_header_conformance,
]
DOCUMENT = "/api/curator/v1/openapi.json"
EXAMPLES = {"admin": 5, "developer": 1}
"""Of each kind, for each operation: what is wrong mostly shows with the first few."""
STREAMS = "text/event-stream"


@pytest.fixture(scope="module")
def tried(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror with something in it, that may be changed at will; what waits for a scan does not wait long."""
    with MirrorProcess(tmp_path_factory.mktemp("api") / "data", hub.url) as mirror:
        assert settled(mirror.url, "/api/models/acme-research/tiny-bert").status == 200
        assert settled(mirror.url, "/api/models/mallory/shell-in-a-pickle").status == 403
        yield mirror


def token_of(mirror: MirrorProcess, role: str) -> str:
    if role == "admin":
        assert mirror.admin_token is not None
        return mirror.admin_token
    made = curator("token", "create", f"a-{role}", "--role", role, "--data", str(mirror.data))
    assert made.returncode == 0, made.stderr
    return made.stdout.strip().splitlines()[-1]


def document(mirror: MirrorProcess) -> dict[str, Any]:
    reply = ask(mirror.url, DOCUMENT, headers={"Authorization": f"Bearer {mirror.admin_token}"})
    assert reply.status == 200, reply.body
    found: dict[str, Any] = reply.json
    return found


Operation = APIOperation[Any, Any, Any, Any]


def operations(found: dict[str, Any]) -> list[Operation]:
    return [_sound(result) for result in schemathesis.openapi.from_dict(found).get_all_operations()]


def _sound(result: Any) -> Operation:
    operation: Operation = result.ok()
    return operation


def streams(operation: Operation) -> bool:
    """Answers that do not end are not waited for."""
    return any(STREAMS in response.get("content", {}) for response in operation.definition.raw["responses"].values())


def failures_of(
    operation: Operation, mode: GenerationMode, url: str, session: requests.Session, examples: int
) -> list[str]:
    """What is not as described; each kind of it once."""
    found: dict[str, str] = {}

    @seed(20_261_126)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def drive(case: Case[Any]) -> None:
        if mode is GenerationMode.POSITIVE and "wait" in case.query:
            case.query["wait"] = 0
        response = case.call(base_url=url, session=session, timeout=30)
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            for one in group.exceptions:
                assert isinstance(one, Failure), one
                found[one.title] = (
                    f"{operation.label} ({mode.value}): {one.title}: {one.message[:500]}\n"
                    f"  {case.as_curl_command()[:500]}\n  -> {response.status_code} {response.text[:300]}"
                )

    drive()
    return list(found.values())


@pytest.mark.timeout(600)  # Half a minute of a processor, which on a machine with much else to do is many.
@pytest.mark.parametrize("role", ["admin", "developer"])
def test_every_operation_answers_as_it_is_described(tried: MirrorProcess, role: str) -> None:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token_of(tried, role)}"
    session.trust_env = False
    wrong: list[str] = []
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE] if role == "admin" else [GenerationMode.POSITIVE]
    for operation in operations(document(tried)):
        if streams(operation):
            continue
        for mode in modes:
            if mode is GenerationMode.NEGATIVE and not (operation.body or list(operation.iter_parameters())):
                continue
            wrong += failures_of(operation, mode, tried.url, session, EXAMPLES[role])
    assert not wrong, "\n\n".join(wrong)


def test_the_description_itself_is_openapi(tried: MirrorProcess) -> None:
    found = document(tried)
    assert found["openapi"] == "3.1.0"
    assert found["info"]["title"] == "Model Curator"
    schemathesis.openapi.from_dict(found).validate()
    for path, item in found["paths"].items():
        for method, operation in item.items():
            assert all(operation[part] for part in ("summary", "description", "tags")), (method, path)
            assert all("schema" in parameter for parameter in operation.get("parameters", [])), (method, path)


def test_whoever_may_pull_may_read_it_and_nobody_else(strict: MirrorProcess) -> None:
    refused = ask(strict.url, DOCUMENT)
    assert (refused.status, sorted(refused.json)) == (401, ["error", "exit_code"])
    known = {"Authorization": f"Bearer {token_of(strict, 'robot')}"}
    assert ask(strict.url, DOCUMENT, headers=known).status == 200
    elsewhere = ask(strict.url, "/api/curator/v1/nothing", headers=known)
    assert (elsewhere.status, sorted(elsewhere.json)) == (404, ["error", "exit_code"])
    wrong = ask(strict.url, "/api/curator/v1/collections", "PATCH", known)
    assert (wrong.status, wrong.headers["allow"]) == (405, "GET")
    assert wrong.json["error"] == "This address answers to GET only"
