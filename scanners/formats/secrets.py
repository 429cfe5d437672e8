"""Keys and tokens in texts, by the forms their issuers give them; nothing is guessed from how random a text is.

detect-secrets knows most forms; those of Hugging Face, Anthropic, Google and of databases are ours. A first look with
one expression keeps long texts cheap. What is found is never told whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

from scanners.case import Case
from scanners.finding import Confidence, Severity
from scanners.source import ByteSource

LARGEST_LOOKED_THROUGH = 8 * 1024 * 1024
PIECE_BYTES = 1024 * 1024
OVERLAP_BYTES = 4096
LONGEST_LINE = 4000
MOST_FOUND = 20
_VOCABULARIES = frozenset(
    {"vocab.txt", "vocab.json", "merges.txt", "tokenizer.json", "bpe.codes", "dict.txt", "added_tokens.json"}
)

_FIRST_LOOKS: tuple[tuple[bytes, bytes], ...] = (
    (b"hf_", rb"hf_[A-Za-z0-9]{30}"),
    (b"AKIA", rb"AKIA[0-9A-Z]{16}"),
    (b"ASIA", rb"ASIA[0-9A-Z]{16}"),
    (b"gh", rb"gh[pousr]_[A-Za-z0-9]{36}"),
    (b"github_pat_", rb"github_pat_"),
    (b"gl", rb"gl(?:pat|dt|rt|ptt)-[\w-]{20}"),
    (b"sk-", rb"sk-[A-Za-z0-9_-]{20}"),
    (b"xox", rb"xox[abeprs]-"),
    (b"hooks.slack.com", rb"hooks\.slack\.com/services/"),
    (b"PRIVATE KEY", rb"-----BEGIN [A-Z ]*PRIVATE KEY"),
    (b"eyJ", rb"eyJ[A-Za-z0-9_-]{10,1000}\.eyJ"),
    (b"AIza", rb"AIza[\w-]{35}"),
    (b"ya29.", rb"ya29\.[\w-]{20}"),
    (b"SG.", rb"SG\.[\w-]{20,40}\."),
    (b"npm_", rb"npm_[A-Za-z0-9]{36}"),
    (b"pypi-AgE", rb"pypi-AgE"),
    (b"k_live_", rb"[rs]k_live_[0-9A-Za-z]{20}"),
    (b"AccountKey=", rb"AccountKey=[A-Za-z0-9+/]{60}"),
    (b"://", rb"://[^\s:/@'\"]{1,60}:[^\s@/'\"]{4,100}@"),
    (b":AA", rb":AA[\w-]{33}"),
    (b"dop_v1_", rb"dop_v1_[a-f0-9]{64}"),
    (b"AGE-SECRET", rb"AGE-SECRET-KEY-1"),
    (b"aws_secret", rb"aws_secret_access_key"),
    (b"machine ", rb"machine\s+\S{1,100}\s+login\s"),
    (b"sk-or-v1-", rb"sk-or-v1-[0-9a-f]{40}"),
    (b":5432:", rb":5432:"),
    (b"r8_", rb"\br8_[A-Za-z0-9]{37}"),
    (b"gsk_", rb"gsk_[A-Za-z0-9]{40}"),
    (b"xai-", rb"xai-[A-Za-z0-9]{60}"),
    (b"nvapi-", rb"nvapi-[\w-]{50}"),
    (b"dapi", rb"\bdapi[0-9a-f]{32}"),
    (b"pplx-", rb"pplx-[A-Za-z0-9]{40}"),
    (b"lsv2_", rb"lsv2_(?:pt|sk)_"),
    (b"api_org_", rb"api_org_[A-Za-z0-9]{30}"),
    (b"GOCSPX-", rb"GOCSPX-[\w-]{20}"),
    (b"dckr_pat_", rb"dckr_pat_[\w-]{20}"),
    (b"hvs.", rb"\bhvs\.[\w-]{20}"),
    (b"pcsk_", rb"pcsk_\w{30}"),
    (b"ntn_", rb"\bntn_[A-Za-z0-9]{30}"),
    (b"shpat_", rb"shpat_[0-9a-fA-F]{32}"),
    (b"glsa_", rb"glsa_\w{30}"),
    (b"lin_api_", rb"lin_api_\w{30}"),
    (b"discord", rb"discord(?:app)?\.com/api/webhooks/\d"),
    (b"WANDB_API_KEY", rb"WANDB_API_KEY"),
    (b"asic ", rb"[Bb]asic [A-Za-z0-9+/]{16}"),
    (b'"auth"', rb"\"auth\"\s*:"),
    (b'"key"', rb"\"key\"\s*:\s*\"[0-9a-f]{32}\""),
)
"""A plain text to search for, many times faster than an expression, and the expression for where it stands."""


_NETRC = re.compile(
    r"\bmachine\s+\S{1,100}\s+login\s+\S{1,100}\s+(?:account\s+\S{1,100}\s+)?password\s+([^\s\"'<>{}$]{6,200})"
)


@lru_cache(maxsize=1)
def _ours() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return (
        ("Hugging Face token", re.compile(r"\bhf_[A-Za-z0-9]{30,40}\b")),
        ("Anthropic key", re.compile(r"\bsk-ant-[\w-]{30,}")),
        (
            "OpenAI key",
            re.compile(
                r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,120}T3BlbkFJ[A-Za-z0-9_-]{20,120}|"
                r"\bsk-proj-[\w-]{40,}|\bsk-[A-Za-z0-9]{48}\b"
            ),
        ),
        ("Google key", re.compile(r"\bAIza[\w-]{35}\b|\bya29\.[\w-]{30,}")),
        ("GitHub token", re.compile(r"\bgithub_pat_[A-Za-z0-9_]{60,}|\bgh[pousr]_[A-Za-z0-9]{36}\b")),
        ("GitLab token", re.compile(r"\bgl(?:pat|dt|rt|ptt)-[\w-]{20,}")),
        ("npm token", re.compile(r"\bnpm_[A-Za-z0-9]{36}\b")),
        ("password for a host", _NETRC),
        (
            "password for a host",
            re.compile(r"^[\w.*-]{1,100}:5432:[\w*-]{1,60}:[\w*-]{1,60}:([^\s:]{6,100})$", re.MULTILINE),
        ),
        (
            "API token",
            re.compile(
                r"\b(?:sk-or-v1-[0-9a-f]{64}|r8_[A-Za-z0-9]{37}|gsk_[A-Za-z0-9]{40,60}|xai-[A-Za-z0-9]{60,90}|nvapi-[\w-]{50,80}|dapi[0-9a-f]{32}"
                r"(?:-\d)?|pplx-[A-Za-z0-9]{40,60}|lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}|api_org_[A-Za-z0-9]{30,40}|"
                r"GOCSPX-[\w-]{20,40}|dckr_pat_[\w-]{20,40}|hvs\.[\w-]{24,120}|pcsk_\w{30,90}|ntn_[A-Za-z0-9]{30,60}|"
                r"shpat_[0-9a-fA-F]{32}|glsa_\w{30,60}|lin_api_\w{30,60})\b"
            ),
        ),
        ("Discord webhook", re.compile(r"discord(?:app)?\.com/api/webhooks/\d{15,22}/[\w-]{50,90}")),
        ("Weights & Biases key", re.compile(r"WANDB_API_KEY[\"']?\]?\s*[=:]\s*[\"']?([0-9a-f]{40})\b")),
        (
            "password in a header",
            re.compile(r"\b[Aa]uthorization[\"']?\s*[:=]\s*[\"']?[Bb]asic ([A-Za-z0-9+/]{16,200}={0,2})"),
        ),
        (
            "registry password",
            re.compile(
                r"\"auths\"\s*:\s*\{[^{}]{1,200}\{[^{}]{0,200}?\"auth\"\s*:\s*\"([A-Za-z0-9+/]{16,400}={0,2})\""
            ),
        ),
        ("Kaggle key", re.compile(r"\"username\"\s*:\s*\"[\w-]{1,60}\"\s*,\s*\"key\"\s*:\s*\"([0-9a-f]{32})\"")),
        ("DigitalOcean token", re.compile(r"\bdop_v1_[a-f0-9]{64}\b")),
        ("age key", re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]{58}")),
        (
            "AWS secret key",
            re.compile(r"aws_secret_access_key[\"']?\s*[=:]\s*[\"']?([A-Za-z0-9/+]{40})\b", re.IGNORECASE),
        ),
        (
            "password in an address",
            re.compile(
                r"\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|redis|rediss|amqps?|mssql|clickhouse|https?|ftp|smtp)"
                r"(?:\+\w+)?://[^\s:/@'\"{}$<>]{1,60}:([^\s@/'\"{}$<>]{6,100})@[\w.-]+\.[\w-]+"
            ),
        ),
    )


_PLUGINS: tuple[tuple[str, str, str], ...] = (
    ("aws", "AWSKeyDetector", "AWS key"),
    ("slack", "SlackDetector", "Slack token"),
    ("stripe", "StripeDetector", "Stripe key"),
    ("sendgrid", "SendGridDetector", "SendGrid key"),
    ("npm", "NpmDetector", "npm token"),
    ("pypi_token", "PypiTokenDetector", "PyPI token"),
    ("telegram_token", "TelegramBotTokenDetector", "Telegram token"),
    ("azure_storage_key", "AzureStorageKeyDetector", "Azure storage key"),
    ("jwt", "JwtTokenDetector", "JSON web token"),
)
"""Of detect-secrets, those that look for one issuer's form: the module, the class, and what it finds."""
_PRIVATE_KEY = re.compile(
    r"-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY(?: BLOCK)?)-----"
    r"(?:\\n|\\r|\s)*((?:[A-Za-z0-9+/=:,. -]+(?:\\n|\\r|\s)*){1,200})"
)
_EXAMPLE = re.compile(
    r"EXAMPLE|example|x{5,}|X{5,}|\*{3,}|\.{3,}|your|YOUR|placeholder|changeme|<|>|dummy|fake|redacted|REDACTED|0{8,}|1{8,}|"
    r"12345678|abcdef(?:gh|01)|ABCDEFGH|test1234|(.)\1{7,}|eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9\.eyJzdWIiOiIxMjM0NTY3ODkw"
)
_WORDS_FOR_PASSWORDS = re.compile(
    r"^(?:password|passwd|pass|pwd|secret|token|user|username|key|apikey|api_key|changeme|postgres|root|admin|guest|hunter2)$",
    re.IGNORECASE,
)


