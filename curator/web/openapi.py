"""The management API described by itself (OpenAPI 3.1), from the routes: nothing of it is written twice."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from importlib.metadata import version
from typing import Any

from fastapi import Request
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from curator.people.roles import MAY, Permission, Role, roles_that
from curator.web.documents import API, Problem, problems
from curator.web.examples import EXAMPLES
from curator.web.guard import permissions_of

_BESIDE = ("/healthz", "/readyz")
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_OPERATION_ID = re.compile(r"[a-z]+(_[a-z0-9]+)+")
_ABOUT = """The management API of a mirror: all that the console and the commands do.

Who asks is said by a token of the mirror, `Authorization: Bearer hf_cur...`. Answers are JSON objects. A list comes in
pages: `limit` says how much, and `next` of an answer is what to name as `after` for more. What changes something takes
an `Idempotency-Key`, with which it may be sent again and is done once. An error has one sentence and the exit code that
a command would end with."""
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any text of yours, a new one for each request: sent again with the same key within a day, the "
    "request is done once, and its answer is given again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
}
_LINK = {
    "description": 'The address of the next page, `<...>; rel="next"`; not there with the last one.',
    "schema": {"type": "string"},
}


class Described:
    """The API of a server, whose description is made when somebody first asks for it."""

    def __init__(self, routes: Sequence[BaseRoute], url: str) -> None:
        """`url` is where the server is reached."""
        self._routes, self._url = routes, url

    @cached_property
    def document(self) -> dict[str, Any]:
        return api_document(self._routes, self._url)


def described_by(request: Request) -> Described:
    """That of the server which was asked."""
    described: Described = request.app.state.api
    return described


def api_document(routes: Sequence[BaseRoute], url: str) -> dict[str, Any]:
    """JSON of the whole. Raises `RuntimeError` for a route that is not described: a slip of ours."""
    described = list(operations(routes))
    document = get_openapi(
        title="Model Curator",
        version=version("model-curator"),
        openapi_version="3.1.0",
        summary="A curated mirror of the Hugging Face Hub",
        description=_ABOUT,
        routes=described,
        servers=[{"url": url}],
    )
    seen = set[str]()
    for route in described:
        for method in route.methods or ():
            operation = document["paths"][route.path_format][method.lower()]
            _complete(operation, route, method)
            if operation["operationId"] in seen or not _OPERATION_ID.fullmatch(operation["operationId"]):
                raise RuntimeError(f"{method} {route.path} wants an operation_id of its own, such as list_waivers")
            seen.add(operation["operationId"])
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    document["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token of the mirror."}
    }
    return document


def operations(routes: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    """The routes that are the API's."""
    for route in routes:
        if isinstance(route, APIRoute) and (route.path.startswith(API) or route.path in _BESIDE):
            yield route


def _complete(operation: dict[str, Any], route: APIRoute, method: str) -> None:
    """Say of an operation what is true of all, and who may have it done."""
    told = inspect.cleandoc(route.endpoint.__doc__ or "")
    if not told:
        raise RuntimeError(f"{method} {route.path} wants a docstring: what it does, in a sentence")
    operation["operationId"] = route.operation_id or route.name
    operation["summary"] = re.split(r"(?<=[.:;])\s", " ".join(told.split()), maxsplit=1)[0].rstrip(".:;")
    operation.setdefault("tags", [route.path.removeprefix(API).strip("/").split("/")[0]])
    responses = operation["responses"]
    responses.pop("422", None) if 422 not in route.responses else None
    wanted = {400, 401, 403, 503}
    permissions = permissions_of(route) or frozenset()
    if not permissions:
        wanted -= {401, 403}
    if route.path in _BESIDE:
        wanted.clear()
    if "{" in route.path:
        wanted.add(404)
    if "requestBody" in operation:
        wanted.add(413)
        if (example := EXAMPLES.get(operation["operationId"])) is not None:
            operation["requestBody"]["content"]["application/json"]["example"] = dict(example)
    if "next" in getattr(route.response_model, "model_fields", {}):
        responses["200"]["headers"] = {"Link": _LINK}
    if method in _CHANGING:
        wanted |= {409, 422}
        operation.setdefault("parameters", []).append(_KEY)
    for status, response in problems(*wanted).items():
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        responses.setdefault(str(status), {"description": response["description"], "content": content})
    operation["responses"] = dict(sorted(responses.items()))
    operation["description"] = told
    if permissions:
        operation["x-permission"] = sorted(permissions)
        operation["description"] += f"\n\n{_who(permissions)}"
        operation["security"] = [{"token": []}]
        if all(permission in MAY[Role.ANONYMOUS] for permission in permissions):
            operation["security"].append({})


def _who(permissions: Iterable[Permission]) -> str:
    names = sorted(permissions)
    roles = [role for role in Role if role is not Role.ANONYMOUS and all(role in roles_that(one) for one in names)]
    return f"Wants the permission {' and '.join(f'`{one}`' for one in names)}, which {', '.join(roles)} have."
