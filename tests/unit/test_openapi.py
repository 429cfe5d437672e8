"""The API's description of itself says what a client must know, of every route."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from curator.api.routes import api_routes
from curator.web.documents import Answer, problems
from curator.web.examples import EXAMPLES
from curator.web.guard import OPEN, Decider, Puller
from curator.web.openapi import api_document
from rules.model import parse_policy


class Thing(Answer):
    """A thing."""

    name: str


def described(router: APIRouter) -> dict[str, Any]:
    return api_document(router.routes, "http://mirror.example")


def test_each_operation_says_who_may_and_what_it_answers_when_it_does_not() -> None:
    router = APIRouter(prefix="/api/curator/v1")

    @router.put("/things/{name}", operation_id="name_thing", response_model=Thing, responses=problems(429))
    async def put(name: str, caller: Decider) -> dict[str, str]:
        """Name a thing. It is kept."""
        del caller
        return {"name": name}

    operation = described(router)["paths"]["/api/curator/v1/things/{name}"]["put"]
    assert operation["operationId"] == "name_thing"
    assert operation["summary"] == "Name a thing"
    assert operation["x-permission"] == ["decide"]
    assert "admin, security, reviewer have" in operation["description"]
    assert operation["security"] == [{"token": []}]
    assert list(operation["responses"]) == ["200", "400", "401", "403", "404", "409", "422", "429", "503"]
    assert "Idempotency-Key" in {parameter["name"] for parameter in operation["parameters"]}


def test_what_anybody_may_wants_no_token_and_what_reads_takes_no_key() -> None:
    router = APIRouter(prefix="/api/curator/v1")

    @router.get("/things", operation_id="list_things", response_model=Thing)
    async def things(caller: Puller) -> dict[str, str]:
        """List things."""
        del caller
        return {"name": "one"}

    operation = described(router)["paths"]["/api/curator/v1/things"]["get"]
    assert {} in operation["security"]
    assert "parameters" not in operation


@pytest.mark.parametrize("operation_id", [None, "things", "listThings"])
def test_an_operation_without_a_name_that_is_a_verb_is_a_slip(operation_id: str | None) -> None:
    router = APIRouter(prefix="/api/curator/v1")

    @router.get("/things", operation_id=operation_id, dependencies=[OPEN])
    async def things() -> dict[str, str]:
        """List things."""
        return {}

    with pytest.raises(RuntimeError, match="operation_id"):
        described(router)


def test_an_operation_without_a_sentence_is_a_slip() -> None:
    router = APIRouter(prefix="/api/curator/v1")

    @router.get("/things", operation_id="list_things", dependencies=[OPEN])
    async def things() -> dict[str, str]:
        return {}

    with pytest.raises(RuntimeError, match="docstring"):
        described(router)


def test_every_example_is_what_its_operation_takes() -> None:
    routes = [route for router in api_routes(MagicMock()) for route in router.routes]
    bodies = {route.operation_id: route.body_field for route in routes if isinstance(route, APIRoute)}
    for operation, example in EXAMPLES.items():
        body = bodies[operation]
        assert body is not None
        value, errors = body.validate(dict(example), {}, loc=("body",))
        assert not errors, f"{operation}: {errors}"
        assert value is not None
    assert parse_policy(str(EXAMPLES["publish_rules"]["source"]), "example").rules
