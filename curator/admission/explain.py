"""A decision explained, from one source for the page, the API and the command line."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from curator.admission.branches import Behind
from curator.admission.decisions import Ruling
from curator.admission.judge import policy_of
from curator.types import Commit
from rules.explain import explain
from rules.facts import Facts

_OUTCOMES = {"allow": "Allowed", "hold": "Held", "block": "Blocked"}


def explain_ruling(session: Session, commit: Commit, ruling: Ruling, facts: Facts) -> dict[str, Any]:
    """JSON: the decision, what each rule saw and said, what was found in which file."""
    policy = policy_of(session, ruling.rule_set)
    return {
        "schema": "curator.explanation/1",
        "repository": str(commit.repo),
        "kind": commit.repo.kind.value,
        "commit": commit.sha,
        "outcome": ruling.outcome.value,
        "decision": ruling.id,
        "decided_at": ruling.at.isoformat(timespec="seconds"),
        "expires_at": ruling.expires_at.isoformat(timespec="seconds") if ruling.expires_at else None,
        "rule_set": {"name": policy.name, "digest": policy.digest},
        "reasons": [reason.as_json() for reason in ruling.decision.reasons],
        "excluded_files": {path: reason.as_json() for path, reason in ruling.excluded.items()},
        "rules": [result.as_json() for result in explain(policy, facts).rules],
        "facts": facts.as_json(),
    }


def explain_behind(behind: Behind, served: Commit) -> dict[str, Any]:
    """JSON: why a branch is given at another commit than the upstream's."""
    return {
        "revision": behind.revision,
        "upstream_commit": behind.upstream.sha,
        "commits": behind.commits,
        "outcome": behind.outcome,
        "rules": list(behind.rules),
        "decision": behind.decision,
        "sentence": behind.sentence(served),
    }


def explanation_text(document: dict[str, Any]) -> str:
    """The same as text, for a terminal or a plain page."""
    rule_set = f"'{document['rule_set']['name']}' ({document['rule_set']['digest'][:12]})"
    lines = [
        f"{document['repository']}@{document['commit']}",
        f"{_OUTCOMES[document['outcome']]}, decided {document['decided_at']} by the rules {rule_set}",
        f"Decision {document['decision']}",
    ]
    if "behind" in document:
        behind = document["behind"]
        decision = f" (decision {behind['decision']})" if behind["decision"] else ""
        lines.append(f"{behind['sentence']}{decision}")
    if document["expires_at"]:
        lines.append(f"to be judged anew after {document['expires_at']}: something could not be read")
    lines += ["", "Why"]
    lines += [f"  {reason['outcome']:<13} {reason['rule']}: {reason['message']}" for reason in document["reasons"]]
    if not document["reasons"]:
        lines.append("  no rule has anything against it")
    if document["excluded_files"]:
        lines += ["", "Left out"]
        lines += [f"  {path}: {reason['message']}" for path, reason in document["excluded_files"].items()]
    lines += ["", "Rules"]
    for rule in document["rules"]:
        lines.append(
            f"  [{'x' if rule['applied'] else ' '}] {rule['rule']} -> {rule['outcome']}: {rule['description']}"
        )
        lines += [f"      {'yes' if held else 'no ':<3} {condition}" for condition, held in rule["conditions"].items()]
    lines += ["", "Facts"]
    facts = document["facts"]
    declared = ", ".join(facts["license"]["declared"]) or "none"
    lines.append(f"  license {declared} ({facts['license']['category']}), {facts['downloads']} downloads a month")
    if facts["lookalike"]["of"]:
        lines.append(f"  looks like {facts['lookalike']['of']} ({facts['lookalike']['score']:.2f})")
    lines += ["", "Files"]
    for file in facts["files"]:
        lines.append(f"  {file['verdict']:<12} {file['path']} ({file['format']}, {file['size']} bytes)")
        if file["unscannable"]:
            lines.append(f"               not judged: {file['unscannable']}")
        lines += [
            f"               {finding['severity']}: {finding['message']} [{finding['rule']}, {finding['engine']}"
            f"{', at ' + finding['where'] if finding['where'] else ''}]"
            for finding in file["findings"]
        ]
    return "\n".join(lines) + "\n"
