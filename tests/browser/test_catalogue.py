"""The catalog and the page of a model in a browser: a reviewer sees what changed first, a developer what to paste."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from fixtures.mirror import MirrorProcess
from tests.browser.looking import seen, visitor
from tests.contract.http import ask, settled

MOST_BYTES = 100_000


@pytest.fixture
def window(browser: Browser, lived_in: MirrorProcess) -> Iterator[BrowserContext]:
    with visitor(browser, lived_in.url, lived_in.admin_token) as context:
        yield context


def test_one_finds_a_model_by_its_name_and_by_what_it_is(window: BrowserContext, lived_in: MirrorProcess) -> None:
    total = ask(lived_in.url, "/api/curator/v1/catalog/facets").json["total"]
    assert total >= 8
    page = window.new_page()
    page.goto("/-/catalog")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Catalog: {total} repositories")
    seen(page, "catalog")
    page.keyboard.press("/")
    page.keyboard.type("TINY-")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="acme-research/tiny-bert")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("link", name="gguf 1").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_have_text("Catalog: 1 repository")
    page.get_by_role("link", name="Format: gguf").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.goto("/-/catalog?q=nothing-like-it")
    expect(page.get_by_text("Nothing here is like that.")).to_be_visible()
    seen(page, "catalog-empty")


def test_a_reviewer_reads_first_what_is_otherwise_than_in_the_last_approved_commit(
    window: BrowserContext, lived_in: MirrorProcess
) -> None:
    decision = ask(lived_in.url, "/api/models/acme-research/turned/revision/bad").json["curator"]["decision"]
    page = window.new_page()
    page.goto(f"/-/decisions/{decision}")
    expect(page.get_by_role("heading", level=1)).to_have_text("acme-research/turned is blocked")
    seen(page, "decision")
    page.get_by_role("link", name="Open its page").click()
    first = page.locator("section.card").first
    expect(first.get_by_role("heading", level=2)).to_have_text("What is otherwise than in the last approved commit")
    expect(first.get_by_text("pytorch_model.bin now imports posix.system (dangerous).")).to_be_visible()
    seen(page, "model-turned")
    page.get_by_text("The model card, line by line").click()
    expect(page.locator(".diff .added").first).to_be_visible()


def test_findings_have_their_evidence_and_other_scanners_stand_beside_ours(window: BrowserContext) -> None:
    page = window.new_page()
    page.goto("/-/models/mallory/shell-in-a-pickle")
    expect(page.get_by_text("posix.system('echo this could have been anything')").first).to_be_visible()
    expect(page.get_by_role("row", name="modelscan")).to_contain_text("pytorch_model.bin")
    seen(page, "model-findings")


def test_a_developer_copies_lines_that_name_the_approved_commit(
    window: BrowserContext, lived_in: MirrorProcess
) -> None:
    window.grant_permissions(["clipboard-read", "clipboard-write"])
    page = window.new_page()
    page.goto("/-/models/acme-research/tiny-bert")
    lines = page.locator(".snippet").first
    expect(lines.locator("code")).to_contain_text(f'os.environ["HF_ENDPOINT"] = "{lived_in.url}"')
    lines.get_by_role("button", name="Copy").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    sha = ask(lived_in.url, "/api/models/acme-research/tiny-bert").json["sha"]
    assert f'revision="{sha}"' in copied
    seen(page, "model-allowed")


@pytest.mark.parametrize("tab", ["files", "card", "history"])
def test_each_part_of_the_page_can_be_read_by_everybody(window: BrowserContext, tab: str) -> None:
    page = window.new_page()
    page.goto(f"/-/models/sentence-transformers/all-MiniLM-L6-v2?tab={tab}")
    seen(page, f"model-{tab}")


def test_the_lineage_is_drawn_and_told(window: BrowserContext) -> None:
    page = window.new_page()
    page.goto("/-/models/acme-research/llama-tuned-again")
    page.get_by_role("link", name="Licence and lineage").click()
    picture = page.get_by_role("img", name="acme-research/llama-tuned-again goes back to 3 repositories")
    expect(picture).to_be_visible()
    expect(page.locator(".lineage .conflict text").first).to_contain_text("meta-llama")
    expect(page.get_by_role("row", name="Instruct 2 LicenseRef")).to_contain_text("conflict")
    seen(page, "model-lineage")


def test_what_was_never_judged_is_judged_from_its_page_without_a_script(
    browser: Browser, lived_in: MirrorProcess
) -> None:
    with visitor(browser, lived_in.url, lived_in.admin_token, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/-/models/acme-research/gpt2-mini")
        page.get_by_role("button", name="Judge it now").click()
        expect(page.get_by_role("status").first).to_contain_text("judged")
    settled(lived_in.url, "/api/models/acme-research/gpt2-mini")
    with visitor(browser, lived_in.url, lived_in.admin_token) as context:
        page = context.new_page()
        page.goto("/-/models/nobody/nothing")
        seen(page, "model-unjudged")
        page.goto("/-/models/acme-research/gpt2-mini")
        expect(page.get_by_text("How to use it")).to_be_visible()


@pytest.mark.parametrize(
    "path",
    [
        "/-/catalog",
        "/-/models/mallory/shell-in-a-pickle",
        "/-/models/sentence-transformers/all-MiniLM-L6-v2?tab=card",
        "/-/models/acme-research/llama-tuned-again?tab=origin",
    ],
)
def test_all_that_a_first_look_loads_is_light(window: BrowserContext, path: str) -> None:
    page = window.new_page()
    sizes: list[int] = []
    page.on("response", lambda answer: sizes.append(len(answer.body())))
    page.goto(path, wait_until="load")
    assert sum(sizes) < MOST_BYTES, sizes
