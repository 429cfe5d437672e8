"""Paths and addresses in a Keras configuration: what a layer would read when it is made (CVE-2025-12058)."""

from __future__ import annotations

import re

from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.shared.words import words

_FILE_KEYS = words(
    """vocabulary vocab vocabulary_file vocab_file vocabulary_path filepath file_path path filename file fname origin
    url uri handle directory log_dir cache_dir backup_dir export_dir saved_model_path model_path weights_path root
    asset proto merges merges_file checkpoint checkpoint_path call_endpoint_path dataset_path data_dir image_path
    output_path source location href src tokenizer_path spm_path key_file lookup_file init_from"""
)
_URL = re.compile(
    r"\s*(?:https?|ftps?|sftp|file|s3|gs|gcs|hdfs|abfss?|wasbs?|smb|ssh|data|hf|dbfs|viewfs)://?[^\s]", re.IGNORECASE
)
_OUTSIDE = re.compile(
    r"/(?:[\w.@~+-]+/)*[\w.@~+-]+/?\Z|~[\w]*/|[A-Za-z]:[\\/]|\\\\[\w.]|(?:.*[\\/])?\.\.(?:[\\/]|\Z)|\$\{?[A-Z_]+\}?/|%[A-Z]+%"
)
LONGEST_PATH = 4096
_NO_PATHS = frozenset({"name", "registered_name", "class_name", "module", "dtype", "build_date", "date_saved"})
_OPENED = frozenset({"vocabulary", "vocab", "filepath", "proto"})
"""Settings whose text is always the name of a file: their other values are lists and bytes."""


def judge_text(key: str, text: str, case: Case, where: str) -> None:
    """One text value of a configuration."""
    if not text.strip() or len(text) > LONGEST_PATH or key in _NO_PATHS:
        return
    names_a_file = key.lower() in _FILE_KEYS
    if _URL.match(text):
        what = "the address"
    elif _OUTSIDE.match(text):
        what = "the file"
    elif key in _OPENED:
        what = "the file beside the model"
    else:
        return
    case.add(
        "keras-reads-file",
        Severity.HIGH if names_a_file and what != "the file beside the model" else Severity.MEDIUM,
        f"The configuration's {key[:40]!r} is {what} {text[:80]!r}: "
        + ("loading the model reads it." if names_a_file else "a layer may read it."),
        evidence={"where": where[:200], "key": key[:100], "path": text[:200]},
    )
