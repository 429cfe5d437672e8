"""Settings as they are in force, and what happens at this moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.browser.looking import seen, visitor
from tests.contract.http import ask

SLOW = "acme-research/sharded"
KEY = "c2VjcmV0LW9mLXRlc3RzLXNlY3JldC1vZi10ZXN0cy0="


@pytest.fixture(scope="module")
def slow_hub() -> Iterator[FixtureHub]:
    with FixtureHub() as hub:
        yield hub


@pytest.fixture(scope="module")
def told(slow_hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    said = {
        "CURATOR_CONTACT": "https://wiki.example/ai",
        "CURATOR_SECRET_KEY": KEY,
        "CURATOR_SCAN_WHOLE_BELOW_BYTES": "1024",
    }
    with MirrorProcess(tmp_path_factory.mktemp("told") / "data", slow_hub.url, said) as mirror:
        yield mirror


def test_settings_say_what_is_in_force_and_who_said_so(browser: Browser, told: MirrorProcess) -> None:
    with visitor(browser, told.url, told.admin_token) as context:
        page = context.new_page()
        page.goto("/-/settings")
        row = page.get_by_role("row").filter(has=page.get_by_text("CURATOR_CONTACT", exact=True))
        expect(row).to_contain_text("https://wiki.example/ai")
        expect(row).to_contain_text("environment")
        token = page.get_by_role("row").filter(has=page.get_by_text("CURATOR_SECRET_KEY", exact=True))
        expect(token).to_contain_text("set")
        assert KEY not in page.content()
        seen(page, "settings")
        page.get_by_role("link", name="Said by you").click()
        expect(page.get_by_text("CURATOR_LEASE_S", exact=True)).to_have_count(0)
        seen(page, "settings-said")


def test_live_shows_what_is_judged_while_it_is_without_being_asked_again(
    browser: Browser, told: MirrorProcess, slow_hub: FixtureHub
) -> None:
    with visitor(browser, told.url, told.admin_token) as context:
        page = context.new_page()
        page.goto("/-/live")
        expect(page.get_by_text("Nobody waits for a judgement")).to_be_visible()
        expect(page.get_by_role("status")).to_have_text("Live")
        seen(page, "live-quiet")
        with slow_hub.failing({"path": f"/{SLOW}/*", "delay_s": 3.0}):
            asker = threading.Thread(target=lambda: ask(told.url, f"/api/models/{SLOW}"))
            asker.start()
            expect(page.get_by_text(SLOW).first).to_be_visible(timeout=10_000)
            expect(page.get_by_text("scanning", exact=True).first).to_be_visible(timeout=10_000)
            seen(page, "live")
            asker.join()
        expect(page.get_by_text("Nobody waits for a judgement")).to_be_visible(timeout=30_000)


def test_live_shows_a_file_that_arrives_and_how_fast(
    browser: Browser, told: MirrorProcess, slow_hub: FixtureHub
) -> None:
    repo, path = "acme-research/tiny-bert", "model.safetensors"
    deadline = time.monotonic() + 60
    while ask(told.url, f"/api/models/{repo}").status != 200:
        assert time.monotonic() < deadline
    with visitor(browser, told.url, told.admin_token) as context:
        page = context.new_page()
        page.goto("/-/live")
        expect(page.get_by_role("status")).to_have_text("Live")
        size = int(ask(told.url, f"/{repo}/resolve/main/{path}", "HEAD").headers["x-linked-size"])
        with slow_hub.failing({"origin": "cdn", "bytes_per_s": max(size // 8, 1)}):
            asker = threading.Thread(target=lambda: ask(told.url, f"/{repo}/resolve/main/{path}"))
            asker.start()
            expect(page.get_by_role("cell", name=path)).to_be_visible(timeout=10_000)
            seen(page, "live-arriving")
            asker.join()
        expect(page.get_by_text("Nothing arrives")).to_be_visible(timeout=30_000)


def test_live_without_a_script_shows_the_same_and_is_loaded_again_by_a_link(
    browser: Browser, told: MirrorProcess
) -> None:
    with visitor(browser, told.url, told.admin_token, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/-/live")
        page.get_by_role("link", name="Reload").click()
        expect(page.get_by_text("Nobody waits for a judgement")).to_be_visible()
