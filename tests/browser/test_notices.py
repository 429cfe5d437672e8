"""Notices in a browser: the inbox, how one is told, and webhooks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from fixtures.receiver import Receiver
from tests.browser.looking import agree, seen, visitor
from tests.contract.http import settled
from tests.contract.test_notices import by_admin, call, person


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with Receiver(tmp_path_factory.mktemp("chat")) as chat:
        yield chat


@pytest.fixture(scope="module")
def told(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MirrorProcess, str]]:
    """A mirror, and the token of a reviewer who was told of something."""
    environment = {
        "CURATOR_WEBHOOK_ALLOW": "127.0.0.1",
        "CURATOR_SMTP_HOST": "127.0.0.1",
        "CURATOR_SMTP_PORT": "9",
        "CURATOR_SMTP_TLS": "none",
        "CURATOR_SMTP_FROM": "curator@bank.example",
    }
    with MirrorProcess(tmp_path_factory.mktemp("told") / "data", hub.url, environment) as mirror:
        rita = person(mirror, "rita", "reviewer")
        for repo in ("mallory/shell-in-a-pickle", "acme-research/non-commercial", "acme-research/tiny-bert"):
            settled(mirror.url, f"/api/models/{repo}")
        wanted = {
            "effect": "block",
            "targets": ["acme-research/tiny-bert"],
            "reason": "<script>alert(1)</script> the publisher's account was stolen",
            "until": "30d",
        }
        by_admin(mirror, "POST", "/lists", wanted)
        for _ in range(200):
            if len(call(mirror, rita, "GET", "/notices").json["notices"]) >= 2:
                break
        yield mirror, rita


def test_a_reviewer_reads_what_he_was_told(browser: Browser, told: tuple[MirrorProcess, str]) -> None:
    mirror, rita = told
    with visitor(browser, mirror.url, rita) as context:
        page = context.new_page()
        page.goto("/-/notices")
        expect(page.get_by_role("heading", level=1)).to_contain_text("unread notices")
        expect(page.locator("script:not([src])")).to_have_count(0)
        expect(page.get_by_role("link", name=re.compile(r"Notices \d+ unread"))).to_be_visible()
        seen(page, "notices-inbox")
        page.get_by_role("button", name="Mark all as read").click()
        expect(page.get_by_role("status")).to_contain_text("marked as read")
        expect(page.get_by_role("heading", level=1)).to_have_text("Notices")
        expect(page.get_by_role("link", name="Notices", exact=True)).to_be_visible()
        page.goto("/-/notices?show=unread")
        seen(page, "notices-all-read")


def test_a_person_chooses_without_a_script_how_to_be_told(browser: Browser, told: tuple[MirrorProcess, str]) -> None:
    mirror, rita = told
    with visitor(browser, mirror.url, rita, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/-/notices/choices")
        page.get_by_role("radio", name="A commit is held: at once").check()
        page.get_by_label("How often").select_option("weekly")
        page.get_by_label("Only these repositories").fill("acme/*\nfacebook/*")
        page.get_by_role("button", name="Keep these choices").click()
        expect(page.get_by_role("status")).to_contain_text("It is kept")
        kept = call(mirror, rita, "GET", "/notices/choices").json
        assert (kept["ways"]["held"], kept["rhythm"], kept["repos"]) == ("now", "weekly", ["acme/*", "facebook/*"])
        page.get_by_label("Only these repositories").fill("a|b")
        page.get_by_role("button", name="Keep these choices").click()
        expect(page.get_by_text("is no repository and no glob")).to_be_visible()
    with visitor(browser, mirror.url, rita) as context:
        page = context.new_page()
        page.goto("/-/notices/choices")
        seen(page, "notices-choices")


def test_an_administrator_makes_a_webhook_tries_it_and_sees_what_came_of_it(
    browser: Browser, told: tuple[MirrorProcess, str], chat: Receiver
) -> None:
    mirror, _ = told
    with visitor(browser, mirror.url, mirror.admin_token) as context:
        page = context.new_page()
        page.goto("/-/notices")
        seen(page, "notices-of-a-token")
        page.get_by_role("link", name="Webhooks").click()
        seen(page, "webhooks-none")
        page.get_by_label("Name").fill("Security chat")
        page.get_by_label("Address").fill("https://169.254.169.254/latest")
        page.get_by_role("button", name="Make the webhook").click()
        expect(page.get_by_text("inside this network, where notices are not sent")).to_be_visible()
        expect(page.get_by_label("Name")).to_have_value("Security chat")
        page.get_by_label("Address").fill(chat.url)
        page.get_by_role("button", name="Make the webhook").click()
        expect(page.get_by_text("shown this once")).to_be_visible()
        assert "whsec_" in page.get_by_label("Secret").inner_text()
        seen(page, "webhook-secret")
        page.get_by_role("link", name="Go on to its page").click()
        page.get_by_role("button", name="Send a test").click()
        expect(page.get_by_role("status").first).to_contain_text("on its way")
        assert json.loads(chat.wait_for(1)[0]["body"])["type"] == "test"
        chat.answer((500, {}))
        page.get_by_role("button", name="Send a test").click()
        chat.wait_for(2)
        # What came of it is written down after it has been answered.
        for _ in range(60):
            page.goto(page.url)
            if page.get_by_text("It answered 500").count():
                break
            page.wait_for_timeout(500)
        expect(page.get_by_text("It answered 500")).to_be_visible()
        seen(page, "webhook")
        page.get_by_role("button", name="Send again: A test of the webhook Security chat").click()
        chat.wait_for(3)
        page.get_by_text("Change it").click()
        page.get_by_label("Address").fill("http://10.0.0.1/")
        page.get_by_role("button", name="Keep the change").click()
        expect(page.get_by_text("where notices are not sent")).to_be_visible()
        page.get_by_label("Address").fill("")
        page.get_by_label("Only these repositories").fill("acme/*")
        seen(page, "webhook-change")
        page.get_by_role("button", name="Keep the change").click()
        expect(page.get_by_text("It is changed")).to_be_visible()
        (kept,) = by_admin(mirror, "GET", "/webhooks")["webhooks"]
        assert (kept["url"], kept["repos"]) == (chat.url, ["acme/*"]), "an address that is left empty stays"
        page.goto("/-/notices/webhooks")
        seen(page, "webhooks")
        page.get_by_role("link", name="Security chat").click()
        agree(page, "End", "End this webhook")
        expect(page.get_by_text("The webhook Security chat is ended.")).to_be_visible()


def test_pages_are_light(told: tuple[MirrorProcess, str]) -> None:
    from tests.contract.http import ask

    mirror, rita = told
    headers = {"Authorization": f"Bearer {rita}"}
    for path in ("/-/notices", "/-/notices/choices"):
        assert len(ask(mirror.url, path, headers=headers).body) < 60_000
    folder = Path("curator/console/static")
    assert sum((folder / name).stat().st_size for name in ("console.css", "console.js")) < 60_000
