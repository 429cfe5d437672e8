"""Activity: what happened is found, told, exported and held."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.request import Request, urlopen

from playwright.sync_api import Browser, expect

from curator.audit.verify_file import verify_file
from fixtures.mirror import MirrorProcess
from tests.browser.looking import seen, visitor

TINY = "acme-research/tiny-bert"


def token(mirror: MirrorProcess) -> dict[str, str]:
    return {"Authorization": f"Bearer {mirror.admin_token}"}


def test_what_happened_is_told_in_sentences_and_found_by_who_and_what(
    browser: Browser, lived_in: MirrorProcess
) -> None:
    with visitor(browser, lived_in.url, lived_in.admin_token) as context:
        page = context.new_page()
        page.goto("/-/activity")
        expect(page.get_by_role("heading", level=1)).to_have_text("Activity")
        page.get_by_label("What", exact=True).select_option("download")
        page.get_by_label("Repository").fill(TINY)
        page.get_by_role("button", name="Show").click()
        told = page.locator("table.activity td a")
        expect(told.first).to_contain_text(f"of {TINY}@")
        assert all("admin was given" in text for text in told.all_inner_texts())
        seen(page, "activity")
        told.first.click()
        expect(page.locator("dl.facts").last).to_contain_text("Address")
        expect(page.locator("dl.facts").last).to_contain_text("Chain")
        seen(page, "activity-row")


def test_a_request_id_leads_to_its_row(browser: Browser, lived_in: MirrorProcess) -> None:
    url = f"{lived_in.url}/{TINY}/resolve/main/config.json"
    with urlopen(Request(url, headers=token(lived_in))) as answer:
        request_id = answer.headers["X-Request-Id"]
    with visitor(browser, lived_in.url, lived_in.admin_token) as context:
        page = context.new_page()
        page.goto("/-/activity")
        page.get_by_label("Request id").fill(request_id)
        page.get_by_role("button", name="Show").click()
        expect(page.locator("table.activity tbody tr")).to_have_count(1)
        expect(page.locator("table.activity")).to_contain_text("config.json")
        page.get_by_label("Request id").fill("nothing-like-it")
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_role("status")).to_contain_text("The record has no row 'nothing-like-it'")


def test_what_is_exported_here_can_be_verified_anywhere(
    browser: Browser, lived_in: MirrorProcess, tmp_path: Path
) -> None:
    with visitor(browser, lived_in.url, lived_in.admin_token, accept_downloads=True) as context:
        page = context.new_page()
        page.goto("/-/activity")
        with page.expect_download() as download:
            page.get_by_role("link", name="Export").click()
        file = tmp_path / "record.jsonl"
        download.value.save_as(file)
    found = verify_file(file)
    assert found.right, found.problems
    assert found.rows > 3
    last = [json.loads(line) for line in file.read_text().splitlines()][-2]
    assert (last["action"], last["actor"]) == ("export", "admin")
    assert last["address"] == "127.0.0.1", "from where somebody exported it"


def test_a_legal_hold_is_placed_and_ended_with_a_reason(browser: Browser, lived_in: MirrorProcess) -> None:
    with visitor(browser, lived_in.url, lived_in.admin_token) as context:
        page = context.new_page()
        page.goto("/-/activity/holds")
        page.get_by_label("Why", exact=True).fill("case 17 <script>alert(1)</script>")
        page.get_by_label("Repository").fill("acme-research/*")
        page.get_by_role("button", name="Place the hold").click()
        expect(page.locator("table")).to_contain_text("case 17 <script>")
        seen(page, "legal-holds")
        page.get_by_text("End it…").click()
        page.get_by_label("Why it ends").fill("closed")
        page.get_by_role("button", name="End the hold").click()
        expect(page.locator("table")).to_contain_text("ended")


def test_the_record_is_verified_from_the_console(browser: Browser, lived_in: MirrorProcess) -> None:
    with visitor(browser, lived_in.url, lived_in.admin_token) as context:
        page = context.new_page()
        page.goto("/-/activity")
        page.get_by_text("Proof: verification").click()
        page.get_by_role("button", name="Verify all of it now").click()
        for _ in range(60):
            if "0 problems" in page.content():
                break
            page.wait_for_timeout(500)
            page.reload()
        expect(page.locator("main")).to_contain_text("0 problems in")
