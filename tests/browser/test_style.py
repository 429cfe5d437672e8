"""Every part that pages are built of, on one page that only this test has."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from curator.console.counting import MOST
from curator.console.navigation import groups_for, items_for
from curator.console.render import HEADERS, HERE, environment
from curator.people.caller import Caller
from curator.people.roles import Role
from fixtures.mirror import MirrorProcess
from tests.browser.looking import NARROW, accessible, pictures, visitor

ADA = Caller("ada", Role.ADMIN, team="platform")


def shown(page: Page, theme: str = "") -> None:
    html = (
        environment()
        .from_string((Path(__file__).parent / "style.html").read_text())
        .render(
            caller=ADA,
            navigation=items_for(ADA),
            navigation_groups=groups_for(ADA),
            here="/-/catalog",
            back="/-/catalog",
            root="",
            now=dt.datetime.now(dt.UTC),
            said="Approved for team risk until 2027-01-31.",
            theme=theme,
            form_token="",
            counts={"/-/review": 3},
            most=MOST,
        )
    )
    page.route("**/-/style", lambda route: route.fulfill(body=html, headers=HEADERS | {"Content-Type": "text/html"}))
    page.goto("/-/style")


def test_every_part_can_be_read_by_everybody_in_both_themes_and_widths(browser: Browser, mirror: MirrorProcess) -> None:
    with visitor(browser, mirror.url) as context:
        page = context.new_page()
        shown(page)
        accessible(page)
        pictures(page, "style")
        page.set_viewport_size(NARROW)
        page.get_by_role("link", name="Open the menu").click()
        expect(page.get_by_role("link", name="Settings")).to_be_visible()
        accessible(page)
        page.screenshot(path=".screenshots/style-menu-narrow.png")
        page.get_by_role("link", name="Close the menu").click()
        expect(page.get_by_role("link", name="Settings")).to_be_hidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_theme_that_was_chosen_holds_against_the_systems(theme: str, browser: Browser, mirror: MirrorProcess) -> None:
    with visitor(browser, mirror.url, color_scheme="dark" if theme == "light" else "light") as context:
        page = context.new_page()
        shown(page, theme)
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(15, 17, 21)") == (theme == "dark"), ground


def test_keys_lead_through_rows_and_say_what_they_do(browser: Browser, mirror: MirrorProcess) -> None:
    with visitor(browser, mirror.url) as context:
        page = context.new_page()
        shown(page)
        page.keyboard.press("j")
        expect(page.get_by_role("link", name="acme-research/tiny-bert")).to_be_focused()
        page.keyboard.press("j")
        expect(page.get_by_role("link", name="mallory/shell-in-a-pickle")).to_be_focused()
        page.keyboard.press("x")
        expect(page.get_by_role("checkbox", name="mallory/shell-in-a-pickle")).to_be_checked()
        expect(page.locator("[data-chosen]")).to_have_text("1")
        page.keyboard.press("k")
        expect(page.get_by_role("link", name="acme-research/tiny-bert")).to_be_focused()
        page.keyboard.press("/")
        expect(page.get_by_role("searchbox")).to_be_focused()
        page.keyboard.type("?jx")
        expect(page.get_by_role("searchbox")).to_have_value("?jx")
        page.keyboard.press("Tab")
        page.get_by_role("heading", level=1).click()
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
        accessible(page)
        page.screenshot(path=".screenshots/style-keys.png")
        page.keyboard.press("Escape")
        page.keyboard.press("g")
        page.keyboard.press("h")
        expect(page).to_have_url(f"{mirror.url}/-/")


def test_style_and_script_are_small() -> None:
    sizes = {name: (HERE / "static" / name).stat().st_size for name in ("console.css", "console.js")}
    assert sum(sizes.values()) < 45_000, sizes
