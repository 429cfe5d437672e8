"""The console in a real browser: the system's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.http import ask, settled
from tests.contract.repositories import judge

JUDGED = (
    "models/acme-research/tiny-bert/revision/v1.0",
    "models/acme-research/tiny-bert",
    "models/acme-research/tiny-gguf",
    "models/acme-research/llama-tuned-again",
    "models/acme-research/non-commercial",
    "models/acme-research/turned",
    "models/mallory/shell-in-a-pickle",
    "models/sentence-transformers/all-MiniLM-L6-v2",
    "datasets/acme-data/rows",
)
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


@pytest.fixture(scope="session")
def lived_in(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror that has judged a few repositories and given files of one, and was tried to be gone around."""
    with MirrorProcess(tmp_path_factory.mktemp("lived-in") / "data", hub.url) as mirror:
        judge(mirror.url, JUDGED)
        assert settled(mirror.url, "/api/models/acme-research/turned/revision/bad").status == 403
        known = {"Authorization": f"Bearer {mirror.admin_token}"}
        for name in ("config.json", "README.md"):
            assert ask(mirror.url, f"/acme-research/tiny-bert/resolve/main/{name}", headers=known).status == 200
        assert ask(mirror.url, "/acme-research/tiny-bert.git/info/refs", headers=known).status == 403
        yield mirror
