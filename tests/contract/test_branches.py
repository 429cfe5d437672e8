"""A branch is the newest commit of it that the rules allow, and the client is told when that is not the upstream's."""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from rules.model import starter_policy
from tests.contract.clients import ROOT, VERSIONS, Client, curator, hf_command
from tests.contract.http import Reply, ask, settled
from tests.contract.publishing import under

REPO = "acme-research/turned"
FILES = ROOT / "fixtures" / "repos" / "models" / REPO
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


@dataclass(frozen=True)
class Branch:
    """A copy of the repository, at its good commit, and the mirror that it is asked of."""

    hub: FixtureHub
    mirror: MirrorProcess
    repo: str

    def move(self, sha: str, branch: str = "main") -> None:
        self.hub.move_branch(self.repo, branch, sha)

    def info(self, revision: str = "main", agent: str = "test") -> Reply:
        path = f"/api/models/{self.repo}/revision/{revision}"
        return settled(self.mirror.url, path, headers={"User-Agent": agent})

    def ask(self, path: str, method: str = "GET", agent: str = "test") -> Reply:
        return ask(self.mirror.url, path.format(repo=self.repo), method, {"User-Agent": agent})

    def logged(self) -> int:
        """Of how many questions about it the log tells: each has its line before the next one is answered."""
        ask(self.mirror.url, "/healthz")
        return self.mirror.log.read_text().count(f"GET /api/models/{self.repo}")

    def audit(self, action: str) -> list[dict[str, str]]:
        with sqlite3.connect(self.mirror.data / "curator.db") as database:
            database.row_factory = sqlite3.Row
            query = "SELECT * FROM audit WHERE action = ? AND repo = ? ORDER BY id"
            return [dict(row) for row in database.execute(query, (action, self.repo))]


def branch_of(hub: FixtureHub, mirror: MirrorProcess) -> Branch:
    branch = Branch(hub, mirror, hub.copy(REPO))
    branch.move(commits_of(hub).good)
    return branch


def rules(branches: str, *more: str) -> str:
    """The rules that a mirror begins with, but for what they say of branches."""
    return starter_policy().source.replace("rules:\n", f"branches: {branches}\nrules:\n" + "".join(more), 1)


@pytest.fixture(scope="module")
def commits(hub: FixtureHub) -> Commits:
    return commits_of(hub)


@pytest.fixture(scope="module")
def turned(hub: FixtureHub, at_once: MirrorProcess, commits: Commits) -> Branch:
    """A mirror has seen `main` at the good commit, and the upstream has moved it to the bad one since."""
    branch = branch_of(hub, at_once)
    assert branch.info().json["sha"] == commits.good
    branch.move(commits.bad)
    return branch


@pytest.fixture
def branch(hub: FixtureHub, at_once: MirrorProcess) -> Branch:
    """Of which nobody is told for longer than one answer."""
    return branch_of(hub, at_once)


@pytest.fixture
def kept(hub: FixtureHub, in_sessions: MirrorProcess) -> Branch:
    """Of which each program is told the same for a while."""
    return branch_of(hub, in_sessions)


@each_version
def test_after_main_turned_bad_clients_go_on_with_the_last_good_commit(
    version: str, turned: Branch, commits: Commits, tmp_path: Path
) -> None:
    client = Client(version, turned.mirror.url, tmp_path)
    folder = client.snapshot(turned.repo)
    assert folder.name == commits.good
    assert (folder / "pytorch_model.bin").read_bytes() == (FILES / "good" / "pytorch_model.bin").read_bytes()
    path = client.file(turned.repo, "pytorch_model.bin", force_download=True)
    assert path.read_bytes() == (FILES / "good" / "pytorch_model.bin").read_bytes()
    assert client.call("info", repo_id=turned.repo).value["sha"] == commits.good


@each_version
def test_the_bad_commit_itself_is_refused(version: str, turned: Branch, commits: Commits, tmp_path: Path) -> None:
    client = Client(version, turned.mirror.url, tmp_path)
    answer = client.call("snapshot", repo_id=turned.repo, revision=commits.bad)
    assert answer.error == "GatedRepoError"
    assert "blocked by the rule unsafe-file: pytorch_model.bin" in answer.message


