"""What tools say of themselves to an assistant: it reads their descriptions as if its user had written them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from scanners.case import Case
from scanners.finding import Confidence, Severity
from scanners.formats.config.reading import pairs_of

_SCHEMAS = frozenset({"input_schema", "inputSchema", "parameters", "inputs", "input_variables", "annotations"})
MOST_TEXTS = 2000
_SILENT = re.compile(
    r"\b(?:do not|don'?t|never|without)\s+(?:\w+\s+){0,2}(?:tell|inform|notify|mention|alert|reveal|telling|informing|"
    r"mentioning|asking|show|showing)\s+(?:\w+\s+){0,3}(?:user|human|anyone|them|this|it)\b|\b(?:secretly|silently|covertly)\b",
    re.IGNORECASE,
)
_PRIVATE = re.compile(
    r"~/\.\w|\.ssh\b|id_rsa|id_ed25519|\.aws\b|\.env\b|mcp\.json|/etc/(?:passwd|shadow)|\.netrc|\.npmrc|"
    r"\b(?:pass|send|include|read|provide|append|attach|copy)\b[^.\n]{0,60}\b(?:api[ _-]?keys?|passwords?|"
    r"private keys?|credentials|access tokens?|environment variables|"
    r"(?:whole|full|entire) (?:conversation|chat history))\b",
    re.IGNORECASE,
)
_ORDERS = re.compile(
    r"<\s*/?\s*(?:important|system|secret|instructions?|critical|hidden|admin)\s*>|"
    r"\bbefore\s+(?:you\s+)?(?:us(?:e|ing)|call(?:ing)?)\s+(?:this|any|other|the)\b[^.\n]{0,30}\btools?\b|"
    r"\b(?:ignore|disregard|forget)\s+(?:\w+\s+){0,3}(?:previous|prior|above|earlier|other)\s+(?:\w+\s+){0,2}"
    r"(?:instructions?|messages?|prompts?|rules|tools?)|"
    r"\b(?:always|must)\b[^.\n]{0,40}\b(?:instead of|before)\b[^.\n]{0,30}\b(?:other|any other)\s+tools?\b",
    re.IGNORECASE,
)
_INVISIBLE = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0020-\U000e007f]")


def judge_tool(value: dict[str, Any], keys: frozenset[str], case: Case) -> None:
    """Looks at one object of a configuration, if it describes a tool; `keys` are its keys."""
    if "description" not in keys or not ("name" in keys or "title" in keys) or not keys & _SCHEMAS:
        return
    for count, text in enumerate(_descriptions(value)):
        if count >= MOST_TEXTS:
            return
        whole = text[:20_000]
        orders, secret = _ORDERS.search(whole), _PRIVATE.search(whole)
        silent, unseen = _SILENT.search(whole), _INVISIBLE.search(whole)
        signs = [sign for sign in (orders, secret, silent, unseen) if sign is not None]
        # Each by itself is also in honest descriptions, but for what overrules, and for what nobody sees.
        if orders is None and unseen is None and len(signs) < 2:
            continue
        at = signs[0].start()
        case.add(
            "template-hidden-instructions",
            Severity.HIGH if len(signs) >= 2 or unseen is not None else Severity.MEDIUM,
            f"The description of the tool {str(value.get('name', ''))[:40]!r} gives an assistant orders that its user "
            "does not see.",
            confidence=Confidence.LIKELY,
            evidence={"why": "instructs through a tool's description", "excerpt": ascii(whole[at : at + 120])[:160]},
        )
        return


def _descriptions(value: dict[str, Any]) -> Iterator[str]:
    """Of the tool itself, and of what it takes."""
    stack: list[Any] = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            for key, inner in pairs_of(one):
                if isinstance(inner, str) and key in ("description", "title", "default", "name"):
                    yield inner
                elif isinstance(inner, dict | list):
                    stack.append(inner)
        elif isinstance(one, list):
            stack.extend(inner for inner in one if isinstance(inner, dict | list))
            for inner in one:
                if isinstance(inner, str):
                    yield inner
