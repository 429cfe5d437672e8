"""A branch is the newest commit of it that the rules allow, and the client is told when that is not the upstream's."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from rules.model import starter_policy
from tests.contract.clients import ROOT, VERSIONS, Client, curator, hf_command
from tests.contract.http import Reply, ask, settled

REPO = "acme-research/turned"
FILES = ROOT / "fixtures" / "repos" / "models" / REPO
# Every answer asks the upstream anew, and no caller is told of a commit for longer than one answer.
AT_ONCE = {"CURATOR_REVISION_TTL_S": "0.001", "CURATOR_BRANCH_SESSION_S": "0"}
each_version = pytest.mark.parametrize("version", VERSIONS)


@dataclass(frozen=True)
class Commits:
    """Of the fixture repository: allowed, blocked, allowed again."""

    good: str
    bad: str
    mended: str


def commits_of(hub: FixtureHub) -> Commits:
    with urlopen(f"{hub.url}/api/models/{REPO}/refs") as answer:
        tags = {tag["name"]: tag["targetCommit"] for tag in json.load(answer)["tags"]}
    return Commits(tags["v1"], tags["bad"], tags["mended"])


def info(mirror: MirrorProcess, revision: str = "main", agent: str = "test") -> Reply:
    return settled(mirror.url, f"/api/models/{REPO}/revision/{revision}", headers={"User-Agent": agent})


def logged(mirror: MirrorProcess, text: str) -> int:
    """How many requests the log tells of: each has its line before the next one is answered."""
    ask(mirror.url, "/healthz")
    return mirror.log.read_text().count(text)


def audit(mirror: MirrorProcess, action: str) -> list[dict[str, str]]:
    with sqlite3.connect(mirror.data / "curator.db") as database:
        database.row_factory = sqlite3.Row
        rows = database.execute("SELECT * FROM audit WHERE action = ? ORDER BY id", (action,))
        return [dict(row) for row in rows]


def rules_file(folder: Path, branches: str, *more: str) -> Path:
    path = folder / f"{branches}-{len(more)}.yaml"
    text = starter_policy().source.replace("rules:\n", f"branches: {branches}\nrules:\n" + "".join(more), 1)
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def turned_hub() -> Iterator[FixtureHub]:
    with FixtureHub() as hub:
        yield hub


@pytest.fixture(scope="module")
def commits(turned_hub: FixtureHub) -> Commits:
    return commits_of(turned_hub)


@pytest.fixture(scope="module")
def turned(
    turned_hub: FixtureHub, commits: Commits, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MirrorProcess]:
    """A mirror that has seen `main` at the good commit, and whose upstream has moved it to the bad one since."""
    turned_hub.move_branch(REPO, "main", commits.good)
    with MirrorProcess(tmp_path_factory.mktemp("turned") / "data", turned_hub.url, AT_ONCE) as mirror:
        assert info(mirror).json["sha"] == commits.good
        turned_hub.move_branch(REPO, "main", commits.bad)
        yield mirror


@each_version
def test_after_main_turned_bad_clients_go_on_with_the_last_good_commit(
    version: str, turned: MirrorProcess, commits: Commits, tmp_path: Path
) -> None:
    client = Client(version, turned.url, tmp_path)
    folder = client.snapshot(REPO)
    assert folder.name == commits.good
    assert (folder / "pytorch_model.bin").read_bytes() == (FILES / "good" / "pytorch_model.bin").read_bytes()
    path = client.file(REPO, "pytorch_model.bin", force_download=True)
    assert path.read_bytes() == (FILES / "good" / "pytorch_model.bin").read_bytes()
    assert client.call("info", repo_id=REPO).value["sha"] == commits.good


@each_version
def test_the_bad_commit_itself_is_refused(
    version: str, turned: MirrorProcess, commits: Commits, tmp_path: Path
) -> None:
    answer = Client(version, turned.url, tmp_path).call("snapshot", repo_id=REPO, revision=commits.bad)
    assert answer.error == "GatedRepoError"
    assert "blocked by the rule unsafe-file: pytorch_model.bin" in answer.message


def test_the_newest_client_prints_that_and_why_it_is_behind(
    turned: MirrorProcess, commits: Commits, tmp_path: Path
) -> None:
    printed = Client("2.4", turned.url, tmp_path / "library").call("snapshot", repo_id=REPO).printed
    done = hf_command(turned.url, tmp_path / "command", "download", REPO)
    assert done.returncode == 0
    for said in (printed, done.stdout + done.stderr):
        assert f"main of {REPO} is given at {commits.good[:12]}, 1 commit behind the upstream" in said
        assert f"{commits.bad[:12]} is blocked by the rule unsafe-file: pytorch_model.bin is unsafe" in said


def test_every_answer_tells_of_the_commit_that_is_served(turned: MirrorProcess, commits: Commits) -> None:
    body = json.dumps({"paths": ["config.json"]}).encode()
    replies = [
        info(turned),
        ask(turned.url, f"/api/models/{REPO}"),
        ask(turned.url, "/api/models/Acme-Research/Turned"),
        ask(turned.url, f"/api/models/{REPO}/tree/main"),
        ask(turned.url, f"/api/models/{REPO}/paths-info/main", "POST", {"Content-Type": "application/json"}, body),
        ask(turned.url, f"/{REPO}/resolve/main/config.json", "HEAD"),
        ask(turned.url, f"/{REPO}/resolve/main/pytorch_model.bin"),
    ]
    for reply in replies:
        assert reply.status == 200
        assert reply.headers["x-repo-commit"] == commits.good
        assert reply.headers["x-curator-upstream-commit"] == commits.bad
        assert reply.headers["x-curator-behind"] == "1"
        assert reply.headers["x-hf-warning"].startswith(f"curation {REPO} behind-{commits.bad[:12]}; main of ")
    assert replies[0].json["sha"] == commits.good
    assert replies[-1].body == (FILES / "good" / "pytorch_model.bin").read_bytes()


def test_an_exact_commit_is_never_replaced_and_never_called_behind(turned: MirrorProcess, commits: Commits) -> None:
    good = info(turned, commits.good)
    assert good.json["sha"] == commits.good
    assert not [name for name in good.headers if name.startswith(("x-curator", "x-hf-warning"))]
    assert info(turned, commits.bad).status == 403


def test_the_record_has_one_row_a_caller_with_both_commits_and_the_decision(
    turned: MirrorProcess, commits: Commits
) -> None:
    for _ in range(3):
        assert info(turned, agent="the-only-one").status == 200
    (row,) = [row for row in audit(turned, "substitute") if row["user_agent"] == "the-only-one"]
    assert row["commit"] == commits.good
    assert commits.good in row["sentence"]
    assert commits.bad in row["sentence"]
    assert (row["repo"], row["revision"], row["outcome"], row["rules"]) == (REPO, "main", "block", "unsafe-file")
    assert commits.bad in ask(turned.url, f"/-/decisions/{row['decision']}").body.decode()


def test_explain_speaks_of_the_commit_that_is_served_and_says_what_it_is_behind(
    turned: MirrorProcess, commits: Commits
) -> None:
    done = curator("rules", "explain", REPO, "--server", turned.url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[0] == f"{REPO}@{commits.good}"
    said = " ".join(done.stdout.split())
    assert "1 commit behind the upstream" in said
    assert "is blocked by the rule unsafe-file" in said
    document = json.loads(curator("rules", "explain", REPO, "--server", turned.url, "--format", "json").stdout)
    assert document["behind"]["upstream_commit"] == commits.bad
    assert document["behind"]["commits"] == 1
    exact = curator("rules", "explain", f"{REPO}@{commits.bad}", "--server", turned.url)
    assert exact.returncode == 1
    assert exact.stdout.startswith(f"{REPO}@{commits.bad}\nBLOCKED by the rule unsafe-file")


def test_a_branch_or_tag_that_never_was_anything_else_is_refused(turned: MirrorProcess) -> None:
    for revision in ("turned", "bad"):
        reply = info(turned, revision)
        assert reply.status == 403
        assert "is blocked by the rule unsafe-file" in reply.json["error"]


def test_a_tag_that_moved_is_treated_like_a_branch(
    turned: MirrorProcess, turned_hub: FixtureHub, commits: Commits
) -> None:
    assert info(turned, "v1").json["sha"] == commits.good
    turned_hub.move_tag(REPO, "v1", commits.bad)
    moved = info(turned, "v1")
    turned_hub.move_tag(REPO, "v1", commits.good)
    assert moved.json["sha"] == commits.good
    assert moved.headers["x-curator-upstream-commit"] == commits.bad


def test_how_far_behind_is_told_without_the_upstreams_list_too(
    turned: MirrorProcess, turned_hub: FixtureHub, commits: Commits
) -> None:
    with turned_hub.failing({"path": "*/commits/*", "status": 500}):
        turned_hub.move_branch(REPO, "dev", commits.good)
        assert info(turned, "dev").status == 200
        turned_hub.move_branch(REPO, "dev", commits.bad)
        reply = info(turned, "dev")
    assert (reply.json["sha"], reply.headers["x-curator-behind"]) == (commits.good, "1")


def test_a_bad_main_is_not_replaced_where_the_rules_are_strict(own_hub: FixtureHub, tmp_path: Path) -> None:
    commits = commits_of(own_hub)
    rules = rules_file(tmp_path, "strict")
    own_hub.move_branch(REPO, "main", commits.good)
    with MirrorProcess(tmp_path / "data", own_hub.url, AT_ONCE | {"CURATOR_RULES": str(rules)}) as mirror:
        assert info(mirror).json["sha"] == commits.good
        own_hub.move_branch(REPO, "main", commits.bad)
        refused = info(mirror)
        assert refused.status == 403
        assert "blocked by the rule unsafe-file" in refused.json["error"]


def test_a_pinned_branch_stays_until_it_is_moved(own_hub: FixtureHub, tmp_path: Path) -> None:
    commits = commits_of(own_hub)
    variables = AT_ONCE | {"CURATOR_RULES": str(rules_file(tmp_path, "pin"))}
    own_hub.move_branch(REPO, "main", commits.good)
    data = str(tmp_path / "data")
    with MirrorProcess(tmp_path / "data", own_hub.url, variables) as mirror:
        assert info(mirror).json["sha"] == commits.good
        for moved, behind in ((commits.bad, "1"), (commits.mended, "2")):
            own_hub.move_branch(REPO, "main", moved)
            reply = info(mirror)
            assert reply.json["sha"] == commits.good
            assert reply.headers["x-curator-behind"] == behind
            assert "pinned" in reply.headers["x-hf-warning"]
        own_hub.stop()
        assert info(mirror).json["sha"] == commits.good, "a pin holds while the upstream is down"
        own_hub.start()
        (pin,) = json.loads(curator("pin", "--list", "--data", data, "--format", "json").stdout)
        assert (pin["commit"], pin["by"]) == (commits.good, "curator")

        done = curator("pin", REPO, commits.mended, "--data", data, **variables)
        assert done.returncode == 0, done.stderr
        reply = info(mirror)
        assert reply.json["sha"] == commits.mended
        assert "x-curator-behind" not in reply.headers
        assert commits.good in audit(mirror, "pin")[-1]["sentence"]

        curator("pin", f"{REPO}@main", commits.bad, "--data", data, **variables)
        refused = info(mirror)
        assert refused.status == 403, "a pin is no exception from the rules"
        assert "blocked by the rule unsafe-file" in refused.json["error"]

        assert curator("unpin", REPO, "--data", data).returncode == 0
        assert info(mirror).json["sha"] == commits.mended
        assert curator("unpin", f"{REPO}@nothing", "--data", data).returncode == 2


def test_an_older_commit_that_new_rules_forbid_is_not_served(own_hub: FixtureHub, tmp_path: Path) -> None:
    commits = commits_of(own_hub)
    own_hub.move_branch(REPO, "main", commits.good)
    with MirrorProcess(tmp_path / "data", own_hub.url, AT_ONCE) as mirror:
        assert info(mirror).json["sha"] == commits.good
        own_hub.move_branch(REPO, "main", commits.bad)
        assert info(mirror).json["sha"] == commits.good
        mirror.stop()
        rule = (
            "  - id: no-torch\n    description: d\n    when: {file_format: [torch-zip]}\n"
            "    outcome: block\n    message: '{file} is a checkpoint'\n"
        )
        forbidding = rules_file(tmp_path, "newest-approved", rule)
    variables = AT_ONCE | {"CURATOR_RULES": str(forbidding)}
    with MirrorProcess(tmp_path / "data", own_hub.url, variables) as mirror:
        refused = info(mirror)
        assert refused.status == 403
        assert commits.good not in str(refused.headers)
    variables = AT_ONCE | {"CURATOR_RULES": str(rules_file(tmp_path, "newest-approved"))}
    with MirrorProcess(tmp_path / "data", own_hub.url, variables) as mirror:
        again = info(mirror)
        assert again.status == 200, "under rules that allow it, an older commit is judged anew and served"
        assert again.json["sha"] == commits.good


def test_a_main_that_moves_while_a_client_reads_it_is_one_commit_to_this_client(
    own_hub: FixtureHub, tmp_path: Path
) -> None:
    commits = commits_of(own_hub)
    own_hub.move_branch(REPO, "main", commits.good)
    with MirrorProcess(tmp_path / "data", own_hub.url, {"CURATOR_REVISION_TTL_S": "0.001"}) as mirror:
        assert info(mirror, agent="early").json["sha"] == commits.good
        own_hub.move_branch(REPO, "main", commits.mended)
        assert info(mirror, agent="late").json["sha"] == commits.mended
        tree = ask(mirror.url, f"/api/models/{REPO}/tree/main", headers={"User-Agent": "early"})
        head = ask(mirror.url, f"/{REPO}/resolve/main/README.md", "HEAD", headers={"User-Agent": "early"})
        assert tree.headers["x-repo-commit"] == head.headers["x-repo-commit"] == commits.good


def test_all_requests_of_one_program_tell_of_one_commit_whatever_library_makes_them(
    own_hub: FixtureHub, tmp_path: Path
) -> None:
    commits = commits_of(own_hub)
    own_hub.move_branch(REPO, "main", commits.good)
    hub_client = "hf_hub/2.4.0; python/3.11.7"
    loading = {"User-Agent": f"transformers/5.0; {hub_client}; file_type/config; from_auto_class/True"}
    listing = {"User-Agent": f"unknown/None; {hub_client}"}
    with MirrorProcess(tmp_path / "data", own_hub.url, {"CURATOR_REVISION_TTL_S": "0.001"}) as mirror:
        config = ask(mirror.url, f"/{REPO}/resolve/main/config.json", "HEAD", headers=loading)
        own_hub.move_branch(REPO, "main", commits.mended)
        tree = ask(mirror.url, f"/api/models/{REPO}/tree/main?recursive=true", headers=listing)
        client = Client("2.4", mirror.url, tmp_path / "home")
        first = client.file(REPO, "config.json").parent.name
        own_hub.move_branch(REPO, "main", commits.good)
        second = client.file(REPO, "README.md").parent.name
    assert config.headers["x-repo-commit"] == tree.headers["x-repo-commit"] == commits.good
    assert first == second


def test_a_caller_who_is_told_of_an_older_commit_for_a_while_keeps_nobody_else_there(
    own_hub: FixtureHub, tmp_path: Path
) -> None:
    commits = commits_of(own_hub)
    tree = f"/api/models/{REPO}/tree/main"
    own_hub.move_branch(REPO, "main", commits.good)
    with MirrorProcess(tmp_path / "data", own_hub.url, {"CURATOR_REVISION_TTL_S": "3"}) as mirror:
        assert info(mirror, commits.mended).status == 200
        assert info(mirror, agent="early").json["sha"] == commits.good
        own_hub.move_branch(REPO, "main", commits.mended)
        time.sleep(3.1)
        assert info(mirror, agent="late").json["sha"] == commits.mended
        for _ in range(2):
            early = ask(mirror.url, tree, headers={"User-Agent": "early"})
            assert early.headers["x-repo-commit"] == commits.good
        newcomer = ask(mirror.url, tree, headers={"User-Agent": "newcomer"})
        assert newcomer.headers["x-repo-commit"] == commits.mended


def test_who_is_behind_for_a_while_is_answered_from_memory_too(own_hub: FixtureHub, tmp_path: Path) -> None:
    commits = commits_of(own_hub)
    own_hub.move_branch(REPO, "main", commits.good)
    with MirrorProcess(tmp_path / "data", own_hub.url, {"CURATOR_REVISION_TTL_S": "0.001"}) as mirror:
        assert info(mirror, agent="early").json["sha"] == commits.good
        own_hub.move_branch(REPO, "main", commits.bad)
        info(mirror)
        first = info(mirror)
        worked_for = logged(mirror, "GET /api/models/")
        for _ in range(3):
            again = info(mirror)
            assert (again.json, again.headers["x-hf-warning"]) == (first.json, first.headers["x-hf-warning"])
            assert again.headers["x-curator-upstream-commit"] == commits.bad
        assert logged(mirror, "GET /api/models/") == worked_for, "the log has no line for them"
        assert "x-curator-behind" not in info(mirror, agent="early").headers, "he was told of it as the newest one"
        info(mirror, agent="newcomer")
    told = [row["user_agent"] for row in audit(mirror, "substitute")]
    assert told == ["test", "newcomer"], "each one begins with a row of the record"


def test_a_session_ends_when_its_commit_is_no_longer_allowed(own_hub: FixtureHub, tmp_path: Path) -> None:
    commits = commits_of(own_hub)
    own_hub.move_branch(REPO, "main", commits.good)
    with MirrorProcess(tmp_path / "data", own_hub.url, {"CURATOR_REVISION_TTL_S": "0.001"}) as mirror:
        assert info(mirror).json["sha"] == commits.good
        assert info(mirror, commits.bad).status == 403
        # What would otherwise take new knowledge: the decision about the bad commit, made about the good one.
        with sqlite3.connect(mirror.data / "curator.db") as database:
            database.execute(
                "INSERT INTO decisions (id, snapshot_id, rule_set, scanner, audience, outcome, decision, facts_id, at) "
                "SELECT 'f' || substr(d.id, 2), good.id, rule_set, scanner, audience, outcome, decision, facts_id, at "
                "FROM decisions d JOIN snapshots bad ON d.snapshot_id = bad.id AND bad.sha = ?, snapshots good "
                "WHERE good.sha = ?",
                (commits.bad, commits.good),
            )
            database.execute("UPDATE generation SET value = value + 1")
        # So long it takes at most until a change is known that did not come by way of the mirror's own processes.
        time.sleep(1)
        assert info(mirror).status == 403
        own_hub.move_branch(REPO, "main", commits.bad)
        assert info(mirror).status == 403


def test_who_is_behind_gets_the_new_commit_with_his_next_session(own_hub: FixtureHub, tmp_path: Path) -> None:
    commits = commits_of(own_hub)
    own_hub.move_branch(REPO, "main", commits.good)
    with MirrorProcess(tmp_path / "data", own_hub.url, AT_ONCE) as mirror:
        assert info(mirror).json["sha"] == commits.good
        own_hub.move_branch(REPO, "main", commits.bad)
        assert info(mirror).json["sha"] == commits.good
        own_hub.move_branch(REPO, "main", commits.mended)
        newest = info(mirror)
        assert newest.json["sha"] == commits.mended
        assert "x-curator-behind" not in newest.headers


def test_while_a_new_commit_is_being_scanned_the_older_one_is_given(own_hub: FixtureHub, tmp_path: Path) -> None:
    commits = commits_of(own_hub)
    own_hub.move_branch(REPO, "main", commits.good)
    with MirrorProcess(tmp_path / "data", own_hub.url, AT_ONCE) as mirror:
        assert info(mirror).json["sha"] == commits.good
        own_hub.faults({"path": f"*/tree/{commits.mended}*", "delay_s": 6})
        own_hub.move_branch(REPO, "main", commits.mended)
        meanwhile = info(mirror)
        assert meanwhile.json["sha"] == commits.good
        assert "is still being scanned" in meanwhile.headers["x-hf-warning"]
        exact = info(mirror, commits.mended)
        assert exact.json["sha"] == commits.mended, "it was being judged in the meantime"
        assert info(mirror).json["sha"] == commits.mended
