"""What goes over the wire: headers, ranges, closed addresses and tricks."""

from __future__ import annotations

import json

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.http import ask, raw_ask
from tests.contract.repositories import WEIGHTS

RESOLVE = "/acme-research/tiny-bert/resolve/main/model.safetensors"


def test_a_head_tells_all_that_clients_read_and_redirects_nowhere(mirror: MirrorProcess) -> None:
    head = ask(mirror.url, RESOLVE, "HEAD")
    assert head.status == 200
    assert len(head.headers["x-repo-commit"]) == 40
    assert head.headers["etag"] == head.headers["x-linked-etag"]
    assert len(head.headers["etag"].strip('"')) == 64
    assert head.headers["content-length"] == head.headers["x-linked-size"] == str(WEIGHTS.stat().st_size)
    assert head.headers["accept-ranges"] == "bytes"
    assert 'filename="model.safetensors";' in head.headers["content-disposition"]
    assert "location" not in head.headers
    assert "content-encoding" not in head.headers
    assert not [name for name in head.headers if "xet" in name]


def test_no_cache_before_the_mirror_gives_out_what_it_may_have_to_take_back(mirror: MirrorProcess) -> None:
    for path in ("/api/models/acme-research/tiny-bert", "/acme-research/tiny-bert/resolve/main/config.json"):
        assert ask(mirror.url, path).headers["cache-control"] == "private, no-cache"


def test_a_file_in_git_has_the_tag_that_git_gives_it(mirror: MirrorProcess) -> None:
    head = ask(mirror.url, "/acme-research/tiny-bert/resolve/main/config.json", "HEAD")
    assert len(head.headers["etag"].strip('"')) == 40
    assert "x-linked-etag" not in head.headers


def test_a_head_fetches_nothing(mirror: MirrorProcess, hub: FixtureHub) -> None:
    mark = hub.mark()
    for _ in range(5):
        assert ask(mirror.url, RESOLVE, "HEAD").status == 200
    asked = [entry["path"] for entry in hub.requests(since=mark)]
    assert asked in ([], ["/api/models/acme-research/tiny-bert/revision/main"]), "at most what main is by now, once"


def test_bytes_are_never_compressed(mirror: MirrorProcess) -> None:
    reply = ask(mirror.url, RESOLVE, headers={"Accept-Encoding": "gzip, deflate, br"})
    assert "content-encoding" not in reply.headers
    assert reply.body == WEIGHTS.read_bytes()


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-0", 0, 0), ("bytes=10-19", 10, 19), ("bytes=100-", 100, None), ("bytes=-7", -7, None)],
)
def test_one_range_is_served_as_asked(mirror: MirrorProcess, asked: str, first: int, last: int | None) -> None:
    reply = ask(mirror.url, RESOLVE, headers={"Range": asked})
    whole = WEIGHTS.read_bytes()
    assert reply.status == 206
    assert reply.body == whole[first : None if last is None else last + 1]
    start = first if first >= 0 else len(whole) + first
    assert reply.headers["content-range"] == f"bytes {start}-{start + len(reply.body) - 1}/{len(whole)}"


def test_a_range_beyond_the_end_is_not_satisfiable(mirror: MirrorProcess) -> None:
    reply = ask(mirror.url, RESOLVE, headers={"Range": "bytes=999999-"})
    assert reply.status == 416
    assert reply.headers["content-range"] == f"bytes */{WEIGHTS.stat().st_size}"


def test_a_range_of_another_version_is_the_whole_file(mirror: MirrorProcess) -> None:
    reply = ask(mirror.url, RESOLVE, headers={"Range": "bytes=0-3", "If-Range": '"other"'})
    assert reply.status == 200
    assert reply.body == WEIGHTS.read_bytes()


def test_what_the_client_has_is_not_sent_again(mirror: MirrorProcess) -> None:
    etag = ask(mirror.url, RESOLVE, "HEAD").headers["etag"]
    assert ask(mirror.url, RESOLVE, headers={"If-None-Match": etag}).status == 304


def test_the_first_byte_of_an_empty_file_is_no_error(mirror: MirrorProcess) -> None:
    reply = ask(mirror.url, "/acme-research/odd-names/resolve/main/empty.txt", headers={"Range": "bytes=0-0"})
    assert (reply.status, reply.body) == (200, b"")


def test_a_revision_may_be_written_in_one_segment_or_in_three(mirror: MirrorProcess) -> None:
    for revision in ("refs%2Fpr%2F1", "refs/pr/1"):
        reply = ask(mirror.url, f"/acme-research/tiny-bert/resolve/{revision}/config.json")
        assert reply.status == 404
        assert reply.headers["x-error-code"] == "RevisionNotFound"


