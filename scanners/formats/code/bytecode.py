"""Compiled Python: `.pyc` files and bare marshalled code. What it names tells what it can reach."""

from __future__ import annotations

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Confidence, Severity
from scanners.formats.code.commands import worst_command
from scanners.formats.code.knowledge import SECRET_PLACES, Power, all_names
from scanners.formats.code.marshalled import Found, NotMarshal, read_code
from scanners.source import ByteSource

_GRAVE = frozenset(
    {
        Power.PROCESS, Power.SOCKET, Power.NETWORK, Power.EXEC, Power.SECRET, Power.NATIVE, Power.PERSIST,
        Power.INSTALL,
    }
)  # fmt: skip
_AMBIGUOUS = frozenset({"eval", "compile", "run", "get"})
"""Names that an attribute of anything may have: they count with their module only."""


def judge(source: ByteSource, case: Case) -> None:
    head = source.read(0, 4)
    found: Found | None = None
    reason = ""
    for start, counts, is_new in _layouts(head):
        try:
            found = read_code(source, start, counts=counts, is_new=is_new)
            break
        except NotMarshal as error:
            reason = str(error)
    if found is None:
        case.add(
            "python-bytecode",
            Severity.MEDIUM,
            "The file is compiled Python of a kind that cannot be read here; what it does cannot be told.",
        )
        raise Unscannable(f"It is compiled Python that cannot be read: {reason or 'its version is unknown'}.")
    reached = _reached(found)
    command = next((worst for text in found.texts if len(text) > 6 and (worst := worst_command(text[:4000]))), None)
    secret = next((match for text in found.texts if len(text) < 400 and (match := SECRET_PLACES.search(text))), None)
    case.fact("code", {"imports": [], "capabilities": sorted({power.value for _, power in reached}), "at_import": []})
    grave = [name for name, power in reached if power in _GRAVE]
    if command is not None and command.severity is Severity.HIGH:
        grave.append(f"a command that {command.what}")
    if secret is not None:
        grave.append(secret.group())
    case.add(
        "python-bytecode",
        Severity.HIGH if grave else Severity.MEDIUM,
        f"The file is compiled Python that reaches for {', '.join(grave[:3])[:120]}."
        if grave
        else "The file is compiled Python: it runs when it is imported, and there is no source to read.",
        confidence=Confidence.LIKELY if grave else Confidence.CERTAIN,
        evidence={"reaches": grave[:20], "names": sorted(found.names)[:80]},
    )


def _layouts(head: bytes) -> list[tuple[int, int, bool]]:
    """Where the code object begins, and how its fields are ordered: by the magic number, newest first where unknown."""
    if head[2:4] != b"\r\n":
        return [(0, 5, True), (0, 6, False), (0, 5, False), (0, 4, False)]
    magic = int.from_bytes(head[:2], "little")
    if magic >= 60_000:
        return [(8, 4, False)]
    if magic < 3200:
        return [(8, 5, False)]
    if magic < 3390:
        return [(12, 5, False)]
    if magic < 3400:
        return [(16, 5, False)]
    if magic < 3450:
        return [(16, 6, False)]
    # From here on numbers of coming versions; their layout is tried.
    return [(16, 5, True), (16, 6, False)]


def _reached(found: Found) -> list[tuple[str, Power]]:
    words = found.names | {part for name in found.names for part in name.split(".")}
    words |= {text for text in found.texts if text.isidentifier()}
    reached: list[tuple[str, Power]] = []
    for name, power in all_names():
        parts = name.replace("()", "").split(".")
        if len(parts) == 1 and parts[0] in _AMBIGUOUS:
            continue
        if all(part in words for part in parts):
            reached.append((name, power))
    return reached
