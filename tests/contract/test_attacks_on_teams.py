"""A developer of one team after what another one has: every address that answers him, with every id that there is."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.http import Reply, ask, settled

API = "/api/curator/v1"
REPO, OTHER, BAD = "acme-research/tiny-gguf", "acme-research/tiny-bert", "mallory/shell-in-a-pickle"
CANARY = "canary"
RULES = """
schema: curator.rules/1
name: apart
rules:
  - id: for-risk-alone
    description: Of these only one team is to know anything.
    applies_to: {repositories: ["acme-research/tiny-gguf"], teams: ["shop", "", "other*"]}
    when: {likes_below: 1000000000}
    outcome: block
    message: "{repository} is not for you"
  - id: unsafe-file
    description: Unsafe files are not served.
    when: {file_verdict: [unsafe]}
    outcome: block
    message: "{file} is unsafe"
"""


@dataclass
class Two:
    """A mirror, the token of a developer of `shop`, and all ids that `risk` and the administrators have made."""

    mirror: MirrorProcess
    thief: str
    ids: dict[str, str] = field(default_factory=dict)

    def api(self, method: str, path: str, document: Any = None, token: str | None = None) -> Reply:
        headers = {"Authorization": f"Bearer {token or self.mirror.admin_token}", "Content-Type": "application/json"}
        body = json.dumps(document).encode() if document is not None else None
        return ask(self.mirror.url, f"{API}{path}", method, headers, body)

    def made(self, path: str, document: Any, token: str | None = None) -> Any:
        reply = self.api("POST", path, document, token)
        assert reply.status in {200, 201}, (path, reply.status, reply.body)
        return reply.json


@pytest.fixture(scope="module")
def two(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    folder = tmp_path_factory.mktemp("two")
    (folder / "rules.yaml").write_text(RULES)
    variables = {"CURATOR_ANONYMOUS": "no", "CURATOR_RULES": str(folder / "rules.yaml")}
    with MirrorProcess(folder / "data", hub.url, variables | {"CURATOR_SECOND_OPINIONS": "false"}) as mirror:
        two = Two(mirror, "")
        _fill(two)
        yield two


def _fill(two: Two) -> None:
    for team in ("risk", "shop"):
        two.made("/teams", {"name": team, "title": f"{CANARY} title" if team == "risk" else ""})
    two.made("/projects", {"team": "risk", "name": f"{CANARY}-project", "title": ""})
    for login, team in ((f"{CANARY}-rita", "risk"), ("sam", "shop")):
        two.made("/users", {"login": login, "role": "developer", "team": team, "full_name": login})
    risk = two.made("/tokens", {"name": f"{CANARY}-token", "role": "developer", "owner": f"{CANARY}-rita"})
    two.ids["token"] = risk["token"]["id"]
    two.thief = two.made("/tokens", {"name": "laptop", "role": "developer", "owner": "sam"})["secret"]
    rita = {"Authorization": f"Bearer {risk['secret']}"}
    thief = {"Authorization": f"Bearer {two.thief}"}
    info = settled(two.mirror.url, f"/api/models/{REPO}", headers=rita)
    assert info.status == 200, info.body
    two.ids["sha"] = info.json["sha"]
    two.ids["file"] = next(one["rfilename"] for one in info.json["siblings"] if one["rfilename"].endswith(".gguf"))
    given = ask(two.mirror.url, f"/{REPO}/resolve/main/{two.ids['file']}", headers=rita)
    assert given.status == 200
    two.ids["manifest"] = ask(two.mirror.url, f"/v2/{REPO}/manifests/latest", headers=rita).json["layers"][0]["digest"]
    # Both have been refused this, and one has asked for it.
    for who in (rita, thief):
        assert settled(two.mirror.url, f"/api/models/{BAD}", headers=who).status == 403
    settled(two.mirror.url, f"/api/models/{OTHER}", headers=thief)
    asked = two.made("/requests", {"repository": BAD, "reason": f"{CANARY} plan of the merger"}, risk["secret"])
    two.ids["request"] = asked["request"]["id"] if "request" in asked else asked["id"]
    terms = {"reason": f"{CANARY} reason", "teams": ["risk"], "until": "30d"}
    waived = two.api("POST", "/waivers", {"repository": BAD, "revision": "main", **terms})
    assert waived.status == 201, waived.body
    two.ids["waiver"] = waived.json["waiver"]["id"] if "waiver" in waived.json else waived.json["id"]
    entry = two.made("/lists", {"effect": "approve", "targets": [f"acme-{CANARY}/x"], **terms})
    two.ids["entry"] = (entry.get("entries") or [entry])[0]["id"]
    two.ids["hook"] = two.made("/webhooks", {"name": f"{CANARY}-hook", "url": "https://93.184.215.14/x"})["webhook"][
        "id"
    ]
    two.ids["hold"] = (
        two.made("/record/holds", {"reason": f"{CANARY} hold", "actor": "x"}).get("hold", {}).get("id", "x")
    )
    time.sleep(1.5)
    rows = two.api("GET", f"/record?repo={REPO}").json["rows"]
    two.ids["row"] = rows[0]["id"]
    two.ids["decision"] = next(row["decision"] for row in rows if row["decision"])
    opened = two.made("/incidents", {"subject": REPO, "reason": "turned bad"})
    two.ids["incident"] = opened["incident"]["id"]


def _addresses(two: Two) -> list[str]:
    """Each address that is answered to GET, with ids of others put in, and with others' names asked for."""
    operations = two.api("GET", "/openapi.json").json["paths"]
    values = {
        "kind": ["model"],
        "repo": [REPO],
        "sha": [two.ids["sha"]],
        "login": [f"{CANARY}-rita"],
        "team": ["risk"],
        "project": [f"{CANARY}-project"],
        "digest": ["0" * 64],
        "request_id": [two.ids["request"]],
        "waiver_id": [two.ids["waiver"]],
        "entry_id": [two.ids["entry"]],
        "webhook_id": [two.ids["hook"], f"{CANARY}-hook"],
        "row_id": [two.ids["row"]],
        "decision_id": [two.ids["decision"]],
        "token_id": [two.ids["token"]],
        "incident_id": [two.ids["incident"]],
    }
    found = []
    for path, methods in operations.items():
        if "get" not in methods or path.endswith(("/live", "/openapi.json")):
            continue
        written = [path]
        for name in re.findall(r"\{(\w+)(?::\w+)?\}", path):
            choices = values.get(name, [*two.ids.values()])
            written = [re.sub(r"\{" + name + r"(:\w+)?\}", quote(one), text) for text in written for one in choices]
        asks = {one["name"] for one in methods["get"].get("parameters", ()) if one["in"] == "query"}
        queries = [""]
        for name, said in (
            ("repo", REPO), ("repo", BAD), ("team", "risk"), ("project", f"{CANARY}-project"), ("mine", "false"),
            ("actor", f"{CANARY}-rita"), ("user", f"{CANARY}-rita"), ("owner", f"{CANARY}-rita"),
            ("search", "tiny-gguf"), ("state", "all"), ("subject", REPO), ("after", two.ids["request"]),
            ("webhook", two.ids["hook"]),
            ("by", "team"), ("jobs", "true"), ("publisher", "acme-research"),
        ):  # fmt: skip
            if name in asks:
                queries.append(f"?{name}={quote(said)}")
        required = [
            one["name"] for one in methods["get"].get("parameters", ()) if one["in"] == "query" and one.get("required")
        ]
        if required == ["repo"]:
            queries = [f"?repo={repo}{team}" for repo in (REPO, BAD) for team in ("", "&team=risk", "&team=")]
        found += [text + query for text in written for query in queries]
    return found


