"""Three decisions that a reader should understand: a look-alike, a licence conflict two hops up, an excluded file."""

from __future__ import annotations

from typing import Any

from rules.facts import Facts

NOW = "2026-11-26T02:00:00+00:00"
RULES = """
schema: curator.rules/1
name: acme
rules:
  - id: unsafe-file
    description: A file that would run code, or do other harm, when it is loaded is not served; nor is its repository.
    when: {file_verdict: [unsafe], usable_without_unsafe: false}
    outcome: block
    owner: model-security
    message: "{file} is unsafe: {finding}"
  - id: unsafe-file-left-out
    description: Where safe weights remain, only the unsafe files are left out.
    when: {file_verdict: [unsafe], usable_without_unsafe: true}
    outcome: exclude-file
    owner: model-security
    message: "{file} is unsafe: {finding}"
  - id: look-alike
    description: A name that could be taken for a well-known one, by somebody who is not its owner.
    when: {lookalike_score_at_least: 0.85}
    outcome: block
    owner: model-security
    message: "{repository} looks like {lookalike} and is not: {why}"
    references: [https://policies.acme.example/models#names]
  - id: lineage-conflict
    description: The licence of something that it was made from is not kept.
    when: {lineage_conflict: any}
    outcome: hold
    owner: legal
    message: "{conflict}"
  - id: license-not-for-business
    description: A licence that forbids commercial use or changes.
    when: {license_category: [non-commercial, no-derivatives]}
    outcome: block
    owner: legal
    message: "its license {license} is {category}"
"""


def _source(fact: str, source: str, at: str = NOW) -> dict[str, Any]:
    return {"fact": fact, "source": source, "at": at}


def _file(path: str, format_: str, role: str, size: int, verdict: str = "safe", **more: Any) -> dict[str, Any]:
    return {"path": path, "format": format_, "role": role, "size": size, "verdict": verdict, **more}


_WEIGHTS = _file("model.safetensors", "safetensors", "weights", 2_471_645_608)
_CONFIG = _file("config.json", "json", "config", 877)

LOOK_ALIKE = Facts.from_json(
    {
        "repository": "meta-Ilama/Llama-3.2-1B-Instruct",
        "kind": "model",
        "namespace": "meta-Ilama",
        "name": "Llama-3.2-1B-Instruct",
        "commit": "5f1c9e0ab3d24c7e8f60112233445566778899aa",
        "observed_at": NOW,
        "lookalike": {
            "of": "meta-llama/Llama-3.2-1B-Instruct",
            "score": 0.99,
            "why": "'meta-Ilama' is written with a capital I where 'meta-llama' has a small l",
        },
        "copied": {
            "card_of": "meta-llama/Llama-3.2-1B-Instruct",
            "card_similarity": 0.97,
            "weights_of": [],
            "why": "97 % of its card is that of meta-llama/Llama-3.2-1B-Instruct",
        },
        "owner": {"kind": "user", "created_at": "2026-11-23T08:12:00+00:00", "followers": 0, "repositories": 1},
        "license": {"declared": ["llama3.2"], "expression": "LicenseRef-hf-llama3.2", "category": "community"},
        "files": [_WEIGHTS, _CONFIG],
        "downloads": 244_118,
        "downloads_before": 12,
        "likes": 667,
        "created_at": "2026-11-23T08:20:00+00:00",
        "last_modified": "2026-11-24T19:02:00+00:00",
        "pipeline_tag": "text-generation",
        "library": "transformers",
        "parameters": 1_235_814_400,
        "sources": [_source("owner", "the Hub's page of the owner"), _source("license", "the card")],
    }
)

