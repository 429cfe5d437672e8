"""The console in a real browser: the system's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name)) is not None), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Without one these tests are left out, and said to be; in CI (`CI=true`) that is a failure.

    For a module and no longer: Playwright leaves an event loop running for as long as it is there, beside which no test
    of the same process could begin its own.
    """
    path = chromium()
    if path is None:
        said = "no Chromium is installed here: the console was NOT tried in a browser (Debian: apt install chromium)"
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)
    with sync_playwright() as playwright:
        # Run as root, as CI does, Chromium has no sandbox; what it opens here is our own.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()
