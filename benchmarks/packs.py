"""What each pack of rules would do to well-known models, and to what has been done to people: false alarms and misses.

    python -m benchmarks.packs [--verbose] [--json result.json]

`models.yaml` has what is known of some hundred models that people use; licences, names and lineages are judged by the
program's own data. Who is stopped by the starter pack without a reason that stands there is a false alarm. The second
set is small: each is something that has happened, and every pack has to stop it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from rules.decision import Standing
from rules.evaluate import evaluate
from rules.facts import Facts
from rules.packs import PACKS, pack
from rules.samples import facts_of_sample
from scanners.repository.conflicts import conflicts_of
from scanners.repository.license import License, license_of
from scanners.repository.lineage import Absent, Node, walk
from scanners.repository.names import is_known_publisher, lookalike
from scanners.repository.parents import Parent

MODELS = Path(__file__).parent / "models.yaml"
_LOW, _MEDIUM = "low", "medium"
_FILES: dict[str, list[dict[str, Any]]] = {
    "s": [{"path": "model.safetensors"}],
    "b": [{"path": "pytorch_model.bin"}],
    "g": [{"path": "model-Q4_K_M.gguf"}],
    "o": [{"path": "onnx/model.onnx"}],
    "h": [{"path": "tf_model.h5"}],
    "r": [{"path": "rust_model.ot", "format": "torch-zip", "role": "weights"}],
    "f": [{"path": "flax_model.msgpack", "format": "msgpack", "role": "weights"}],
    "c": [{"path": "modeling_own.py", "findings": [{"rule": "python-code", "severity": _LOW}]}],
    "p": [{"path": "train_script.py", "findings": [{"rule": "python-code", "severity": _LOW}]}],
    "k": [{"path": "model.joblib", "findings": [{"rule": "pickle-needs-class", "severity": _MEDIUM}]}],
    "e": [{"path": "model.pt", "findings": [{"rule": "pickle-needs-class", "severity": _MEDIUM}]}],
}
_FRAUDS: dict[str, dict[str, Any]] = {
    "a fake release, first of the trends after a day, with a loader that fetches its payload": {
        "repository": "open-oss/privacy-filter",
        "owner": {"kind": "user", "created_at": "2 days ago", "followers": 0, "repositories": 1},
        "copied": {"card_of": "openai/privacy-filter", "card_similarity": 0.98, "why": "its card is OpenAI's"},
        "created_at": "1 day ago",
        "committed_at": "1 day ago",
        "downloads": 244_000,
        "likes": 667,
        "files": [{"path": "model.safetensors"}, {"path": "loader.py", "findings": ["code-runs-hidden-code"]}],
    },
    "the same, with a loader in which nothing is found": {
        "repository": "open-oss/privacy-filter",
        "created_at": "1 day ago",
        "committed_at": "1 day ago",
        "downloads": 244_000,
        "files": [{"path": "model.safetensors"}, {"path": "loader.py"}],
    },
    "a name that somebody else has registered anew": {
        "owner": {"kind": "user", "created_at": "5 days ago", "changed": True, "why": "the account is another one"},
    },
    "a pickle that runs a program": {
        "files": [{"path": "pytorch_model.bin", "findings": ["pickle-executes-code"]}],
    },
    "a chat template that reaches for Python's internals": {
        "files": [{"path": "model-q4.gguf", "findings": ["template-dunder-access"]}],
    },
    "an archive that nobody can open": {
        "files": [{"path": "weights.7z", "format": "7z", "role": "weights", "unscannable": "It is encrypted."}],
    },
    "a capital I for a small l": {"repository": "meta-Ilama/Llama-3.2-1B-Instruct"},
    "an owner and a brand joined": {"repository": "facebook-llama/Llama-3.2-1B-Instruct"},
    "an official one that is not": {"repository": "deepseek-ai-official/DeepSeek-R1"},
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a pack says of one model."""

    name: str
    outcome: str
    rules: tuple[str, ...]
    """That decide; of what is allowed, those that have something to say."""


def known_models() -> dict[str, dict[str, Any]]:
    """As they are written."""
    models: dict[str, dict[str, Any]] = yaml.safe_load(MODELS.read_text(encoding="utf-8"))
    return models


def facts_of_model(name: str) -> Facts:
    """What the mirror would know of one of them."""
    model = known_models_once()[name]
    license_ = _license(model)
    written: dict[str, Any] = {
        "repository": name,
        "publisher_known": is_known_publisher(name.partition("/")[0]),
        "lookalike": _lookalike(name),
        "license": _facts_of_license(license_),
        "lineage": _facts_of_lineage(name, license_),
        "files": [{"path": "config.json"}, *(file for kind in model["files"] for file in _FILES[kind])],
        "downloads": 1000 * model.get("downloads", 100),
        "likes": 100 * model.get("likes", 5),
        "gated": model.get("gated", False),
        "created_at": f"{model['age']} days ago",
        "last_modified": f"{min(model['age'], 90)} days ago",
        "committed_at": f"{min(model['age'], 90)} days ago",
    }
    if "c" in model["files"]:
        written["files"][0] = {"path": "config.json", "findings": [{"rule": "remote-code", "severity": _LOW}]}
    return facts_of_sample(written)


