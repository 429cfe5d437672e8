"""What holds for each page of the console that can be reached from its navigation, whoever wrote it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urldefrag, urlsplit

import pytest
from playwright.sync_api import APIResponse, Browser, ConsoleMessage, Page, Response
from playwright.sync_api import Error as PlaywrightError

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from fixtures.ports import HeldPort
from tests.browser.looking import NARROW, visitor
from tests.contract.http import ask
from tests.contract.repositories import judge

MOST_PAGES = 120
MOST_OF_A_KIND = 3
"""Of pages that differ only in what they are about."""
MOST_BYTES = 100_000
REPOS = ("models/acme-research/tiny-bert", "models/mallory/shell-in-a-pickle", "models/acme-research/non-commercial")
HTML = {"Accept": "text/html"}

_NOT_LABELLED = """
[...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
  .filter((field) => !field.labels?.length && !field.ariaLabel && !field.getAttribute("aria-labelledby"))
  .map((field) => field.outerHTML.slice(0, 120))
"""
_TWICE = """
[...document.querySelectorAll("[id]")].map((one) => one.id).filter((id, at, all) => all.indexOf(id) !== at)
"""
_FORMS = """
[...document.querySelectorAll("form")].map((form) => [
  form.getAttribute("method") ?? "get",
  new URL(form.getAttribute("action") ?? "", document.baseURI).pathname,
  form.outerHTML,
])
"""
_NOT_OURS = """
[...document.querySelectorAll("[style], script:not([src]), style, [onclick]")].map((one) => one.outerHTML.slice(0, 120))
"""


@dataclass
class Walk:
    """Pages that were looked at, and what is wrong with them."""

    prefix: str
    seen: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    bytes: dict[str, int] = field(default_factory=dict)

    def note(self, url: str, *found: object) -> None:
        self.wrong += [f"{url}: {one}" for one in found]


@pytest.fixture(scope="module", params=["", "/hf"], ids=["at the root", "below a path"])
def lived_in(
    request: pytest.FixtureRequest, hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[MirrorProcess, str]]:
    """A mirror that was asked for things."""
    prefix: str = request.param
    with HeldPort() as port:
        said = {"CURATOR_PUBLIC_URL": f"http://127.0.0.1:{port.number}{prefix}"} if prefix else {}
        with MirrorProcess(tmp_path_factory.mktemp("lived-in") / "data", hub.url, said, port.number) as mirror:
            judge(mirror.local_url, REPOS)
            yield mirror, prefix


def test_each_page_is_whole_light_and_leads_somewhere(browser: Browser, lived_in: tuple[MirrorProcess, str]) -> None:
    mirror, prefix = lived_in
    walk = Walk(prefix)
    with visitor(browser, mirror.local_url, mirror.admin_token) as context:
        page = context.new_page()
        page.on("console", lambda said: _said(walk, page, said))
        page.on("pageerror", lambda error: walk.note(page.url, error))
        page.on("response", lambda answer: _weighed(walk, page, answer))
        _walk(walk, page, f"{prefix}/-/")
    assert walk.wrong == []
    assert len(walk.seen) > 10, walk.seen


def test_each_page_of_the_navigation_says_the_same_without_a_script_and_fits_a_telephone(
    browser: Browser, lived_in: tuple[MirrorProcess, str]
) -> None:
    mirror, prefix = lived_in
    with visitor(browser, mirror.local_url, mirror.admin_token) as with_script:
        page = with_script.new_page()
        page.goto(f"{prefix}/-/")
        paths = page.eval_on_selector_all("nav a[data-go]", "links => links.map(link => link.pathname)")
        headings = [_heading(page, path) for path in paths]
    with visitor(browser, mirror.local_url, mirror.admin_token, java_script_enabled=False) as without:
        page = without.new_page()
        page.set_viewport_size(NARROW)
        assert [_heading(page, path) for path in paths] == headings


def _heading(page: Page, path: str) -> str:
    page.goto(path)
    return page.get_by_role("heading", level=1).inner_text()


def _walk(walk: Walk, page: Page, start: str) -> None:
    to_see, kinds = deque([start]), dict[str, int]()
    while to_see and len(walk.seen) < MOST_PAGES:
        path = to_see.popleft()
        kind = _kind(path)
        if path in walk.seen or kinds.get(kind, 0) >= MOST_OF_A_KIND:
            continue
        kinds[kind] = kinds.get(kind, 0) + 1
        walk.seen.add(path)
        answer = _opened(page, path)
        if answer is None or answer.status != 200:
            walk.note(path, f"leads to {answer.status if answer else 'nothing'}")
            continue
        if isinstance(answer, APIResponse) or "text/html" not in answer.headers.get("content-type", ""):
            continue
        to_see += _looked_at(walk, page)


def _opened(page: Page, path: str) -> Response | APIResponse | None:
    """The page; of a file that browsers save, what is answered."""
    try:
        return page.goto(path)
    except PlaywrightError as error:
        if "Download is starting" not in str(error):
            raise
        return page.request.get(path)


def _looked_at(walk: Walk, page: Page) -> list[str]:
    """What is wrong with the page is noted; returns where it leads within the console."""
    url = page.url
    walk.note(url, *(f"a field without a label: {one}" for one in page.evaluate(_NOT_LABELLED)))
    walk.note(url, *(f"the id {one!r} twice" for one in page.evaluate(_TWICE)))
    walk.note(url, *(f"not ours, or in the page itself: {one}" for one in page.evaluate(_NOT_OURS)))
    if page.get_by_role("heading", level=1).count() != 1:
        walk.note(url, "not one heading of the first level")
    if not page.title().endswith("Model Curator") or page.title().startswith(" "):
        walk.note(url, f"the title {page.title()!r}")
    for method, action, text in page.evaluate(_FORMS):
        if method != "dialog" and not action.startswith(f"{walk.prefix}/-/"):
            walk.note(url, f"a form that leads to {action}")
        if method == "post" and 'type="file"' in text:
            walk.note(url, "a form with a file, which forms of ours do not take")
    hrefs: list[str] = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
    host, found = urlsplit(url).netloc, []
    for href in hrefs:
        to = urlsplit(urldefrag(href)[0])
        if to.netloc != host:
            continue
        if not to.path.startswith(f"{walk.prefix}/"):
            walk.note(url, f"a link past the path of the mirror: {href}")
        elif to.path.startswith(f"{walk.prefix}/-/"):
            found.append(f"{to.path}?{to.query}" if to.query else to.path)
    size = sum(
        page.evaluate("performance.getEntriesByType('resource').map(one => one.decodedBodySize)")
    ) + page.evaluate("performance.getEntriesByType('navigation')[0].decodedBodySize")
    walk.bytes[urlsplit(url).path] = size
    if size > MOST_BYTES:
        walk.note(url, f"{size} bytes of HTML, style and script")
    return found


def _kind(path: str) -> str:
    """What pages have in common that differ only in what they are about: names, ids and filters are left out."""
    plain, _, query = path.partition("?")
    parts = plain.split("/")
    names = sorted(part.partition("=")[0] for part in query.split("&") if part)
    return "/".join(part if len(part) < 16 and part.isalpha() else "*" for part in parts) + "?" + "&".join(names)


def _said(walk: Walk, page: Page, said: ConsoleMessage) -> None:
    if said.type in {"error", "warning"}:
        walk.note(page.url, f"the browser says: {said.text}")


def _weighed(walk: Walk, page: Page, answer: Response) -> None:
    if answer.status >= 400 and answer.request.resource_type != "document":
        walk.note(page.url, f"{answer.url} answers {answer.status}")


def test_what_browsers_keep_of_the_console_is_style_and_script_alone(lived_in: tuple[MirrorProcess, str]) -> None:
    mirror, prefix = lived_in
    known = {"Authorization": f"Bearer {mirror.admin_token}"} | HTML
    for path in ("/-/", "/-/settings", "/-/nowhere"):
        assert ask(mirror.local_url, f"{prefix}{path}", headers=known).headers["cache-control"] == "private, no-store"
