"""Texts that strangers wrote, on every page that shows them, in a real browser: nothing of them runs or loads, no tag
or link of theirs is one, and each page keeps its form. Pages are found by following links, whoever made them."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urldefrag, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Request

from curator.cli import careful
from fixtures.hub.process import FixtureHub
from rules.facts import Facts
from tests.browser.looking import NARROW, visitor
from tests.browser.review_house import BAD, GGUF, ROWS, TINY, House, house
from tests.browser.test_every_page import _opened
from tests.contract.http import ask
from tests.unit.test_terminal_texts import OURS, at_a_terminal

HOSTILE = (
    "\"'></title></textarea></script><img src=x onerror=\"alert('pwned')\" data-pwned><script data-pwned>alert(1)"
    "</script><a href='javascript:alert(1)' data-pwned>{{7*7}}${7*7}</a>[x](javascript:alert(2))"
    "![y](https://elsewhere.example/p.png)\u202egnp.exe\u200b\x1b[31m\x9b31m=cmd|'/c calc'!A1\\\"%0d%0aSet-Cookie:a=b "
    f"<style data-pwned>*{{display:none}}</style>{'W' * 400}"
)
"""What is in it, in this order: ways out of an attribute and of elements, scripts, templates, Markdown, a picture from
elsewhere, a line turned around, letters without width, colours of a terminal, a formula, a header, and a long word."""
PRINTABLE = "".join(letter if letter.isprintable() else " " for letter in HOSTILE)
MOST_PAGES = 150
MOST_OF_A_KIND = 3
CARD = (
    f"---\nlicense: {json.dumps(HOSTILE)}\nbase_model: {json.dumps(HOSTILE)}\ntags: [{json.dumps(HOSTILE)}]\n---\n"
    f"# {HOSTILE}\n\n{HOSTILE}\n\n[a](javascript:alert(3)) <svg onload=alert(4) data-pwned>\n\n{'L' * 1_000_000}\n"
)
_TAGS = '[...document.querySelectorAll("[data-pwned], [onerror], [onload]")].map((one) => one.outerHTML.slice(0, 200))'
_LINKS = """
["href", "src", "action", "formaction"].flatMap((name) =>
  [...document.querySelectorAll(`[${name}]`)].map((one) => one.getAttribute(name)))
"""
_SHOWN = """
[...document.body.querySelectorAll("*")].filter((one) => !one.closest("textarea, script, style"))
  .map((one) => [one.title, one.getAttribute("aria-label"), one.getAttribute("alt"), ...[...one.childNodes]
    .filter((node) => node.nodeType === 3).map((node) => node.data)].join(" ")).join(" ") + document.title
"""
"""All that somebody reads: also what is folded, and titles; but what stands in a field is what he would send."""
_SCHEME = re.compile(r"\s*(javascript|data|vbscript):", re.IGNORECASE)
_WIDE = """
[...document.querySelectorAll("main *")].filter((one) => one.getBoundingClientRect().right > innerWidth + 1
  && getComputedStyle(one).position !== "absolute").slice(0, 3).map((one) => one.outerHTML.slice(0, 60))
"""


@pytest.fixture(scope="module")
def poisoned(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A mirror that has judged, been asked and been written to, and whose every free text is hostile."""
    folder = tmp_path_factory.mktemp("poisoned")
    with house(hub, folder) as lived_in:
        for name in ("dev", "eve"):
            for repo in (TINY, GGUF, BAD):
                lived_in.pull(name, f"/api/models/{repo}")
        lived_in.pull("dev", f"/api/datasets/{ROWS}")
        _say(lived_in)
        _poison(folder / "data" / "curator.db")
        for blob in (folder / "data").rglob("blobs/**/*"):
            if blob.is_file() and blob.stat().st_size < 20_000 and b"---\n" in blob.read_bytes()[:4]:
                blob.chmod(0o600)
                blob.write_text(CARD)
        yield lived_in


def _say(lived_in: House) -> None:
    """All that people may write, as far as it is taken."""
    url, key = lived_in.url, {"Authorization": f"Bearer {lived_in.mirror.admin_token}"}

    def send(path: str, document: dict[str, Any], method: str = "POST", who: str = "") -> int:
        headers = lived_in.headers(who) if who else key | {"Content-Type": "application/json"}
        return ask(url, f"/api/curator/v1{path}", method, headers, json.dumps(document).encode()).status

    short = PRINTABLE[:180]
    assert send("/requests", {"repository": TINY, "reason": PRINTABLE[:480]}, who="dev") == 201
    assert send("/requests", {"repository": GGUF, "reason": PRINTABLE[:480]}, who="eve") == 201
    assert send("/teams", {"name": "shop", "title": short}) == 201
    assert send("/projects", {"team": "shop", "name": "till", "title": short}) == 201
    assert send("/users", {"login": "mallory", "role": "admin", "full_name": short}) == 201
    assert send("/tokens", {"name": PRINTABLE[:90], "role": "developer", "description": short}) in {201, 400}
    assert send("/webhooks", {"name": PRINTABLE[:90], "url": "https://192.0.2.1/x"}) in {201, 422}
    assert send("/record/holds", {"reason": PRINTABLE[:400], "actor": PRINTABLE[:100]}) == 201
    assert send("/rules/draft", {"source": HOSTILE}, "PUT") == 200
    item = lived_in.waiting(ROWS)["id"]
    send(f"/review/{item}/approve", {"reason": PRINTABLE[:480], "until": "30d"}, who="reva")
    for path in ("/nobody/nothing/resolve/main/x", f"/{BAD}/resolve/main/pytorch_model.bin", "/acme/%3Cscript%3E/x"):
        ask(url, path, headers=key | {"User-Agent": PRINTABLE.encode("ascii", "replace").decode()})
    time.sleep(1.5)


