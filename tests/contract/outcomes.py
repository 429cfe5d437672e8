"""What works with which client: recorded by the tests, kept in `outcomes.json`, shown in docs/clients.md.

A test that saw a client do something calls `record_client`; that compares with what is kept. `make record-clients`
keeps what the tests see instead, and writes the page.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

KEPT = Path(__file__).parent / "outcomes.json"
RECORDING = os.environ.get("CURATOR_RECORD_CLIENTS")
"""A file to append to, one JSON object a line, instead of comparing."""

COLUMNS = {
    "clean": "a clean model",
    "prefix": "under a path",
    "refusal": "why a model is refused",
    "left out": "an unsafe file",
    "odd": "empty files, odd names",
    "revision": "tag or commit",
    "resume": "a download that breaks",
    "token": "token",
    "listing": "lists and search",
}
"""What tests look at, and how the page calls it."""
OF_THE_MACHINE = {"curl", "wget", "aria2", "git", "git-lfs"}
"""Programs whose version is the machine's: a row holds for any."""


@dataclass(frozen=True)
class Outcome:
    """What one client, of one version, was seen to do."""

    client: str
    version: str
    what: str
    outcome: str

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.client, "" if self.client in OF_THE_MACHINE else self.version, self.what)


def kept() -> list[Outcome]:
    return [Outcome(**row) for row in json.loads(KEPT.read_text())] if KEPT.exists() else []


def record_client(client: str, version: str, what: str, outcome: str) -> None:
    """Hold what was seen against what docs/clients.md says, or keep it where one records."""
    assert what in COLUMNS, f"{what} is no column of docs/clients.md"
    seen = Outcome(client, version, what, outcome)
    if RECORDING:
        with Path(RECORDING).open("a") as file:
            file.write(json.dumps(asdict(seen)) + "\n")
        return
    told = {one.key: one.outcome for one in kept()}
    assert told.get(seen.key) == outcome, (
        f"docs/clients.md says of {client} {version}, {COLUMNS[what]}: {told.get(seen.key)!r}, and it was {outcome!r}: "
        "see why, then run `make record-clients`"
    )


def shown(sentence: str, error: str | None, printed: str) -> str:
    """Where a user reads why something is refused."""
    if error is not None and sentence in error:
        return "in its error"
    return "printed beside its error" if sentence in printed else "not shown"


def table_rows() -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The head and the rows of the table in docs/clients.md."""
    by_client: dict[tuple[str, str], dict[str, str]] = {}
    for one in kept():
        by_client.setdefault((one.client, one.version), {})[one.what] = one.outcome
    rows = [
        (client, version, *(seen.get(what, "-") for what in COLUMNS)) for (client, version), seen in by_client.items()
    ]
    return ("client", "version", *COLUMNS.values()), sorted(rows, key=lambda row: (row[0].lower(), _order(row[1])))


def keep(recorded: Path) -> None:
    """Replace what is kept of the clients that were run."""
    seen = [Outcome(**json.loads(line)) for line in recorded.read_text().splitlines()]
    ran = {one.client for one in seen}
    rows = {one.key: one for one in (*(one for one in kept() if one.client not in ran), *seen)}
    ordered = sorted(
        rows.values(), key=lambda one: (one.client.lower(), _order(one.version), list(COLUMNS).index(one.what))
    )
    lines = ",\n".join(json.dumps(asdict(one), ensure_ascii=False) for one in ordered)
    KEPT.write_text(f"[\n{lines}\n]\n")


def _order(version: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (0, part) for part in version.split(".")]


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
