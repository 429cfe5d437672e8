"""Fifty rules as a bank may have them, each with the same question in plain CEL, and two repositories to ask of."""
# ruff: noqa: E501 - a table is read by its columns

from __future__ import annotations

import hashlib
from typing import Any

from rules.circumstances import Audience, Circumstances, ListEffect, ListEntry, Waiver
from rules.evaluate import evaluate
from rules.facts import Facts
from rules.model import Policy, parse_policy
from rules.samples import facts_of_sample

_TRUSTED = ["meta-llama", "google", "Qwen", "mistralai", "microsoft", "deepseek-ai", "openai", "nvidia", "ibm-granite"]
_IN = str(_TRUSTED).replace("'", '"')
_FILES = "files.exists(file, {})"

RULES: tuple[tuple[str, str, str], ...] = (
    ("block", "file_verdict: unsafe, usable_without_unsafe: false", "unsafe && !usable_without_unsafe"),
    ("exclude-file", "file_verdict: unsafe, usable_without_unsafe: true", "unsafe && usable_without_unsafe"),
    ("hold", "file_verdict: unscannable, usable_without_unsafe: false", "odd && !usable_without_unsafe"),
    ("exclude-file", "file_verdict: unscannable, usable_without_unsafe: true", "odd && usable_without_unsafe"),
    ("hold", "file_verdict: suspicious, file_role: code", 'f:file.verdict == "suspicious" && file.role == "code"'),
    ("hold", "severity_at_least: critical, file_role: [code, config]", 'f:file.severity == "critical"'),
    ("block", "finding: [pickle-executes-code, archive-path-escape]", 'f:"pickle-executes-code" in file.finding_ids'),
    ("warn", "finding: [pickle-unknown-import]", 'f:"pickle-unknown-import" in file.finding_ids'),
    ("block", "file_format: [executable, elf, pe, mach-o]", 'f:file.format in ["executable", "elf", "pe", "mach-o"]'),
    ("hold", "file_path: ['*.exe', '*.dll', '*.so', '*.sh']", 'f:file.path.matches("\\\\.(exe|dll|so|sh)$")'),
    ("hold", "file_larger_than_bytes: 60 GB", "f:file.size > 60000000000"),
    ("warn", "file_role: code, publisher_known: false", 'f:file.role == "code" && !publisher_known'),
    ("block", "lookalike_score_at_least: 0.85", "lookalike.score >= 0.85"),
    ("hold", "lookalike_score_at_least: 0.7, publisher_verified: false", "lookalike.score >= 0.7 && !owner.verified"),
    ("block", "copied_weights: true, publisher_known: false", "size(copied.weights_of) > 0 && !publisher_known"),
    ("hold", "copied_card_at_least: 0.9, copied_shape: true", "copied.card_similarity >= 0.9"),
    ("block", "owner_changed: true", "owner.changed"),
    ("hold", "owner_younger_than_days: 30, publisher_not: '@trusted'", f"owner_age_days < 30.0 && !(publisher in {_IN})"),
    ("hold", "owner_followers_below: 5, downloads_below: 100", "owner.followers < 5 && downloads < 100"),
    ("hold", "younger_than_days: 2 weeks, publisher_not: '@trusted'", f"age_days < 14.0 && !(publisher in {_IN})"),
    ("warn", "changed_within_days: 6 weeks, publisher_known: false", "unchanged_days < 42.0 && !publisher_known"),
    ("hold", "committed_within_days: 2 days, publisher_not: '@trusted'", f"commit_age_days < 2.0 && !(publisher in {_IN})"),
    ("warn", "not_changed_for_days: 3 years", "unchanged_days >= 1095.0"),
    ("hold", "downloads_grew_times: 50, younger_than_days: 60", "downloads > 50 * downloads_before && age_days < 60.0"),
    ("hold", "downloads_below: 50, likes_below: 3", "downloads < 50 && likes < 3"),
    ("block", "license_category: [non-commercial, no-derivatives]", 'license.category in ["non-commercial", "no-derivatives"]'),
    ("hold", "license_category: [unknown, missing]", 'license.category in ["unknown", "missing"]'),
    ("hold", "license_not: [apache-2.0, mit, 'bsd-*', llama3.1, gemma]", "size(license.declared) == 0"),
    ("warn", "license_terms: [attribution, naming]", '"attribution" in license.terms || "naming" in license.terms'),
    ("hold", "license_disagrees: true", "license.disagrees"),
    ("hold", "license_changed: true", 'license.before != ""'),
    ("block", "lineage_conflict: [non-commercial-dropped]", '"non-commercial-dropped" in lineage.conflict_ids'),
    ("hold", "lineage_conflict: any", "size(lineage.conflict_ids) > 0"),
    ("hold", "lineage_unresolved: true, publisher_known: false", "size(lineage.unresolved) > 0 && !publisher_known"),
    ("warn", "lineage_undeclared: true", "size(lineage.undeclared) > 0"),
    ("hold", "ancestor: ['deepseek-ai/*'], lineage_category: unknown", 'lineage.ancestors.exists(a, a.startsWith("deepseek-ai/"))'),
    ("warn", "without_safetensors: true", "!safetensors"),
    ("hold", "format_any: [pickle, torch-legacy], publisher_known: false", '"pickle" in formats && !publisher_known'),
    ("hold", "larger_than_bytes: 500 GB", "total_size > 500000000000"),
    ("warn", "parameters_above: 400 billion", "parameters > 400000000000"),
    ("warn", "card_completeness_below: 0.3", "card_completeness < 0.3"),
    ("block", "hub_scan: [unsafe]", 'hub_scan == "unsafe"'),
    ("hold", "code_from: '*', unless: {publisher: '@trusted'}", f"size(code_from) > 0 && !(publisher in {_IN})"),
    ("block", "taken_down: true", "taken_down"),
    ("warn", "any: [{gated: true}, {tag: 'region:*'}]", 'gated || tags.exists(t, t.startsWith("region:"))'),
    ("hold", "cel", 'downloads < 100 && likes < 5 && license.category in ["unknown", "missing"]'),
    ("warn", "cel", 'pipeline_tag == "text-generation" && context_length < 2048 && context_length > 0'),
    ("hold", "cel", 'kind == "model" && parameters > 100000000000 && !owner.verified'),
    ("warn", "cel", 'tags.exists(tag, tag.startsWith("arxiv:")) && card_completeness < 0.5'),
    ("exclude-file", "cel", 'file.role == "weights" && file.format != "safetensors" && file.size > 10000000000'),
)  # fmt: skip


