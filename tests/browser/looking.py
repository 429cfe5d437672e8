"""Looks at a page as its users would: rules of accessibility, pictures in both themes and widths, and its weight."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

SCREENSHOTS = Path(__file__).parent.parent.parent / ".screenshots"
WIDE: ViewportSize = {"width": 1360, "height": 900}
NARROW: ViewportSize = {"width": 390, "height": 844}
_WCAG_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_OF_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""What a theme can break: names, roles and order are the same in each."""
_BROKEN = """
async (rules) => (await axe.run({runOnly: rules, resultTypes: ["violations"]})).violations.map((one) =>
  `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(" | ")}`)
"""


def visitor(browser: Browser, url: str, token: str | None = None, **options: Any) -> BrowserContext:
    """Somebody's browser window; with a token he is known by it, without having signed in."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return browser.new_context(base_url=url, extra_http_headers=headers, viewport=WIDE, **options)


def accessible(page: Page) -> None:
    """That axe finds nothing, in light and in dark."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    looks: list[tuple[Literal["dark", "light"], Any]] = [("dark", _OF_COLOURS), ("light", _WCAG_AA)]
    for theme, rules in looks:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        found = page.evaluate(_BROKEN, rules)
        assert found == [], f"{page.url} in {theme}: {found}"


def agree(page: Page, first: str, then: str) -> None:
    """Do what asks first: open what is labelled `first`, and press the button in it."""
    page.locator("summary", has_text=f"{first}…").first.click()
    page.get_by_role("button", name=then).first.click()


def pictures(page: Page, name: str) -> None:
    """Takes it in light and dark, wide and narrow, and holds that nothing is wider than the window."""
    SCREENSHOTS.mkdir(exist_ok=True)
    plain = re.sub(r"[^a-z0-9-]", "-", name)
    for width, size in (("wide", WIDE), ("narrow", NARROW)):
        page.set_viewport_size(size)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            path = SCREENSHOTS / f"{plain}-{theme}-{width}.jpg"
            # As a JPEG it is made in half the time.
            page.screenshot(path=path, full_page=True, quality=75, animations="disabled", scale="css")
        beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert beyond <= 0, f"{page.url} is {beyond} px wider than a window of {size['width']}"
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")


def seen(page: Page, name: str) -> None:
    """Both of the above: what each page must pass."""
    accessible(page)
    pictures(page, name)
