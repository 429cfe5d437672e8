"""What `curator incident` and `curator evidence` do: by asking the mirror, except where they prove a file."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from curator.cli.client import Mirror
from curator.cli.waive import all_pages
from curator.errors import BadInput

_API = "/api/curator/v1"
_NO = 1
_KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)


def begin(
    subject: str, kind: str | None, reason: str, server: str | None, *, only_preview: bool, yes: bool, as_json: bool
) -> None:
    mirror = Mirror.find(server)
    query = {"subject": subject} | ({"kind": kind} if kind else {})
    found = mirror.get(f"{_API}/incidents/preview", query)
    if only_preview:
        if as_json:
            print(json.dumps(found))
        else:
            _tell_preview(found)
        return
    if not reason.strip():
        raise BadInput("Say why: --reason '...' (everybody who has it reads it)")
    if not yes:
        _tell_preview(found, file=sys.stderr)
        _sure(f"Serve {found['subject']['said']} to nobody any more, and tell all of them?")
    wanted = {"subject": found["subject"]["written"], "kind": found["subject"]["kind"], "reason": reason}
    made = mirror.post(f"{_API}/incidents", wanted)
    if as_json:
        print(json.dumps(made))
        return
    incident = made["incident"]
    print(f"{incident['subject']['said']} is served to nobody any more: incident {incident['id']}.")
    print(f"Who has it: curator incident show {incident['id']}")


def show(state: str, server: str | None, *, as_json: bool) -> None:
    found = all_pages(Mirror.find(server), f"{_API}/incidents", {"state": state, "limit": "200"}, "incidents")
    if as_json:
        print(json.dumps(found))
        return
    if not found:
        print("There is none.")
    for one in found:
        print(f"{one['id']}  {one['opened_at'][:10]}  {one['state']:<6}  {one['subject']['said']}: {one['reason']}")


def show_one(incident_id: str, server: str | None, *, as_json: bool) -> None:
    found = Mirror.find(server).get(f"{_API}/incidents/{quote(incident_id, safe='')}", {})
    if as_json:
        print(json.dumps(found))
        return
    one, again = found["incident"], found["again"]
    by = f" by {one['opened_by']}" if one["opened_by"] else ""
    print(f"{one['subject']['said']} was withdrawn{by} on {one['opened_at'][:16]}: {one['reason']}")
    if one["state"] == "lifted":
        print(f"It was lifted on {one['lifted_at'][:16]}: {one['lift_reason']}")
    _tell_hit(found["hit"])
    if again["people"]:
        print(f"Since then {again['people']} asked for it again, from {again['hosts']} hosts.")
    for team in found["teams"]:
        note = f" ({team['note']})" if team["note"] else ""
        print(f"  {team['team'] or 'no team':<24} {team['state']}{note}")


def lift(incident_id: str, reason: str, server: str | None, *, as_json: bool) -> None:
    path = f"{_API}/incidents/{quote(incident_id, safe='')}/lift"
    made = Mirror.find(server).post(path, {"reason": reason})
    if as_json:
        print(json.dumps(made))
    else:
        print(f"{made['incident']['subject']['said']} is decided about as before again.")


def clean(incident_id: str, said: str, team: str | None, note: str, server: str | None, *, as_json: bool) -> None:
    wanted = {"said": said, "team": team, "note": note}
    made = Mirror.find(server).post(f"{_API}/incidents/{quote(incident_id, safe='')}/teams", wanted)
    if as_json:
        print(json.dumps(made))
    else:
        print(f"{made['team']['team'] or 'Those without a team'}: {made['team']['state']}.")


def take(about: dict[str, str], output: Path | None, server: str | None) -> None:
    """The pack is proved as soon as it is here: one that was cut off on the way is none."""
    from curator.evidence.verify_pack import verify_pack

    asked = {name: value for name, value in about.items() if value}
    if not asked.keys() - {"kind"}:
        raise BadInput("Say what the evidence is about: --incident ID, --request ID, or ORG/NAME, a commit or a sha256")
    named = "-".join(re.sub(r"[^A-Za-z0-9._-]+", "-", value) for name, value in asked.items() if name != "kind")
    file = output or Path(f"evidence-{named}.tar")
    if file.exists():
        raise BadInput(f"{file} is there already: name another file with --output")
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("wb") as out:
            for chunk in Mirror.find(server).lines(f"{_API}/evidence?{urlencode(asked)}"):
                out.write(chunk)
        proof = verify_pack(part)
        if not proof.right:
            raise BadInput(f"What came is not whole, and is not kept: {proof.problems[0]}")
        part.rename(file)
    except OSError as error:
        raise BadInput(f"{file} cannot be written: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)
    print(f"{file}: {proof.files} files about {proof.about}, signed by the key {proof.key}")


def verify(file: Path, keys: Sequence[str], *, as_json: bool) -> None:
    from curator.evidence.verify_pack import verify_pack

    wanted = frozenset(key.strip().lower() for key in keys)
    wrong = next((key for key in wanted if not _KEY.fullmatch(key)), None)
    if wrong is not None:
        raise BadInput(f"{wrong[:80]!a} is no public key: it has 64 hex digits, as `curator audit state` shows it")
    proof = verify_pack(file, wanted)
    if as_json:
        print(json.dumps(proof.as_json()))
    else:
        print(f"{proof.sentence}.")
        for problem in proof.problems[1:]:
            print(f"  {problem}")
        if proof.right:
            print(f"It is about {proof.about}, and was taken by {proof.by}.")
            if not wanted:
                print(f"It is signed by the key {proof.key}: name yours with --key, or anybody may have.")
    if not proof.right:
        raise SystemExit(_NO)


def _tell_preview(found: dict[str, Any], file: Any = None) -> None:
    said = found["subject"]["said"]
    print(f"{said}{'' if found['known'] else ' has never gone through this mirror'}", file=file)
    _tell_hit(found["hit"], file)
    for one in found["descendants"]:
        state = "allowed" if one["allowed"] else "not allowed"
        print(f"  made from it: {one['repository']} ({state}), {one['people']} have it", file=file)


def _tell_hit(hit: dict[str, Any], file: Any = None) -> None:
    if not hit["people"]:
        print("Nobody was given any of it.", file=file)
    else:
        many = len(hit["teams"])
        print(
            f"{hit['people']} people and builds of {many} {'team' if many == 1 else 'teams'} were given it, last on "
            f"{(hit['last_at'] or '')[:10]}.",
            file=file,
        )
    if hit["descendants"]:
        print(
            f"{hit['descendants']} models were made from it, {hit['allowed_descendants']} of them allowed.", file=file
        )


def _sure(question: str) -> None:
    if not sys.stdin.isatty():
        raise BadInput("Nobody is here to be asked: say --yes if you are sure, or --preview to see who is hit")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise BadInput("Nothing was done")
