"""The first page of the console: what needs whoever opens it."""

from __future__ import annotations

import datetime as dt
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, expect

from curator.audit.tables import AuditCheckRow, TopRow, TrafficRow
from curator.database.engine import Database, now
from curator.notify import health
from curator.people.roles import Role
from curator.people.tokens import create_token
from curator.store.tables import FetchedRow
from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from rules.circumstances import Audience
from tests.browser.looking import seen, visitor
from tests.contract.http import ask, settled

BLOCKED = "mallory/shell-in-a-pickle"
ALLOWED = "acme-research/tiny-bert"


@dataclass(frozen=True)
class House:
    """A mirror where somebody has pulled, was refused, and asked."""

    mirror: MirrorProcess
    developer: str
    """Token of one who did all that."""
    newcomer: str
    reviewer: str

    @property
    def url(self) -> str:
        return self.mirror.url


@pytest.fixture(scope="module")
def house(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with MirrorProcess(tmp_path_factory.mktemp("home") / "data", hub.url) as mirror:
        database = Database(f"sqlite:///{mirror.data}/curator.db")
        risk = Audience("risk", "scoring")
        house = House(
            mirror,
            create_token(database, "dana", Role.DEVELOPER, risk),
            create_token(database, "nils", Role.DEVELOPER),
            create_token(database, "rita", Role.REVIEWER),
        )
        bearer = {"Authorization": f"Bearer {house.developer}"}
        for repo in (BLOCKED, ALLOWED):
            refused = settled(mirror.url, f"/api/models/{repo}", headers=bearer)
        for _ in range(3):
            assert settled(mirror.url, f"/{ALLOWED}/resolve/main/config.json", headers=bearer).status == 200
        assert refused.status == 200
        wish = {"repository": BLOCKED, "reason": "the fraud team wants to see what it does"}
        asked = ask(
            mirror.url,
            "/api/curator/v1/requests",
            "POST",
            bearer | {"Content-Type": "application/json"},
            json.dumps(wish).encode(),
        )
        assert asked.status in {200, 201}, asked.body
        _earlier(database)
        _until_told(mirror)
        yield house


def _earlier(database: Database) -> None:
    """A fortnight of a middling company, as the sums of its record would have it."""
    today = now().replace(minute=0, second=0, microsecond=0)
    with database.write() as session:
        for back in range(1, 14 * 24):
            hour = today - dt.timedelta(hours=back)
            busy = max(0.05, math.sin((hour.hour - 5) / 24 * 2 * math.pi)) * (0.2 if hour.weekday() > 4 else 1)
            for action, outcome, share in (
                ("download", "allow", 240),
                ("refuse", "hold", 14),
                ("refuse", "block", 9),
                ("refuse", "left-out", 4),
            ):
                requests = int(busy * share * (1 + 0.3 * math.sin(back)))
                size = requests * 410_000_000 if action == "download" else 0
                session.add(TrafficRow(hour=hour, action=action, outcome=outcome, requests=requests, bytes=size))
                if size:
                    session.add(FetchedRow(hour=hour, bytes=size // 16))
        for repo, downloads in (
            ("Qwen/Qwen2.5-7B-Instruct", 8_112),
            ("meta-llama/Llama-3.1-8B-Instruct", 6_020),
            ("sentence-transformers/all-MiniLM-L6-v2", 5_441),
            ("BAAI/bge-m3", 2_210),
            ("openai/whisper-large-v3", 640),
        ):
            day = today.date() - dt.timedelta(days=2)
            row = TopRow(
                day=day, kind="model", repo=repo, downloads=downloads, bytes=downloads * 91_000_000, refusals=0
            )
            session.add(row)


def _until_told(mirror: MirrorProcess) -> None:
    """Until the sums and the queue have taken what was asked."""
    bearer = {"Authorization": f"Bearer {mirror.admin_token}"}
    deadline = time.monotonic() + 20
    while not (
        ask(mirror.url, "/api/curator/v1/review", headers=bearer).json["total"]
        and any(one["repo"] == ALLOWED for one in _traffic(mirror)["top"])
    ):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _traffic(mirror: MirrorProcess) -> dict[str, list[dict[str, str]]]:
    bearer = {"Authorization": f"Bearer {mirror.admin_token}"}
    told: dict[str, list[dict[str, str]]] = ask(mirror.url, "/api/curator/v1/traffic", headers=bearer).json
    return told


def test_an_administrator_sees_what_waits_what_was_asked_and_how_the_service_is(browser: Browser, house: House) -> None:
    with visitor(browser, house.url, house.mirror.admin_token) as context:
        page = context.new_page()
        page.goto("/-/")
        expect(page.get_by_role("heading", level=1)).to_have_text("1 repository waits for a decision")
        expect(page.get_by_role("link", name=BLOCKED).first).to_be_visible()
        picture = page.get_by_role("img", name="Requests by outcome, the last 14 days")
        expect(picture).to_be_visible()
        page.get_by_text("As a table").click()
        expect(page.get_by_role("columnheader", name="served", exact=True)).to_be_visible()
        page.get_by_text("As a table").click()
        expect(page.get_by_role("heading", name="The service")).to_be_visible()
        expect(page.locator(".stat", has_text="Served")).to_contain_text("94 % from the cache")
        expect(page.locator("dl", has_text="Upstream")).to_contain_text("no outage known")
        seen(page, "home-admin")
        page.get_by_role("link", name="24 hours").click()
        expect(page.get_by_role("img", name="Requests by outcome, the last 24 hours")).to_be_visible()
        seen(page, "home-admin-day")


def test_a_hub_that_is_away_and_a_record_that_was_altered_are_told_first(browser: Browser, house: House) -> None:
    database = Database(f"sqlite:///{house.mirror.data}/curator.db")
    health.report(database, health.UPSTREAM, bad=True, sentence="The Hub could not be reached several times in a row")
    said = "The record is NOT as it was written: 2 problems in 1,204 rows, compared with 3 seals"
    with database.write() as session:
        session.merge(AuditCheckRow(id=1, at=now() - dt.timedelta(hours=3), rows=1_204, problems=2, sentence=said))
    with visitor(browser, house.url, house.mirror.admin_token) as context:
        page = context.new_page()
        page.goto("/-/")
        expect(page.get_by_role("heading", level=1)).to_have_text("Something needs an administrator")
        expect(page.locator(".note", has_text="The Hub has not answered since")).to_be_visible()
        expect(page.locator(".note", has_text="NOT as it was written")).to_be_visible()
        expect(page.locator("dl", has_text="Upstream")).to_contain_text("down")
        seen(page, "home-trouble")
        health.report(database, health.UPSTREAM, bad=False, sentence="The Hub answers again")
        with database.write() as session:
            session.merge(AuditCheckRow(id=1, at=now(), rows=1_210, problems=0, sentence="The record is whole"))
        page.reload()
        expect(page.locator("dl", has_text="Upstream")).to_contain_text("no outage known")
        expect(page.locator("dl", has_text="Record")).to_contain_text("whole")


def test_a_reviewer_sees_no_settings_of_the_service(browser: Browser, house: House) -> None:
    with visitor(browser, house.url, house.reviewer) as context:
        page = context.new_page()
        page.goto("/-/")
        expect(page.get_by_role("heading", name="What needs you")).to_be_visible()
        expect(page.get_by_role("heading", name="The service")).to_have_count(0)
        page.keyboard.press("j")
        expect(page.get_by_role("link", name=BLOCKED).first).to_be_focused()


def test_a_developer_sees_what_he_asked_for_and_pulled_and_nothing_of_others(browser: Browser, house: House) -> None:
    with visitor(browser, house.url, house.developer) as context:
        page = context.new_page()
        page.goto("/-/")
        expect(page.get_by_role("heading", level=1)).to_have_text("1 request waits for an answer")
        expect(page.get_by_role("link", name=BLOCKED)).to_be_visible()
        expect(page.get_by_role("link", name=ALLOWED)).to_be_visible()
        expect(page.get_by_text("Requests by outcome")).to_have_count(0)
        seen(page, "home-developer")


def test_whoever_has_pulled_nothing_yet_is_told_what_to_set(browser: Browser, house: House) -> None:
    with visitor(browser, house.url, house.newcomer, permissions=["clipboard-read", "clipboard-write"]) as context:
        page = context.new_page()
        page.goto("/-/")
        expect(page.get_by_text(f"export HF_ENDPOINT={house.url}")).to_be_visible()
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        assert "export HF_ENDPOINT=" in page.evaluate("navigator.clipboard.readText()")
        seen(page, "home-newcomer")


def test_without_a_script_home_says_the_same(browser: Browser, house: House) -> None:
    with visitor(browser, house.url, house.mirror.admin_token, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/-/")
        expect(page.get_by_role("img", name="Requests by outcome, the last 14 days")).to_be_visible()
        expect(page.get_by_role("button", name="Copy")).to_have_count(0)
        page.get_by_role("button", name="Theme: dark").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        page.get_by_role("button", name="Theme: as the system").click()
        expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")
