"""People, teams and tokens in a browser: as an administrator makes them, and as a developer has his own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.browser.looking import agree, seen, visitor
from tests.contract.http import ask

GOOD = "tulip kettle amber 7"
API = "/api/curator/v1"
PEOPLE = (
    ("alice", "reviewer", "search", "Alice Amberg", "alice@bank.example"),
    ("bob", "developer", "search", "Bob Brandt", "bob@bank.example"),
    ("carol.admin", "admin", "", "Carol Chen", ""),
    ("dmitri", "developer", "fraud", "Дмитрий <b>Dorn</b>", "d.dorn@bank.example"),
    ("eve-auditor", "auditor", "", "", "eve@auditors.example"),
)


@pytest.fixture(scope="module")
def mirror(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    with MirrorProcess(tmp_path_factory.mktemp("people") / "data", hub.url, {"CURATOR_ANONYMOUS": "no"}) as mirror:
        yield mirror


def post(mirror: MirrorProcess, path: str, **body: object) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {mirror.admin_token}", "Content-Type": "application/json"}
    reply = ask(mirror.url, f"{API}{path}", "POST", headers, json.dumps(body).encode())
    assert reply.status in {200, 201}, reply.body
    return dict(reply.json)


@pytest.fixture(scope="module")
def people(mirror: MirrorProcess) -> MirrorProcess:
    post(mirror, "/teams", name="search", title="Search and ranking")
    post(mirror, "/teams", name="fraud", title="Fraud and <script>alert(1)</script> payments")
    post(mirror, "/projects", team="search", name="shop", title="The shop's search box")
    for login, role, team, name, email in PEOPLE:
        post(mirror, "/users", login=login, role=role, team=team, full_name=name, email=email)
    post(mirror, "/tokens", name="laptop", owner="bob", description="a notebook")
    post(mirror, "/tokens", name="ci-runner", role="robot", team="search", project="shop", description="Jenkins")
    return mirror


def heading(page: Page) -> str:
    return page.get_by_role("heading", level=1).inner_text()


def test_an_administrator_finds_people_and_makes_one(browser: Browser, people: MirrorProcess) -> None:
    with visitor(browser, people.url, people.admin_token) as context:
        page = context.new_page()
        page.goto("/-/people")
        expect(page.get_by_role("row")).to_have_count(len(PEOPLE) + 1)
        expect(page.get_by_text("Дмитрий <b>Dorn</b>")).to_be_visible()
        seen(page, "people")
        page.get_by_label("Login, name or address").fill("BANK.example")
        page.get_by_role("button", name="Search").click()
        expect(page.get_by_role("row")).to_have_count(4)
        page.get_by_text("Make a person").click()
        form = page.locator("form[action$='/-/people/users']")
        form.get_by_label("Login").fill("ALICE")
        form.get_by_label("Home team").fill("search")
        form.get_by_role("button").click()
        expect(page.get_by_role("alert")).to_contain_text("There is a person named 'alice' already")
        seen(page, "people-wrong")
        form.get_by_label("Login").fill("frida")
        form.get_by_label("Home team").fill("nowhere")
        form.get_by_role("button").click()
        expect(page.get_by_role("alert")).to_contain_text("There is no team 'nowhere'")
        form.get_by_label("Home team").fill("fraud")
        form.get_by_role("button").click()
        expect(page.locator(".said")).to_contain_text("frida was made")
        assert heading(page) == "frida"


def test_a_person_is_invited_changed_and_disabled(browser: Browser, people: MirrorProcess) -> None:
    with visitor(browser, people.url, people.admin_token) as context:
        page = context.new_page()
        page.goto("/-/people/users/bob")
        expect(page.get_by_role("row", name="laptop")).to_be_visible()
        page.get_by_role("button", name="Link to choose a password").click()
        expect(page.get_by_text("/-/choose-password/")).to_be_visible()
        seen(page, "person")
        page.get_by_label("Role").select_option("reviewer")
        page.get_by_role("button", name="Change", exact=True).click()
        expect(page.locator(".said")).to_contain_text("bob was changed")
        agree(page, "Disable bob", "Disable bob")
        expect(page.locator(".said")).to_contain_text("nobody here from this moment on")
        expect(page.get_by_text("owner disabled")).to_be_visible()
        seen(page, "person-disabled")
        page.get_by_role("button", name="Enable again").click()
        expect(page.locator(".said")).to_contain_text("bob is reviewer here again")
        page.goto("/-/people/users/carol.admin")
        agree(page, "Disable carol.admin", "Disable carol.admin")
        expect(page.get_by_role("alert")).to_contain_text("last administrator")


def test_a_team_has_people_projects_and_an_end(browser: Browser, people: MirrorProcess) -> None:
    with visitor(browser, people.url, people.admin_token) as context:
        page = context.new_page()
        page.goto("/-/people/teams")
        seen(page, "teams")
        page.get_by_role("link", name="search", exact=True).click()
        expect(page.get_by_role("row", name="ci-runner")).to_be_visible()
        page.get_by_label("Login").fill("dmitri")
        page.get_by_role("button", name="Put in").click()
        expect(page.locator(".said")).to_contain_text("dmitri is in the team now")
        page.get_by_label("Another project").fill("ads")
        page.get_by_role("button", name="Make it").click()
        expect(page.locator(".said")).to_contain_text("There is a project ads now")
        seen(page, "team")
        page.get_by_role("link", name="Give it a mailbox").click()
        page.get_by_label("Address").fill("search @nowhere")
        page.evaluate("document.querySelector('input[type=email]').type = 'text'")
        page.get_by_role("button", name="Keep this mailbox").click()
        expect(page.get_by_role("alert")).to_contain_text("is not the address of a mailbox")
        page.get_by_label("Address").fill("search-models@bank.example")
        page.get_by_role("radio", name="A member asks for an exception: at once").check()
        page.get_by_role("button", name="Keep this mailbox").click()
        expect(page.locator(".said")).to_contain_text("It is kept")
        expect(page.get_by_role("radio", name="A member asks for an exception: at once")).to_be_checked()
        seen(page, "mailbox")
        agree(page, "End", "End this mailbox")
        expect(page.locator(".said")).to_contain_text("is not told by mail any more")
        page.goto("/-/people/teams/search")
        agree(page, "Take out dmitri", "Take dmitri out of the team")
        agree(page, "End ads", "End the project ads")
        expect(page.locator(".said")).to_contain_text("The project ads has ended")
        page.goto("/-/people/projects?state=all")
        expect(page.get_by_role("row")).to_have_count(3)
        seen(page, "projects")
        page.goto("/-/people/teams")
        page.get_by_text("Make a team").click()
        page.get_by_label("Name", exact=True).fill("gone")
        page.get_by_role("button", name="Make this team").click()
        agree(page, "End", "End the team gone")
        expect(page.locator(".said")).to_contain_text("The team gone has ended")


def test_a_token_is_made_shown_once_and_revoked(browser: Browser, people: MirrorProcess) -> None:
    with visitor(browser, people.url, people.admin_token) as context:
        page = context.new_page()
        page.goto("/-/people/tokens")
        seen(page, "tokens")
        page.get_by_text("Make a token").click()
        page.get_by_label("Name", exact=True).fill("scanner")
        page.get_by_label("Ends").fill("30d")
        page.get_by_role("button", name="Make this token").click()
        assert heading(page) == "The token scanner"
        secret = page.locator("main pre").first.inner_text().strip()
        assert re.fullmatch(r"hf_[A-Za-z0-9]{34,}", secret)
        page.goto("/-/people/tokens")
        assert secret not in page.content()
        assert ask(people.url, "/api/whoami-v2", headers={"Authorization": f"Bearer {secret}"}).status == 200
        agree(page, "Revoke scanner", "Revoke scanner")
        expect(page.locator(".said")).to_contain_text("scanner is worth nothing")
        assert ask(people.url, "/api/whoami-v2", headers={"Authorization": f"Bearer {secret}"}).status == 401


@pytest.mark.parametrize("script", [True, False], ids=["with-script", "without-script"])
def test_a_developer_makes_his_own_token_and_pulls_with_it(
    browser: Browser, people: MirrorProcess, script: bool
) -> None:
    login = "gustav" if script else "hanna"
    post(people, "/users", login=login, role="developer", team="search", full_name="Gustav Gans")
    link = str(post(people, f"/users/{login}/invitation")["link"])
    with visitor(browser, people.url, java_script_enabled=script) as context:
        page = context.new_page()
        page.goto(link)
        page.get_by_label("Password").fill(GOOD)
        page.get_by_label("The same again").fill(GOOD)
        page.get_by_role("button").click()
        page.get_by_role("link", name="Your account", exact=True).click()
        assert heading(page) == "Your account"
        expect(page.get_by_text("You have no token yet")).to_be_visible()
        page.get_by_label("Name", exact=True).fill("laptop")
        page.get_by_role("button", name="Make it").click()
        assert heading(page) == "The token laptop"
        if script:
            seen(page, "token-made")
        secret = page.locator("main pre").first.inner_text().strip()
        expect(page.get_by_text(f"export HF_TOKEN={secret}")).to_be_visible()
        page.get_by_role("link", name="I have it").click()
        expect(page.get_by_role("row", name="laptop")).to_be_visible()
        if script:
            seen(page, "account")
        who = ask(people.url, "/api/whoami-v2", headers={"Authorization": f"Bearer {secret}"}).json
        assert (who["name"], who["auth"]["accessToken"]["displayName"]) == (login, "laptop")
        assert [one["name"] for one in who["orgs"]] == ["search"]
        page.get_by_role("button", name="Renew").or_(page.get_by_role("button", name="Make laptop anew")).first.click()
        renewed = page.locator("main pre").first.inner_text().strip()
        for valid in (secret, renewed):
            assert ask(people.url, "/api/whoami-v2", headers={"Authorization": f"Bearer {valid}"}).status == 200
        page.goto("/-/account")
        agree(page, "Revoke laptop", "Revoke laptop")
        assert ask(people.url, "/api/whoami-v2", headers={"Authorization": f"Bearer {renewed}"}).status == 401
        page.goto("/-/people")
        expect(page.get_by_role("heading", level=1)).to_have_text("You may not do this here")


def test_an_auditor_looks_and_touches_nothing(browser: Browser, people: MirrorProcess) -> None:
    token = str(post(people, "/tokens", name="eves", owner="eve-auditor", role="auditor")["secret"])
    with visitor(browser, people.url, token) as context:
        page = context.new_page()
        for path in (
            "/-/people",
            "/-/people/users/bob",
            "/-/people/teams",
            "/-/people/teams/search",
            "/-/people/tokens",
        ):
            page.goto(f"/-/people{path}")
            expect(page.locator("main form[method='post']")).to_have_count(0)


def test_nobody_has_no_account(browser: Browser, people: MirrorProcess) -> None:
    with visitor(browser, people.url) as context:
        page = context.new_page()
        page.goto("/-/account")
        assert heading(page) == "Sign in"
