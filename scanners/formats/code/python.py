"""The judge of Python source: what it does, when it does it, and what it hides."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

from scanners.budget import BudgetSpent, Unscannable
from scanners.case import Case, CodeText
from scanners.finding import Confidence, Severity
from scanners.formats.code.disguise import look_at_source
from scanners.formats.code.knowledge import Power
from scanners.formats.code.reach import SENTENCES, Moment, Moments, is_in_model, moments_of
from scanners.formats.code.reader import Reader
from scanners.formats.code.text import Source, decode
from scanners.formats.code.values import Deed, Unit
from scanners.formats.code.weighing import weigh
from scanners.formats.code.weights import Surroundings, Weight
from scanners.source import ByteSource, MemorySource

LARGEST_SOURCE = 1024 * 1024
"""A syntax tree takes up to 500 times the bytes of its source; the longest of known models have 300 KiB."""
PIECE, MOST_OF_LONG = 1024 * 1024, 64 * 1024 * 1024
MOST_PLACES_SHOWN = 12
_SETUP_FILES = frozenset({"setup.py", "conftest.py", "noxfile.py"})
_PROGRAMS = re.compile(
    r"(?:train|run|convert|app|demo|main|eval|launch|test|example|benchmark|fine_?tun|generate|infer|predict|prepare"
    r"|download|upload|export|quantize|merge|gradio|streamlit|serve|cli|sample|chat|web|usage|quick_?start)\w*\.py$",
    re.IGNORECASE,
)
_HOSTILE_WORDS = re.compile(
    r"\bos\s*\.\s*(?:system|popen|exec[lv]\w*|spawn\w+)\s*\(|\bsubprocess\s*\.\s*(?:run|call|Popen|check_\w+|getoutput)\s*\("
    r"|(?<![.\w])(?:exec|eval|__import__)\s*\(|(?<![.\w])exec\s+[\"'\w]|\bsocket\s*\.\s*socket\s*\(|\burlopen\s*\("
    r"|\bmarshal\s*\.\s*loads|\bpty\s*\.\s*spawn|\bctypes\s*\.\s*CDLL|\.ssh/|/etc/(?:passwd|shadow)"
)
_HOSTILE_STATEMENT = re.compile(rf"^(?:\w+\s*=\s*)?(?:{_HOSTILE_WORDS.pattern})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Weighed:
    deed: Deed
    unit: Unit
    moment: Moment
    weight: Weight


def judge(source: ByteSource, case: Case) -> None:
    """A whole file."""
    if source.size > LARGEST_SOURCE:
        case.add(
            "python-code", Severity.MEDIUM, f"The file is Python source of {source.size:,} bytes, too long to be read."
        )
        _judge_long(source, case)
        raise Unscannable(f"It is Python source of more than {LARGEST_SOURCE // 1024 // 1024} MiB.")
    case.add(
        "python-code",
        Severity.LOW,
        "The file is Python source: it runs when it is imported, for instance with trust_remote_code.",
    )
    judge_text(decode(source.read(0, source.size), case), case)


def _judge_long(source: ByteSource, case: Case) -> None:
    """What can be told of a file too long for a tree: its lines without comments, if few, or its words."""
    kept: list[str] = []
    size = 0
    hostile = False
    rest = b""
    for begin in range(0, min(source.size, MOST_OF_LONG), PIECE):
        case.meter.check_clock()
        lines = (rest + source.read(begin, min(PIECE, source.size - begin))).split(b"\n")
        rest = lines.pop()[-LARGEST_SOURCE:]
        for raw in lines:
            line = raw.decode("utf-8", "replace").rstrip("\r")
            if size <= LARGEST_SOURCE and line.strip() and not line.lstrip().startswith("#"):
                kept.append(line)
                size += len(line) + 1
        hostile = hostile or _note_words(b"\n".join(lines).decode("utf-8", "replace"), case)
    kept.append(rest.decode("utf-8", "replace"))
    if not hostile:
        hostile = _note_words(kept[-1], case)
    if size + len(kept[-1]) <= LARGEST_SOURCE:
        judge_text(Source("\n".join(kept), kept), case)


def _note_words(text: str, case: Case) -> bool:
    """Whether it names what runs programs or code; at the beginning of a line, it does so at import."""
    found = _HOSTILE_STATEMENT.search(text)
    at_import = found is not None
    found = found or _HOSTILE_WORDS.search(text)
    if found is None:
        return False
    case.add(
        "code-unparsable",
        Severity.CRITICAL if at_import else Severity.HIGH,
        f"The code is too long to be read as a whole, and it names {found.group().strip()[:40]!r}.",
        confidence=Confidence.LIKELY,
        evidence={"names": found.group().strip()[:60]},
    )
    return True


def judge_text(source: Source, case: Case, *, latest: Moment = Moment.IMPORT) -> None:
    """Source that is decoded already. `latest` is the gravest moment there is: cells of a notebook run one by one."""
    tree = parse(source, case)
    if tree is None:
        return
    look_at_source(source, tree, case)
    reader = Reader(source.lines, case.meter)
    try:
        reader.read(tree)
        moments = moments_of(reader, case.name)
    except RecursionError as error:
        raise Unscannable("Its code is nested too deep to be read.") from error
    weighed = list(_weigh(reader, moments, case.name, latest))
    _note(weighed, case)
    worst = max((one.weight.severity for one in weighed), key=lambda severity: severity.rank, default=None)
    case.dossier.sources.append(CodeText(source.text, case.member, worst))
    _facts(reader, moments, case)
    for number, (data, line) in enumerate(reader.pickles[:8]):
        case.examine(MemorySource(data), f"pickle in line {line} ({number})", name="constant.pkl")


def parse(source: Source, case: Case) -> ast.Module | None:
    """The tree; None for what is no Python of today, which is noted."""
    try:
        with warnings.catch_warnings():
            # What the code's author should have written differently is not our matter.
            warnings.simplefilter("ignore")
            return ast.parse(source.text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        note_unparsable(source.text, str(error), case, line=line if isinstance(line, int) else None)
        return None
    except (RecursionError, MemoryError) as error:
        case.add("code-unparsable", Severity.MEDIUM, "The code is nested deeper than Python itself can read.")
        raise Unscannable("Its code is nested too deep to be read.") from error


def note_unparsable(
    text: str, error: str, case: Case, *, line: int | None = None, otherwise: Severity = Severity.MEDIUM
) -> None:
    """What does not parse here may well run elsewhere: what it names decides."""
    hostile = _HOSTILE_WORDS.search(text)
    names = f", and it names {hostile.group()[:30]!r}: what it does cannot be told" if hostile is not None else ""
    case.add(
        "code-unparsable",
        Severity.HIGH if hostile is not None else otherwise,
        f"The code does not parse as Python ({error[:80]}){names}.",
        confidence=Confidence.LIKELY,
        line=line,
        evidence={"error": error[:200]} | ({"names": hostile.group()[:60]} if hostile is not None else {}),
    )


def _weigh(reader: Reader, moments: Moments, name: str, latest: Moment) -> Iterable[Weighed]:
    at_import = _powers(unit for unit in reader.units if moments.moment(unit) is Moment.IMPORT)
    for unit in reader.units:
        moment = min(moments.moment(unit), latest)
        own = _powers(moments.closures.get(id(unit), frozenset()))
        company = own | (at_import if moments.moment(unit) is Moment.IMPORT else frozenset())
        around = Surroundings(
            moment,
            company,
            is_setup=name in _SETUP_FILES,
            is_notebook=latest is Moment.USE,
            in_model=is_in_model(unit),
            is_program=latest is Moment.USE or _PROGRAMS.match(name) is not None,
        )
        for deed in unit.deeds:
            weight = weigh(deed, around)
            if weight is not None:
                yield Weighed(deed, unit, moment, weight)


def _powers(units: Iterable[Unit]) -> frozenset[Power]:
    return frozenset(deed.power for unit in units for deed in unit.deeds)


def _note(weighed: list[Weighed], case: Case) -> None:
    """One finding for each rule and severity, at its first place; the other places are evidence."""
    groups: dict[tuple[str, Severity], list[Weighed]] = {}
    for one in sorted(weighed, key=lambda one: one.deed.line):
        groups.setdefault((one.weight.rule, one.weight.severity), []).append(one)
    for (rule, severity), places in groups.items():
        if severity is Severity.LOW and any(other == rule for other, graver in groups if graver is not Severity.LOW):
            continue
        first = max(places, key=lambda one: (one.moment, -one.deed.line))
        when = SENTENCES[first.moment]
        more = f" (and {len(places) - 1} more like it)" if len(places) > 1 else ""
        case.add(
            rule,
            severity,
            f"The code {first.weight.what} {when}: {_shown(first.deed)}{more}.",
            confidence=Confidence.CERTAIN if first.moment is Moment.IMPORT else Confidence.LIKELY,
            line=first.deed.line,
            evidence={
                "call": first.deed.path[:200],
                "source": first.deed.snippet,
                "runs": when,
                "in": first.unit.name[:200],
                **({"with": first.deed.words[:300]} if first.deed.words else {}),
                **({"lines": [one.deed.line for one in places[:MOST_PLACES_SHOWN]]} if len(places) > 1 else {}),
            },
        )


def _shown(deed: Deed) -> str:
    words = " ".join(deed.words.split())[:60]
    name = deed.path[:60]
    return f"{name}({words!r})" if words and deed.called else name


def _facts(reader: Reader, moments: Moments, case: Case) -> None:
    case.fact(
        "code",
        {
            "imports": sorted(name for name in reader.imports if name.strip("."))[:200],
            "capabilities": sorted({deed.power.value for unit in reader.units for deed in unit.deeds}),
            "at_import": sorted(
                {
                    deed.power.value
                    for unit in reader.units
                    if moments.moment(unit) is Moment.IMPORT
                    for deed in unit.deeds
                }
            ),
        },
    )


__all__ = ["BudgetSpent", "judge", "judge_text", "parse"]
