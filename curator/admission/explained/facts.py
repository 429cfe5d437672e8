"""What the decision rests on besides: files with what was found in them, and the repository's standing."""

from __future__ import annotations

from collections import Counter
from typing import Any

from curator.admission.explained.page import Page, Tone
from curator.admission.explained.words import count, parameters, seen, several, since, size

Json = dict[str, Any]
_ORDER = ("unsafe", "unscannable", "suspicious", "safe")
_TONES = {"unsafe": Tone.BAD, "unscannable": Tone.DOUBT, "suspicious": Tone.DOUBT}
_SHOWN_ELSEWHERE = {"license", "lineage", "owner"}


def files(page: Page, document: Json) -> None:
    """Those that are left out, those with findings, and how many others there are."""
    facts, left_out = document["facts"], document["excluded_files"]
    # One alone has been named in the answer.
    if len(left_out) > 1:
        page.head("Left out")
        page.say("The repository is served without these; they are not in its listings:")
        for path, reason in sorted(left_out.items()):
            page.say(f"{path}, by the rule {reason['rule']}", 4, hang=2)
    page.head("Files")
    counts = Counter(file["verdict"] for file in facts["files"])
    page.say(", ".join(f"{counts[verdict]} {verdict}" for verdict in _ORDER if counts[verdict]) or "none")
    for file in sorted(facts["files"], key=lambda file: _ORDER.index(file["verdict"])):
        if file["verdict"] == "safe" and not file["findings"]:
            continue
        page.say(
            f"{file['path']} ({file['format']}, {size(file['size'])})",
            hang=2,
            word=file["verdict"],
            tone=_TONES.get(file["verdict"]),
        )
        if file["unscannable"]:
            page.say(f"not judged: {file['unscannable']}", 6, hang=2)
        for finding in file["findings"]:
            where = f", at {finding['where']}" if finding["where"] else ""
            by = f"[{finding['rule']}, {finding['engine']}{where}]"
            page.say(f"{finding['severity']}: {finding['message']} {by}", 6, hang=2)


def standing(page: Page, document: Json) -> None:
    """What is known of the repository, and where that comes from."""
    facts = document["facts"]
    page.head("Facts")
    now = facts["observed_at"]
    rows = [_used(facts)]
    dates = [("made", "created_at"), ("last changed", "last_modified"), ("this commit", "committed_at")]
    rows.append("; ".join(f"{what} {since(facts[key], now)}" for what, key in dates if facts[key]))
    about = [facts["pipeline_tag"], facts["library"] and f"for {facts['library']}"]
    about.append(parameters(facts["parameters"]) if facts["parameters"] else "")
    about.append(f"{facts['context_length']:,} tokens of context" if facts["context_length"] else "")
    about.append(f"{size(sum(file['size'] for file in facts['files']))} in {count(len(facts['files']), 'file')}")
    rows.append(", ".join(filter(None, about)))
    rows.append("gated by the Hub: its terms were accepted for this mirror" if facts["gated"] else "")
    rows.append(f"the Hub's own scanners say {facts['hub_scan']}" if facts["hub_scan"] != "unknown" else "")
    rows.append(f"takes code from {several(facts['code_from'])}" if facts["code_from"] else "")
    for row in filter(None, rows):
        page.say(row, hang=2)
    if facts["unknown"]:
        page.say(f"{', '.join(facts['unknown'])}", hang=2, word="could not be had:", tone=Tone.DOUBT)
        for why in filter(None, dict.fromkeys(facts["why_unknown"])):
            page.say(why, 4, hang=2)
    for source in facts["sources"]:
        if source["fact"] not in _SHOWN_ELSEWHERE:
            page.say(f"{source['fact']}: from {source['source']}{seen(source['at'], document)}", 4, hang=2)


def _used(facts: Json) -> str:
    before = f" ({facts['downloads_before']:,} when first seen here)" if facts["downloads_before"] else ""
    return f"{count(facts['downloads'], 'download')} a month{before}, {count(facts['likes'], 'like')}"
