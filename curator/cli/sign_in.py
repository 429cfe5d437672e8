"""`curator login`, `curator ci-login`: from who one is to a token of the mirror, and what to export then."""

from __future__ import annotations

import getpass
import json
import os
import shlex
import sys
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from curator.cli.client import Mirror
from curator.errors import BadInput, ServerUnreachable
from curator.people.mark import MARK, looks_like_ours

_TIMEOUT_S = 20.0
_MOST_BYTES = 100_000


def ci_login(server: str | None, audience: str | None, variable: str, *, as_json: bool) -> None:
    """Show the job's identity token to the mirror, and print what to export."""
    mirror = Mirror(Mirror.find(server).url, None)
    token = _identity_token(audience or mirror.url, variable)
    made = mirror.post("/api/curator/v1/sign-in/pipeline", {"token": token})
    _hide_in_logs(made["token"])
    if as_json:
        print(json.dumps({"endpoint": mirror.url, **made}))
    else:
        _print_exports(mirror.url, made["token"])


def login(server: str | None) -> None:
    """Have a person make a token in the console, and try it."""
    mirror = Mirror.find(server)
    where = f"{mirror.url}/-/account"
    print(f"Make a token at {where} and paste it here.", file=sys.stderr)
    token = _typed()
    if not looks_like_ours(token):
        raise BadInput(f"This is no token of a mirror, which begins with {MARK}: copy it anew from {where}")
    who: dict[str, Any] = Mirror(mirror.url, token).get("/api/whoami-v2", {})
    print(f"You are {who.get('name', 'known')} there. Set this, or give the token to `hf auth login`:", file=sys.stderr)
    _print_exports(mirror.url, token)


def invite(name: str, server: str | None, *, as_json: bool) -> None:
    """Make the link by which a person chooses a password."""
    made = Mirror.find(server).post(f"/api/curator/v1/users/{name}/invitation", {})
    if as_json:
        print(json.dumps(made))
        return
    print(made["link"])
    print(f"For {made['user']} alone; good once, until {made['ends_at']}, and not shown again.", file=sys.stderr)


def _typed() -> str:
    """From a prompt or standard input, never from the command line, which all users of a machine can see."""
    try:
        return (getpass.getpass("Token (not shown): ") if sys.stdin.isatty() else sys.stdin.read(1_000)).strip()
    except (EOFError, UnicodeDecodeError):
        return ""


def _identity_token(audience: str, variable: str) -> str:
    if (given := os.environ.get(variable)) is not None:
        return given
    url, secret = os.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL"), os.environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    if not url or not secret:
        raise BadInput(
            f"This is no job with an identity token: in GitHub give it `permissions: id-token: write`, in GitLab name "
            f"{variable} in `id_tokens`"
        )
    if urlsplit(url).scheme not in {"http", "https"}:
        raise BadInput("ACTIONS_ID_TOKEN_REQUEST_URL is no address")
    request = Request(f"{url}&{urlencode({'audience': audience})}", headers={"Authorization": f"Bearer {secret}"})  # noqa: S310 - looked at above
    try:
        with urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
            return str(json.loads(answer.read(_MOST_BYTES))["value"])
    except (URLError, OSError, ValueError, KeyError, TypeError) as error:
        raise ServerUnreachable(f"GitHub gives this job no identity token ({type(error).__name__}): {error}") from None


def _hide_in_logs(token: str) -> None:
    """Have the runner blot it out, should the job print it later."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        print(f"::add-mask::{token}", file=sys.stderr)


def _print_exports(url: str, token: str) -> None:
    print(f"export HF_ENDPOINT={shlex.quote(url)}")
    print(f"export HF_TOKEN={shlex.quote(token)}")
