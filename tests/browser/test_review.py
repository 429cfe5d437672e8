"""The reviewer's and the developer's pages, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from fixtures.hub.process import FixtureHub
from tests.browser.looking import seen, visitor
from tests.browser.review_house import BAD, GGUF, ROWS, TINY, House
from tests.browser.review_house import house as housed


@pytest.fixture(scope="module")
def house(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with housed(hub, tmp_path_factory.mktemp("review")) as house:
        for repo in (TINY, GGUF, BAD):
            house.pull("dev", f"/api/models/{repo}")
        house.pull("eve", f"/api/models/{GGUF}")
        house.pull("dev", f"/api/datasets/{ROWS}")
        yield house


def opened(browser: Browser, house: House, name: str, script: bool = True) -> Page:
    return visitor(browser, house.url, house.tokens[name], java_script_enabled=script).new_page()


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent || document.activeElement.name"))


def test_a_developer_asks_by_the_link_of_the_refusal(browser: Browser, house: House) -> None:
    refusal = house.pull("dev", f"/api/models/{BAD}").json["error"]
    link = refusal.split("exception ask ")[1].split(": ", 1)[1].split(" or ")[0]
    page = opened(browser, house, "dev")
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Ask for an exception")
    expect(page.locator("main")).to_contain_text("posix.system")
    seen(page, "request-new")
    page.get_by_label("What you want it for").fill("A test of the till, it never leaves the lab")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator(".said")).to_contain_text("Your request waits for a reviewer.")
    expect(page.locator("main")).to_contain_text("It waits for a reviewer since")
    seen(page, "request")
    page.goto("/-/requests")
    expect(page.get_by_role("link", name=BAD)).to_be_visible()
    seen(page, "requests")
    page.goto("/-/review")
    expect(page.locator("main")).to_contain_text("may not do this here")


def test_a_reviewer_works_through_the_queue_with_the_keyboard_alone(browser: Browser, house: House) -> None:
    for repo in (TINY, GGUF, BAD):
        house.waiting(repo)
    page = opened(browser, house, "reva")
    page.goto("/-/review")
    expect(page.get_by_role("heading", level=1)).to_contain_text("wait for you")
    seen(page, "review")
    page.goto("/-/review?repo=acme-research&sort=people")
    page.keyboard.press("j")
    assert focused(page) == GGUF
    page.keyboard.press("x")
    expect(page.get_by_label(f"Choose {GGUF}")).to_be_checked()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("Decide about what is chosen")
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{GGUF} is held")
    expect(page.locator(".plan")).to_contain_text("Approved as chosen, it would be allowed.")
    seen(page, "review-item")
    page.keyboard.press("a")
    assert focused(page) == "reason", "it wants a reason first"
    page.keyboard.type("Read by hand, ticket 12")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".said")).to_contain_text(f"{GGUF}: approved.")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{TINY} is held")
    assert house.pull("eve", f"/api/models/{GGUF}").status == 200
    page.keyboard.press("b")
    page.keyboard.type("An advisory")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".said")).to_contain_text(f"{TINY}: blocked.")
    assert "An advisory" in house.pull("dev", f"/api/models/{TINY}").json["error"]


def test_what_would_be_blocked_all_the_same_is_said_before(browser: Browser, house: House) -> None:
    item = house.waiting(BAD)
    page = opened(browser, house, "reva")
    page.goto(f"/-/review/{item['id']}")
    expect(page.locator("main")).to_contain_text("posix.system")
    seen(page, "review-item-blocked")
    page.get_by_text("Only what some rules say").click()
    page.get_by_label("unsafe-file").check()
    page.get_by_label("Your reason").fill("the pickle is ours")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".note.bad")).to_contain_text("would be held all the same, by the rule unknown-publisher")
    expect(page.get_by_label("Your reason")).to_have_value("the pickle is ours")
    expect(page.locator(".plan")).to_contain_text("still stands: nobody has looked at")
    seen(page, "review-item-still")


def test_without_a_script_one_decides_just_the_same(browser: Browser, house: House) -> None:
    item = house.waiting(ROWS)
    page = opened(browser, house, "reva", script=False)
    page.goto(f"/-/review/{item['id']}")
    page.get_by_label("Your reason").fill("seen, ticket 14")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".said")).to_contain_text("you approve, and another reviewer must agree")
    page.goto(f"/-/review/{item['id']}")
    expect(page.locator("main")).to_contain_text("You have agreed: it waits for somebody else.")
    other = opened(browser, house, "rolf", script=False)
    other.goto("/-/review")
    expect(other.locator("main")).to_contain_text("Approved by one, and another must agree")
    other.goto(f"/-/review/{item['id']}")
    other.get_by_role("button", name="Agree", exact=True).click()
    expect(other.locator(".said")).to_contain_text("together with rolf")
    assert house.pull("dev", f"/api/datasets/{ROWS}").status == 200


def test_several_are_decided_about_at_once(browser: Browser, house: House) -> None:
    for repo in ("acme-research/odd-names", "acme-research/many-files"):
        house.pull("dev", f"/api/models/{repo}")
        house.waiting(repo)
    page = opened(browser, house, "rolf")
    page.goto("/-/review/groups")
    seen(page, "review-groups")
    page.get_by_role("link", name="Decide about all of acme-research").click()
    expect(page.locator("main")).to_contain_text("acme-research/odd-names")
    seen(page, "review-several")
    page.get_by_label("Your reason").fill("all of them, ticket 15")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".said")).to_contain_text("repositories: approved.")
    assert house.pull("dev", "/api/models/acme-research/odd-names").status == 200


def test_an_auditor_looks_and_decides_nothing(browser: Browser, house: House) -> None:
    item = house.waiting(BAD)
    page = opened(browser, house, "anna")
    page.goto(f"/-/review/{item['id']}")
    expect(page.locator("main")).to_contain_text("You may look, and not decide.")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)


def test_the_developer_is_asked_back_and_answers(browser: Browser, house: House) -> None:
    item = house.waiting(BAD)
    reviewer = opened(browser, house, "reva")
    reviewer.goto(f"/-/review/{item['id']}")
    reviewer.get_by_label("Your reason").fill("Which lab is it?")
    reviewer.get_by_role("button", name="Ask back").click()
    expect(reviewer.locator(".said")).to_contain_text("asked back")
    page = opened(browser, house, "dev")
    page.goto("/-/requests")
    page.get_by_role("link", name=BAD).click()
    expect(page.locator("main")).to_contain_text("reva asks: Which lab is it?")
    page.get_by_label("Your answer").fill("The one in the cellar")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".said")).to_contain_text("The reviewers see what you have written.")
    assert house.waiting(BAD)["requests"] == 1


def test_a_reviewer_begins_with_what_rules_of_his_own_team_stand_against(browser: Browser, house: House) -> None:
    house.waiting(BAD)
    page = opened(browser, house, "ruth")
    page.goto("/-/review")
    mine = house.api("ruth", "/review?mine=true").json["items"]
    assert [one["repository"] for one in mine] == [BAD]
    expect(page.get_by_role("link", name="Yours: model-risk")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_role("link", name=BAD)).to_be_visible()
    seen(page, "review-mine")
    page.get_by_role("link", name="Everybody's").click()
    assert page.locator("tbody tr").count() == house.api("ruth", "/review").json["total"]


def test_an_empty_queue_says_what_comes_here(browser: Browser, house: House) -> None:
    page = opened(browser, house, "reva")
    page.goto("/-/review?repo=nothing-like-it")
    expect(page.locator("main")).to_contain_text("Nothing like that waits")
    seen(page, "review-empty")