def test_no_address_tells_a_developer_of_another_team_anything_of_it(two: Two) -> None:
    headers = {"Authorization": f"Bearer {two.thief}"}
    addresses = _addresses(two)
    assert len(addresses) > 90
    wrong, answered = [], 0
    for path in addresses:
        reply = ask(two.mirror.url, path, headers=headers)
        answered += reply.status == 200
        # What he has put into an address himself stands in an error about it.
        told = reply.body.decode(errors="replace")
        leaked = CANARY in told if reply.status < 400 else f"{CANARY} " in told
        if reply.status >= 500 or leaked:
            wrong.append(f"{path}: {reply.status}: {told[max(told.find(CANARY) - 150, 0) :][:300]}")
    assert wrong == [], "\n".join(wrong)
    assert answered > 10
    # And there is something to be told.
    admin = {"Authorization": f"Bearer {two.mirror.admin_token}"}
    assert sum(CANARY.encode() in ask(two.mirror.url, path, headers=admin).body for path in addresses) > 20


def test_nor_does_any_page(two: Two) -> None:
    headers = {"Authorization": f"Bearer {two.thief}", "Accept": "text/html"}
    ids = two.ids
    wrong = []
    for path in (
        "", "catalog", "catalog?team=risk", "catalog?q=tiny-gguf", "requests", "requests?mine=no", "requests?all=1",
        f"requests/{ids['request']}", f"models/{REPO}", f"models/{BAD}", f"models/{REPO}?commit={ids['sha']}",
        f"decisions/{ids['decision']}", f"incidents/{ids['incident']}", "incidents", "activity", "rules", "live",
        "notices", "account", f"waivers/{ids['waiver']}", f"people/users/{CANARY}-rita", "people/teams/risk",
        f"review/{ids['request']}", "review", f"notices/webhooks/{ids['hook']}", f"activity/{ids['row']}",
        f"ask?decision={ids['decision']}", f"requests/new?decision={ids['decision']}", "api", "settings",
    ):  # fmt: skip
        reply = ask(two.mirror.url, f"/-/{path}", headers=headers)
        told = reply.body.decode(errors="replace")
        if reply.status >= 500 or re.search(rf"{CANARY}[ -](?!rita|project|hook)", told) or f">{CANARY}-" in told:
            wrong.append(f"/-/{path}: {reply.status}: {told[max(told.find(CANARY) - 200, 0) :][:400]}")
    assert wrong == [], "\n".join(wrong)


