"""What a child that can open nothing asks its keeper to load for it, and what a keeper is willing to load.

A child of `batch` is forked from a process that has loaded little. Where a judge imports a module, or a function of
ours reads a list that it then keeps (`functools.cache`), the child ends with a `Need`, and a new one is forked when
it is met. The keeper loads only what this package could have imported anyway: what the child says is not trusted.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec
from types import FrameType, ModuleType

LIBRARIES = frozenset(
    {
        "asttokens", "bandit", "bcj", "detect_secrets", "fickling", "jinja2", "lz4", "markupsafe", "modelaudit",
        "modelaudit_picklescan", "modelscan", "numpy", "packaging", "picklescan", "rapidfuzz", "tomlkit",
        "yaml", "zstandard",
    }
)  # fmt: skip
"""Other people's packages that judges import while they judge."""
_NEVER = frozenset({"antigravity", "idlelib", "test", "this", "tkinter", "turtle", "turtledemo", "webbrowser"})
_OUR_OWN = "scanners."
_CORE = (
    "scanners.examination", "scanners.engines.interface", "scanners.reading", "scanners.formats.pickle.judge",
    "scanners.formats.archives.bombs",
)  # fmt: skip
_PICKLES = (".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle")
_LIKELY = (
    (
        (".pt", ".pth", ".bin", ".ckpt", ".zip", ".npz", ".keras", ".mar"),
        (
            "scanners.formats.torch.export", "scanners.formats.torch.package", "scanners.formats.torch.archive",
            "scanners.formats.keras.layout", "encodings.cp437",
        ),
    ),
    ((".safetensors",), ("scanners.formats.tensors.safetensors",)),
    (
        (".json", ".md", ".yaml", ".yml", ".txt"),
        (
            "scanners.signatures.content", "scanners.formats.secrets", "scanners.formats.config.settings_files",
            "scanners.formats.config.document", "scanners.formats.config.yaml_document",
            "scanners.formats.graphs.json_graph", "encodings.utf_8_sig",
        ),
    ),
    (("",), ("scanners.signatures.content", "scanners.formats.secrets")),
)  # fmt: skip
"""What files of such names mostly need; only a guess, since a child asks for whatever else its files turn out to be."""
_EVERYTHING = "everything"


class Need(BaseException):
    """Raised in a child, through all that catches ordinary errors, where something must be loaded first."""


class BadNeed(Exception):
    """A child asked for what it is not given; the message is the end of a sentence."""


class Needs:
    """What was loaded for children so far. The keeper's process and its forks have the same one."""

    def __init__(self) -> None:
        self.met: set[str] = set()
        self.absent: set[str] = set()
        """Modules that are not installed: a child is told so without being ended."""

    def load_what_is_likely(self, names: Iterable[str]) -> None:
        """What nearly every file needs, and what files of these names do: each need that is not met costs a child."""
        wanted = list(_CORE)
        for ending in {name[name.rfind(".") :].lower() if "." in name else "" for name in names}:
            if ending not in _PICKLES:
                wanted += next(modules for endings, modules in _LIKELY if ending in endings or "" in endings)
        for module in wanted:
            importlib.import_module(module)

    def meet(self, said: bytes, born_with: frozenset[str]) -> None:
        """Loads it. Raises BadNeed for what is no need of a judge's, or was there when the child was forked."""
        need = said.decode("ascii", "replace")
        if need in born_with:
            raise BadNeed("a need that was met before")
        if need in self.met:
            # Two children have asked for the same.
            return
        self.met.add(need)
        kind, _, name = need.partition(" ")
        if need == _EVERYTHING:
            from scanners.jail_child import warm_up

            warm_up()
        elif kind == "import" and _may_be_imported(name):
            try:
                importlib.import_module(name)
            # Not there, or broken: the child meets the error where it would without us.
            except Exception:
                self.absent.add(name)
        elif kind == "call" and (function := _kept(*name.rpartition(":")[::2])) is not None:
            function()
        else:
            raise BadNeed("a need that is none")


def watch(needs: Needs) -> None:
    """From now on this process, a child, asks instead of opening files."""
    sys.meta_path[:] = [BuiltinImporter, FrozenImporter, _Asking(needs)]
    if _EVERYTHING in needs.met:
        return

    def hook(event: str, _: object) -> None:
        if event in ("open", "os.listdir", "os.scandir"):
            raise Need(_call_under_way(sys._getframe(1)) or _EVERYTHING)  # noqa: SLF001

    sys.addaudithook(hook)


class _Asking:
    """The last importer of a child."""

    def __init__(self, needs: Needs) -> None:
        self._needs = needs

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        need = _call_under_way(sys._getframe(1)) or f"import {fullname}"  # noqa: SLF001
        if fullname in self._needs.absent or need in self._needs.met or not _may_be_imported(fullname):
            return None
        raise Need(need)


def _call_under_way(frame: FrameType | None) -> str | None:
    """The outermost function of ours that keeps its answer, if one is being computed."""
    found = None
    while frame is not None:
        module, name = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        if frame.f_code.co_argcount == 0 and module.startswith(_OUR_OWN) and _kept(module, name) is not None:
            found = f"call {module}:{name}"
        frame = frame.f_back
    return found


def _kept(module: str, name: str) -> Callable[[], object] | None:
    """The function of ours that takes no argument and keeps its answer, if this is one."""
    loaded = sys.modules.get(module) if module.startswith(_OUR_OWN) else None
    function: Callable[[], object] | None = getattr(loaded, name, None)
    inner = getattr(function, "__wrapped__", None)
    if hasattr(function, "cache_info") and inner is not None and inner.__code__.co_argcount == 0:
        return function
    return None


def _may_be_imported(name: str) -> bool:
    top = name.partition(".")[0]
    known = top == "scanners" or top in LIBRARIES or (top in sys.stdlib_module_names and top not in _NEVER)
    return known and re.fullmatch(r"[A-Za-z_][\w.]*", name, re.ASCII) is not None
