"""An incident from its first word to its end, as everybody in it lives it: security, a team, a build, a chat, mail.

Nothing is stood in for: real clients with full caches, a job with an identity token, a mail server and a receiver of
webhooks as processes of their own, and the evidence proved by the command in a folder where nothing of the mirror is.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from fixtures.hub.process import FixtureHub
from fixtures.mailbox import MailServer
from fixtures.mirror import MirrorProcess
from fixtures.oidc.process import IdentityProvider
from fixtures.receiver import Receiver
from tests.browser.looking import pictures, visitor
from tests.contract.clients import ROOT, Client, bare_environment
from tests.contract.http import ask
from tests.contract.repositories import judge
from tests.contract.test_notices import by_admin, person

BAD, MADE = "acme-research/llama-tuned", "acme-research/llama-tuned-again"
WHY = "the publisher's account was stolen, advisory 2026-17"
JOB = "github:acme/till/runs/17"


@dataclass(frozen=True)
class House:
    mirror: MirrorProcess
    mail: MailServer
    chat: Receiver
    sue: str
    """Of security; whose words these are is a token."""
    dora: str
    """A developer of the team trading."""
    laptop: Client
    """Hers, which has the model."""
    cache: Path


@pytest.fixture(scope="module")
def house(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("incident")
    with (
        IdentityProvider() as issuer,
        Receiver(folder / "chat") as chat,
        MailServer(folder / "mail", "none") as mail,
    ):
        issuer.start("http://127.0.0.1:1")
        trusted = {"issuer": issuer.issuer, "audience": "curator", "claims": {"repository": "acme/*"}}
        home = {"team": "shop", "project": "till", "minutes": 30}
        variables = {
            "CURATOR_ANONYMOUS": "no",
            "CURATOR_PIPELINES": json.dumps([trusted | home]),
            "CURATOR_WEBHOOK_ALLOW": "127.0.0.1",
            "CURATOR_SMTP_HOST": "127.0.0.1",
            "CURATOR_SMTP_PORT": str(mail.port),
            "CURATOR_SMTP_TLS": "none",
            "CURATOR_SMTP_FROM": "curator@bank.example",
        }
        with MirrorProcess(folder / "data", hub.url, variables) as mirror:
            judge(mirror.url, (f"models/{BAD}", f"models/{MADE}"), mirror.admin_token)
            for team in ("trading", "shop"):
                by_admin(mirror, "POST", "/teams", {"name": team})
            by_admin(mirror, "POST", "/projects", {"team": "shop", "name": "till"})
            hook = {"name": "chat", "url": chat.url, "types": ["decision.reversed"]}
            by_admin(mirror, "POST", "/webhooks", hook)
            sue, dora = person(mirror, "sue", "security"), person(mirror, "dora", "developer", "trading")
            laptop = Client("2.4", mirror.url, folder / "laptop", dora)
            laptop.snapshot(BAD)
            identity = issuer.sign({"aud": "curator", "repository": "acme/till", "run_id": "17"})
            body = json.dumps({"token": identity}).encode()
            job = ask(mirror.url, "/api/curator/v1/sign-in/pipeline", "POST", body=body).json["token"]
            Client("2.4", mirror.url, folder / "runner", job).snapshot(BAD)
            yield House(mirror, mail, chat, sue, dora, laptop, folder / "laptop")


def curator(house: House, token: str, *words: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command on somebody's own machine."""
    who = {"CURATOR_URL": house.mirror.url, "CURATOR_TOKEN": token, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(
        [sys.executable, "-m", "curator.cli", *words],
        cwd=folder,
        env=bare_environment() | who,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def comes(page: Page, text: str) -> None:
    """What follows the record is there within a second or two: somebody looks again."""
    deadline = time.monotonic() + 45
    while not page.get_by_text(text).count():
        assert time.monotonic() < deadline, page.locator("main").inner_text()
        page.reload()


def test_an_incident_from_its_first_word_to_its_end(browser: Browser, house: House, tmp_path: Path) -> None:
    mirror = house.mirror
    with visitor(browser, mirror.url, house.sue) as context:
        page = context.new_page()
        # She has heard of it, and looks whether the bank has it.
        page.goto("/-/catalog?search=llama-tuned")
        page.get_by_role("link", name=BAD, exact=True).click()
        page.get_by_text("More", exact=True).click()
        page.get_by_role("link", name="Block retroactively…").click()
        comes(page, JOB)
        # Who has it: team, project, machine, job; and what was made from it.
        dora = page.get_by_role("row", name="dora")
        expect(dora).to_contain_text("trading")
        expect(dora).to_contain_text("127.0.0.1")
        expect(dora).to_contain_text("hf_hub/2.4")
        expect(page.get_by_role("row", name=JOB).first).to_contain_text("shop / till")
        expect(page.get_by_role("link", name=MADE)).to_be_visible()
        pictures(page, "journey-incident-preview")
        page.get_by_label("Why").fill(WHY)
        page.get_by_role("button", name="Block it for everybody").click()
        expect(page.get_by_role("status")).to_contain_text("is served to nobody")
        address, incident = page.url, page.url.rpartition("/")[2]
        comes(page, "Team trading")
        comes(page, "Team shop")

        # The developer's own client, with all of it in its cache, is stopped by the sentence.
        refused = house.laptop.call("snapshot", repo_id=BAD)
        assert refused.error == "RevisionNotFoundError", refused
        assert WHY in refused.message

        # The mail and the chat say it, to each what concerns him.
        mails = {str(one["To"]): one for one in house.mail.wait_for(2)}
        assert {"sue@bank.example", "dora@bank.example"} <= {name.strip("<>") for name in mails}
        to_dora = next(one for name, one in mails.items() if "dora@" in name)
        body = to_dora.get_body(preferencelist=("plain",))
        assert body is not None
        assert BAD in f"{to_dora['Subject']}"
        assert WHY in body.get_content()
        assert "shop" not in body.get_content(), "another team's use is not hers to know"
        (told,) = [json.loads(one["body"]) for one in house.chat.wait_for(1)][:1]
        assert told["type"] == "decision.reversed"
        assert {one["team"] for one in told["data"]["used_by"]} == {"trading", "shop"}

        # She cleans up by the command, and says so.
        found = curator(house, house.dora, "incident", "affected", folder=tmp_path, HF_HOME=str(house.cache))
        assert found.returncode == 1, found.stdout + found.stderr
        assert BAD in found.stdout
        gone = curator(
            house, house.dora, "incident", "affected", "--purge", "--yes", folder=tmp_path, HF_HOME=str(house.cache)
        )
        assert gone.returncode == 0, gone.stdout + gone.stderr
        assert not list(house.cache.rglob(f"models--{BAD.replace('/', '--')}/snapshots/*"))
        clean = curator(house, house.dora, "incident", "clean", incident, "--note", "my laptop", folder=tmp_path)
        assert clean.returncode == 0, clean.stdout + clean.stderr

        # The page follows: who asked again, which team is clean, who was told.
        page.goto(address)
        comes(page, "1 caller from")
        expect(page.get_by_text("my laptop").first).to_be_visible()
        deadline = time.monotonic() + 30
        while "on the way" in page.locator("#notices").locator("..").inner_text() and time.monotonic() < deadline:
            page.reload()
        expect(page.locator("section[aria-labelledby=notices]")).to_contain_text("1 sent")
        # Of the shop there is nobody but a build: no inbox has it, and the page says so.
        expect(page.locator("section[aria-labelledby=notices]")).to_contain_text("nobody is told there")
        pictures(page, "journey-incident")
        with page.expect_download() as waited:
            page.get_by_role("button", name="Take the evidence pack").click()
        waited.value.save_as(tmp_path / "case.tar")

    # The pack is proved where nothing of the mirror is, by the key that was noted down before.
    key = by_admin(mirror, "POST", "/record/seal")["seal"]["key"]
    away = {"CURATOR_URL": "http://127.0.0.1:9"}
    proved = curator(house, house.sue, "evidence", "verify", "case.tar", "--key", key, folder=tmp_path, **away)
    assert proved.returncode == 0, proved.stdout + proved.stderr
    whole = bytearray((tmp_path / "case.tar").read_bytes())
    at = whole.index(b"trading")
    whole[at : at + 7] = b"nobody!"
    (tmp_path / "touched.tar").write_bytes(whole)
    touched = curator(house, house.sue, "evidence", "verify", "touched.tar", "--key", key, folder=tmp_path, **away)
    assert touched.returncode == 1, touched.stdout

    with visitor(browser, mirror.url, house.sue) as context:
        # The publisher has his account back, and what is served is as it was.
        page = context.new_page()
        page.goto("/-/incidents")
        expect(page.get_by_role("row", name=BAD)).to_contain_text("1 of 2")
        page.get_by_role("link", name=BAD).click()
        page.get_by_role("textbox", name="Why").fill("the publisher has it back, and nothing was changed")
        page.get_by_role("button", name="Lift the incident").click()
        expect(page.get_by_role("status")).to_contain_text("decided about as before")
        pictures(page, "journey-incident-lifted")
    house.laptop.snapshot(BAD)
