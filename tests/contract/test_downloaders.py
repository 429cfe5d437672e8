"""curl, wget, aria2 and git: programs that know nothing of the Hub. Where one is missing, its test says so."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fixtures.mirror import MirrorProcess
from tests.contract.clients import ROOT, VERSIONS, Client, bare_environment
from tests.contract.conftest import Front
from tests.contract.http import ask
from tests.contract.outcomes import record_client, shown
from tests.contract.repositories import MINILM, TINY

BLOCKED = "blocked by the rule unsafe-file"
FILE = "acme-research/tiny-bert/resolve/main/model.safetensors"
REFUSED = "mallory/shell-in-a-pickle/resolve/main/config.json"
LARGE = f"{MINILM}/resolve/main/model.safetensors"
LEFT_OUT = "acme-research/both-formats/resolve/main/pytorch_model.bin"
ODD = ("nested/deep%20er/%C3%BCn%C3%AF%2B%23%25.json", "empty.txt")
CUT_AFTER = 30 << 20

ARGUMENTS = {
    "curl": ["--silent", "--show-error", "--fail-with-body", "--location", "--output", "it"],
    "wget": ["--no-verbose", "--content-on-error", "--server-response", "--waitretry=1", "--output-document", "it"],
    "aria2c": ["--out=it", "--allow-overwrite=true", "--console-log-level=warn", "--summary-interval=0"],
}
CALLED = {"curl": "curl", "wget": "wget", "aria2c": "aria2"}
each_program = pytest.mark.parametrize("program", [*ARGUMENTS])


def present(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not on this machine: its row in docs/clients.md was not run here")
    return path


def version(program: str) -> str:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\d+\.[\d.]*\d", said)
    assert found is not None
    return found[0]


def fetch(program: str, url: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Fetch to the file `it`, with nothing that this machine's user has set for the program."""
    return subprocess.run(
        [present(program), *ARGUMENTS[program], *more, url],
        cwd=folder,
        env=bare_environment() | {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def told(program: str, what: str, outcome: str) -> None:
    record_client(CALLED[program], version(program), what, outcome)


@each_program
def test_a_file_arrives_byte_for_byte(program: str, mirror: MirrorProcess, tmp_path: Path) -> None:
    done = fetch(program, f"{mirror.url}/{FILE}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "it").read_bytes() == (TINY / "first" / "model.safetensors").read_bytes()
    told(program, "clean", "byte for byte")


@each_program
def test_a_refusal_ends_the_program_with_an_error(program: str, mirror: MirrorProcess, tmp_path: Path) -> None:
    done = fetch(program, f"{mirror.url}/{REFUSED}", tmp_path)
    assert done.returncode != 0
    kept = (tmp_path / "it").read_text() if (tmp_path / "it").exists() else ""
    printed = done.stdout + done.stderr
    outcome = shown(BLOCKED, None, printed)
    if outcome == "not shown" and BLOCKED in kept:
        outcome = "in the file that it writes (`--fail-with-body`)"
    elif outcome != "not shown":
        outcome = "printed with the headers (`--server-response`)"
    told(program, "refusal", outcome)


@each_program
def test_a_file_left_out_is_not_found(program: str, mirror: MirrorProcess, tmp_path: Path) -> None:
    done = fetch(program, f"{mirror.url}/{LEFT_OUT}", tmp_path)
    assert done.returncode != 0
    told(program, "left out", "left out: 404")


@each_program
def test_odd_names_and_empty_files_arrive(program: str, mirror: MirrorProcess, tmp_path: Path) -> None:
    for path in ODD:
        done = fetch(program, f"{mirror.url}/acme-research/odd-names/resolve/main/{path}", tmp_path)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "it").read_bytes() == b""
    told(program, "odd", "byte for byte")


@each_program
def test_a_tag_is_what_it_was(program: str, mirror: MirrorProcess, tmp_path: Path) -> None:
    fetch(program, f"{mirror.url}/acme-research/tiny-bert/resolve/v1.0/README.md", tmp_path)
    assert (tmp_path / "it").read_bytes() == (TINY / "first" / "README.md").read_bytes()
    told(program, "revision", "as they were")


@each_program
def test_a_token_is_sent_as_a_header(program: str, strict: MirrorProcess, tmp_path: Path) -> None:
    url = f"{strict.url}/acme-research/tiny-bert/resolve/main/config.json"
    assert fetch(program, url, tmp_path).returncode != 0
    header = f"Authorization: Bearer {strict.admin_token}"
    more = ["--header", header] if program != "aria2c" else [f"--header={header}"]
    assert fetch(program, url, tmp_path, *more).returncode == 0
    told(program, "token", "`--header`")


@each_program
def test_a_download_that_breaks_is_taken_up_again(program: str, front: Front, tmp_path: Path) -> None:
    head = ask(front.mirror_url, f"/{LARGE}", "HEAD")
    front.door.cut_once("model.safetensors", CUT_AFTER)
    more = {"curl": ["--continue-at", "-"], "wget": [], "aria2c": ["--split=4", "--min-split-size=8M", "--continue"]}
    first = fetch(program, f"{front.url}/{LARGE}", tmp_path, *more[program])
    second = fetch(program, f"{front.url}/{LARGE}", tmp_path, *more[program]) if first.returncode else first
    assert second.returncode == 0, second.stderr
    assert (tmp_path / "it").stat().st_size == int(head.headers["content-length"])
    with (tmp_path / "it").open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == head.headers["x-linked-etag"].strip('"')
    assert [one for one in front.door.requests if "range" in one.headers], "it asks for what is missing"
    outcome = "goes on in the same run" if first.returncode == 0 else "fails; the next run goes on (`-C -`)"
    if program == "aria2c":
        outcome += ", in 4 segments"
    told(program, "resume", outcome)
    told(program, "prefix", "works")


def test_a_body_that_drips_while_a_file_is_looked_at_again_is_waited_for(front: Front, tmp_path: Path) -> None:
    """The one slow test of clients: a byte each 5 s, and none of them gives up. They all wait at the same time."""
    whole = (TINY / "first" / "model.safetensors").read_bytes()

    def by_hub(version: str) -> bytes:
        client = Client(version, front.url, tmp_path / version)
        return client.file("acme-research/tiny-bert", "model.safetensors").read_bytes()

    def by_program(program: str) -> bytes:
        (tmp_path / program).mkdir()
        assert fetch(program, f"{front.url}/{FILE}", tmp_path / program).returncode == 0
        return (tmp_path / program / "it").read_bytes()

    programs = [program for program in ARGUMENTS if shutil.which(program)]
    with front.door.dripping("/model.safetensors"), ThreadPoolExecutor() as pool:
        pulls = [pool.submit(by_hub, version) for version in VERSIONS]
        pulls += [pool.submit(by_program, program) for program in programs]
        assert all(pull.result() == whole for pull in pulls)


def test_git_is_refused_in_words_that_it_prints(front: Front, tmp_path: Path) -> None:
    for url in (front.url, front.mirror_url):
        done = subprocess.run(
            [present("git"), "clone", f"{url}/acme-research/tiny-bert", "it"],
            cwd=tmp_path,
            env=bare_environment() | {"GIT_TERMINAL_PROMPT": "0"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode != 0
        assert "remote: This mirror does not serve git" in done.stderr
    record_client("git", version("git"), "clean", "refused: use `hf download`")
    record_client("git", version("git"), "refusal", "printed as `remote: ...`")


def test_no_lock_names_the_host_of_a_registry() -> None:
    """Locks are mirrored with the clone: they name what is installed by its hash, and no place to get it from."""
    for lock in (*ROOT.glob("requirements/**/*.txt"), *ROOT.glob("requirements/**/package-lock.json")):
        text = lock.read_text()
        assert "://" not in re.sub(r'"(?:url|homepage|funding)": "https?://[^"]*"', "", text), lock
