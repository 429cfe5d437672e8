"""What developers read: a rule's message with its placeholders filled in, and the engine's own sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rules.circumstances import ListEntry
from rules.facts import Facts, FileFacts, LicenseCategory, Severity
from rules.form import Rule
from rules.hits import Hit, Sureness

NOTHING_ENFORCED = (
    "there is no rule in force, and without rules nothing is allowed: write one with `outcome: allow` if all is to be"
)
_ORDER = list(Severity)
_LONGEST_WORDS = 1_000


def message_of(rule: Rule, hit: Hit, facts: Facts) -> str:
    """Why the rule applies, for the developer."""
    match hit.sureness:
        case Sureness.FAILED:
            return f"the rule could not be evaluated ({hit.error}), so the repository is held until its author mends it"
        case Sureness.UNDECIDED:
            of = f" of {_plain(hit.file.path)}" if hit.file is not None else ""
            why = next((f" ({_plain(sentence).rstrip('.')})" for sentence in facts.why_unknown if sentence), "")
            return f"the rule {rule.id} cannot be decided{of}: {' and '.join(hit.missing[:2])} is not known{why}"
    return rule.message.format_map(_Placeholders(facts, hit.file))


def _plain(text: str) -> str:
    """A publisher's words as part of a sentence of ours: one line, nothing that a terminal or a reader's eye would be
    led by, and not longer than a sentence."""
    line = " ".join(text.split())
    if len(line) > _LONGEST_WORDS:
        line = f"{line[: _LONGEST_WORDS - 3]}..."
    if line.isascii() and line.isprintable():
        return line
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode-escape", "surrogatepass").decode("ascii")
        for letter in line
    )


def blocked_message(facts: Facts, entry: ListEntry) -> str:
    if not entry.incident:
        return f"{facts.repository} is on the list of what is blocked: {_plain(entry.reason)}"
    what = f"this commit of {facts.repository}" if entry.commits else facts.repository
    if entry.contents:
        having = next((file.path for file in facts.files if file.blob in entry.contents), "a file")
        what = f"{having} of {facts.repository}"
    return f"{what} was withdrawn after it had been served: {_plain(entry.reason)}"


def approved_message(facts: Facts, entries: tuple[ListEntry, ...]) -> str:
    first = entries[0]
    what = f"this commit of {facts.repository}" if first.commits else facts.repository
    listed = f" with the collection {first.collection}" if first.collection else ""
    return f"{what} is approved{listed} by {first.by}: {_plain(first.reason)}"


def _finding(file: FileFacts | None) -> str:
    return _worst(file) if file else ""


_SAID: Mapping[str, Callable[[Facts, FileFacts | None], str]] = {
    "repository": lambda facts, _: facts.repository,
    "publisher": lambda facts, _: facts.namespace,
    "commit": lambda facts, _: facts.commit,
    "file": lambda _, file: file.path if file else "",
    "finding": lambda _, file: _finding(file),
    "reason": lambda _, file: (file.unscannable if file else "") or _finding(file),
    "license": lambda facts, _: _license(facts),
    "category": lambda facts, _: facts.license.category.value,
    "disagreement": lambda facts, _: facts.license.why,
    "conflict": lambda facts, _: facts.lineage.why,
    "lookalike": lambda facts, _: facts.lookalike.of,
    "why": lambda facts, _: facts.lookalike.why,
    "copied": lambda facts, _: facts.copied.why,
    "ownership": lambda facts, _: facts.owner.why,
}


@dataclass(frozen=True, slots=True)
class _Placeholders:
    """What stands in braces, each worked out only where a message has it."""

    facts: Facts
    file: FileFacts | None

    def __getitem__(self, name: str) -> str:
        return _plain(_SAID[name](self.facts, self.file))


def _worst(file: FileFacts) -> str:
    worst = max(file.findings, key=lambda finding: _ORDER.index(finding.severity), default=None)
    return worst.message if worst else file.unscannable


def _license(facts: Facts) -> str:
    """As the card declares it; where it does not, as files or weights say."""
    found = facts.license
    said = found.expression if found.category is not LicenseCategory.MISSING else ""
    return ", ".join(found.declared) or said or "none"
