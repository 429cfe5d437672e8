"""The first page of the console."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from fixtures.mirror import MirrorProcess
from tests.browser.looking import seen, visitor


def test_home_opens_and_can_be_read_by_everybody(browser: Browser, mirror: MirrorProcess) -> None:
    with visitor(browser, mirror.url, mirror.admin_token) as context:
        page = context.new_page()
        page.goto("/-/")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        seen(page, "home")
