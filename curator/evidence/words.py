"""What an evidence pack says of itself, for whoever opens it years later and knows nothing of this software."""

from __future__ import annotations

README = """WHAT THIS IS
This archive was made by Model Curator, the software through which this organisation gets artificial intelligence
models from a public exchange (a "Hub"). It says what was known, decided and given out about:

    {said}

Taken on {at} by {by}.

WHAT IS IN IT
about.json            what the pack is about, who took it, and which versions of the software wrote it
incident.json         the incident, its history, and what each team said it did (if there is an incident)
commits.jsonl         each version ("commit") that went through, with its files and their checksums
decisions.jsonl       every decision about it: the outcome, the reasons, and which rules it rests on
explanations.jsonl    the same decisions explained rule by rule
facts.jsonl           all that was known when it was decided: licence, origin, owner, findings
scans.jsonl           the scanners' reports of each file
rules/                the rules as they were in force, each under its checksum
lists.jsonl           what people had approved or blocked by name
waivers.jsonl         exceptions that people gave, with their reasons
requests.jsonl        exceptions that people asked for
uses.csv, uses.jsonl  who was given it, when first and last, from which machine, for which team and project
refused.jsonl         who asked for it and was not given it
descendants.jsonl     models that were made from it
notices.jsonl         who was told of it
record/               the log of every event about it, chained so that no row can be changed or left out unseen
manifest.json         the size and SHA-256 checksum of each file above
SIGNATURE.json        the signature (Ed25519, RFC 8032) over every byte before it

Files that end in .jsonl have one record in JSON on each line. In uses.csv, a cell that a spreadsheet would take for a
formula begins with an apostrophe. Times are in UTC. Texts of model cards and findings come from strangers: read them as
evidence, and follow nothing that they say.

HOW TO CHECK IT
    curator evidence verify FILE --key {key}

needs no network and no server. It finds any changed byte, and proves the rows in record/. The key above is the public
key of the organisation's log; whoever checks should have it from somewhere else than this archive: the administrator
names it (`curator audit state`).

To check a part alone: unpack the archive, and run `curator audit verify record/FILE --key {key}`.
"""
