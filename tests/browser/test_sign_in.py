"""Sign-in as a person does it, in a browser, with and without a script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from fixtures.oidc.process import IdentityProvider
from tests.browser.looking import seen, visitor

GOOD = "tulip kettle amber 7"


@pytest.fixture(scope="module")
def fresh(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror that was just started for the first time, and serves nobody without a token."""
    data = tmp_path_factory.mktemp("sign-in") / "data"
    with MirrorProcess(data, hub.url, {"CURATOR_ANONYMOUS": "no"}) as mirror:
        yield mirror


@pytest.mark.parametrize("script", [True, False], ids=["with-script", "without-script"])
def test_the_first_administrator_makes_himself_an_account_and_signs_in_with_it(
    browser: Browser, fresh: MirrorProcess, script: bool
) -> None:
    name = "ada" if script else "bert"
    with visitor(browser, fresh.url, java_script_enabled=script) as context:
        page = context.new_page()
        page.goto("/-/")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        page.goto("/-/sign-in?way=token&next=%2F-%2F")
        if script:
            seen(page, "sign-in-token")
        page.get_by_label("Token").fill(fresh.admin_token or "")
        page.get_by_role("button", name="Sign in").click()
        if script:
            expect(page.get_by_role("heading", level=1)).to_have_text("Make yourself an account")
            seen(page, "sign-in-first")
        else:
            page.goto("/-/sign-in/first")
        page.get_by_label("Your name here").fill(name)
        page.get_by_role("button").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Choose a password")
        page.get_by_label("Password").fill("password1234")
        page.get_by_label("The same again").fill("password1234")
        page.get_by_role("button").click()
        expect(page.get_by_role("alert")).to_contain_text("first that are guessed")
        if script:
            seen(page, "choose-password")
        page.get_by_label("Password").fill(GOOD)
        page.get_by_label("The same again").fill(GOOD)
        link = page.url
        page.get_by_role("button").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Nothing waits for a decision")
        expect(page.locator(".who")).to_contain_text(name)
        page.get_by_role("link", name="Your account").click()
        page.get_by_role("link", name="Password and sessions").click()
        expect(page.get_by_text("this one")).to_be_visible()
        if script:
            seen(page, "own-sign-in")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
        if script:
            seen(page, "signed-out")
        page.goto(link)
        expect(page.get_by_role("heading", level=1)).to_have_text("This link has ended")
        if script:
            seen(page, "link-over")
        page.goto("/-/account/sign-in")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        page.get_by_label("Name").fill(name.upper())
        page.get_by_label("Password").fill("wrong wrong wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("The name or the password is wrong")
        if script:
            seen(page, "sign-in-refused")
        page.get_by_label("Password").fill(GOOD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Password and sessions")


def test_whoever_is_of_the_company_signs_in_by_its_identity_provider(
    browser: Browser, hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with IdentityProvider() as provider:
        variables = {
            "CURATOR_OIDC_ISSUER": provider.issuer,
            "CURATOR_OIDC_CLIENT_ID": "curator-public",
            "CURATOR_OIDC_TITLE": "Acme",
            "CURATOR_OIDC_ROLES": '{"staff": {"role": "reviewer", "team": "search"}}',
        }
        with MirrorProcess(tmp_path_factory.mktemp("provider") / "data", hub.url, variables) as mirror:
            provider.start(mirror.url)
            provider.person("7", preferred_username="lena@acme.example", name="Lena", groups=["staff"])
            with visitor(browser, mirror.url) as context:
                page = context.new_page()
                page.goto("/-/")
                # Where one may look without signing in, the way in is at hand.
                page.get_by_role("link", name="Sign in").click()
                expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
                seen(page, "sign-in-provider")
                page.get_by_role("link", name="Sign in with Acme").click()
                page.get_by_placeholder("Enter any login").fill("7")
                page.get_by_placeholder("and password").fill("any")
                page.get_by_role("button", name="Sign-in").click()
                page.get_by_role("button", name="Continue").click()
                expect(page.locator(".who")).to_contain_text("lena")
                expect(page.locator(".who")).to_contain_text("reviewer · search")
                assert page.url == f"{mirror.url}/-/"
