"""Files, findings, and what loading them would bring in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from curator.admission.difference.said import Change, Weight
from curator.admission.difference.side import Side
from rules.facts import FileFacts, FindingFacts, Role, Severity, Verdict

_OURS = "curator"
_BAD = {Severity.HIGH, Severity.CRITICAL}
_IMPORTS = {"harmless": Weight.SMALL, "library": Weight.NOTABLE}
"""By what the scanner calls an import; any other word is grave."""
_GRAVE_POWERS = frozenset({"process", "network", "exec", "native", "token", "secret", "tamper", "escape"})


def files(before: Side, after: Side) -> Iterator[Change]:
    """Added, removed, and of other content."""
    old, new = _by_path(before), _by_path(after)
    for path in sorted(new.keys() - old.keys()):
        file = new[path]
        yield Change("files", "added", _weight(file), f"{path} is new: {_told(file)}.", path, after=_told(file))
    for path in sorted(old.keys() - new.keys()):
        file = old[path]
        weight = Weight.NOTABLE if file.role is Role.WEIGHTS else Weight.SMALL
        yield Change("files", "removed", weight, f"{path} is gone: it was {_told(file)}.", path, before=_told(file))
    for path in sorted(old.keys() & new.keys()):
        was, is_ = old[path], new[path]
        if was.blob == is_.blob and was.size == is_.size:
            continue
        if was.format != is_.format:
            weight = max(Weight.NOTABLE, _weight(is_), key=_mild)
            said = f"{path} is of another format: {is_.format} instead of {was.format}."
        else:
            weight, said = _weight(is_), f"{path} has another content{_size(was.size, is_.size)}."
        yield Change("files", "changed", weight, said, path, _told(was), _told(is_))


def findings(before: Side, after: Side) -> Iterator[Change]:
    """What is found now and was not, and the reverse; the same finding in a file of other content is the same."""
    old, new = _findings(before), _findings(after)
    for key, finding in sorted(new.items(), key=_worst_first):
        if key not in old:
            weight = Weight.SMALL if finding.severity in {Severity.LOW, Severity.NONE} else Weight.NOTABLE
            # What other scanners say is a second opinion of what ours says.
            if finding.severity in _BAD and finding.engine == _OURS:
                weight = Weight.GRAVE
            yield Change("findings", "added", weight, f"{key[0]}: {finding.message}", key[0], after=finding.severity)
    for key, finding in sorted(old.items(), key=_worst_first):
        if key not in new:
            said = f"{key[0]}: no longer found: {finding.message}"
            yield Change("findings", "removed", Weight.SMALL, said, key[0], before=finding.severity)


def imports(before: Side, after: Side) -> Iterator[Change]:
    """What loading the pickles would import."""
    old, new = _imports(before), _imports(after)
    for name in sorted(new.keys() - old.keys()):
        word, path = new[name]
        weight = _IMPORTS.get(word, Weight.GRAVE)
        yield Change("imports", "added", weight, f"{path} now imports {name} ({word}).", path, after=name)
    for name in sorted(old.keys() - new.keys()):
        word, path = old[name]
        yield Change("imports", "removed", Weight.SMALL, f"{name} ({word}) is imported no more.", path, before=name)


def code(before: Side, after: Side) -> Iterator[Change]:
    """What Python in the repository can do, and which of it at import."""
    old, new = _code(before), _code(after)
    for path in sorted(new):
        was, is_ = old.get(path, {}), new[path]
        for field, said in (("at_import", "does at once when it is imported"), ("capabilities", "can do")):
            for power in sorted(_texts(is_.get(field)) - _texts(was.get(field))):
                weight = Weight.GRAVE if power in _GRAVE_POWERS or field == "at_import" else Weight.NOTABLE
                yield Change("code", "added", weight, f"{path} {said} something new: {power}.", path, after=power)
        for name in sorted(_texts(is_.get("imports")) - _texts(was.get("imports"))):
            yield Change("code", "added", Weight.SMALL, f"{path} now imports {name}.", path, after=name)


def weights(before: Side, after: Side) -> Iterator[Change]:
    """How many parameters, and whether the tensors are laid out as before."""
    was, is_ = before.facts.parameters, after.facts.parameters
    if was != is_:
        said = f"The weights have {is_:,} parameters instead of {was:,}."
        yield Change("weights", "changed", Weight.NOTABLE, said, before=f"{was:,}", after=f"{is_:,}")
    for path in sorted(before.metadata.keys() & after.metadata.keys()):
        old, new = before.metadata[path].get("tensor_map"), after.metadata[path].get("tensor_map")
        if isinstance(old, dict) and isinstance(new, dict) and old.get("outline") != new.get("outline"):
            said = f"The tensors of {path} have other names, types or shapes."
            yield Change("weights", "changed", Weight.NOTABLE, said, path)


def _by_path(side: Side) -> dict[str, FileFacts]:
    return {file.path: file for file in side.facts.files}


def _findings(side: Side) -> dict[tuple[str, str, str, str], FindingFacts]:
    return {
        (file.path, finding.rule, finding.engine, finding.message): finding
        for file in side.facts.files
        for finding in file.findings
    }


def _worst_first(item: tuple[tuple[str, str, str, str], FindingFacts]) -> tuple[int, tuple[str, str, str, str]]:
    return -list(Severity).index(item[1].severity), item[0]


def _imports(side: Side) -> dict[str, tuple[str, str]]:
    """Name to the scanner's word for it and the first file that imports it."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(side.metadata):
        named = side.metadata[path].get("imports")
        for name, word in named.items() if isinstance(named, dict) else ():
            found.setdefault(str(name), (str(word), path))
    return found


def _code(side: Side) -> dict[str, Mapping[str, Any]]:
    noted = {path: metadata.get("code") for path, metadata in side.metadata.items()}
    return {path: said for path, said in noted.items() if isinstance(said, dict)}


def _texts(value: object) -> set[str]:
    return {one for one in value if isinstance(one, str)} if isinstance(value, list) else set()


def _weight(file: FileFacts) -> Weight:
    if file.verdict is Verdict.UNSAFE:
        return Weight.GRAVE
    if file.verdict is not Verdict.SAFE or file.role in {Role.CODE, Role.WEIGHTS}:
        return Weight.NOTABLE
    return Weight.SMALL


def _mild(weight: Weight) -> int:
    return -list(Weight).index(weight)


def _told(file: FileFacts) -> str:
    return f"{file.format}, {file.size:,} bytes, {file.verdict.value}"


def _size(was: int, is_: int) -> str:
    return f", {is_:,} bytes instead of {was:,}" if was != is_ else " of the same size"
