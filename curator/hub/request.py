"""What a client asks, read out of ASGI's scope."""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from curator.audit.asking import Who
from curator.errors import BadInput
from curator.people.caller import Caller
from curator.types import check_no_token
from curator.web.asking import who

_MOST_BODY_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are in lower case."""

    method: str
    raw_path: bytes
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    address: str | None
    caller: Caller
    receive: Receive

    @property
    def who(self) -> Who:
        """For the record."""
        return who(self.caller, self.address, self.headers.get("user-agent"))

    @property
    def address_asked(self) -> str:
        """The path as it came, for a log."""
        return self.raw_path.decode("ascii", "backslashreplace")

    def flag(self, name: str) -> bool:
        """A switch in the query: Python's clients write `True` or `true`."""
        return any(key == name and value.lower() in {"true", "1"} for key, value in self.query)

    def values(self, name: str) -> list[str]:
        """All values of a repeated parameter, written `name=` or `name[]=`."""
        return [value for key, value in self.query if key in {name, f"{name}[]"}]

    async def form(self) -> tuple[list[str], bool]:
        """`paths` and `expand` of a paths-info call: a form from Python, JSON from JavaScript."""
        body = await self._body()
        if "json" in self.headers.get("content-type", ""):
            try:
                document = json.loads(body)
                paths, expand = document["paths"], document.get("expand", False)
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                raise BadInput('The body is to be JSON of the form {"paths": ["config.json"]}') from None
            if isinstance(paths, str):
                paths = [paths]
            if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
                raise BadInput("'paths' is to be a list of paths")
            return paths, bool(expand)
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=100_000)
        except (UnicodeDecodeError, ValueError):
            raise BadInput("The body is to be a form with a field 'paths' for each path") from None
        return (
            [value for key, value in pairs if key in {"paths", "paths[]"}],
            any(key == "expand" and value.lower() in {"true", "1"} for key, value in pairs),
        )

    async def _body(self) -> bytes:
        body = bytearray()
        while True:
            message: MutableMapping[str, Any] = await self.receive()
            if message["type"] == "http.disconnect":
                raise BadInput("The request broke off")
            body += message.get("body", b"")
            if len(body) > _MOST_BODY_BYTES:
                raise BadInput(f"The body is longer than {_MOST_BODY_BYTES} bytes")
            if not message.get("more_body", False):
                return bytes(body)


def read_headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def read_query(scope: Scope) -> tuple[tuple[str, str], ...]:
    try:
        read = tuple(parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True, max_num_fields=1_000))
    except ValueError:
        raise BadInput("The query of the address cannot be read") from None
    for pair in read:
        check_no_token("=".join(pair))
    return read
