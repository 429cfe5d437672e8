"""From what a pickle did with its names to findings, each in one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from scanners.finding import Severity
from scanners.formats.pickle.imports import Standing, is_plausible, is_standard_library
from scanners.formats.pickle.known.calls import LOADS_BYTES
from scanners.formats.pickle.known.dangerous import effect_of
from scanners.formats.pickle.known.harmless import BUILD, CALL, FILL, HARMLESS
from scanners.formats.pickle.known.libraries import library_of, library_of_function
from scanners.formats.pickle.names import Name
from scanners.formats.pickle.values import show

_CLASS = re.compile(r"_?[A-Z]\w*\Z")


@dataclass(frozen=True, slots=True)
class Remark:
    """A finding to be, once the pickle is read."""

    rule: str
    severity: Severity
    message: str
    offset: int
    evidence: dict[str, str | int | list[str]]


def of_names(names: Iterable[Name]) -> list[Remark]:
    """What there is to say of the names a pickle has brought in."""
    remarks: list[Remark] = []
    libraries: dict[str, list[Name]] = {}
    for name in names:
        if name.plain_attributes and name.plain_attributes == name.times_called:
            libraries.setdefault("Python", []).append(name)
            continue
        match name.standing:
            case Standing.HARMLESS:
                remarks.extend(_unusual_use(name))
            case Standing.LIBRARY:
                libraries.setdefault(library_of(*name.key)[0] or "Python", []).append(name)
            case Standing.SCRIPT:
                libraries.setdefault("the script that made it", []).append(name)
            case Standing.DANGEROUS:
                remarks.append(_dangerous(name))
            case Standing.UNKNOWN:
                library = None if name.called or name.built else library_of_function(*name.key)
                if library is not None:
                    libraries.setdefault(library, []).append(name)
                else:
                    remarks.append(_unknown(name))
    remarks.extend(_needs(library, names) for library, names in libraries.items())
    return remarks


def _unusual_use(name: Name) -> list[Remark]:
    allowed = HARMLESS.get(name.key)
    if allowed is None:
        return []
    if (
        (not name.called or CALL in allowed)
        and (not name.built or BUILD in allowed)
        and (not name.filled or FILL in allowed)
        and name.key not in LOADS_BYTES
    ):
        return []
    done = [
        (verb, ordinary)
        for verb, ordinary, use, happened in (
            ("calls", "name", CALL, name.called),
            ("sets the state of", "name or call", BUILD, name.built),
            ("puts items into what is made by", "name or call", FILL, name.filled),
        )
        if happened and use not in allowed
    ]
    if name.key in LOADS_BYTES and name.times_pushed > name.times_called_in_place:
        # As an attribute or an argument it may yet be called, with a file nobody has looked into.
        done.append(("hands on", "call"))
    return [
        Remark(
            "pickle-unusual-use",
            Severity.HIGH,
            f"Loading this file {verb} {name}, which ordinary files only {ordinary}.",
            name.offset,
            {"import": str(name)},
        )
        for verb, ordinary in done
    ]


def _dangerous(name: Name) -> Remark:
    effect = effect_of(*name.key)
    does = effect.value if effect is not None else "is known to be used in attacks"
    shown = str(name)[:200]
    evidence: dict[str, str | int | list[str]] = {"import": shown}
    if name.called:
        call = show(name.calls[0]) if name.calls else f"{shown}(...)"
        evidence["call"] = call
        return Remark(
            "pickle-executes-code",
            Severity.HIGH if effect is not None and effect.is_only_files else Severity.CRITICAL,
            f"Loading this file calls {call}, which {does}.",
            name.offset,
            evidence,
        )
    return Remark(
        "pickle-dangerous-import",
        Severity.HIGH,
        f"The file brings in {shown}, which {does} when it is called; no call of it is in plain sight.",
        name.offset,
        evidence,
    )


def _unknown(name: Name) -> Remark:
    shown = str(name)[:200]
    evidence: dict[str, str | int | list[str]] = {"import": shown}
    if name.calls:
        evidence["call"] = show(name.calls[0])
    verb = "calls" if name.called else "changes" if name.built else "brings in"
    return Remark(
        "pickle-unknown-import",
        Severity.HIGH if _is_severe(name) else Severity.MEDIUM,
        f"Loading this file {verb} {shown}, which is not known to be harmless.",
        name.offset,
        evidence,
    )


def _is_severe(name: Name) -> bool:
    """Of an unknown name: whether it could be there to do harm, or is only a class we have not heard of."""
    if is_standard_library(name.module) or not is_plausible(name.module, name.name) or "." in name.name:
        return True
    # A class that is made without its `__init__` and given its state is how any object is pickled.
    looks_like_a_class = bool(_CLASS.match(name.name))
    return (name.called or name.built) and not (looks_like_a_class and name.times_initialised == 0)


def _needs(library: str, names: list[Name]) -> Remark:
    imports = sorted(str(name) for name in names)
    shown = ", ".join(imports[:3]) + (f" and {len(imports) - 3} more" if len(imports) > 3 else "")
    return Remark(
        "pickle-needs-class",
        Severity.MEDIUM,
        f"The file needs what is in {library} to load: {shown}."
        if library != "Python"
        else f"Loading the file looks something up with {shown}, as pickles of enums, types and methods do.",
        min(name.offset for name in names),
        {"library": library, "imports": imports[:100]},
    )
