"""Where an import stands: harmless, data of a known library, dangerous, or unknown."""

from __future__ import annotations

import _compat_pickle
import re
import sys
from enum import Enum
from functools import lru_cache

from scanners.formats.pickle.known.dangerous import effect_of_module, effect_of_name
from scanners.formats.pickle.known.harmless import HARMLESS
from scanners.formats.pickle.known.libraries import library_of

LONGEST_REMEMBERED = 200
_IN_C = {"_functools": "functools", "_operator": "operator"}
"""Modules that are another one's part in C."""


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
    module = _compat_pickle.IMPORT_MAPPING.get(module, module)
    return _IN_C.get(module, module), name


def standing(module: str, name: str) -> Standing:
    """Where the import of `module.name` stands, by its Python 3 name."""
    # Names are the file's: only short ones are worth remembering, so that memory does not grow with what it says.
    return _standing(module, name) if len(module) + len(name) < LONGEST_REMEMBERED else _standing_now(module, name)


def _standing_now(module: str, name: str) -> Standing:
    module, name = canonical(module, name)
    if (module, name) in HARMLESS:
        return Standing.HARMLESS
    if effect_of_name(module, name) is not None:
        return Standing.DANGEROUS
    effect, dangerous_depth = effect_of_module(module)
    library, depth = library_of(module, name)
    # Whichever is said of the closer package.
    if library is not None and depth > dangerous_depth:
        return Standing.LIBRARY
    if effect is not None:
        return Standing.DANGEROUS
    if module == "__main__":
        return _standing_in_script(name)
    return Standing.UNKNOWN


def _standing_in_script(name: str) -> Standing:
    """Of a name in the script that is running: what it defines itself, never what Python puts there."""
    if not _PLAIN_NAME.match(name) or name in sys.stdlib_module_names:
        return Standing.UNKNOWN
    return Standing.DANGEROUS if name.startswith("__") else Standing.SCRIPT


_standing = lru_cache(maxsize=4096)(_standing_now)


def is_plausible(module: str, name: str) -> bool:
    """Whether these could be names at all: what random bytes hardly ever look like."""
    return bool(_MODULE.match(module) and _MODULE.match(name))


def is_standard_library(module: str) -> bool:
    """Present wherever Python is, so that an attacker can count on it."""
    return canonical(module, "")[0].split(".")[0] in sys.stdlib_module_names
