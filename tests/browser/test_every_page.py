"""What holds for each page of the console that can be reached from its navigation, whoever wrote it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

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
DIFFERENT_PAGES = {"tab"}
"""What in a query makes another page of it; the rest are filters, of which one of each is followed."""
MOST_BYTES = 100_000
REPOS = ("models/acme-research/tiny-bert", "models/mallory/shell-in-a-pickle", "models/acme-research/non-commercial")
PREFIX = "/hf"
KINDS = {"models", "datasets", "spaces"}
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
    kinds: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    bytes: dict[str, int] = field(default_factory=dict)

    def note(self, url: str, *found: object) -> None:
        self.wrong += [f"{url}: {one}" for one in found]

    def is_new(self, path: str) -> bool:
        """Whether there is something in it that no page before had: its place, or a part of its query."""
        if len(self.seen) >= MOST_PAGES or path in self.seen or (kinds := _kinds(path)) <= self.kinds:
            return False
        self.kinds |= kinds
        self.seen.add(path)
        return True

    def within(self, url: str, href: str) -> str | None:
        """Where a link leads, if that is within the console; one that leads past the mirror's own path is noted."""
        to = urlsplit(urldefrag(urljoin(url, href))[0])
        if to.netloc != urlsplit(url).netloc:
            return None
        if not to.path.startswith(f"{self.prefix}/"):
            self.note(url, f"a link past the path of the mirror: {href}")
        elif to.path.startswith(f"{self.prefix}/-/"):
            return f"{to.path}?{to.query}" if to.query else to.path
        return None


@dataclass
class Addresses(HTMLParser):
    """What a page names of others: what it links to or loads, and where its forms lead."""

    found: list[str] = field(default_factory=list)
    forms: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in {"href", "src"} and value]
        self.forms += [value for name, value in attrs if name == "action" and value]


@pytest.fixture(scope="module")
def below(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror at a path of its host that was asked for things."""
    data = tmp_path_factory.mktemp("below") / "data"
    with HeldPort() as port:
        said = {"CURATOR_PUBLIC_URL": f"http://127.0.0.1:{port.number}{PREFIX}"}
        with MirrorProcess(data, hub.url, said, port.number) as mirror:
            judge(mirror.local_url, REPOS)
            yield mirror


def test_each_page_is_whole_light_and_leads_somewhere(browser: Browser, lived_in: MirrorProcess) -> None:
    walk = Walk("")
    with visitor(browser, lived_in.url, lived_in.admin_token) as context:
        _walk(walk, _watched(walk, context.new_page()), "/-/")
    assert walk.wrong == []
    assert len(walk.seen) > 30, walk.seen


def test_below_a_path_each_page_leads_below_it(below: MirrorProcess) -> None:
    walk = Walk(PREFIX)
    known = {"Authorization": f"Bearer {below.admin_token}"} | HTML
    to_see = deque([f"{PREFIX}/-/"])
    while to_see:
        if not walk.is_new(path := to_see.popleft()):
            continue
        answer = ask(below.local_url, path, headers=known)
        if answer.status != 200:
            walk.note(path, f"leads to {answer.status}")
        elif "text/html" in answer.headers["content-type"]:
            page = Addresses()
            page.feed(answer.body.decode())
            url = f"{below.local_url}{path}"
            walk.note(path, *(f"a form that leads to {one}" for one in page.forms if walk.within(url, one) is None))
            to_see += [to for one in page.found if (to := walk.within(url, one)) is not None]
    assert walk.wrong == []
    assert len(walk.seen) > 30, walk.seen


def test_below_a_path_scripts_ask_below_it(browser: Browser, below: MirrorProcess) -> None:
    walk = Walk(PREFIX)
    with visitor(browser, below.local_url, below.admin_token) as context:
        page = _watched(walk, context.new_page())
        for path in ("/-/", "/-/live", "/-/catalog", "/-/review"):
            page.goto(f"{PREFIX}{path}")
            _looked_at(walk, page)
    assert walk.wrong == []


def test_each_page_of_the_navigation_says_the_same_without_a_script_and_fits_a_telephone(
    browser: Browser, lived_in: MirrorProcess
) -> None:
    with visitor(browser, lived_in.url, lived_in.admin_token) as with_script:
        page = with_script.new_page()
        page.goto("/-/")
        paths = page.eval_on_selector_all("nav a[data-go]", "links => links.map(link => link.pathname)")
        headings = [_heading(page, path) for path in paths]
    with visitor(browser, lived_in.url, lived_in.admin_token, java_script_enabled=False) as without:
        page = without.new_page()
        page.set_viewport_size(NARROW)
        assert [_heading(page, path) for path in paths] == headings


def _watched(walk: Walk, page: Page) -> Page:
    page.on("console", lambda said: _said(walk, page, said))
    page.on("pageerror", lambda error: walk.note(page.url, error))
    page.on("response", lambda answer: _weighed(walk, page, answer))
    return page


def _heading(page: Page, path: str) -> str:
    page.goto(path)
    return page.get_by_role("heading", level=1).inner_text()


def _walk(walk: Walk, page: Page, start: str) -> None:
    to_see = deque([start])
    while to_see:
        if not walk.is_new(path := to_see.popleft()):
            continue
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
    size = sum(
        page.evaluate("performance.getEntriesByType('resource').map(one => one.decodedBodySize)")
    ) + page.evaluate("performance.getEntriesByType('navigation')[0].decodedBodySize")
    walk.bytes[urlsplit(url).path] = size
    if size > MOST_BYTES:
        walk.note(url, f"{size} bytes of HTML, style and script")
    return [to for href in hrefs if (to := walk.within(url, href)) is not None]


def _kinds(path: str) -> set[str]:
    """What pages have in common that differ only in what they are about: names and ids are left out."""
    plain, _, query = path.partition("?")
    parts = ["*" if len(part) > 15 or not part.isalpha() else part for part in plain.split("/")]
    kind = next((at for at, part in enumerate(parts) if part in KINDS), len(parts))
    parts[kind + 1 :] = ["*"] * len(parts[kind + 1 :])
    place = "/".join(parts)
    named = [part if (name := part.partition("=")[0]) in DIFFERENT_PAGES else name for part in query.split("&")]
    return {f"{place}?{part}" for part in named}


def _said(walk: Walk, page: Page, said: ConsoleMessage) -> None:
    if said.type in {"error", "warning"}:
        walk.note(page.url, f"the browser says: {said.text}")


def _weighed(walk: Walk, page: Page, answer: Response) -> None:
    if answer.status >= 400 and answer.request.resource_type != "document":
        walk.note(page.url, f"{answer.url} answers {answer.status}")


@pytest.mark.parametrize("where", ["lived_in", "below"])
def test_what_browsers_keep_of_the_console_is_style_and_script_alone(
    request: pytest.FixtureRequest, where: str
) -> None:
    mirror, prefix = request.getfixturevalue(where), PREFIX if where == "below" else ""
    known = {"Authorization": f"Bearer {mirror.admin_token}"} | HTML
    for path in ("/-/", "/-/settings", "/-/nowhere"):
        assert ask(mirror.local_url, f"{prefix}{path}", headers=known).headers["cache-control"] == "private, no-store"
