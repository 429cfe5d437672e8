"""The journeys of those who use it, end to end: signed in by a session, with the real client in between."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.browser.looking import agree, seen, visitor
from tests.contract.clients import Client
from tests.contract.http import ask, settled

REPO = "acme-research/relicensed"
"""Its first commit may be used for anything; its second may not be sold."""
WORDS = "tulip kettle amber 7"
REASON = "We compare it with our own, and ship nothing of it: SHOP-12"
ANSWER = "Read: it is compared, and not shipped. RISK-7"


@pytest.fixture(scope="module")
def mirror(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """One that was started for the first time, and wants a token of whoever pulls."""
    with MirrorProcess(tmp_path_factory.mktemp("journeys") / "data", hub.url, {"CURATOR_ANONYMOUS": "no"}) as mirror:
        yield mirror


@pytest.fixture
def administrator(browser: Browser, mirror: MirrorProcess) -> Iterator[Page]:
    """Who has just started it: signed in with the token that it printed, and by now with a password of his own."""
    with visitor(browser, mirror.url) as context:
        page = context.new_page()
        page.goto("/-/")
        page.get_by_role("link", name="With a token").click()
        page.get_by_label("Token").fill(mirror.admin_token or "")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_label("Your name here").fill("olga")
        page.get_by_role("button").click()
        _choose_password(page)
        yield page


def test_a_developer_is_refused_asks_is_answered_and_pulls_with_the_same_command(
    browser: Browser, mirror: MirrorProcess, hub: FixtureHub, administrator: Page, tmp_path: Path
) -> None:
    expect(administrator.get_by_text("Begin here")).to_be_visible()
    seen(administrator, "home-first-start")
    administrator.get_by_role("link", name="Make a team").click()
    administrator.locator("summary", has_text="Make a team").click()
    administrator.get_by_label("Name", exact=True).fill("search")
    administrator.get_by_role("button", name="Make this team").click()
    with (
        _invited(browser, mirror, administrator, "dev", "developer", "search") as devs,
        _invited(browser, mirror, administrator, "rita", "reviewer") as ritas,
    ):
        developer, reviewer = devs.new_page(), ritas.new_page()
        token = _token(developer)
        (first,) = ask(hub.url, f"/api/models/{REPO}/commits/main").json[-1:]
        settled(mirror.url, f"/api/models/{REPO}/revision/{first['id']}", headers={"Authorization": f"Bearer {token}"})

        client = Client("2.4", mirror.url, tmp_path, token)
        refused = client.call("snapshot", repo_id=REPO)
        assert "is blocked by the rule license-not-for-business" in refused.message
        _ask(developer, refused.message)
        _approve_by_keyboard(reviewer)
        assert (client.snapshot(REPO) / "model.safetensors").is_file()

        _until_told(developer)
        developer.get_by_role("link", name="Notices").click()
        developer.get_by_role("link", name=re.compile("is approved: the same command works now")).click()
        expect(developer.get_by_text(ANSWER).first).to_be_visible()

        administrator.goto("/-/people/users/dev")
        administrator.get_by_role("button", name="End the session of").click()
        developer.goto("/-/requests")
        expect(developer.get_by_role("heading", level=1)).to_have_text("Sign in")
        agree(administrator, "Revoke laptop", "Revoke laptop")
        assert "hf_" not in client.call("info", repo_id=REPO).message
        assert ask(mirror.url, "/api/whoami-v2", headers={"Authorization": f"Bearer {token}"}).status == 401

        administrator.goto(f"/-/activity?repo={REPO}")
        with administrator.expect_download() as download:
            administrator.get_by_role("link", name="Export these").click()
        exported = download.value.path().read_text()
        assert ANSWER in exported
        assert token not in exported


def _ask(developer: Page, told: str) -> None:
    """Follow the link to the decision in a refusal, and ask there."""
    (decision,) = re.findall(r"Details: (\S+)", told)
    developer.goto(decision)
    expect(developer.get_by_role("heading", level=1)).to_have_text(f"{REPO} is blocked")
    developer.get_by_role("link", name="Ask for an exception").click()
    developer.get_by_label("What you want it for").fill(REASON)
    developer.get_by_role("button", name="Ask").click()
    expect(developer.locator(".said")).to_contain_text("Your request waits for a reviewer")


def _approve_by_keyboard(reviewer: Page) -> None:
    """A reviewer's Monday, without a mouse: home, the queue, its first line, what is otherwise, the answer."""
    reviewer.goto("/-/")
    expect(reviewer.get_by_role("link", name="Review 1 waiting")).to_be_visible()
    _press(reviewer, "g", "r")
    expect(reviewer.get_by_role("heading", level=1)).to_have_text("Review: 1 waits for you")
    _press(reviewer, "j", "Enter")
    expect(reviewer.get_by_role("heading", level=1)).to_have_text(f"{REPO} is blocked")
    expect(reviewer.get_by_text(REASON)).to_be_visible()
    expect(reviewer.get_by_text("The licence is CC-BY-NC-4.0 (non-commercial) instead of")).to_be_visible()
    seen(reviewer, "review-with-difference")
    _press(reviewer, "a")
    reviewer.keyboard.type(ANSWER)
    _press(reviewer, "Control+Enter")
    expect(reviewer.locator(".said")).to_contain_text(f"{REPO}: approved")


def _invited(
    browser: Browser, mirror: MirrorProcess, administrator: Page, login: str, role: str, team: str = ""
) -> BrowserContext:
    """The window of somebody whom an administrator has made, and who has chosen a password by his link."""
    administrator.goto("/-/people")
    administrator.locator("summary", has_text="Make a person").click()
    form = administrator.locator("form", has=administrator.get_by_label("Login", exact=True))
    form.get_by_label("Login", exact=True).fill(login)
    form.get_by_label("Role").select_option(role)
    form.get_by_label("Home team").fill(team)
    form.get_by_role("button").click()
    administrator.get_by_role("button", name="Link to choose a password").click()
    link = administrator.locator(".snippet code").inner_text()
    context = visitor(browser, mirror.url)
    page = context.new_page()
    page.goto(link)
    _choose_password(page)
    page.close()
    return context


def _choose_password(page: Page) -> None:
    page.get_by_label("Password", exact=True).fill(WORDS)
    page.get_by_label("The same again").fill(WORDS)
    page.get_by_role("button", name="Keep it and sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def _token(developer: Page) -> str:
    """The token that a developer makes himself, as the lines to paste have it."""
    developer.goto("/-/")
    developer.get_by_role("link", name="make one").click()
    developer.get_by_label("Name", exact=True).fill("laptop")
    developer.get_by_role("button", name="Make it").click()
    lines = developer.get_by_role("main").inner_text()
    found = re.search(r"export HF_TOKEN=(\S+)", lines)
    assert found is not None, lines
    return found[1]


def _until_told(developer: Page) -> None:
    """Notices are made from the record by the process that watches, a moment after what they tell of."""
    deadline = time.monotonic() + 40
    while True:
        developer.goto("/-/")
        if "1" in developer.get_by_role("link", name="Notices").inner_text():
            return
        assert time.monotonic() < deadline, "the developer was told nothing"
        time.sleep(0.5)


def _press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
