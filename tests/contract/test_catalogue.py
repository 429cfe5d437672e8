"""The catalog and the page of a model, over HTTP: what programs get, what browsers get, and who may see what."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from fixtures.mirror import MirrorProcess
from tests.contract.clients import curator
from tests.contract.http import ask, settled

API = "/api/curator/v1"
HTML = {"Accept": "text/html,application/xhtml+xml"}


def admin(mirror: MirrorProcess) -> dict[str, str]:
    return {"Authorization": f"Bearer {mirror.admin_token}"}


def test_what_was_judged_is_in_the_catalog_with_its_verdict(mirror: MirrorProcess) -> None:
    document = ask(mirror.url, f"{API}/catalog?limit=5").json
    told = {one["repository"]: one for one in document["repositories"]}
    while document["next"]:
        document = ask(mirror.url, f"{API}/catalog?limit=5&after={document['next']}").json
        told |= {one["repository"]: one for one in document["repositories"]}
    assert told["acme-research/tiny-bert"]["verdict"] == "allow"
    assert told["mallory/shell-in-a-pickle"]["verdict"] == "block"
    assert told["mallory/shell-in-a-pickle"]["rule"] == "unsafe-file"
    assert told["acme-research/both-formats"]["left_out"] == 1
    assert told["acme-research/tiny-gguf"]["formats"] == ["gguf"]
    assert told["acme-data/rows"]["kind"] == "dataset"


def test_it_is_narrowed_and_counted(mirror: MirrorProcess) -> None:
    found = ask(mirror.url, f"{API}/catalog?search=TINY-&format=gguf").json["repositories"]
    assert [one["repository"] for one in found] == ["acme-research/tiny-gguf"]
    facets = ask(mirror.url, f"{API}/catalog/facets?publisher=mallory").json
    assert facets["counts"]["verdict"] == {"block": 1}
    assert facets["total"] == 1


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("after=nowhere", "take it from `next`"),
        ("limit=0", "limit"),
        ("limit=100000", "limit"),
        ("kind=robot", "kind"),
        ("sort=size", "sort"),
        (f"search={'x' * 97}", "search"),
    ],
)
def test_what_has_no_meaning_is_told_in_a_sentence(mirror: MirrorProcess, query: str, said: str) -> None:
    reply = ask(mirror.url, f"{API}/catalog?{query}")
    assert reply.status == 400
    assert said in reply.json["error"]


def test_the_dossier_has_findings_with_evidence_engines_and_files(mirror: MirrorProcess) -> None:
    document = ask(mirror.url, f"{API}/repositories/model/mallory/shell-in-a-pickle/commits").json
    assert (document["decision"]["outcome"], document["in_force"], document["usage"]) == ("block", True, [])
    first = document["findings"][0]
    assert (first["path"], first["severity"]) == ("pytorch_model.bin", "critical")
    assert first["evidence"]["import"] == "posix.system"
    assert first["where"]["member"] == "pytorch_model/data.pkl"
    assert document["engines"][0]["objects_to"] == ["pytorch_model.bin"]
    assert document["files"][0]["verdict"] == "unsafe"
    sha = document["commit"]
    same = ask(mirror.url, f"{API}/repositories/model/mallory/shell-in-a-pickle/commits/{sha}").json
    assert same["decision"]["decision"] == document["decision"]["decision"]


def test_a_commit_is_held_against_the_last_approved_one(mirror: MirrorProcess) -> None:
    reply = settled(mirror.url, "/api/models/acme-research/turned/revision/bad")
    assert reply.status == 403
    sha = ask(mirror.url, f"{API}/decisions/{reply.json['curator']['decision']}").json["commit"]
    differs = ask(mirror.url, f"{API}/repositories/model/acme-research/turned/commits/{sha}").json["difference"]
    assert differs["material"]
    assert "pytorch_model.bin now imports posix.system (dangerous)." in [one["sentence"] for one in differs["changes"]]
    assert differs["changes"][0]["weight"] == "grave"


def test_how_to_use_it_names_the_very_commit_and_the_file(mirror: MirrorProcess) -> None:
    document = ask(mirror.url, f"{API}/repositories/model/acme-research/tiny-gguf/commits").json
    told = {one["tool"]: one["lines"] for one in document["usage"]}
    assert document["commit"] in told["hf"]
    assert f"export HF_ENDPOINT={mirror.url}" in told["llama.cpp"]
    assert ".gguf" in told["llama.cpp"]
    rows = ask(mirror.url, f"{API}/repositories/dataset/acme-data/rows/commits").json
    assert {one["tool"] for one in rows["usage"]} == {"datasets", "hf"}
    assert all(rows["commit"] in one["lines"] for one in rows["usage"])
    assert "--repo-type dataset" in rows["usage"][1]["lines"]


def test_what_was_never_judged_is_said_to_be_so_and_can_be_judged_from_its_page(mirror: MirrorProcess) -> None:
    assert ask(mirror.url, f"{API}/repositories/model/nobody/nothing/commits").status == 404
    page = ask(mirror.url, "/-/models/acme-research/keras-mlp", headers=HTML)
    if b"Judge it now" in page.body:
        form = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
        body = b"kind=model&repository=acme-research%2Fkeras-mlp"
        sent = ask(mirror.url, "/-/judge", "POST", headers=admin(mirror) | form | HTML, body=body)
        assert sent.status == 303, sent.body
        assert sent.headers["location"].endswith("/-/models/acme-research/keras-mlp")
    settled(mirror.url, "/api/models/acme-research/keras-mlp")
    assert b"was not judged" not in ask(mirror.url, "/-/models/acme-research/keras-mlp", headers=HTML).body


def test_another_site_cannot_have_anything_judged(mirror: MirrorProcess) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "cross-site"}
    body = b"kind=model&repository=acme-research%2Forphan"
    assert ask(mirror.url, "/-/judge", "POST", headers=admin(mirror) | form, body=body).status == 403


@pytest.mark.parametrize("path", ["/-/models/acme-research/tiny-bert", "/-/datasets/acme-data/rows"])
def test_programs_get_text_and_browsers_a_page_at_the_same_address(mirror: MirrorProcess, path: str) -> None:
    text, page = ask(mirror.url, path), ask(mirror.url, path, headers=HTML)
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert b"ALLOWED" in text.body
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert b"How to use it" in page.body
    assert len(page.body) < 60_000


@pytest.mark.parametrize(
    "path",
    [
        "/-/models/a/b/c",
        "/-/models/..%2f..%2fetc",
        "/-/models/acme-research/tiny-bert?commit=main",
        f"/-/models/{quote('<script>alert(1)</script>')}",
        "/-/models/acme-research/tiny-bert?commit=" + "a" * 5_000,
    ],
)
def test_an_address_that_names_nothing_is_said_to_be_wrong(mirror: MirrorProcess, path: str) -> None:
    reply = ask(mirror.url, path, headers=HTML)
    assert reply.status in {400, 404}
    assert b"<script>alert" not in reply.body


@pytest.mark.parametrize("query", ["?tab=nothing", "?from=-1&tab=files", "?from=999999&tab=files", "?tab=card&from=x"])
def test_a_part_of_the_page_that_there_is_not_is_the_page(mirror: MirrorProcess, query: str) -> None:
    assert ask(mirror.url, f"/-/models/acme-research/tiny-bert{query}", headers=HTML).status == 200


@pytest.mark.parametrize(
    "query", ["?q=%00", "?q=%ED%A0%80", "?after=x", "?verdict=<script>", "?sort=x", "?task=%E2%80%AE", "?kind=robot"]
)
def test_the_catalogs_page_bears_any_query(mirror: MirrorProcess, query: str) -> None:
    reply = ask(mirror.url, f"/-/catalog{query}", headers=HTML)
    assert reply.status in {200, 400}
    assert b"<script>" not in reply.body


def test_who_uses_it_is_named_to_those_alone_who_may_see_all(mirror: MirrorProcess) -> None:
    page = "/-/models/acme-research/tiny-bert?tab=history"
    assert b"Who uses it" in ask(mirror.url, page, headers=HTML | admin(mirror)).body
    anonymous = ask(mirror.url, page, headers=HTML).body
    assert b"given files of this commit" in anonymous


def test_the_command_line_lists_it(mirror: MirrorProcess) -> None:
    table = curator("catalog", "tiny-", "--weights", "gguf", "--server", mirror.url)
    assert table.returncode == 0, table.stderr
    assert table.stdout.startswith("acme-research/tiny-gguf@")
    assert "  allowed  Apache-2.0" in table.stdout
    some = curator("catalog", "--most", "2", "--format", "json", "--server", mirror.url)
    assert (len(json.loads(some.stdout)["repositories"]), json.loads(some.stdout)["more"]) == (2, True)
    none = curator("catalog", "nothing-like-it", "--server", mirror.url)
    assert (none.returncode, none.stdout.count("\n")) == (0, 1)