def test_nor_is_a_byte_of_it_given_at_any_door_of_the_hub(two: Two) -> None:
    headers = {"Authorization": f"Bearer {two.thief}"}
    sha, file, digest = two.ids["sha"], two.ids["file"], two.ids["manifest"]
    for path in (
        f"/{REPO}/resolve/main/{file}",
        f"/{REPO}/resolve/{sha}/{file}",
        f"/{REPO.upper()}/resolve/{sha}/{file}",
        f"/api/resolve-cache/models/{REPO}/{sha}/{file}",
        f"/api/models/{REPO}/resolve/{sha}/{file}",
        f"/{REPO}/raw/{sha}/{file}",
        f"/v2/{REPO}/blobs/{digest}",
        f"/v2/{OTHER}/blobs/{digest}",
        f"/v2/{REPO}/manifests/{digest}",
        f"/{OTHER}/resolve/{sha}/{file}",
        f"/api/models/{REPO}/xet-read-token/{sha}",
        f"/{REPO}.git/info/lfs/objects/{digest.partition(':')[2]}",
        f"/{REPO}/info/lfs/objects/batch",
        f"/datasets/{REPO}/resolve/{sha}/{file}",
        f"/{OTHER}/resolve/main/..%2f..%2ftiny-gguf%2fresolve%2fmain%2f{file}",
        f"/api/models/{REPO}/tree/{sha}",
        f"/api/models/{REPO}/commits/{sha}",
        f"/api/models/{REPO}/refs",
    ):
        for more in ({}, {"Range": "bytes=0-3"}, {"X-Original-URL": f"/{OTHER}/resolve/main/config.json"}):
            reply = ask(two.mirror.url, path, headers=headers | more)
            assert reply.status in {400, 403, 404, 405}, (path, reply.status, reply.body[:200])
            assert not reply.body.startswith(b"GGUF")


def test_nor_is_anything_of_it_changed(two: Two) -> None:
    ids = two.ids
    for method, path, document in (
        ("POST", f"/requests/{ids['request']}/replies", {"said": "mine now"}),
        ("DELETE", f"/requests/{ids['request']}", None),
        ("DELETE", f"/waivers/{ids['waiver']}", None),
        ("DELETE", f"/lists/{ids['entry']}", None),
        ("POST", f"/account/tokens/{ids['token']}/rotate", {}),
        ("DELETE", f"/account/tokens/{ids['token']}", None),
        ("POST", f"/incidents/{ids['incident']}/teams/risk", {"said": "clean"}),
        ("POST", f"/incidents/{ids['incident']}/lift", {"reason": "mine"}),
        ("POST", "/requests", {"decision": ids["decision"], "reason": "mine", "team": "risk"}),
        ("POST", "/requests", {"repository": BAD, "reason": "mine", "team": "risk"}),
        ("POST", "/check", {"models": [{"repository": REPO}], "team": "risk"}),
    ):
        reply = two.api(method, path, document, two.thief)
        assert reply.status in {400, 403, 404, 405, 409, 422}, (method, path, reply.status, reply.body[:300])
        assert f"{CANARY} ".encode() not in reply.body