def _poison(file: Path) -> None:
    """Whatever came from the Hub, in the database itself, past all that would have looked at it."""
    database = sqlite3.connect(file, timeout=30)
    with database:
        database.execute("DROP TRIGGER IF EXISTS audit_no_update")
        for table, columns in _COLUMNS.items():
            for column in columns:
                where = f"{column} IS NOT NULL AND {column} != ''"
                database.execute(f"UPDATE {table} SET {column} = {column} || ? WHERE {where}", (HOSTILE,))
        for path in database.execute("SELECT rowid, path FROM entries").fetchall():
            if not path[1].lower().startswith("readme"):
                database.execute("UPDATE entries SET path = ? WHERE rowid = ?", (path[1] + HOSTILE, path[0]))
        for key, text in database.execute("SELECT id, facts FROM facts").fetchall():
            database.execute("UPDATE facts SET facts = ? WHERE id = ?", (_facts(text), key))
        for key, text in database.execute("SELECT id, decision FROM decisions").fetchall():
            database.execute("UPDATE decisions SET decision = ? WHERE id = ?", (_words(text), key))
    database.close()


_COLUMNS = {
    "audit": ("revision", "path", "sentence", "address", "user_agent", "subject"),
    "audit_uses": ("address", "user_agent", "job"),
    "audit_checks": ("sentence",),
    "catalogue": ("family", "task", "library", "licence", "rule", "publisher"),
    "review_items": ("family", "owners"),
    "notices": ("title", "body"),
    "request_events": ("said",),
    "requesters": ("reason",),
    "rule_set_changes": ("author", "reason", "origin"),
    "users": ("full_name",),
    "tokens": ("description", "job"),
    "sessions": ("user_agent",),
    "teams": ("title",),
    "webhooks": ("disabled_why",),
    "work": ("error",),
}


def _facts(text: str) -> str:
    """Each text that a `Facts` may have otherwise, is."""
    document = json.loads(text)
    for put, old in list(_leaves(document)):
        if re.fullmatch(r"(sha256:|git-sha1:)?[0-9a-f]{40,64}", old):
            continue
        put(old + HOSTILE)
        try:
            Facts.from_json(document)
        except ValueError:
            put(old)
    for name in ("repository", "name", "namespace", "commit"):
        # Whatever is no name of a repository or commit is none of these: `curator.types` sees to it.
        document[name] = json.loads(text)[name]
    return json.dumps(document)


def _words(text: str) -> str:
    document = json.loads(text)
    for reason in document["reasons"]:
        reason["message"] = HOSTILE + "\x00"
        reason["files"] = [HOSTILE, *reason.get("files", [])]
    return json.dumps(document)


