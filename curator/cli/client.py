"""How a command finds its mirror and asks it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from curator.errors import BadInput, CuratorError, ServerUnreachable
from curator.people.mark import MARK, looks_like_ours

_DEFAULT = "http://127.0.0.1:8080"
_TIMEOUT_S = 90.0


class NotYetJudged(CuratorError):
    """The mirror is still scanning."""

    exit_code = 3


class ToldByTheMirror(CuratorError):
    """The mirror's own words, with the exit code that it names."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Mirror:
    """A mirror that a command asks, with the token that it shows there."""

    url: str
    token: str | None

    @classmethod
    def find(cls, server: str | None) -> Self:
        """The one that is named, or that the environment names. Raises `ServerUnreachable` if that is no address.

        A mistyped token is no token of the Hub: who shows it wants the answer for his team, and not for anybody.
        Raises `BadInput`.
        """
        base = server or os.environ.get("CURATOR_URL") or os.environ.get("HF_ENDPOINT") or _DEFAULT
        if not base.startswith(("http://", "https://")):
            raise ServerUnreachable(f"{base!r} is not the address of a mirror: write it as http://host:port")
        if (ours := os.environ.get("CURATOR_TOKEN")) and not looks_like_ours(ours):
            raise BadInput(
                f"CURATOR_TOKEN is no token of a mirror, which begins with {MARK}: ask the mirror's administrator for "
                "one, or unset it"
            )
        return cls(base.rstrip("/"), os.environ.get("CURATOR_TOKEN") or os.environ.get("HF_TOKEN"))

    def get(self, path: str, query: dict[str, str]) -> Any:
        """The JSON that it answers. Raises what the mirror says, or that there is none."""
        return self._answer(Request(f"{self.url}{path}?{urlencode(query)}"))  # noqa: S310 - checked in `find`

    def post(self, path: str, document: Any, timeout_s: float = _TIMEOUT_S) -> Any:
        """The same for a question that is too long for an address, or that changes something."""
        return self._answer(self._with(document, path, "POST"), timeout_s)

    def put(self, path: str, document: Any) -> Any:
        """The same, to set all of something."""
        return self._answer(self._with(document, path, "PUT"))

    def patch(self, path: str, document: Any) -> Any:
        """The same, to set some of something."""
        return self._answer(self._with(document, path, "PATCH"))

    def delete(self, path: str) -> Any:
        """The same, to end something."""
        return self._answer(Request(f"{self.url}{path}", method="DELETE"))  # noqa: S310

    def lines(self, path: str) -> Iterator[bytes]:
        """What it answers, line by line as it comes. Raises what the mirror says, or that there is none."""
        request = Request(f"{self.url}{path}")  # noqa: S310 - checked in `find`
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310
                yield from response
        except HTTPError as error:
            raise _told(error, self.url) from None
        except (URLError, OSError, HTTPException) as error:
            raise ServerUnreachable(f"{self.url} does not answer, or stopped in the middle ({error})") from None

    def _with(self, document: Any, path: str, method: str) -> Request:
        headers = {"Content-Type": "application/json"}
        body = json.dumps(document).encode()
        return Request(f"{self.url}{path}", body, headers, method=method)  # noqa: S310 - checked in `find`

    def _answer(self, request: Request, timeout_s: float = _TIMEOUT_S) -> Any:
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urlopen(request, timeout=timeout_s) as response:  # noqa: S310
                document = json.load(response)
                status = response.status
        except HTTPError as error:
            raise _told(error, self.url) from None
        except (URLError, OSError, ValueError) as error:
            reason = error.reason if isinstance(error, URLError) else error
            raise ServerUnreachable(
                f"No mirror answers at {self.url} ({reason}): start one with `curator serve`, or name it with --server"
            ) from None
        if status == 202:
            raise NotYetJudged(document["error"])
        return document


def ask_server(server: str | None, path: str, query: dict[str, str]) -> Any:
    """The JSON that the mirror answers. Raises what the mirror says, or that there is none."""
    return Mirror.find(server).get(path, query)


def _told(error: HTTPError, base: str) -> CuratorError:
    try:
        document = json.load(error)
        return ToldByTheMirror(str(document["error"]), int(document["exit_code"]))
    except (ValueError, KeyError, TypeError):
        return ServerUnreachable(f"{base} answers {error.code}, and not as a mirror does")
