"""The journey of whoever writes rules: read them, change them, see what that does, publish, and go back."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.browser.looking import seen, visitor
from tests.contract.clients import curator
from tests.contract.http import ask, settled

_NUMBERS = itertools.count(1)
TINY = "acme-research/tiny-bert"
BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
"""A few lines that stand for more values than there is memory."""
HELD = """
  - id: acme-waits
    description: What acme publishes waits until somebody has looked at it.
    when: {publisher: [acme-research]}
    outcome: hold
    message: "{repository} waits for a review"
    owner: model-risk

  - id: small-ones
    description: Small repositories are watched.
    when: {likes_below: 3}
    outcome: warn
    message: "{repository} has hardly any likes"
"""


@pytest.fixture(scope="module")
def written(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror whose rules are written in the browser, and which has served something."""
    with MirrorProcess(tmp_path_factory.mktemp("rules") / "data", hub.url) as mirror:
        assert settled(mirror.url, f"/api/models/{TINY}").status == 200
        assert ask(mirror.url, f"/{TINY}/resolve/main/config.json").status == 200
        assert settled(mirror.url, "/api/models/mallory/shell-in-a-pickle").status == 403
        yield mirror


def token_of(mirror: MirrorProcess, role: str) -> str:
    """Of somebody new, who has no draft."""
    name = f"{role}-{next(_NUMBERS)}"
    made = curator("token", "create", name, "--role", role, "--data", str(mirror.data))
    assert made.returncode == 0, made.stderr
    return made.stdout.strip().splitlines()[-1]


def with_rule(page: Page, more: str = HELD) -> None:
    """Write another rule at the end of the draft's list, as a person would: by typing or pasting."""
    area = page.get_by_label("Rules, as YAML")
    text = area.input_value()
    head, expect_, rest = text.partition("\nexpect:")
    area.fill(head.rstrip("\n") + "\n" + more + (f"\n{expect_.lstrip()}{rest}" if expect_ else ""))


def to_its_end(page: Page) -> None:
    expect(page.get_by_text(re.compile(r"^(Would|Nothing)")).first).to_be_visible(timeout=60_000)


@pytest.mark.parametrize("javascript", [True, False], ids=["with a script", "without one"])
def test_a_rule_is_written_tried_published_and_taken_back(
    browser: Browser, written: MirrorProcess, javascript: bool
) -> None:
    token = token_of(written, "admin")
    with visitor(browser, written.url, token, java_script_enabled=javascript) as context:
        page = context.new_page()
        page.goto("/-/rules")
        expect(page.get_by_role("heading", level=1)).to_have_text("Rules in force: starter")
        expect(page.get_by_role("row").filter(has_text="unsafe-file").first).to_contain_text("blocks")
        if javascript:
            seen(page, "rules")
        page.get_by_role("link", name=re.compile("^(Edit|Go on with your draft)$")).first.click()

        with_rule(page)
        page.get_by_role("button", name="Check", exact=True).click()
        expect(page.get_by_text(re.compile(r"\d+ rules, nothing wrong\."))).to_be_visible()
        page.get_by_role("button", name="Run its tests").click()
        expect(page.get_by_text(re.compile(r"\d+ of \d+ tests as expected\."))).to_be_visible()
        if javascript:
            seen(page, "rules-edit")

        page.get_by_role("button", name="Try on the catalog").click()
        to_its_end(page)
        expect(page.get_by_text("Would have held 1 commit of 1 model.")).to_be_visible()
        if javascript:
            seen(page, "rules-trial")
        page.get_by_role("link", name="Back to the draft").click()
        page.get_by_role("button", name="Replay the last 90 days").click()
        to_its_end(page)
        page.get_by_role("link", name="Go on to publish").click()

        expect(page.get_by_text("1 commit that is allowed now will be held.")).to_be_visible()
        expect(page.get_by_text("adds acme-waits, small-ones")).to_be_visible()
        if javascript:
            seen(page, "rules-publish")
        page.get_by_label("Why").fill("acme has to be looked at, ticket 12")
        page.get_by_role("button", name="Publish starter").click()
        expect(page.get_by_role("status").first).to_contain_text("are in force")
        expect(page.get_by_role("row").filter(has_text="acme-waits")).to_contain_text("model-risk")
        assert settled(written.url, f"/api/models/{TINY}").status == 403

        page.get_by_role("link", name="History").click()
        expect(page.get_by_role("row").nth(1)).to_contain_text("ticket 12")
        if javascript:
            seen(page, "rules-history")
        page.get_by_role("row").nth(1).get_by_role("link").first.click()
        expect(page.locator(".plus").first).to_be_visible()
        if javascript:
            seen(page, "rules-change")
        page.go_back()
        page.get_by_role("link", name="Go back to these").last.click()
        expect(page.get_by_text("removes acme-waits, small-ones")).to_be_visible()
        if javascript:
            seen(page, "rules-rollback")
        page.get_by_label("Why").fill("they hold too much")
        page.get_by_role("button", name="Bring these rules into force again").click()
        expect(page.get_by_role("status").first).to_contain_text("in force again")
        assert settled(written.url, f"/api/models/{TINY}").status == 200