def _leaves(value: Any) -> Iterator[tuple[Callable[[str], None], str]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        if isinstance(inner, str):
            yield partial(value.__setitem__, key), inner
        else:
            yield from _leaves(inner)


def test_what_strangers_wrote_is_words_on_every_page(browser: Browser, poisoned: House) -> None:
    wrong: list[str] = []
    with visitor(browser, poisoned.url, poisoned.mirror.admin_token) as context:
        showing = _walked(context, wrong, MOST_OF_A_KIND)
    assert wrong == [], "\n".join(one[:300] for one in wrong[:60])
    assert len(showing) > 10, f"hostile texts were seen on {sorted(showing)} only"


def test_nor_is_it_anything_else_where_no_script_runs(browser: Browser, poisoned: House) -> None:
    """What stands in `noscript` is part of the page there."""
    wrong: list[str] = []
    with visitor(browser, poisoned.url, poisoned.mirror.admin_token, java_script_enabled=False) as context:
        showing = _walked(context, wrong, 1)
    assert wrong == [], "\n".join(one[:300] for one in wrong[:60])
    assert len(showing) > 10, f"hostile texts were seen on {sorted(showing)} only"


COMMANDS = (
    ["catalog"],
    ["catalog", "--format", "json"],
    ["review", "list"],
    ["review", "show", "ITEM"],
    ["request", "list"],
    ["rules", "explain", BAD],
    ["check", BAD, TINY],
    ["check", BAD, TINY, "--format", "sarif"],
    ["check", BAD, TINY, "--format", "junit"],
    ["audit", "list"],
    ["audit", "holds"],
    ["user", "list"],
    ["token", "list"],
    ["team", "list"],
    ["uses", BAD],
)


def test_no_terminal_acts_on_it(poisoned: House, tmp_path: Path) -> None:
    item = poisoned.api("reva", "/review").json["items"][0]["id"]
    wrong, told = [], set[str]()
    variables = {"CURATOR_TOKEN": poisoned.mirror.admin_token or "", "CURATOR_URL": poisoned.url}
    for command in COMMANDS:
        seen = at_a_terminal([word.replace("ITEM", item) for word in command], tmp_path, variables)
        if careful._ACTED_ON.search(OURS.sub("", seen)):
            wrong.append(f"{command}: {seen[:300]!r}")
        if "pwned" in seen:
            told.add(command[0])
    assert wrong == []
    assert len(told) > 4, f"hostile texts were seen by {sorted(told)} only"


def _walked(context: BrowserContext, wrong: list[str], most_of_a_kind: int) -> set[str]:
    """Each kind of page, looked at; returns those that showed a hostile text."""
    seen, showing = set[str](), set[str]()
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.on("dialog", lambda dialog: _dismissed(wrong, page, dialog))
    page.on("console", lambda said: _said(wrong, page, said))
    page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
    page.on("request", lambda asked: _asked(wrong, page, asked))
    starts = ["/-/", "/-/nowhere", f"/-/models/{BAD}", f"/-/catalog?q={quote(PRINTABLE[:150])}"]
    starts += [f"/-/activity?actor={quote(PRINTABLE[:150])}", f"/-/sign-in?next={quote(PRINTABLE)}"]
    to_see, kinds = deque(starts), dict[str, int]()
    while to_see and len(seen) < MOST_PAGES:
        path = to_see.popleft()
        if path in seen or kinds.get(_kind(path), 0) >= most_of_a_kind:
            continue
        kinds[_kind(path)] = kinds.get(_kind(path), 0) + 1
        seen.add(path)
        answer = _opened(page, path)
        if answer is None or answer.status >= 500 or answer.status == 400:
            wrong.append(f"{path}: answers {answer.status if answer else 'nothing'}: {page.inner_text('main')[:300]}")
            continue
        if "text/html" in answer.headers.get("content-type", "") and page.url.endswith(path):
            found = _looked_at(page, wrong)
            to_see += [one for one in found if urlsplit(one).path.startswith("/-/")]
            if "pwned" in page.content():
                showing.add(_kind(path))
    page.close()
    return showing


def _dismissed(wrong: list[str], page: Page, dialog: Dialog) -> None:
    wrong.append(f"{page.url}: a dialog {dialog.message}")
    dialog.dismiss()


def _said(wrong: list[str], page: Page, said: ConsoleMessage) -> None:
    """That a page is not there, or not given, is in its status."""
    if said.type == "error" and not said.text.startswith("Failed to load resource"):
        wrong.append(f"{page.url}: {said.text}")


def _asked(wrong: list[str], page: Page, asked: Request) -> None:
    if urlsplit(asked.url).hostname != "127.0.0.1":
        wrong.append(f"{page.url}: asks {asked.url} of elsewhere")


def _looked_at(page: Page, wrong: list[str]) -> list[str]:
    url = page.url
    wrong += [f"{url}: a tag of a stranger: {one}" for one in page.evaluate(_TAGS)]
    wrong += [f"{url}: {one[:200]}" for one in page.evaluate(_LINKS) if _SCHEME.match(one)]
    shown = page.evaluate(_SHOWN)
    raw = next((letter for letter in ("\u202e", "\u200b", "\x1b", "\x9b") if letter in shown), None)
    if raw is not None:
        wrong.append(f"{url}: shows U+{ord(raw):04X} as it is: {shown[max(shown.index(raw) - 60, 0) :][:80]!r}")
    for size in ({"width": 1360, "height": 900}, NARROW):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if beyond > 0:
            wrong.append(f"{url}: {beyond} px wider than {size['width']}: {page.evaluate(_WIDE)}")
    links = page.eval_on_selector_all("a[href]", "all => all.map(one => [one.href, one.rel])")
    host, found = urlsplit(url).netloc, []
    for href, rel in links:
        to = urlsplit(urldefrag(href)[0])
        if to.netloc == host:
            found.append(f"{to.path}?{to.query}" if to.query else to.path)
        elif to.scheme not in {"https", "mailto"} or "noopener" not in rel:
            wrong.append(f"{url}: a link to {href[:200]} with {rel!r}")
    return found


def _kind(path: str) -> str:
    """What pages have in common that differ only in what they are about: names, ids and filters are left out."""
    plain, _, query = path.partition("?")
    parts = plain.split("/")
    names = sorted(part.partition("=")[0] for part in query.split("&") if part)
    return "/".join(part if len(part) < 16 and part.isalpha() else "*" for part in parts) + "?" + "&".join(names)
