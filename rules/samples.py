"""The facts of a test in a file of rules: only those that matter are written, and all others are harmless.

The repository of a test that says nothing is an ordinary model: two years old, of an organisation of three years that
is neither known nor verified, under Apache-2.0, much used, with safetensors that are safe. A group that is written
(`license`, `owner`) has nothing in it but what is written.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from rules.facts import Facts, Severity, Verdict
from rules.measures import MOST_DAYS, read_bytes, read_days

NOW = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
"""When the tests are: no clock is looked at."""

_AGO = re.compile(r"(.+?)\s+ago", re.ASCII)
_MOMENTS = ("created_at", "last_modified", "committed_at", "first_seen_at")
_FORMATS = {
    "safetensors": ("safetensors", "weights"),
    "bin": ("torch-zip", "weights"),
    "pt": ("torch-zip", "weights"),
    "pth": ("torch-zip", "weights"),
    "ckpt": ("torch-zip", "weights"),
    "pkl": ("pickle", "weights"),
    "joblib": ("pickle", "weights"),
    "gguf": ("gguf", "weights"),
    "onnx": ("onnx", "weights"),
    "h5": ("hdf5", "weights"),
    "keras": ("keras", "weights"),
    "json": ("json", "config"),
    "yaml": ("text", "config"),
    "md": ("text", "text"),
    "txt": ("text", "text"),
    "py": ("python", "code"),
}
_ORDINARY: dict[str, Any] = {
    "repository": "example/model",
    "kind": "model",
    "commit": "0" * 40,
    "owner": {"kind": "organization", "created_at": "3 years ago", "followers": 1000, "repositories": 20},
    "license": {
        "declared": ["apache-2.0"],
        "expression": "Apache-2.0",
        "category": "permissive",
    },
    "lineage": {"category": "missing"},
    "files": [{"path": "config.json"}, {"path": "model.safetensors"}],
    "downloads": 10_000,
    "likes": 100,
    "downloads_before": 10_000,
    "likes_before": 100,
    "first_seen_at": "30 days ago",
    "created_at": "2 years ago",
    "committed_at": "1 year ago",
    "last_modified": "1 year ago",
    "library": "transformers",
    "pipeline_tag": "text-generation",
    "parameters": 1_000_000_000,
    "context_length": 8192,
    "languages": ["en"],
    "card_completeness": 1.0,
    "hub_scan": "safe",
}


def facts_of_sample(written: Mapping[str, Any]) -> Facts:
    """The facts of a test. Raises `pydantic.ValidationError` whose places are those in `written`."""
    document = {"observed_at": NOW.isoformat(), **_ORDINARY, **written}
    namespace, _, name = str(document["repository"]).rpartition("/")
    document.setdefault("namespace", namespace)
    document.setdefault("name", name)
    now = _moment(document["observed_at"])
    for field in _MOMENTS:
        document[field] = _ago(document[field], now)
    if isinstance(document["owner"], Mapping) and "created_at" in document["owner"]:
        document["owner"] = {**document["owner"], "created_at": _ago(document["owner"]["created_at"], now)}
    if isinstance(document["files"], list):
        document["files"] = [_file(file, document["commit"]) for file in document["files"]]
    return Facts.model_validate(document)


def _moment(value: Any) -> dt.datetime:
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError:
            return NOW
    if not isinstance(value, dt.datetime):
        return NOW
    return value if value.tzinfo is not None else value.replace(tzinfo=dt.UTC)


def _ago(value: Any, now: dt.datetime) -> Any:
    """The moment of `3 days ago`; anything else as it is."""
    match = _AGO.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return value
    try:
        days = read_days(match[1])
        return now - dt.timedelta(days=min(days, MOST_DAYS))
    except (ValueError, TypeError, OverflowError):
        return value


def _file(file: Any, commit: Any) -> Any:
    """A file, with what follows from its name and its findings where nothing is said."""
    if not isinstance(file, Mapping) or not isinstance(file.get("path"), str):
        return file
    path = file["path"]
    format_, role = _FORMATS.get(path.rpartition(".")[2].lower(), ("unknown", "other"))
    findings = file.get("findings", [])
    full = {
        "size": 1000,
        "blob": "sha256:" + hashlib.sha256(f"{commit}{path}".encode("utf-8", "replace")).hexdigest(),
        "format": format_,
        "role": role,
        **file,
    }
    if isinstance(full["size"], str):
        with suppress(ValueError):
            full["size"] = read_bytes(full["size"])
    if isinstance(findings, list):
        full["findings"] = [_finding(finding, path) for finding in findings]
        full.setdefault("verdict", _verdict(full))
    return full


def _finding(finding: Any, path: str) -> Any:
    """A finding; its id alone is one of high severity."""
    if isinstance(finding, str):
        finding = {"rule": finding}
    if not isinstance(finding, Mapping):
        return finding
    rule = finding.get("rule", "")
    fingerprint = hashlib.sha256(f"{rule}:{path}".encode("utf-8", "replace")).hexdigest()
    return {"severity": "high", "message": f"{path} has {rule}.", "fingerprint": fingerprint, **finding}


def _verdict(file: Mapping[str, Any]) -> str:
    severities = {finding.get("severity") for finding in file["findings"] if isinstance(finding, Mapping)}
    if severities & {Severity.CRITICAL.value, Severity.HIGH.value}:
        return Verdict.UNSAFE.value
    if file.get("unscannable"):
        return Verdict.UNSCANNABLE.value
    return Verdict.SUSPICIOUS.value if Severity.MEDIUM.value in severities else Verdict.SAFE.value
