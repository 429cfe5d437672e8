"""What each ready-made condition asks: which fact, and how.

A condition may have no answer, where its fact could not be had. Then neither it nor its opposite holds, and the rule
cannot be decided (`rules/hits.py`): what is not known never passes in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rules.case import Case
from rules.facts import FileFacts, FindingFacts, Role, Severity, Verdict
from rules.questions import (
    AnyLike,
    AnyOf,
    AtLeast,
    Is,
    LessThan,
    Like,
    MoreThan,
    NotAllLike,
    Older,
    OneOf,
    Present,
    Question,
    Ranked,
    Unlike,
    Younger,
)

SEVERITIES = tuple(Severity)
_ADVERSE = {Verdict.UNSAFE: Severity.HIGH, Verdict.SUSPICIOUS: Severity.MEDIUM}
"""The mildest finding that makes a file's verdict."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A question about the repository."""

    question: Question
    fact: Callable[[Case], Any]
    """Its value; None if it is not known."""
    about: str
    """The fact in words, for `... is not known`."""
    groups: tuple[str, ...] = ()
    """The groups of facts it is from: if one could not be had, there is no answer."""
    grows: bool = False
    """Whether the fact merely grows or ages, so that it is no evidence that a waiver could be bound to."""
    comes: bool = False
    """Whether it comes with a commit, or happens to the name, so that who approved a name has not seen it."""
    lists: bool = False
    """Whether the fact is a list that people keep, and no fact about the repository."""


@dataclass(frozen=True, slots=True)
class FileCondition:
    """A question about a file; it always has an answer."""

    question: Question
    fact: Callable[[FileFacts], Any]
    rests_on: Callable[[FileFacts, Any], tuple[FindingFacts, ...]] = lambda _file, _wanted: ()
    """The findings that make it hold of the file."""


def _of_verdict(file: FileFacts, wanted: tuple[Verdict, ...]) -> tuple[FindingFacts, ...]:
    least = _ADVERSE.get(file.verdict)
    return _at_least(file, least) if least is not None and file.verdict in wanted else ()


def _of_ids(file: FileFacts, wanted: tuple[str, ...]) -> tuple[FindingFacts, ...]:
    ids = {word.lower() for word in wanted}
    return tuple(finding for finding in file.findings if finding.rule.lower() in ids)


def _at_least(file: FileFacts, wanted: Severity) -> tuple[FindingFacts, ...]:
    least = SEVERITIES.index(wanted)
    return tuple(finding for finding in file.findings if SEVERITIES.index(finding.severity) >= least)


def _grew(case: Case) -> float | None:
    facts = case.facts
    return facts.downloads / max(facts.downloads_before, 1) if facts.first_seen_at is not None else None


def _weights_without_safetensors(case: Case) -> bool:
    weights = [file for file in case.facts.files if file.role is Role.WEIGHTS]
    return bool(weights) and all(file.format != "safetensors" for file in weights)


FILE_CONDITIONS: dict[str, FileCondition] = {
    "file_verdict": FileCondition(OneOf(), lambda file: file.verdict, _of_verdict),
    "file_format": FileCondition(AnyOf(), lambda file: (file.format,)),
    "file_role": FileCondition(OneOf(), lambda file: file.role),
    "file_path": FileCondition(Like(), lambda file: file.path),
    "file_larger_than_bytes": FileCondition(MoreThan(), lambda file: file.size),
    "finding": FileCondition(AnyOf(), lambda file: file.finding_ids, _of_ids),
    "severity_at_least": FileCondition(Ranked(SEVERITIES), lambda file: file.severity, _at_least),
}