def facts_of_fraud(what: str) -> Facts:
    written = _FRAUDS[what]
    name = written.get("repository", "example/model")
    return facts_of_sample({"repository": name, "lookalike": _lookalike(name), **written})


def ask(name: str, facts: dict[str, Facts]) -> list[Answer]:
    """What a pack says of each."""
    answers = []
    for what, known in facts.items():
        decision = evaluate(pack(name), known)
        said = [reason for reason in decision.reasons if reason.standing is Standing.ENFORCED]
        if decision.outcome.value != "allow":
            said = [reason for reason in said if reason.outcome.value == decision.outcome.value]
        answers.append(Answer(what, decision.outcome.value, tuple(dict.fromkeys(reason.rule for reason in said))))
    return answers


def false_alarms(answers: list[Answer]) -> list[Answer]:
    """Those that are stopped without a reason that is written down, and those warned of something that is not there."""
    models = known_models_once()
    return [one for one in answers if not _as_told(one, models[one.name])]


def _as_told(answer: Answer, model: dict[str, Any]) -> bool:
    if answer.outcome != "allow":
        return "stopped" in model and all(str(model["stopped"]) in rule for rule in answer.rules)
    return "stopped" not in model and set(answer.rules) <= {model.get("warned")}


def frauds() -> dict[str, Facts]:
    return {what: facts_of_fraud(what) for what in _FRAUDS}


@cache
def known_models_once() -> dict[str, dict[str, Any]]:
    return known_models()


def _license(model: dict[str, Any]) -> License:
    written = str(model.get("license", ""))
    kind, _, name = written.partition(": ")
    return license_of(({"license": kind} | ({"license_name": name} if name else {})) if written else {})


def _facts_of_license(found: License) -> dict[str, Any]:
    return {
        "declared": list(found.declared),
        "expression": found.expression,
        "category": found.category,
        "terms": list(found.terms),
    }


def _lookalike(name: str) -> dict[str, Any]:
    found = lookalike(name)
    return {"of": found.of, "score": found.score, "why": found.why} if found else {}


def _facts_of_lineage(name: str, own: License) -> dict[str, Any]:
    models = known_models_once()

    def node(repository: str) -> Node:
        model = models[repository]
        parents = tuple(Parent(parent, relation, "card") for parent, relation in model.get("from", {}).items())
        return Node(repository, "0" * 40, _license(model), parents)

    def look_up(repository: str, _commit: str | None = None) -> Node | Absent:
        return node(repository) if repository in models else Absent.UNREACHABLE

    found = walk(node(name), look_up)
    return {
        "ancestors": list(found.ancestors),
        "conflicts": [
            {
                "id": one.id,
                "parent": one.parent,
                "depth": one.depth,
                "parent_license": one.parent_license,
                "license": one.license,
                "clause": one.clause,
                "cure": one.cure,
                "level": one.level.value,
            }
            for one in conflicts_of(own, found)
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.packs", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--verbose", action="store_true", help="name every model that is stopped, and by what")
    parser.add_argument("--json", type=Path, help="write every answer to this file")
    options = parser.parse_args()
    models = {name: facts_of_model(name) for name in known_models_once()}
    deceits = frauds()
    print(f"{len(models)} well-known models, {len(deceits)} frauds\n")
    print(f"{'pack':<9} {'served':>7} {'warned':>7} {'held':>6} {'blocked':>8}   frauds stopped")
    written: dict[str, Any] = {}
    alarms: list[Answer] = []
    missed: list[str] = []
    for name in PACKS:
        answers, caught = ask(name, models), ask(name, deceits)
        counts = Counter("warned" if one.outcome == "allow" and one.rules else one.outcome for one in answers)
        stopped = sum(one.outcome != "allow" for one in caught)
        missed += [f"{name}: {one.name}" for one in caught if one.outcome == "allow"]
        row = (counts["allow"], counts["warned"], counts["hold"], counts["block"])
        print(f"{name:<9} {row[0]:>7} {row[1]:>7} {row[2]:>6} {row[3]:>8}   {stopped} of {len(caught)}")
        written[name] = {one.name: {"outcome": one.outcome, "rules": list(one.rules)} for one in [*answers, *caught]}
        if name == "starter":
            alarms = false_alarms(answers)
        if options.verbose:
            for one in answers:
                if one.outcome != "allow" or one.rules:
                    print(f"    {one.outcome:<6} {one.name}: {', '.join(one.rules)}")
    print(f"\nfalse alarms of the starter pack: {len(alarms)} of {len(models)}")
    for one in alarms:
        print(f"  {one.outcome} {one.name}: {', '.join(one.rules) or 'nothing said'}")
    for fraud in missed:
        print(f"  missed by {fraud}")
    if options.json:
        options.json.write_text(json.dumps(written, indent=1))
    sys.exit(1 if alarms or missed else 0)


if __name__ == "__main__":
    main()
