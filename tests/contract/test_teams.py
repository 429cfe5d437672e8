"""What one team may have is never given to another that may not, whatever door it asks at, and whatever rules come into
force meanwhile."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fixtures.mirror import MirrorProcess
from tests.contract.clients import curator
from tests.contract.http import Reply, ask, settled
from tests.contract.publishing import under

REPO = "acme-research/tiny-gguf"
WHILE_S = 6.0
_RULE = """
  - id: {id}
    description: These are not for them.
    applies_to: {{repositories: ["acme-research/tiny-*"], teams: [{teams}]}}
    when: {{likes_below: 1000000000}}
    outcome: {outcome}
    message: "{{repository}} is not for you"
"""


def rules(name: str, *of: tuple[str, str, str]) -> str:
    """Rules with so many rules: id, teams, outcome."""
    written = "".join(_RULE.format(id=rule, teams=teams, outcome=outcome) for rule, teams, outcome in of)
    return f"schema: curator.rules/1\nname: {name}\ndescription: For a test.\nrules:\n{written}"


NAMES_ONE = rules("names-one", ("not-red", '"red*"', "block"))
NAMES_BOTH = rules("names-both", ("not-red", '"red*"', "block"), ("blue-too", '"blue"', "warn"))
NAMES_NONE = rules("names-none", ("nobody", '"*"', "block"))
NAMES_OTHERS = rules("names-others", ("not-red", '"red*"', "hold"), ("not-green", '"green"', "block"))


@pytest.fixture(scope="module")
def mirror(guarded_by_two: MirrorProcess) -> Iterator[MirrorProcess]:
    with under(guarded_by_two, NAMES_ONE):
        yield guarded_by_two


@pytest.fixture(scope="module")
def red(mirror: MirrorProcess) -> dict[str, str]:
    return token(mirror, "r", "red-1")


@pytest.fixture(scope="module")
def blue(mirror: MirrorProcess) -> dict[str, str]:
    return token(mirror, "b", "blue")


def token(mirror: MirrorProcess, name: str, team: str) -> dict[str, str]:
    made = curator("token", "create", name, "--team", team, "--data", str(mirror.data))
    assert made.returncode == 0, made.stderr
    return {"Authorization": f"Bearer {made.stdout.strip()}"}


def publish(mirror: MirrorProcess, source: str) -> None:
    headers = {"Authorization": f"Bearer {mirror.admin_token}", "Content-Type": "application/json"}
    body = json.dumps({"source": source, "reason": "a test", "file": "rules.yaml"}).encode()
    reply = ask(mirror.url, "/api/curator/v1/rules", "POST", headers, body)
    assert reply.status in {200, 201} or b"in force already" in reply.body, reply.body


def doors(mirror: MirrorProcess, who: dict[str, str]) -> list[tuple[str, str]]:
    """Every address by which something of the repository can be had, as whoever may have it finds them."""
    info = settled(mirror.url, f"/api/models/{REPO}", headers=who)
    assert info.status == 200, info.body
    sha = info.json["sha"]
    (gguf,) = [one["rfilename"] for one in info.json["siblings"] if one["rfilename"].endswith(".gguf")][:1]
    paths = [
        f"/api/models/{REPO}",
        f"/api/models/{REPO}/revision/{sha}",
        f"/api/models/{REPO}/tree/main?recursive=true",
        f"/api/models/{REPO}/commits/main",
        f"/{REPO}/resolve/main/{gguf}",
        f"/{REPO}/resolve/{sha}/{gguf}",
        f"/{REPO}/raw/main/README.md",
        f"/v2/{REPO}/manifests/latest",
    ]
    found = [("GET", path) for path in paths] + [("HEAD", path) for path in paths[4:6]]
    manifest = ask(mirror.url, f"/v2/{REPO}/manifests/latest", headers=who)
    if manifest.status == 200:
        found += [("GET", f"/v2/{REPO}/blobs/{layer['digest']}") for layer in manifest.json["layers"][:1]]
    return found


def refused(reply: Reply) -> bool:
    return reply.status in {401, 403, 404}


def test_what_one_team_has_from_memory_is_closed_to_another_at_every_door(
    mirror: MirrorProcess, red: dict[str, str], blue: dict[str, str]
) -> None:
    addresses = doors(mirror, blue)
    assert len(addresses) == 11
    for _ in range(4):
        for method, path in addresses:
            given = ask(mirror.url, path, method, blue)
            assert given.status == 200, (path, given.body)
    for _ in range(4):
        for method, path in addresses:
            reply = ask(mirror.url, path, method, red)
            assert refused(reply), (method, path, reply.body[:200])
            assert method == "HEAD" or b"not for you" in reply.body + reply.headers.get("x-error-message", "").encode()
    for who, outcome in ((blue, "allow"), (red, "block"), (blue, "allow")):
        (found,) = ask(mirror.url, "/api/models?search=tiny-gguf", headers=who).json
        assert found["curator"]["outcome"] == outcome


def test_no_change_of_the_teams_that_rules_name_opens_anything_even_for_a_moment(
    mirror: MirrorProcess, red: dict[str, str], blue: dict[str, str]
) -> None:
    publish(mirror, NAMES_ONE)
    addresses = doors(mirror, blue)
    ends = time.monotonic() + WHILE_S
    given: Counter[int] = Counter()

    def hammer(who: dict[str, str], turn: int) -> list[tuple[str, str]]:
        let_through = []
        while time.monotonic() < ends:
            for method, path in addresses[turn:] + addresses[:turn]:
                reply = ask(mirror.url, path, method, who)
                if who is blue:
                    given[reply.status] += 1
                elif not refused(reply):
                    let_through.append((method, path))
        return let_through

    def change() -> list[tuple[str, str]]:
        while time.monotonic() < ends:
            for source in (NAMES_BOTH, NAMES_NONE, NAMES_OTHERS, NAMES_ONE):
                publish(mirror, source)
                time.sleep(0.15)
        return []

    with ThreadPoolExecutor(4) as pool:
        tries = [pool.submit(hammer, blue, 0), pool.submit(hammer, red, 3), pool.submit(hammer, red, 7)]
        tries.append(pool.submit(change))
        assert [one.result() for one in tries] == [[]] * 4
    assert given[200] > 20, "the other team is served meanwhile"
    assert given[500] == 0


def lines(mirror: MirrorProcess, path: str, who: dict[str, str]) -> list[dict[str, Any]]:
    """Of the catalog's answer those about the repository itself; others may have copies of it by longer names."""
    name = f"acme-research/{path.partition('search=')[2].partition('&')[0]}"
    return [one for one in ask(mirror.url, path, headers=who).json["repositories"] if one["repository"] == name]