REPOSITORY_CONDITIONS: dict[str, Condition] = {
    "repository": Condition(Like(), lambda case: case.facts.repository, "the name"),
    "publisher": Condition(Like(), lambda case: case.facts.namespace, "the owner's name"),
    "publisher_not": Condition(Unlike(), lambda case: case.facts.namespace, "the owner's name"),
    "publisher_known": Condition(Is(), lambda case: case.facts.publisher_known, "whether the owner is known"),
    "publisher_verified": Condition(
        Is(), lambda case: case.facts.owner.verified, "whether the owner is verified", ("owner",)
    ),
    "publisher_kind": Condition(OneOf(), lambda case: case.facts.owner.kind, "what the owner is", ("owner",)),
    "owner_younger_than_days": Condition(
        Younger(),
        lambda case: case.age(case.facts.owner.created_at),
        "the age of the owner's account",
        ("owner",),
        grows=True,
    ),
    "owner_followers_below": Condition(
        LessThan(), lambda case: case.facts.owner.followers, "how many follow the owner", ("owner",), grows=True
    ),
    "owner_changed": Condition(
        Is(),
        lambda case: case.facts.owner.changed,
        "whether the owner is still the same",
        ("owner", "history"),
        comes=True,
    ),
    "lookalike_score_at_least": Condition(
        AtLeast(),
        lambda case: case.facts.lookalike.score if case.facts.lookalike.of else -1.0,
        "what the name is like",
        ("lookalike",),
    ),
    "copied_card_at_least": Condition(
        AtLeast(),
        lambda case: case.facts.copied.card_similarity if case.facts.copied.card_of else -1.0,
        "whether the card is copied",
        ("copied",),
    ),
    "copied_weights": Condition(
        Present(), lambda case: case.facts.copied.weights_of, "whether the weights are copied", ("copied",)
    ),
    "copied_shape": Condition(
        Present(), lambda case: case.facts.copied.shape_of, "whether the tensors are another's", ("copied",)
    ),
    "license": Condition(AnyLike(), lambda case: case.facts.license.declared, "the licence", ("license",)),
    "license_not": Condition(NotAllLike(), lambda case: case.facts.license.declared, "the licence", ("license",)),
    "license_category": Condition(
        OneOf(),
        lambda case: case.facts.license.category,
        "the kind of licence",
        ("license",),
    ),
    "license_terms": Condition(
        AnyOf(), lambda case: case.facts.license.terms, "what the licence asks for", ("license",)
    ),
    "license_disagrees": Condition(
        Is(), lambda case: case.facts.license.disagrees, "whether the licence is the same everywhere", ("license",)
    ),
    "license_changed": Condition(
        Present(), lambda case: case.facts.license.before, "the licence of earlier commits", ("license",), comes=True
    ),
    "lineage_conflict": Condition(
        AnyLike(), lambda case: case.facts.lineage.conflict_ids, "what the ancestors' licences ask for", ("lineage",)
    ),
    "lineage_concern": Condition(
        AnyLike(), lambda case: case.facts.lineage.concern_ids, "what is to be said of the ancestors", ("lineage",)
    ),
    "lineage_category": Condition(
        OneOf(), lambda case: case.facts.lineage.category, "the licence of the ancestors", ("lineage",)
    ),
    "lineage_unresolved": Condition(
        Present(), lambda case: case.facts.lineage.unresolved, "whether all ancestors are known", ("lineage",)
    ),
    "lineage_undeclared": Condition(
        Present(), lambda case: case.facts.lineage.undeclared, "whether an ancestor is not named", ("lineage",)
    ),
    "ancestor": Condition(AnyLike(), lambda case: case.facts.lineage.ancestors, "the ancestors", ("lineage",)),
    "younger_than_days": Condition(
        Younger(), lambda case: case.age(case.facts.created_at), "when it was made", grows=True
    ),
    "older_than_days": Condition(Older(), lambda case: case.age(case.facts.created_at), "when it was made", grows=True),
    "changed_within_days": Condition(
        Younger(),
        lambda case: case.age(case.facts.last_modified),
        "when it was last changed",
        grows=True,
    ),
    "not_changed_for_days": Condition(
        Older(),
        lambda case: case.age(case.facts.last_modified),
        "when it was last changed",
        grows=True,
    ),
    "committed_within_days": Condition(
        Younger(), lambda case: case.age(case.facts.committed_at), "when the commit was made", ("history",), grows=True
    ),
    "downloads_below": Condition(LessThan(), lambda case: case.facts.downloads, "the number of downloads", grows=True),
    "likes_below": Condition(LessThan(), lambda case: case.facts.likes, "the number of likes", grows=True),
    "downloads_grew_times": Condition(AtLeast(), _grew, "when the mirror first saw it", grows=True),
    "format_any": Condition(AnyOf(), lambda case: case.facts.formats, "the formats of the files", comes=True),
    "without_safetensors": Condition(Is(), _weights_without_safetensors, "the formats of the weights", comes=True),
    "usable_without_unsafe": Condition(Is(), lambda case: case.facts.usable_without_unsafe, "what remains", comes=True),
    "larger_than_bytes": Condition(MoreThan(), lambda case: case.facts.total_size, "the size"),
    "parameters_above": Condition(
        MoreThan(), lambda case: case.facts.parameters or None, "the number of parameters", ("parameters",)
    ),
    "context_length_below": Condition(
        LessThan(), lambda case: case.facts.context_length or None, "how many tokens it takes", ("context_length",)
    ),
    "task": Condition(Like(), lambda case: case.facts.pipeline_tag, "the task"),
    "library": Condition(Like(), lambda case: case.facts.library, "the library"),
    "language": Condition(AnyOf(), lambda case: case.facts.languages, "the languages", ("languages",)),
    "tag": Condition(AnyLike(), lambda case: case.facts.tags, "the tags"),
    "gated": Condition(Is(), lambda case: case.facts.gated, "whether it is gated"),
    "private": Condition(Is(), lambda case: case.facts.private, "whether it is private"),
    "taken_down": Condition(Is(), lambda case: case.facts.taken_down, "whether the Hub still has it", comes=True),
    "code_from": Condition(AnyLike(), lambda case: case.facts.code_from, "where its code is from", comes=True),
    "card_completeness_below": Condition(
        LessThan(), lambda case: case.facts.card_completeness, "what the card says", ("card_completeness",)
    ),
    "hub_scan": Condition(
        OneOf(), lambda case: case.facts.hub_scan, "what the Hub's scanners say", ("hub_scan",), comes=True
    ),
    "unknown": Condition(AnyOf(), lambda case: case.facts.unknown, "what is not known"),
    "approved": Condition(Is(), lambda case: case.people.approved, "whether it is approved", lists=True),
    "reviewed": Condition(Is(), lambda case: bool(case.people.reviews), "whether it is reviewed", lists=True),
}

TOGETHER = ("any_", "unless")
"""The fields of `When` that hold other conditions."""
