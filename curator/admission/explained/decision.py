"""The decision itself: the answer, why, who has said something about it, and what would change it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from curator.admission.explained.page import Page
from curator.admission.explained.words import OUTCOMES, TONES, count, day, moment, several, somebody

Json = dict[str, Any]


def answer(page: Page, document: Json) -> None:
    """The outcome, the rule, the sentence, and who can decide otherwise."""
    # As it can be asked for again.
    prefix = "" if document["kind"] == "model" else f"{document['kind']}s/"
    page.say(f"{prefix}{document['repository']}@{document['commit']}", 0)
    outcome = document["outcome"]
    decisive = [one for one in document["reasons"] if one["standing"] == "enforced" and one["outcome"] == outcome]
    by = f" by the rule {decisive[0]['rule']}" if decisive and outcome != "allow" else ""
    left_out = document["excluded_files"]
    without = f", without {several(sorted(left_out), 3)}" if left_out else ""
    enforced = [one for one in document["reasons"] if one["standing"] == "enforced"]
    warnings = [one for one in enforced if one["outcome"] == "warn"] if outcome == "allow" else []
    warned = f", with {count(len(warnings), 'warning')}" if warnings else ""
    page.say(f"{by}{without}{warned}".strip(" ,"), 0, word=OUTCOMES[outcome], tone=TONES[outcome])
    page.blank()
    if outcome == "allow":
        if left_out:
            page.say(_sentence(next(iter(left_out.values()))["message"]))
            rest = len(document["facts"]["files"]) - len(left_out)
            page.say(f"All else is served: {count(rest, 'file')}.")
        elif not warnings:
            passed = {one["rule"] for one in document["reasons"] if one["standing"] in ("waived", "approved")}
            page.say(
                f"What {count(len(passed), 'rule')} {'has' if len(passed) == 1 else 'have'} against it is passed over "
                "by people, who are named below."
                if passed
                else "No rule has anything against it."
            )
        for warning in warnings:
            page.say(_sentence(warning["message"]), hang=2, word="warning:", tone=TONES["warn"])
    else:
        page.say(_sentence(decisive[0]["message"]) if decisive else "No rule says why.")
        others = [one["rule"] for one in decisive[1:]]
        if others:
            page.say(f"So do{'es' if len(others) == 1 else ''} {several(others)}; all of them are below.")
    if "behind" in document:
        behind = document["behind"]
        decision = f" Decision {behind['decision']}." if behind["decision"] else ""
        page.say(_sentence(behind["sentence"]) + decision)
    if outcome != "allow" or left_out:
        _who_decides(page, document, decisive)
    rules = f"'{document['rule_set']['name']}' ({document['rule_set']['digest'][:12]})"
    until = f"; it holds until {moment(document['expires_at'])}" if document["expires_at"] else ""
    page.say(f"Decided {moment(document['decided_at'])}{_for(document)} by the rules {rules}{until}.")
    if document.get("superseded_by"):
        page.say(f"It is no longer in force: decision {document['superseded_by']} has taken its place.")


def _who_decides(page: Page, document: Json, decisive: list[Json]) -> None:
    reasons = decisive if document["outcome"] != "allow" else list(document["excluded_files"].values())
    owners = list(dict.fromkeys(one["owner"] for one in reasons if one["owner"]))
    contact = document.get("contact") or ""
    if owners:
        ask = f": ask {contact}" if contact else ""
        page.say(
            f"An exception is for {' and '.join(owners)} to decide{ask}, and quote decision {document['decision']}."
        )
    else:
        page.say(
            f"For an exception ask {contact or 'the administrator of this mirror'}, and quote decision "
            f"{document['decision']}."
        )


def _for(document: Json) -> str:
    audience = document.get("audience") or {}
    named = [f"{name} {audience[name]}" for name in ("team", "project") if audience.get(name)]
    return f" for {' and '.join(named)}" if named else ""


def why(page: Page, document: Json) -> None:
    """Each rule that has something to say, and what it saw."""
    shown = [one for one in document["reasons"] if one["standing"] == "enforced" and one["outcome"] != "allow"]
    if not shown:
        return
    page.head("Why")
    results = {one["rule"]: one for one in document["rules"]}
    # What has been told above.
    first = shown[0] if shown[0]["outcome"] == document["outcome"] != "allow" else None
    allowed = document["outcome"] == "allow"
    if allowed and document["excluded_files"]:
        told = next(iter(document["excluded_files"].values()))["message"]
        first = next((one for one in shown if one["message"] == told), None)
    for reason in shown:
        result = results.get(reason["rule"])
        page.say(f"-> {reason['outcome']}", word=reason["rule"], tone=TONES[reason["outcome"]])
        if reason is not first and not (allowed and reason["outcome"] == "warn"):
            page.say(_sentence(reason["message"]), 4)
        if result is not None:
            page.say(f"The rule: {_sentence(result['description'])}", 4)
            for asked in result["asked"]:
                _condition(page, asked)
        if len(reason["files"]) > 1:
            page.say(f"files: {several(reason['files'])}", 4, hang=4)
        for reference in result["references"] if result else ():
            page.say(f"See {reference}", 4)


def _condition(page: Page, asked: Json) -> None:
    """One condition and whether it holds; what stands below `unless` speaks for the rule where it does not."""
    before, unless, condition = asked["condition"].rpartition("unless: ")
    if not unless:
        page.say(_asked(asked), 4, hang=4, word={True: "yes", False: "no ", None: "?  "}[asked["held"]])
        return
    holds = {True: "which is so", False: "which is not so", None: "which nobody knows"}[asked["held"]]
    page.say(f"{before}{_asked(asked | {'condition': condition})}, {holds}", 4, hang=4, word="unless")


def _asked(asked: Json) -> str:
    """A condition as it is written, and what the facts say."""
    said = asked["said"]
    if asked["held"] is None and said is None:
        shown = "is not known"
    elif isinstance(said, dict):
        shown = ", ".join(f"{name} is {value}" for name, value in said.items())
    elif isinstance(said, list):
        shown = several(said) if said else "none"
    else:
        shown = f"it is {str(said).lower() if isinstance(said, bool) else said}"
    wanted = {"True": "true", "False": "false"}.get(asked["wanted"], asked["wanted"])
    return f"{asked['condition']}: {wanted} ({shown})"


def people(page: Page, document: Json) -> None:
    """What people's words have done: waived, approved; and rules that are only tried."""
    named = document.get("named", {})
    rows = [one for one in document["reasons"] if one["standing"] != "enforced" or one["by"]]
    if not rows:
        return
    page.head("Passed over, approved, and tried")
    for reason in rows:
        by = "; ".join(somebody(named.get(one, {"id": one})) for one in reason["by"])
        said = f"{reason['rule']}: {_sentence(reason['message'])}"
        match reason["standing"]:
            case "dry-run":
                page.say(f"{said} It would {_verb(reason['outcome'])}, and is not enforced.", hang=2, word="tried")
            case "waived":
                page.say(f"{said} It would {_verb(reason['outcome'])}; {by}.", hang=2, word="waived")
            case _:
                page.say(f"{said} {by[:1].upper()}{by[1:]}.", hang=2, word="approved" if by else "said")