def test_the_catalog_tells_a_team_what_is_decided_for_it_and_nothing_of_others(
    mirror: MirrorProcess, red: dict[str, str], blue: dict[str, str]
) -> None:
    path = "/api/curator/v1/catalog?search=tiny-torch"
    dossier = "/api/curator/v1/repositories/model/acme-research/tiny-torch/commits"
    publish(mirror, NAMES_ONE)
    settled(mirror.url, "/api/models/acme-research/tiny-torch", headers=red)
    assert [one["verdict"] for one in lines(mirror, path, red)] == ["block"]
    # Nobody of the others has asked yet, and that one team has is not theirs to know.
    assert lines(mirror, path, blue) == []
    assert ask(mirror.url, dossier, headers=blue).status == 404
    settled(mirror.url, "/api/models/acme-research/tiny-torch", headers=blue)
    assert [one["verdict"] for one in lines(mirror, path, blue)] == ["allow"]
    told = ask(mirror.url, dossier, headers=blue).json
    assert (told["decision"]["outcome"], [one["outcome"] for one in told["history"]]) == ("allow", ["allow"])
    assert ask(mirror.url, dossier, headers=red).json["decision"]["outcome"] == "block"


def test_a_team_is_shown_what_holds_for_it_of_what_was_decided_for_everybody(
    mirror: MirrorProcess, red: dict[str, str], blue: dict[str, str]
) -> None:
    path = "/api/curator/v1/catalog?search=tiny-bert"
    publish(mirror, NAMES_ONE)
    assert settled(mirror.url, "/api/models/acme-research/tiny-bert", headers=blue).status == 200
    end = time.monotonic() + 90
    while [one["verdict"] for one in lines(mirror, path, red)] != ["block"]:
        assert time.monotonic() < end, "it was not worked out"
        time.sleep(0.3)
    narrowed = lines(mirror, f"{path}&verdict=block", red)
    assert [(one["rule"], one["audience"]) for one in narrowed] == [("not-red", "")]
    assert lines(mirror, f"{path}&verdict=allow", red) == []
    told = ask(mirror.url, "/api/curator/v1/repositories/model/acme-research/tiny-bert/commits", headers=red).json
    assert (told["made"], told["decision"]["outcome"]) == (False, "block")
    assert lines(mirror, path, blue)[0]["verdict"] == "allow"
