"""Where a repository comes from: its licence, what it was made from, whose name it bears, whose it is."""

from __future__ import annotations

from typing import Any

from curator.admission.explained.page import Page, Tone
from curator.admission.explained.words import count, seen, several, since

Json = dict[str, Any]
_RELATIONS = {
    "finetune": "a fine-tune of",
    "adapter": "an adapter for",
    "merge": "a merge with",
    "quantized": "a quantisation of",
}
_STATES = {
    "missing": "it is not on the Hub (any more), so its licence is not known",
    "private": "it is private, so its licence is not known",
    "unreachable": "it could not be asked for at the time, so its licence is not known",
    "cycle": "it leads back to where it came from",
    "too-deep": "it was not followed any further",
}
_LEVELS = {
    "conflict": ("CONFLICT", Tone.BAD),
    "warning": ("in doubt", Tone.DOUBT),
    "duty": ("to be kept", Tone.DOUBT),
    "gap": ("not known", Tone.DOUBT),
}
_STATEMENTS = {"card": "the card", "tags": "the Hub's tags", "file": "a licence file"}


def license(page: Page, document: Json) -> None:  # noqa: A001 - it is what this part is about
    """Every place that says something of the licence, the most restrictive first."""
    facts = document["facts"]
    found = facts["license"]
    page.head("Licence")
    declared = ", ".join(found["declared"]) or "none declared"
    expression = found["expression"]
    known = {one.casefold() for one in found["declared"]}
    spdx = f" (SPDX {expression})" if expression and expression.casefold() not in known else ""
    page.say(f"{declared}{spdx}: {found['category']}")
    if found["disagrees"] or len(found["statements"]) > 1:
        for statement in found["statements"]:
            source = statement["path"] or _STATEMENTS.get(statement["source"], statement["source"])
            doubt = f", {statement['confidence']:.0%} sure" if statement["confidence"] < 1 else ""
            page.say(f"{source} says {_short(statement['license'])} ({statement['category']}{doubt})", 4, hang=2)
    if found["why"] and not _told(found["why"], document):
        page.say(found["why"])
    if found["before"]:
        page.say(f"Before this commit it was {_short(found['before'])}.")
    if found["terms"]:
        page.say(f"It asks for: {', '.join(found['terms'])}")
    _source(page, document, "license")


def lineage(page: Page, document: Json) -> None:
    """A chain of what it was made from, each conflict at its step."""
    facts = document["facts"]
    found = facts["lineage"]
    if not (found["hops"] or found["undeclared"] or found["unresolved"]):
        return
    page.head("Made from")
    page.say(f"{facts['repository']}: {_licensed(facts['license'])}")
    seen: set[int] = set()
    _steps(page, document, facts["repository"], 1, seen)
    told = {id(conflict) for conflict in found["conflicts"]}
    told -= {id(conflict) for hop in found["hops"] for conflict in _conflicts(found, hop)}
    for conflict in found["conflicts"]:
        if id(conflict) in told:
            page.say(f"with {conflict['parent']}:", 4)
            _conflict(page, conflict, document, 6)
    if found["undeclared"]:
        page.say(
            f"By its tensors and its tokenizer it seems to be made from {several(found['undeclared'])}, too, and does "
            "not say so."
        )
    _source(page, document, "lineage")


def _steps(page: Page, document: Json, child: str, depth: int, seen: set[int]) -> None:
    found = document["facts"]["lineage"]
    for number, hop in enumerate(found["hops"]):
        if number in seen or hop["depth"] != depth or hop["child"].casefold() != child.casefold():
            continue
        seen.add(number)
        indent = 2 + 3 * depth
        relation = _RELATIONS.get(hop["relation"], "made from")
        at = f"@{hop['commit'][:12]}" if hop["commit"] else ""
        state = _STATES.get(hop["state"])
        says = f" (as {_declares(hop['source'])} says)" if hop["source"] else ""
        page.say(f"{relation} {hop['parent']}{at}: {state or _licensed(hop)}{says}", indent, hang=3, word="<-")
        for conflict in _conflicts(found, hop):
            if state and conflict["level"] == "gap":
                page.say(f"To mend it: {conflict['cure']}", indent + 3, hang=2)
            else:
                _conflict(page, conflict, document, indent + 3)
        _steps(page, document, hop["parent"], depth + 1, seen)


def _conflicts(found: Json, hop: Json) -> list[Json]:
    return [
        conflict
        for conflict in found["conflicts"]
        if conflict["depth"] == hop["depth"] and conflict["parent"].casefold() == hop["parent"].casefold()
    ]


def _conflict(page: Page, conflict: Json, document: Json, indent: int) -> None:
    word, tone = _LEVELS[conflict["level"]]
    clause, cure = conflict["clause"], conflict["cure"]
    told = _told(clause, document)
    said = f"{conflict['id']}, as told above" if told else f"{conflict['id']}: {clause}"
    page.say(said, indent, hang=2, word=word, tone=tone)
    if not (told and _told(cure, document)):
        page.say(f"To mend it: {cure}", indent + 2, hang=2)


def _told(text: str, document: Json) -> bool:
    """Whether a reason, which stands above, says it already."""
    text = " ".join(text.split()).rstrip(".")
    return any(text in " ".join(reason["message"].split()) for reason in document["reasons"])


def _licensed(found: Json) -> str:
    expression = found.get("license") or found.get("expression") or ", ".join(found.get("declared", ()))
    return f"{_short(expression)} ({found['category']})" if expression else f"no licence ({found['category']})"


def _short(expression: str) -> str:
    """Without the words by which SPDX marks the ids that it does not have itself."""
    return expression.replace("LicenseRef-hf-", "")


def _declares(source: str) -> str:
    return "its card" if source == "card" else "the Hub's tags" if source == "tags" else source


def name(page: Page, document: Json) -> None:
    """Whose name it bears, what it has of others, and whose it is."""
    facts = document["facts"]
    alike, copied, owner = facts["lookalike"], facts["copied"], facts["owner"]
    if alike["of"] or (copied["why"] and not _told(copied["why"], document)):
        page.head("Looks like another")
    if alike["of"]:
        shown = "" if _told(alike["why"], document) else f": {alike['why']}"
        page.say(f"{alike['of']}, alike by {alike['score']:.2f} of 1{shown}", hang=2)
    if copied["why"] and not _told(copied["why"], document):
        page.say(copied["why"])
    known = facts["publisher_known"]
    page.head("Owner")
    parts = [facts["namespace"] or "none"]
    parts.append("a known publisher" if known else "not among the known publishers")
    if "owner" in facts["unknown"]:
        parts.append("more is not known: the Hub could not be asked")
    else:
        if owner["kind"] != "unknown":
            verified = "verified by the Hub" if owner["verified"] else "not verified"
            parts.append(f"{_article(owner['kind'])}, {verified}")
        if owner["created_at"]:
            parts.append(f"account made {since(owner['created_at'], facts['observed_at'])}")
        if owner["followers"] or owner["repositories"]:
            parts.append(f"{count(owner['followers'], 'follower')}, {count(owner['repositories'], 'model')}")
    page.say("; ".join(parts), hang=2)
    if owner["changed"]:
        page.say(f"{owner['why']}", hang=2, word="CHANGED", tone=Tone.BAD)
    _source(page, document, "owner")


def _article(kind: str) -> str:
    return f"an {kind}" if kind[:1] in "aeio" else f"a {kind}"


def _source(page: Page, document: Json, group: str) -> None:
    for source in document["facts"]["sources"]:
        if source["fact"] == group:
            page.say(f"from {source['source']}{seen(source['at'], document)}", 4)