LICENCE_CONFLICT = Facts.from_json(
    {
        "repository": "acme-labs/support-chat-7b",
        "kind": "model",
        "namespace": "acme-labs",
        "name": "support-chat-7b",
        "commit": "0c6a1d1f2e3b4a5968778695a4b3c2d1e0f01234",
        "observed_at": NOW,
        "owner": {
            "kind": "organization",
            "created_at": "2024-02-01T00:00:00+00:00",
            "followers": 41,
            "repositories": 9,
        },
        "license": {"declared": ["apache-2.0"], "expression": "Apache-2.0", "category": "permissive"},
        "lineage": {
            "ancestors": ["stitch-ai/merge-7b", "noncom/writer-7b"],
            "category": "non-commercial",
            "hops": [
                {
                    "child": "acme-labs/support-chat-7b",
                    "parent": "stitch-ai/merge-7b",
                    "relation": "finetune",
                    "depth": 1,
                    "source": "card",
                    "commit": "77aa00bb11cc22dd33ee44ff5566778899001122",
                    "license": "Apache-2.0",
                    "category": "permissive",
                },
                {
                    "child": "stitch-ai/merge-7b",
                    "parent": "noncom/writer-7b",
                    "relation": "merge",
                    "depth": 2,
                    "source": "mergekit_config.yml",
                    "commit": "9900aabbccddeeff00112233445566778899aabb",
                    "license": "CC-BY-NC-4.0",
                    "category": "non-commercial",
                },
                {
                    "child": "stitch-ai/merge-7b",
                    "parent": "gone/base-7b",
                    "relation": "merge",
                    "depth": 2,
                    "source": "mergekit_config.yml",
                    "state": "missing",
                },
            ],
            "unresolved": ["gone/base-7b"],
            "conflicts": [
                {
                    "id": "non-commercial-dropped",
                    "parent": "noncom/writer-7b",
                    "depth": 2,
                    "parent_license": "CC-BY-NC-4.0",
                    "license": "Apache-2.0",
                    "clause": "CC-BY-NC-4.0 (section 2(a)(1)) gives noncom/writer-7b for non-commercial use only, and "
                    "a merge is made from it; Apache-2.0 would allow commercial use.",
                    "cure": "Use it for non-commercial ends only, get another licence from noncom, or a merge without "
                    "noncom/writer-7b.",
                }
            ],
        },
        "files": [_WEIGHTS, _CONFIG, _file("README.md", "text", "text", 4_211)],
        "downloads": 1_804,
        "likes": 12,
        "created_at": "2026-06-02T10:00:00+00:00",
        "last_modified": "2026-09-30T10:00:00+00:00",
        "base_models": ["stitch-ai/merge-7b"],
        "pipeline_tag": "text-generation",
        "library": "transformers",
        "sources": [_source("license", "the card and the tags"), _source("lineage", "the Hub, at the commits named")],
    }
)

EXCLUDED_FILE = Facts.from_json(
    {
        "repository": "acme-research/both-formats",
        "kind": "model",
        "namespace": "acme-research",
        "name": "both-formats",
        "commit": "6edea235e67b000000000000000000000000abcd",
        "observed_at": NOW,
        "license": {
            "declared": ["mit"],
            "expression": "MIT",
            "category": "permissive",
            "statements": [
                {"source": "card", "license": "MIT", "category": "permissive"},
                {"source": "file", "path": "LICENSE", "license": "MIT", "category": "permissive", "confidence": 0.98},
            ],
        },
        "files": [
            _WEIGHTS,
            _CONFIG,
            _file(
                "pytorch_model.bin",
                "torch-zip",
                "weights",
                440_473_133,
                "unsafe",
                findings=[
                    {
                        "rule": "pickle-executes-code",
                        "severity": "critical",
                        "message": "Loading this file calls posix.system('curl ... | sh'), which runs commands on the "
                        "machine.",
                        "where": "member archive/data.pkl, offset 12",
                        "fingerprint": "f" * 64,
                    }
                ],
            ),
        ],
        "downloads": 20,
        "likes": 1,
        "created_at": "2026-01-01T00:00:00+00:00",
        "last_modified": "2026-01-02T00:00:00+00:00",
        "unknown": ["owner"],
    }
)