def test_the_newest_client_prints_that_and_why_it_is_behind(turned: Branch, commits: Commits, tmp_path: Path) -> None:
    url, repo = turned.mirror.url, turned.repo
    printed = Client("2.4", url, tmp_path / "library").call("snapshot", repo_id=repo).printed
    done = hf_command(url, tmp_path / "command", "download", repo)
    assert done.returncode == 0
    for said in (printed, done.stdout + done.stderr):
        assert f"main of {repo} is given at {commits.good[:12]}, 1 commit behind the upstream" in said
        assert f"{commits.bad[:12]} is blocked by the rule unsafe-file: pytorch_model.bin is unsafe" in said


def test_every_answer_tells_of_the_commit_that_is_served(turned: Branch, commits: Commits) -> None:
    url, repo = turned.mirror.url, turned.repo
    body = json.dumps({"paths": ["config.json"]}).encode()
    replies = [
        turned.info(),
        ask(url, f"/api/models/{repo}"),
        ask(url, f"/api/models/{repo.title()}"),
        ask(url, f"/api/models/{repo}/tree/main"),
        ask(url, f"/api/models/{repo}/paths-info/main", "POST", {"Content-Type": "application/json"}, body),
        ask(url, f"/{repo}/resolve/main/config.json", "HEAD"),
        ask(url, f"/{repo}/resolve/main/pytorch_model.bin"),
    ]
    for reply in replies:
        assert reply.status == 200
        assert reply.headers["x-repo-commit"] == commits.good
        assert reply.headers["x-curator-upstream-commit"] == commits.bad
        assert reply.headers["x-curator-behind"] == "1"
        assert reply.headers["x-hf-warning"].startswith(f"curation {repo} behind-{commits.bad[:12]}; main of ")
    assert replies[0].json["sha"] == commits.good
    assert replies[-1].body == (FILES / "good" / "pytorch_model.bin").read_bytes()


def test_an_exact_commit_is_never_replaced_and_never_called_behind(turned: Branch, commits: Commits) -> None:
    good = turned.info(commits.good)
    assert good.json["sha"] == commits.good
    assert not [name for name in good.headers if name.startswith(("x-curator", "x-hf-warning"))]
    assert turned.info(commits.bad).status == 403


def test_the_record_has_one_row_a_caller_with_both_commits_and_the_decision(turned: Branch, commits: Commits) -> None:
    for _ in range(3):
        assert turned.info(agent="the-only-one").status == 200
    (row,) = [row for row in turned.audit("substitute") if row["user_agent"] == "the-only-one"]
    assert row["commit"] == commits.good
    assert commits.good in row["sentence"]
    assert commits.bad in row["sentence"]
    assert (row["revision"], row["outcome"], row["rules"]) == ("main", "block", "unsafe-file")
    assert commits.bad in ask(turned.mirror.url, f"/-/decisions/{row['decision']}").body.decode()


