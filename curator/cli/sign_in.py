"""`curator login`, `curator ci-login`: from who one is to a token of the mirror, and what to export then."""

from __future__ import annotations

import getpass
import json
import os
import shlex
import sys
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import Request, urlopen

from sqlmodel import Session

from curator.cli.client import Mirror
from curator.cli.place import API, Json, Place, by, change
from curator.errors import BadInput, CuratorError, ServerUnreachable
from curator.people import accounts, linking
from curator.people.accounts import Invitation
from curator.people.mark import MARK, looks_like_ours

_TIMEOUT_S = 20.0
_MOST_BYTES = 100_000


def ci_login(server: str | None, audience: str | None, variable: str, *, for_later_steps: bool, as_json: bool) -> None:
    """Show the job's identity token to the mirror, and print what to export, or give it to the job's later steps."""
    variables = _variables_file() if for_later_steps else None
    mirror = Mirror(Mirror.find(server).url, None)
    try:
        token = _identity_token(audience or mirror.url, variable)
        made = mirror.post("/api/curator/v1/sign-in/pipeline", {"token": token})
    except CuratorError as error:
        # The shell sees nothing else of it: `eval "$(...)"` of nothing is well done, and the job would go on as nobody.
        if variables is None and not as_json and not sys.stdout.isatty():
            print(f"exit {error.exit_code}")
        raise
    _hide_in_logs(made["token"])
    if variables is not None:
        _give(variables, mirror.url, made["token"])
        print(f"The later steps of this job are {made['job']} to {mirror.url}.")
    elif as_json:
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
    name = _whoami(mirror.url, token)
    print(f"You are {name} there. Set this, or give the token to `hf auth login`:", file=sys.stderr)
    _print_exports(mirror.url, token)


def invite(login: str, place: Place, *, as_json: bool) -> None:
    """Make the link by which a person chooses a password."""

    def here(session: Session) -> Json:
        settings = place.settings()
        if settings.oidc_only:
            raise BadInput(f"Nobody has a password here (CURATOR_OIDC_ONLY): people sign in by {settings.oidc_title}")
        return _link(accounts.invite(session, login, by()), f"{settings.url}/-/choose-password")

    path = f"{API}/users/{quote(login, safe='')}/invitation"
    _tell_link(change(place, here, lambda mirror: mirror.post(path, {})), as_json=as_json)


def link(login: str, place: Place, *, as_json: bool) -> None:
    """Make the link by which a person has an account known to the identity provider."""

    def here(session: Session) -> Json:
        settings = place.settings()
        made = linking.invite(session, login, settings.oidc_issuer, by())
        return _link(made, f"{settings.url}/-/link-account")

    path = f"{API}/users/{quote(login, safe='')}/identity-link"
    _tell_link(change(place, here, lambda mirror: mirror.post(path, {})), as_json=as_json)


def _link(made: Invitation, where: str) -> Json:
    return {
        "user": made.user,
        "link": f"{where}/{made.secret}",
        "ends_at": made.ends_at.isoformat(timespec="seconds"),
    }


def _tell_link(made: Json, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(made))
        return
    print(made["link"])
    ends = f"{made['ends_at'][:10]} {made['ends_at'][11:16]}"
    print(f"For {made['user']} alone: good once, until {ends} UTC, not shown again.", file=sys.stderr)


def _whoami(url: str, token: str) -> str:
    """The name of whoever the token is, as the Hub's own clients ask for it."""
    request = Request(f"{url}/api/whoami-v2", headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - `find` has looked
    try:
        with urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
            return str(json.loads(answer.read(_MOST_BYTES))["name"])
    except HTTPError as error:
        if error.code in {401, 403}:
            raise BadInput(f"{url} does not know this token, or no longer: make another one there") from None
        raise ServerUnreachable(f"{url} answers {error.code}, and not as a mirror does") from None
    except (URLError, OSError, ValueError, KeyError, TypeError):
        raise ServerUnreachable(f"No mirror answers at {url}: name it with --server") from None


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


def _variables_file() -> Path:
    """Where a step of GitHub leaves variables for those after it. Raises `BadInput`."""
    if not (named := os.environ.get("GITHUB_ENV")):
        raise BadInput('Only a step of GitHub leaves variables for later ones: elsewhere, eval "$(curator ci-login)"')
    return Path(named)


def _give(variables: Path, url: str, token: str) -> None:
    try:
        with variables.open("a", encoding="utf-8") as file:
            file.write(f"HF_ENDPOINT={url}\nHF_TOKEN={token}\n")
    except OSError as error:
        raise BadInput(f"{variables} (GITHUB_ENV) cannot be written: {error.strerror}") from None


def _hide_in_logs(token: str) -> None:
    """Have the runner blot it out, should the job print it later."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        print(f"::add-mask::{token}", file=sys.stderr)


def _print_exports(url: str, token: str) -> None:
    print(f"export HF_ENDPOINT={shlex.quote(url)}")
    print(f"export HF_TOKEN={shlex.quote(token)}")