def test_what_is_wrong_is_said_while_one_types_and_nothing_typed_is_lost(
    browser: Browser, written: MirrorProcess
) -> None:
    with visitor(browser, written.url, token_of(written, "reviewer")) as context:
        page = context.new_page()
        page.goto("/-/rules/edit")
        with_rule(
            page, '  - id: odd\n    description: d\n    expression: "downloads > "\n    outcome: hold\n    message: m\n'
        )
        told = page.get_by_role("region", name="Check")
        expect(told).to_contain_text("1 mistake: these rules cannot be used yet.")
        expect(told).to_contain_text("the expression cannot be used")
        seen(page, "rules-edit-mistake")
        told.get_by_role("link", name=re.compile("mistake at line")).click()
        expect(page.get_by_label("Rules, as YAML")).to_be_focused()
        page.reload()
        expect(page.get_by_label("Rules, as YAML")).to_have_value(re.compile("downloads > "))

        with_rule(page, "  - id: twice\n   id: twice\n\t- tab\n")
        page.get_by_role("button", name="Try on the catalog").click()
        expect(page.get_by_role("status").first).to_contain_text("the draft:")
        expect(page.get_by_label("Rules, as YAML")).to_have_value(re.compile("- tab"))


def test_a_rule_is_only_tried_and_enforced_again_by_one_button_each(browser: Browser, written: MirrorProcess) -> None:
    with visitor(browser, written.url, token_of(written, "security"), java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/-/rules/edit")
        page.get_by_text("Rules that are only tried").click()
        page.get_by_role("button", name="Only try look-alike").click()
        expect(page.get_by_label("Rules, as YAML")).to_have_value(re.compile(r"dry_run: true\n    outcome: block"))
        page.get_by_text("Rules that are only tried").click()
        page.get_by_role("button", name="Enforce look-alike").click()
        expect(page.get_by_label("Rules, as YAML")).to_have_value(re.compile("dry_run: false"))


def test_two_who_edit_at_once_do_not_undo_each_others_work(browser: Browser, written: MirrorProcess) -> None:
    token = token_of(written, "security")
    with visitor(browser, written.url, token) as context:
        page = context.new_page()
        page.goto("/-/rules/edit")
        with_rule(page)
        page.get_by_role("button", name="See what changes, and publish").click()
        text = ask(written.url, "/-/rules/draft.yaml", headers={"Authorization": f"Bearer {token}"}).body
        other = written.data / "other.yaml"
        other.write_bytes(text.replace(b"name: starter", b"name: of-another"))
        command = ("rules", "publish", str(other), "--reason", "meanwhile", "--server", written.url)
        done = curator(*command, CURATOR_TOKEN=written.admin_token or "")
        assert done.returncode == 0, done.stderr
        page.get_by_label("Why").fill("mine")
        page.get_by_role("button", name="Publish starter").click()
        expect(page.get_by_role("status").first).to_contain_text("The rules have changed since you began")
        expect(page.get_by_label("Why")).to_have_value("mine")


def test_who_may_not_is_shown_no_way_and_given_none(browser: Browser, written: MirrorProcess) -> None:
    with visitor(browser, written.url, token_of(written, "developer")) as context:
        page = context.new_page()
        page.goto("/-/rules")
        expect(page.get_by_role("link", name="Edit")).to_have_count(0)
        page.goto("/-/rules/text")
        expect(page.locator("ol.code li").first).to_be_visible()
        seen(page, "rules-text")
        reply = page.goto("/-/rules/edit")
        assert reply is not None
        assert reply.status == 403


def test_hostile_text_in_a_draft_is_shown_and_not_run(browser: Browser, written: MirrorProcess) -> None:
    with visitor(browser, written.url, token_of(written, "admin")) as context:
        page = context.new_page()
        page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        page.goto("/-/rules/edit")
        area = page.get_by_label("Rules, as YAML")
        for text in (
            "schema: </textarea><script>alert(1)</script>\n",
            BOMB,
            "[" * 5_000,
            "x: 1\n" * 2_000,
        ):
            area.fill(text)
            page.get_by_role("button", name="Check", exact=True).click()
            expect(page.get_by_role("region", name="Check")).to_contain_text("mistake")
            expect(area).to_have_value(text)


def test_rules_of_a_file_are_tried_here_and_published_there(
    browser: Browser, hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("elsewhere")
    mirror = MirrorProcess(folder / "data", hub.url, {"CURATOR_RULES": "strict"})
    with mirror, visitor(browser, mirror.url, mirror.admin_token) as context:
        page = context.new_page()
        page.goto("/-/rules/edit")
        expect(page.get_by_role("status").first).to_contain_text("come from")
        expect(page.get_by_role("button", name="See what changes, and publish")).to_have_count(0)
        page.get_by_role("button", name="Save").click()
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").click()
        assert "name: strict" in download.value.path().read_text()


def test_the_api_is_shown_operation_by_operation(browser: Browser, written: MirrorProcess) -> None:
    with visitor(browser, written.url, token_of(written, "robot"), java_script_enabled=True) as context:
        page = context.new_page()
        page.goto("/-/api")
        seen(page, "api-all")
        page.get_by_role("link", name="/rules/trials/{trial_id}", exact=True).first.click()
        expect(page.locator("#get_trial")).to_be_attached()
        seen(page, "api")