def look_for_secrets(source: ByteSource, case: Case) -> None:
    """Notes each secret of the first part of a text, masked."""
    if case.name.lower() in _VOCABULARIES:
        return
    seen: set[str] = set()
    end = min(source.size, LARGEST_LOOKED_THROUGH)
    for start in range(0, end, PIECE_BYTES):
        begin = max(0, start - OVERLAP_BYTES)
        piece = source.read(begin, min(PIECE_BYTES + start - begin, end - begin))
        places = _places(piece)
        if not places:
            continue
        text = piece.decode("utf-8", "replace")
        for kind, secret, at in _secrets(text, piece, places):
            if secret in seen or len(seen) >= MOST_FOUND:
                continue
            seen.add(secret)
            line = text.count("\n", 0, at) + 1 if begin == 0 else None
            private = kind == "private key"
            case.add(
                "secret-in-file",
                Severity.HIGH if private else Severity.MEDIUM,
                f"The file holds what reads as a {kind} ({_masked(secret)}): whoever has the file has it, too.",
                confidence=Confidence.POSSIBLE
                if kind in ("JSON web token", "password in an address")
                else Confidence.LIKELY,
                line=line,
                evidence={"kind": kind, "masked": _masked(secret)},
            )


def _secrets(text: str, piece: bytes, places: list[tuple[int, int]]) -> Iterator[tuple[str, str, int]]:
    for kind, pattern in _ours():
        for found in pattern.finditer(text):
            secret = found[1] if pattern.groups and found[1] else found.group()
            if not _is_example(secret, kind):
                yield kind, secret, found.start()
    for found in _PRIVATE_KEY.finditer(text):
        body = re.sub(r"\\[nr]|\s", "", found[2])
        if len(body) >= 60 and not _EXAMPLE.search(body):
            yield "private key", f"{found[1]} {body}", found.start()
    # Plugins read line by line; only lines that the first look points at.
    looked_at = 0
    for first, last in sorted(places):
        if first < looked_at:
            continue
        begin = max(piece.rfind(b"\n", 0, first) + 1, first - LONGEST_LINE // 2)
        stop = piece.find(b"\n", last)
        stop = min(len(piece) if stop < 0 else stop, last + LONGEST_LINE // 2)
        looked_at = stop
        line = piece[begin:stop].decode("utf-8", "replace")
        for kind, plugin in _plugins():
            for secret in plugin.analyze_string(line):
                if isinstance(secret, str) and len(secret) > 10 and not _is_example(secret, kind):
                    at = len(piece[:begin].decode("utf-8", "replace"))
                    yield kind, secret, at


def _places(piece: bytes) -> list[tuple[int, int]]:
    """Where something stands that could be one: beginnings and ends, the first of them."""
    found: list[tuple[int, int]] = []
    for needle, pattern in _FIRST_LOOKS:
        if needle in piece:
            found.extend(match.span() for match in islice(re.finditer(pattern, piece), MOST_FOUND * 5))
    return found


@lru_cache(maxsize=1)
def _plugins() -> list[tuple[str, Any]]:
    from importlib import import_module

    return [
        (kind, getattr(import_module(f"detect_secrets.plugins.{module}"), name)()) for module, name, kind in _PLUGINS
    ]


def _is_example(secret: str, kind: str) -> bool:
    if _EXAMPLE.search(secret):
        return True
    if kind in ("password in an address", "password for a host"):
        return _WORDS_FOR_PASSWORDS.match(secret) is not None
    return len(set(secret)) < 10


def _masked(secret: str) -> str:
    """Enough to find it again, not enough to use it."""
    shown = secret[:4] if len(secret) >= 16 else secret[:1]
    return f"{shown}… ({len(secret)} characters)"