def changes(page: Page, document: Json) -> None:
    """Everything that was tried and changes the outcome, by what comes of it, with the command where there is one."""
    found: dict[tuple[str, tuple[str, ...]], list[Json]] = {}
    for change in document.get("changes", []):
        found.setdefault((change["outcome"], tuple(change["excluded_files"])), []).append(change)
    if not found:
        return
    page.head("What would change it")
    for (outcome, left_out), ways in found.items():
        then = {"allow": "allowed", "hold": "held for review", "block": "blocked"}[outcome]
        without = f", without {several(left_out, 3)}" if left_out else ""
        whole = ", with all its files" if document["excluded_files"] and outcome == "allow" and not left_out else ""
        page.say(f"It would be {then}{without}{whole}:")
        for change in ways:
            page.say(_way(change, document).rstrip("."), 4, hang=2, word="-")
            if command := _command(change, document):
                page.command(command, 8)


def _way(change: Json, document: Json) -> str:
    """What would have to be done or to happen."""
    match change["kind"].split(" + ")[0]:
        case "time":
            named = [one for one in document.get("named", {}).values() if one.get("expires_at")]
            ends = [one for one in named if _same_moment(one["expires_at"], change["at"])]
            what = (
                f"when this is over: {somebody(ends[0])}"
                if ends
                else f"without anybody's doing, on {day(change['at'])}"
            )
            return f"{what} ({change['how']})"
        case "files" | "list":
            return f"by {change['how']}"
        case _:
            return f"with {change['how']}"


def _command(change: Json, document: Json) -> str:
    """What a reviewer would type; empty where people of the mirror cannot do it."""
    about = change.get("about") or []
    if not about:
        return ""
    if change["kind"] == "list":
        return "; ".join(f"curator lists end {entry}" for entry in about)
    target = document["repository"]
    if about != ["repository"]:
        target += f"@{document['commit']}"
    kind = "" if document["kind"] == "model" else f" --repo-type {document['kind']}"
    audience = document.get("audience") or {}
    scope = "".join(f" --{name} {audience[name]}" for name in ("team", "project") if audience.get(name))
    verb, until = ("waive", " --until=90d") if change["kind"] == "waiver" else ("approve", "")
    return f'curator {verb} {target}{kind}{scope}{until} --reason="..."'


def _same_moment(one: str, other: str) -> bool:
    return dt.datetime.fromisoformat(one) == dt.datetime.fromisoformat(other)


def others(page: Page, document: Json) -> None:
    """The rules that had nothing to say, in short."""
    said = {one["rule"] for one in document["reasons"]}
    rest = [one["rule"] for one in document["rules"] if one["rule"] not in said and not one["applied"]]
    if rest:
        page.head("Rules that do not apply")
        page.say(", ".join(rest))


def _verb(outcome: str) -> str:
    return {"block": "block it", "hold": "hold it", "exclude-file": "leave files out"}.get(outcome, outcome)


def _sentence(text: str) -> str:
    """Somebody's words with a capital where that changes no name, and a full stop."""
    text = text.strip()
    first = text.split(" ", 1)[0]
    if first.isalpha() and first.islower():
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + "."