def test_explain_speaks_of_the_commit_that_is_served_and_says_what_it_is_behind(
    turned: Branch, commits: Commits
) -> None:
    url, repo = turned.mirror.url, turned.repo
    done = curator("rules", "explain", repo, "--server", url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[0] == f"{repo}@{commits.good}"
    said = " ".join(done.stdout.split())
    assert "1 commit behind the upstream" in said
    assert "is blocked by the rule unsafe-file" in said
    document = json.loads(curator("rules", "explain", repo, "--server", url, "--format", "json").stdout)
    assert document["behind"]["upstream_commit"] == commits.bad
    assert document["behind"]["commits"] == 1
    exact = curator("rules", "explain", f"{repo}@{commits.bad}", "--server", url)
    assert exact.returncode == 1
    assert exact.stdout.startswith(f"{repo}@{commits.bad}\nBLOCKED by the rule unsafe-file")


def test_a_branch_or_tag_that_never_was_anything_else_is_refused(turned: Branch) -> None:
    for revision in ("turned", "bad"):
        reply = turned.info(revision)
        assert reply.status == 403
        assert "is blocked by the rule unsafe-file" in reply.json["error"]


def test_a_tag_that_moved_is_treated_like_a_branch(branch: Branch, commits: Commits) -> None:
    assert branch.info("v1").json["sha"] == commits.good
    branch.hub.move_tag(branch.repo, "v1", commits.bad)
    moved = branch.info("v1")
    assert moved.json["sha"] == commits.good
    assert moved.headers["x-curator-upstream-commit"] == commits.bad


def test_how_far_behind_is_told_without_the_upstreams_list_too(branch: Branch, commits: Commits) -> None:
    with branch.hub.failing({"path": f"*/{branch.repo}/commits/*", "status": 500}):
        branch.move(commits.good, "dev")
        assert branch.info("dev").status == 200
        branch.move(commits.bad, "dev")
        reply = branch.info("dev")
    assert (reply.json["sha"], reply.headers["x-curator-behind"]) == (commits.good, "1")


def test_a_bad_main_is_not_replaced_where_the_rules_are_strict(branch: Branch, commits: Commits) -> None:
    with under(branch.mirror, rules("strict")):
        assert branch.info().json["sha"] == commits.good
        branch.move(commits.bad)
        refused = branch.info()
    assert refused.status == 403
    assert "blocked by the rule unsafe-file" in refused.json["error"]


def test_a_pinned_branch_stays_until_it_is_moved(branch: Branch, commits: Commits) -> None:
    repo, mirror = branch.repo, branch.mirror
    here = ("--data", str(mirror.data))
    with under(mirror, rules("pin")):
        assert branch.info().json["sha"] == commits.good
        for moved, behind in ((commits.bad, "1"), (commits.mended, "2")):
            branch.move(moved)
            reply = branch.info()
            assert reply.json["sha"] == commits.good
            assert reply.headers["x-curator-behind"] == behind
            assert "pinned" in reply.headers["x-hf-warning"]
        with branch.hub.failing({"path": f"*/{repo}*", "status": 503}):
            assert branch.info().json["sha"] == commits.good, "a pin holds while the upstream is down"
        pins = json.loads(curator("pin", "--list", *here, "--format", "json").stdout)
        (pin,) = [one for one in pins if one["repository"] == repo]
        assert (pin["commit"], pin["by"]) == (commits.good, "curator")

        done = curator("pin", repo, commits.mended, *here, CURATOR_UPSTREAM=mirror.upstream)
        assert done.returncode == 0, done.stderr
        reply = branch.info()
        assert reply.json["sha"] == commits.mended
        assert "x-curator-behind" not in reply.headers
        assert commits.good in branch.audit("pin")[-1]["sentence"]

        curator("pin", f"{repo}@main", commits.bad, *here, CURATOR_UPSTREAM=mirror.upstream)
        refused = branch.info()
        assert refused.status == 403, "a pin is no exception from the rules"
        assert "blocked by the rule unsafe-file" in refused.json["error"]

        assert curator("unpin", repo, *here).returncode == 0
        assert branch.info().json["sha"] == commits.mended
        assert curator("unpin", f"{repo}@nothing", *here).returncode == 2


def test_an_older_commit_that_new_rules_forbid_is_not_served(branch: Branch, commits: Commits) -> None:
    assert branch.info().json["sha"] == commits.good
    branch.move(commits.bad)
    assert branch.info().json["sha"] == commits.good
    rule = (
        "  - id: no-torch\n    description: d\n    when: {file_format: [torch-zip]}\n"
        "    outcome: block\n    message: '{file} is a checkpoint'\n"
    )
    with under(branch.mirror, rules("newest-approved", rule)):
        refused = branch.info()
        assert refused.status == 403
        assert commits.good not in str(refused.headers)
    with under(branch.mirror, rules("newest-approved")):
        again = branch.info()
        assert again.status == 200, "under rules that allow it, an older commit is judged anew and served"
        assert again.json["sha"] == commits.good


def test_a_main_that_moves_while_a_client_reads_it_is_one_commit_to_this_client(kept: Branch, commits: Commits) -> None:
    assert kept.info(agent="early").json["sha"] == commits.good
    kept.move(commits.mended)
    assert kept.info(agent="late").json["sha"] == commits.mended
    tree = kept.ask("/api/models/{repo}/tree/main", agent="early")
    head = kept.ask("/{repo}/resolve/main/README.md", "HEAD", agent="early")
    assert tree.headers["x-repo-commit"] == head.headers["x-repo-commit"] == commits.good


def test_all_requests_of_one_program_tell_of_one_commit_whatever_library_makes_them(
    kept: Branch, commits: Commits, tmp_path: Path
) -> None:
    hub_client = "hf_hub/2.4.0; python/3.11.7"
    loading = f"transformers/5.0; {hub_client}; file_type/config; from_auto_class/True"
    config = kept.ask("/{repo}/resolve/main/config.json", "HEAD", loading)
    kept.move(commits.mended)
    tree = kept.ask("/api/models/{repo}/tree/main?recursive=true", agent=f"unknown/None; {hub_client}")
    client = Client("2.4", kept.mirror.url, tmp_path / "home")
    first = client.file(kept.repo, "config.json").parent.name
    kept.move(commits.good)
    second = client.file(kept.repo, "README.md").parent.name
    assert config.headers["x-repo-commit"] == tree.headers["x-repo-commit"] == commits.good
    assert first == second


def test_a_caller_who_is_told_of_an_older_commit_for_a_while_keeps_nobody_else_there(
    hub: FixtureHub, commits: Commits, tmp_path: Path
) -> None:
    tree = "/api/models/{repo}/tree/main"
    with MirrorProcess(tmp_path / "data", hub.url, {"CURATOR_REVISION_TTL_S": "1"}) as mirror:
        branch = branch_of(hub, mirror)
        assert branch.info(commits.mended).status == 200
        assert branch.info(agent="early").json["sha"] == commits.good
        branch.move(commits.mended)
        time.sleep(1.1)
        assert branch.info(agent="late").json["sha"] == commits.mended
        for _ in range(2):
            assert branch.ask(tree, agent="early").headers["x-repo-commit"] == commits.good
        assert branch.ask(tree, agent="newcomer").headers["x-repo-commit"] == commits.mended


def test_who_is_behind_for_a_while_is_answered_from_memory_too(kept: Branch, commits: Commits) -> None:
    assert kept.info(agent="early").json["sha"] == commits.good
    kept.move(commits.bad)
    kept.info()
    first = kept.info()
    worked_for = kept.logged()
    for _ in range(3):
        again = kept.info()
        assert (again.json, again.headers["x-hf-warning"]) == (first.json, first.headers["x-hf-warning"])
        assert again.headers["x-curator-upstream-commit"] == commits.bad
    assert kept.logged() == worked_for, "the log has no line for them"
    assert "x-curator-behind" not in kept.info(agent="early").headers, "he was told of it as the newest one"
    kept.info(agent="newcomer")
    told = [row["user_agent"] for row in kept.audit("substitute")]
    assert told == ["test", "newcomer"], "each one begins with a row of the record"


def test_a_session_ends_when_its_commit_is_no_longer_allowed(kept: Branch, commits: Commits) -> None:
    assert kept.info().json["sha"] == commits.good
    assert kept.info(commits.bad).status == 403
    # What would otherwise take new knowledge: the decision about the bad commit, made about the good one.
    with sqlite3.connect(kept.mirror.data / "curator.db") as database:
        database.execute(
            "INSERT INTO decisions (id, snapshot_id, rule_set, scanner, audience, outcome, decision, facts_id, at) "
            "SELECT 'f' || substr(d.id, 2), good.id, rule_set, scanner, audience, outcome, decision, facts_id, at "
            "FROM decisions d JOIN snapshots bad ON d.snapshot_id = bad.id AND bad.sha = ? AND bad.repo = ?, "
            "snapshots good WHERE good.sha = ? AND good.repo = ?",
            (commits.bad, kept.repo, commits.good, kept.repo),
        )
        database.execute("UPDATE generation SET value = value + 1")
    # So long it takes at most until a change is known that did not come by way of the mirror's own processes.
    time.sleep(1)
    assert kept.info().status == 403
    kept.move(commits.bad)
    assert kept.info().status == 403


def test_who_is_behind_gets_the_new_commit_with_his_next_session(branch: Branch, commits: Commits) -> None:
    assert branch.info().json["sha"] == commits.good
    branch.move(commits.bad)
    assert branch.info().json["sha"] == commits.good
    branch.move(commits.mended)
    newest = branch.info()
    assert newest.json["sha"] == commits.mended
    assert "x-curator-behind" not in newest.headers


def test_while_a_new_commit_is_being_scanned_the_older_one_is_given(branch: Branch, commits: Commits) -> None:
    assert branch.info().json["sha"] == commits.good
    with branch.hub.failing({"path": f"*/{branch.repo}/tree/{commits.mended}*", "delay_s": 3}):
        branch.move(commits.mended)
        meanwhile = branch.info()
        assert meanwhile.json["sha"] == commits.good
        assert "is still being scanned" in meanwhile.headers["x-hf-warning"]
        exact = branch.info(commits.mended)
        assert exact.json["sha"] == commits.mended, "it was being judged in the meantime"
        assert branch.info().json["sha"] == commits.mended