def test_nothing_of_xet_is_left_at_any_depth(mirror: MirrorProcess) -> None:
    for path in (
        "/api/models/acme-research/tiny-bert?blobs=true",
        "/api/models/acme-research/tiny-bert/tree/main?recursive=true",
        "/api/models/acme-research/tiny-bert/tree/main?expand=true",
    ):
        reply = ask(mirror.url, path)
        assert reply.status == 200
        assert b"xet" not in reply.body.lower()
    body = json.dumps({"paths": ["model.safetensors"], "expand": True}).encode()
    info = ask(
        mirror.url,
        "/api/models/acme-research/tiny-bert/paths-info/main",
        "POST",
        {"Content-Type": "application/json"},
        body,
    )
    assert [entry["path"] for entry in info.json] == ["model.safetensors"]
    assert b"xet" not in info.body.lower()
    token = ask(mirror.url, "/api/models/acme-research/tiny-bert/xet-read-token/main")
    assert token.status == 403
    assert "x-xet-access-token" not in token.headers


def test_a_listing_comes_in_one_page_from_us(mirror: MirrorProcess) -> None:
    reply = ask(mirror.url, "/api/models/acme-research/many-files/tree/main?recursive=true")
    assert len([entry for entry in reply.json if entry["type"] == "file"]) == 65
    assert "link" not in reply.headers


def test_a_folder_is_listed_by_itself_and_a_missing_one_is_no_entry(mirror: MirrorProcess) -> None:
    nested = ask(mirror.url, "/api/models/acme-research/odd-names/tree/main/nested")
    assert [(entry["type"], entry["path"]) for entry in nested.json] == [("directory", "nested/deep er")]
    missing = ask(mirror.url, "/api/models/acme-research/odd-names/tree/main/additional_chat_templates")
    assert missing.status == 404
    assert missing.headers["x-error-code"] == "EntryNotFound"


def test_only_the_keys_that_were_asked_for_are_told(mirror: MirrorProcess) -> None:
    for query in ("expand=downloads&expand=sha", "expand[]=downloads&expand[]=sha"):
        assert set(ask(mirror.url, f"/api/models/acme-research/tiny-bert?{query}").json) == {
            "_id",
            "id",
            "downloads",
            "sha",
        }


def test_a_refusal_has_all_its_faces(mirror: MirrorProcess) -> None:
    reply = ask(mirror.url, "/api/models/mallory/shell-in-a-pickle/revision/main")
    sentence = reply.headers["x-error-message"]
    assert reply.status == 403
    assert reply.headers["x-error-code"] == "GatedRepo"
    assert reply.json["error"] == sentence
    assert reply.json["curator"]["rules"] == ["unsafe-file"]
    assert reply.headers["x-hf-warning"].endswith(sentence)
    assert reply.headers["x-hf-warning"].startswith("curation mallory/shell-in-a-pickle ")
    assert reply.headers["x-request-id"] == reply.json["curator"]["request_id"]
    assert reply.headers["x-request-id"] in sentence
    assert sentence.isascii()
    assert "\n" not in sentence


def test_the_page_that_a_refusal_names_says_what_was_found_and_where(mirror: MirrorProcess) -> None:
    decision = ask(mirror.url, "/api/models/mallory/shell-in-a-pickle").json["curator"]["decision"]
    page = ask(mirror.url, f"/-/decisions/{decision}").body.decode()
    assert "BLOCKED by the rule" in page
    assert "unsafe-file -> block" in page
    assert "pickle-executes-code" in page
    assert "data.pkl" in page


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/models/acme-research/tiny-bert/compare/a..b", 404, "derives from the contents"),
        ("/api/datasets/acme-data/rows/parquet", 404, "conversions of a dataset"),
        ("/api/buckets/a/b", 403, "Buckets are not served"),
        ("/buckets/a/b/resolve/x", 403, "Buckets are not served"),
        ("/kernels/a/b/resolve/main/x", 403, "Kernels are not served"),
        ("/api/agent-harnesses", 404, "no list of programs"),
        ("/oauth/device", 404, "make a token in its console"),
        ("/api/models/acme-research/tiny-bert/discussions", 404, "Discussions"),
        ("/api/jobs/acme", 404, "Nothing runs here"),
        ("/api/nothing/at/all", 404, "does not serve '/api/nothing/at/all'"),
    ],
)
def test_what_is_not_served_is_said_in_the_hubs_form(mirror: MirrorProcess, path: str, status: int, said: str) -> None:
    reply = ask(mirror.url, path)
    assert reply.status == status
    assert said in reply.json["error"]
    assert reply.headers["x-error-message"] == reply.json["error"]


