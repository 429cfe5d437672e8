"""Where an import stands: harmless, data of a known library, dangerous, or unknown."""

from __future__ import annotations

import _compat_pickle
import re
import sys
from enum import Enum

from scanners.formats.pickle import knowledge


class Standing(Enum):
    """Of one name, best first."""

    HARMLESS = "harmless"
    LIBRARY = "library class"
    SCRIPT = "of the script that made the file"
    """`__main__.Something`: it exists only where that script runs."""
    UNKNOWN = "unknown"
    DANGEROUS = "dangerous"


_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*\Z")


def canonical(module: str, name: str) -> tuple[str, str]:
    """The Python 3 name of what an old pickle names as Python 2 did (`fix_imports`, below protocol 3)."""
    if (module, name) in _compat_pickle.NAME_MAPPING:
        renamed: tuple[str, str] = _compat_pickle.NAME_MAPPING[(module, name)]
        return renamed
    return _compat_pickle.IMPORT_MAPPING.get(module, module), name


def standing(module: str, name: str) -> Standing:
    module, name = canonical(module, name)
    if (module, name) in knowledge.HARMLESS:
        return Standing.HARMLESS
    if knowledge.is_dangerous(module, name):
        return Standing.DANGEROUS
    if knowledge.library_of(module, name) is not None:
        return Standing.LIBRARY
    if module == "__main__" and _PLAIN_NAME.match(name):
        return Standing.SCRIPT
    return Standing.UNKNOWN


def is_plausible(module: str, name: str) -> bool:
    """Whether these could be names at all: what random bytes hardly ever look like."""
    return bool(_MODULE.match(module) and _MODULE.match(name))


def is_standard_library(module: str) -> bool:
    """Present wherever Python is, so that an attacker can count on it."""
    return canonical(module, "")[0].split(".")[0] in sys.stdlib_module_names