def policy() -> Policy:
    """The fifty."""
    lines = ["schema: curator.rules/1", "name: bank", f"lists: {{trusted: {_TRUSTED}}}", "rules:"]
    for number, (outcome, asks, cel) in enumerate(RULES):
        asked = f"expression: {_quoted(cel)}" if asks == "cel" else f"when: {{{asks}}}"
        lines += [
            f"  - id: rule-{number}",
            "    description: One of fifty.",
            f"    {asked}",
            f"    outcome: {outcome}",
            "    message: '{repository} is not as rule " + str(number) + " wants it'",
        ]
    return parse_policy("\n".join(lines) + "\n", "bank.yaml")


def expressions() -> tuple[str, ...]:
    """The same questions in CEL alone, about a list `files` where they are about files."""
    return tuple(_plain(cel) for _, _, cel in RULES)


def repositories() -> dict[str, Facts]:
    """Thirty files: all of them harmless, and with what rules look for."""
    weights = [{"path": f"model-{number:05}-of-00020.safetensors", "size": 4_900_000_000} for number in range(1, 21)]
    others = [{"path": name, "size": 20_000} for name in ("config.json", "tokenizer.json", "README.md", "LICENSE.txt")]
    more = [{"path": f"onnx/part-{number}.onnx", "size": 10_000_000} for number in range(5)]
    clean = {
        "repository": "mistralai/Mistral-Large",
        "publisher_known": True,
        "tags": ["transformers", "arxiv:2401.00001", "license:apache-2.0", "text-generation"],
        "files": [*weights, *others, *more, {"path": "modeling.py", "size": 5_000}],
    }
    bad = [
        {"path": "pytorch_model.bin", "size": 20_000_000_000, "findings": ["pickle-executes-code", "torch-odd"]},
        {"path": "old.bin", "size": 4_000, "findings": [{"rule": "pickle-unknown-import", "severity": "medium"}]},
    ]
    doubtful = clean | {
        "repository": "mistra1ai/Mistral-Large",
        "publisher_known": False,
        "lookalike": {"of": "mistralai/Mistral-Large", "score": 0.95, "why": "one letter differs"},
        "license": {"declared": ["cc-by-nc-4.0"], "category": "non-commercial", "terms": ["attribution"]},
        "created_at": "3 days ago",
        "last_modified": "1 day ago",
        "files": [*weights[:18], *others, *more, *bad, {"path": "modeling.py", "size": 5_000}],
    }
    return {"harmless": facts_of_sample(clean), "doubtful": facts_of_sample(doubtful)}


def words(rules: Policy, facts: Facts) -> Circumstances:
    """Twenty waivers, of which some are of what the rules rest on here, and ten entries of lists."""
    rests_on = [one for reason in evaluate(rules, facts).reasons for one in reason.fingerprints][:3]
    others = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(20 - len(rests_on))]
    waivers = tuple(Waiver(f"w{n}", frozenset({one}), "reason", "ana") for n, one in enumerate([*rests_on, *others]))
    entries = tuple(
        ListEntry(f"e{number}", ListEffect.APPROVE, (f"{name}/*",), "reason", "ana")
        for number, name in enumerate([*_TRUSTED, "ours"])
    )
    return Circumstances(Audience("research", "vision"), waivers, entries)


def plain(facts: Facts) -> dict[str, Any]:
    """The files as CEL alone would be given them."""
    return {
        "files": [
            {
                "path": file.path,
                "size": file.size,
                "format": file.format,
                "role": file.role.value,
                "verdict": file.verdict.value,
                "severity": file.severity.value,
                "finding_ids": list(file.finding_ids),
            }
            for file in facts.files
        ]
    }


def _plain(cel: str) -> str:
    of_verdict = _FILES.format('file.verdict == "{}"')
    cel = cel.replace("unsafe && ", of_verdict.replace("{}", "unsafe") + " && ", 1) if cel.startswith("unsafe") else cel
    cel = cel.replace("odd && ", of_verdict.replace("{}", "unscannable") + " && ", 1) if cel.startswith("odd") else cel
    if cel.startswith("f:"):
        return _FILES.format(cel[2:])
    return _FILES.format(cel) if cel.startswith("file.") else cel


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
