"""torch.package: a zip with pickles, their tensors in `.data/`, and the Python modules they need.

Format: torch/package/package_exporter.py. Its importer runs the modules in the archive when a pickle names them.
"""

from __future__ import annotations

import re

from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.archives.zip_archive import judge_member, note
from scanners.formats.archives.zip_directory import Member, read_directory
from scanners.formats.pickle import judge as pickle_judge
from scanners.formats.pickle.judgement import Judgement
from scanners.formats.torch.members import open_checked, read_pickle
from scanners.source import ByteSource

STORAGE = re.compile(r"[^/]*/\.data/[^/]+\.storage\Z")


def looks_like(names: list[str]) -> bool:
    """Whether these members make a torch.package."""
    return any(name.endswith("/.data/extern_modules") for name in names)


def judge(source: ByteSource, case: Case) -> None:
    directory = read_directory(source)
    note(directory.oddities, case)
    modules = frozenset(_module(member.name) for member in directory.members if member.name.endswith(".py"))
    if modules:
        case.add(
            "torch-package-code",
            Severity.MEDIUM,
            f"The package carries {len(modules)} Python modules, which torch.package runs to load its pickles.",
            evidence={"modules": sorted(modules)[:20]},
        )
    for member in directory.members:
        if STORAGE.match(member.name):
            continue
        if member.name.lower().endswith((".pkl", ".pickle")):
            _judge_pickle(source, member, modules, case)
        else:
            judge_member(source, member, case)


def _module(name: str) -> str:
    """`package/lib/helper.py` as Python calls it: `lib.helper`."""
    return name.split("/", 1)[-1].removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _judge_pickle(source: ByteSource, member: Member, modules: frozenset[str], case: Case) -> None:
    content = open_checked(source, member, case)
    if content is None:
        return
    inner = case.inside(member.name)
    judgement = Judgement(own_modules=modules)
    outcome, window = read_pickle(content, judgement, inner)
    if outcome.broken is None and window.remaining:
        pickle_judge.trailing(content, window.position, inner)
