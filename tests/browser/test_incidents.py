"""A retroactive block in a browser: see who has it, do it, follow the cleaning up, take the evidence, lift it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from curator.evidence.verify_pack import verify_pack
from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.browser.looking import seen, visitor
from tests.contract.http import ask
from tests.contract.repositories import judge
from tests.contract.test_notices import by_admin, person

BASE, MADE, TINY = "acme-research/llama-tuned", "acme-research/llama-tuned-again", "acme-research/tiny-bert"
WHY = "<script>alert(1)</script> the publisher's account was stolen, advisory 17"


@dataclass(frozen=True)
class House:
    mirror: MirrorProcess
    sue: str
    """Of security."""
    dora: str
    """A developer of the team trading."""


@pytest.fixture(scope="module")
def house(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with MirrorProcess(tmp_path_factory.mktemp("house") / "data", hub.url) as mirror:
        judge(mirror.url, tuple(f"models/{repo}" for repo in (BASE, MADE, TINY)))
        for team in ("trading", "research"):
            by_admin(mirror, "POST", "/teams", {"name": team})
        sue, dora = person(mirror, "sue", "security"), person(mirror, "dora", "developer", "trading")
        ray = person(mirror, "ray", "developer", "research")
        agent = {"User-Agent": "unknown/None; hf_hub/2.4.0; python/3.11.9; torch/2.9.0"}
        for token in (dora, ray):
            headers = {"Authorization": f"Bearer {token}"} | agent
            for path in (f"/{BASE}/resolve/main/README.md", f"/{BASE}/resolve/main/model.safetensors"):
                assert ask(mirror.url, path, headers=headers).status == 200
        deadline = time.monotonic() + 30
        while by_admin(mirror, "GET", f"/incidents/preview?subject={BASE}")["hit"]["people"] < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield House(mirror, sue, dora)


def test_something_is_blocked_retroactively_and_lifted_without_a_script(browser: Browser, house: House) -> None:
    mirror = house.mirror
    with visitor(browser, mirror.url, house.sue) as context:
        page = context.new_page()
        page.goto("/-/incidents")
        seen(page, "incidents-none")
        page.goto("/-/incidents/new")
        seen(page, "incident-new-empty")
        page.goto("/-/incidents/new?subject=no+such+thing%3F%3F")
        seen(page, "incident-new-wrong")
    with visitor(browser, mirror.url, house.sue, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"/-/models/{BASE}")
        page.get_by_text("More", exact=True).click()
        page.get_by_role("link", name="Block retroactively…").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Block {BASE}?")
        expect(page.get_by_role("row", name="dora")).to_contain_text("127.0.0.1")
        expect(page.get_by_role("link", name=MADE)).to_be_visible()
        page.get_by_label("Why").fill(WHY)
        page.get_by_role("button", name="Block it for everybody").click()
        expect(page.get_by_role("status")).to_contain_text("is served to nobody")
        address = page.url
    refused = ask(mirror.url, f"/{BASE}/resolve/main/README.md", headers={"Authorization": f"Bearer {house.dora}"})
    assert (refused.status, refused.headers["x-error-code"]) == (404, "RevisionNotFound")
    with visitor(browser, mirror.url, house.dora) as context:
        page = context.new_page()
        page.goto(address)
        expect(page.get_by_text("curator incident affected --purge")).to_be_visible()
        expect(page.get_by_text("research", exact=True)).to_have_count(0)
        expect(page.get_by_text("ray", exact=True)).to_have_count(0)
        seen(page, "incident-of-a-developer")
        page.get_by_text("Answer for trading").click()
        page.get_by_label("What was done").fill("both laptops and the build farm")
        page.get_by_role("button", name="It is deleted").click()
        expect(page.get_by_role("status")).to_contain_text("trading: cleaned")
        page.goto("/-/incidents")
        seen(page, "incidents-of-a-developer")
    with visitor(browser, mirror.url, house.sue) as context:
        page = context.new_page()
        deadline = time.monotonic() + 30
        while True:
            page.goto(address)
            if page.get_by_text("Team trading").count() and page.get_by_text("1 caller from").count():
                break
            assert time.monotonic() < deadline
        expect(page.locator("script:not([src])")).to_have_count(0)
        seen(page, "incident")
        page.goto("/-/incidents")
        seen(page, "incidents")
        page.goto(f"/-/incidents/new?repo={TINY}")
        seen(page, "incident-new")
        page.goto(f"/-/models/{TINY}")
        page.get_by_text("More", exact=True).click()
        seen(page, "model-more")
        page.goto(address)
        page.get_by_role("textbox", name="Why").fill("the advisory was withdrawn")
        page.get_by_role("button", name="Lift the incident").click()
        expect(page.get_by_role("status")).to_contain_text("decided about as before")
        seen(page, "incident-lifted")


def test_the_evidence_is_taken_by_a_button_and_proves_itself(browser: Browser, house: House, tmp_path: Path) -> None:
    with visitor(browser, house.mirror.url, house.sue) as context:
        page = context.new_page()
        page.goto(f"/-/models/{TINY}")
        page.get_by_text("More", exact=True).click()
        with page.expect_download() as waited:
            page.get_by_role("button", name="Take an evidence pack").click()
        waited.value.save_as(tmp_path / "pack.tar")
    proof = verify_pack(tmp_path / "pack.tar")
    assert proof.right, proof.problems
    assert TINY in proof.about


def test_pages_are_light(house: House) -> None:
    headers = {"Authorization": f"Bearer {house.sue}"}
    for path in ("/-/incidents", f"/-/incidents/new?repo={BASE}"):
        assert len(ask(house.mirror.url, path, headers=headers).body) < 60_000
