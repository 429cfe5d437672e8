"""Files and addresses that a configuration names: inside its own folder, or outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.config.reading import pairs_of

_SENSITIVE = re.compile(
    r"(?:^|/|\\|~)(?:etc/(?:passwd|shadow|hosts|ssh|sudoers|cron\w*)|\.ssh(?:/|\\|$)|\.aws/|\.netrc$|\.kube/|\.docker/config|\.bashrc$|"
    r"\.bash_history$|\.git-credentials|\.config/gcloud|\.cache/huggingface/token|id_(?:rsa|ed25519|ecdsa)|authorized_keys|"
    r"proc/(?:self|\d+)/|Windows[/\\]System32|\.pypirc$|\.npmrc$)"
)
_UP = re.compile(r"(?:^|[/\\])\.\.(?:[/\\]|$)")
_ADDRESS = re.compile(r"^(?:https?|ftp|file|s3|gs|smb|data|hdfs|ssh|git)://|^\\\\", re.IGNORECASE)
_ABSOLUTE = re.compile(r"^(?:/|~|[A-Za-z]:[/\\]|\\\\)")
_KEY = re.compile(
    r"(?:_file|_files|_path|_paths|_dir|_filename|filename|file_name|weights|checkpoint|location|data_files|subfolder)$|^(?:path|file|files)$"
)
_ORIGIN = re.compile(
    r"name_or_path$|^(?:best_model|resume_from|init)_checkpoint$|checkpoint_path$|^(?:output_dir|logging_dir|cache_dir|run_dir|train|dataset|data|_name|tokenizer_file$)"
)
"""Where somebody had it when it was trained: paths there are ordinary."""
MOST_FILES = 200_000


def judge_paths(value: dict[str, Any], case: Case) -> None:
    """Looks at one object of a configuration."""
    if isinstance(value.get("weight_map"), dict):
        _weight_map(value["weight_map"], case)
    for key, one in pairs_of(value):
        if isinstance(one, str | list) and len(key) < 60 and _KEY.search(key):
            for path in _texts(one):
                _judge_path(path, key, case)
    for key in ("base_model_name_or_path", "tokenizer_name_or_path"):
        _judge_base(value.get(key), key, case)


def _judge_base(base: Any, key: str, case: Case) -> None:
    """What an adapter is put on: a name of the Hub, or the folder where it lay in training."""
    if not isinstance(base, str):
        return
    levels = len(_UP.findall(re.sub(r"[/\\]", "//", base)))
    if _SENSITIVE.search(base) or levels >= 2:
        # Beside it lie models of whoever trained it, and one folder up; further up is somebody else's.
        severity = Severity.MEDIUM if levels == 2 and not _SENSITIVE.search(base) else Severity.HIGH
        _add(severity, f"The adapter takes its base model from {base[:80]!r}, outside the repository.", key, base, case)
    elif _ADDRESS.match(base):
        _add(
            Severity.MEDIUM,
            f"The adapter takes its base model from {base[:80]!r}.",
            key,
            base,
            case,
        )


def _weight_map(files: dict[str, Any], case: Case) -> None:
    seen: set[str] = set()
    for index, (tensor, name) in enumerate(pairs_of(files)):
        if index >= MOST_FILES:
            case.leave_open(f"Its weight map has more than {MOST_FILES:,} tensors.")
            return
        if not isinstance(name, str) or name in seen:
            continue
        seen.add(name)
        if (
            _UP.search(name)
            or _ADDRESS.match(name)
            or _ABSOLUTE.match(name)
            or "\0" in name
            or re.search(r"%2[ef]|%5c", name, re.IGNORECASE)
        ):
            _add(
                Severity.HIGH,
                f"The index has a tensor read from {name[:80]!r}, outside the repository.",
                str(tensor)[:100],
                name,
                case,
            )


def _judge_path(path: str, key: str, case: Case) -> None:
    if len(path) > 1000 or "\n" in path:
        return
    if _SENSITIVE.search(path):
        _add(
            Severity.HIGH,
            f"The configuration has its loader read {path[:80]!r}, a file of the machine.",
            key,
            path,
            case,
        )
    elif _ORIGIN.search(key):
        return
    elif _UP.search(path):
        often, vague = path.count("..") >= 2, key in ("file", "files", "path", "paths", "data_files")
        severity = Severity.HIGH if often else Severity.LOW if vague else Severity.MEDIUM
        _add(severity, f"The configuration has its loader read {path[:80]!r}, outside the repository.", key, path, case)
    elif path.lower().startswith(("file:", "smb:", "\\\\")):
        _add(
            Severity.HIGH,
            f"The configuration has its loader read {path[:80]!r}, outside the repository.",
            key,
            path,
            case,
        )


def _add(severity: Severity, sentence: str, key: str, path: str, case: Case) -> None:
    case.add("config-path-escape", severity, sentence, evidence={"key": key, "path": path[:200]})


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value[:1000]:
            if isinstance(one, str):
                yield one