@pytest.mark.parametrize("path", ["", "/tree/main", "/blob/main/config.json", "/commits/main"])
def test_a_browser_is_told_where_the_mirrors_own_page_is(mirror: MirrorProcess, path: str) -> None:
    reply = ask(mirror.url, f"/acme-research/tiny-bert{path}")
    assert (reply.status, reply.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    page = f"{mirror.url}/-/models/acme-research/tiny-bert"
    assert reply.body.decode().endswith(f"{page}\n")
    assert ask(mirror.url, "/-/models/acme-research/tiny-bert").body.startswith(b"acme-research/tiny-bert@")


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
def test_nothing_can_be_written(mirror: MirrorProcess, method: str) -> None:
    reply = ask(mirror.url, "/api/models/acme-research/tiny-bert/commit/main", method, body=b"{}")
    assert reply.status == 403
    assert "read-only" in reply.json["error"]


def test_git_is_refused_in_words_that_git_prints(mirror: MirrorProcess) -> None:
    reply = ask(mirror.url, "/acme-research/tiny-bert.git/info/refs?service=git-upload-pack")
    assert (reply.status, reply.headers["content-type"]) == (403, "text/plain")
    assert b"hf download" in reply.body
    batch = ask(mirror.url, "/acme-research/tiny-bert.git/info/lfs/objects/batch", "POST", body=b"{}")
    assert batch.status == 403
    assert "hf download" in batch.json["message"]


def test_a_commit_of_another_repository_is_no_way_around(mirror: MirrorProcess) -> None:
    blocked = ask(mirror.url, "/api/models/mallory/shell-in-a-pickle/revision/main")
    page = ask(mirror.url, f"/-/decisions/{blocked.json['curator']['decision']}").body.decode()
    sha = page.splitlines()[0].rpartition("@")[2]
    reply = ask(mirror.url, f"/acme-research/tiny-bert/resolve/{sha}/pytorch_model.bin")
    assert reply.status == 404
    assert reply.headers["x-error-code"] == "RevisionNotFound"


@pytest.mark.parametrize(
    "path",
    [
        "/acme-research/tiny-bert/resolve/main/..%2F..%2Fsecret",
        "/acme-research/tiny-bert/resolve/main/../secret",
        "/acme-research/tiny-bert/resolve/main/%00",
        "/acme-research/tiny-bert/resolve/main/%FF",
        "/acme-research/tiny-bert/resolve/a..b/config.json",
        "/-x/tiny-bert/resolve/main/config.json",
        "/api/models/a--b/c",
    ],
)
def test_a_malformed_address_is_one_clear_sentence(mirror: MirrorProcess, path: str) -> None:
    reply = ask(mirror.url, path)
    assert reply.status == 400
    assert reply.json["error"]
    assert "x-request-id" in reply.headers


def test_a_double_encoded_path_is_only_a_name_that_does_not_exist(mirror: MirrorProcess) -> None:
    reply = ask(mirror.url, "/acme-research/tiny-bert/resolve/main/%252e%252e%252fsecret")
    assert reply.headers["x-error-code"] == "EntryNotFound"


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"paths": 5}', b'{"paths": [1]}'])
def test_a_body_that_cannot_be_read_is_one_clear_sentence(mirror: MirrorProcess, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    reply = ask(mirror.url, "/api/models/acme-research/tiny-bert/paths-info/main", "POST", headers, body)
    assert reply.status == 400
    assert "paths" in reply.json["error"]


def test_no_address_of_a_header_is_a_way_in(mirror: MirrorProcess) -> None:
    answer = raw_ask(
        mirror.url, b"GET http://169.254.169.254/latest HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\n\r\n"
    )
    assert b" 404 " in answer.splitlines()[0] or b" 400 " in answer.splitlines()[0]


def test_health_needs_no_token(mirror: MirrorProcess) -> None:
    assert ask(mirror.url, "/healthz").json == {"status": "alive"}
    assert ask(mirror.url, "/readyz").json["status"] == "ready"


def test_a_token_of_the_mirror_is_somebody_and_a_wrong_one_is_nobody(mirror: MirrorProcess) -> None:
    mine = ask(mirror.url, "/api/whoami-v2", headers={"Authorization": f"Bearer {mirror.admin_token}"})
    assert mine.json["name"] == "admin"
    wrong = ask(mirror.url, "/api/whoami-v2", headers={"Authorization": "Bearer hf_cur" + "x" * 34})
    assert wrong.status == 401
    assert "not valid here" in wrong.json["error"]
    foreign = ask(mirror.url, RESOLVE, "HEAD", headers={"Authorization": "Bearer hf_" + "x" * 34})
    assert foreign.status == 200, "a token of the real Hub adds nothing and takes nothing"
