"""What a pickle does, judged while the machine reads it: every import, call, changed object and nested file."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field

from scanners.budget import BudgetSpent
from scanners.finding import Severity
from scanners.formats.pickle import calls
from scanners.formats.pickle.imports import Standing, canonical, standing
from scanners.formats.pickle.known.harmless import FILL, HARMLESS
from scanners.formats.pickle.known.torch_types import STORAGE_ITEM_BYTES, STORAGE_MODULES
from scanners.formats.pickle.names import Name
from scanners.formats.pickle.remarks import Remark, of_names
from scanners.formats.pickle.values import Blob, How, Imported, Made, Pairs, Storage, Unknown, Value, show
from scanners.reading import Window

MOST_REMARKS = 100
MOST_NAMES = 10_000
MOST_EMBEDDED = 32
MOST_MATRICES = 200_000
MOST_DIMENSIONS = 16

HARMLESS_HOOKS = frozenset(
    {
        "__doc__", "__name__", "__qualname__", "__module__", "__version__", "__orig_class__", "__dict__",
        "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__", "__fields_set__",
        "__private_attribute_values__",
    }
)  # fmt: skip
"""Double-underscore attributes that Python does not call."""

_MEANT_IN_ANY_READING = frozenset({"pickle-overwrites-attributes"})
"""Remarks on what goes on without the help of a loader; bytes of arrays look like ids and codes by chance."""
_SCRIPTED = re.compile(r"__torch__(\.[A-Za-z_]\w*)*\Z")


@dataclass(slots=True)
class Judgement:
    """The machine's listener. `names` and `remarks` are what it learns; a dialect says what ids and arrays mean."""

    names: dict[tuple[str, str], Name] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)
    nested: list[tuple[bytes | Blob, str, int]] = field(default_factory=list)
    """Bytes the pickle has loaded as a file of their own: content, name to judge it under, offset."""
    embedded: list[tuple[bytes | Blob, int]] = field(default_factory=list)
    """Bytes that begin as a pickle does, which it only carries: content, offset."""
    storages: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Torch storages by key: element class and number of elements."""
    matrices: set[tuple[str, int, tuple[int, ...]]] = field(default_factory=set)
    """Torch tensors of two dimensions and more: storage, beginning, sizes. Tied ones are one, as in safetensors."""
    torchscript: bool = False
    own_modules: frozenset[str] = frozenset()
    """Python modules that come with the pickle, and are judged by themselves."""
    wrappers: int = 0
    """joblib array wrappers: raw bytes follow each of them when joblib reads the file."""
    first_wrapper: int | None = None
    skip_array: Callable[[Made, Window, Judgement], Value] | None = None
    arrays: list[tuple[int, int]] = field(default_factory=list)
    """Where bytes of arrays were passed over: start and end."""

    # --- what the machine tells -------------------------------------------------------------------------------

    def imported(self, what: Imported) -> None:
        name: Name | None = what.record
        (name if name is not None else self.name_of(what)).times_pushed += 1

    def note_matrix(self, storage: str, start: int, size: tuple[Value, ...]) -> None:
        if 1 < len(size) <= MOST_DIMENSIONS and len(self.matrices) < MOST_MATRICES:
            self.matrices.add((storage, start, tuple(one for one in size if isinstance(one, int))))

    def unresolved_import(self, module: Value, name: Value, offset: int) -> None:
        shown = f"module {show(module, 60)}, name {show(name, 60)}"
        self.remark(
            "pickle-unresolved-import",
            Severity.HIGH,
            f"What the file imports at byte {offset} is computed while it loads ({shown}).",
            offset,
            {"module": show(module, 60), "name": show(name, 60)},
        )

    def extension(self, code: int, offset: int) -> None:
        self.remark(
            "pickle-extension-code",
            Severity.HIGH,
            f"The file names code by number {code} of copyreg's extension registry, which is not in the file.",
            offset,
            {"code": code},
        )

    def made(self, made: Made) -> Value:
        return calls.follow(self, made, 0)

    def built(self, target: Value, state: Value, offset: int) -> None:
        if isinstance(target, Imported):
            self.name_of(target).built = True
            self.overwrites(f"changes attributes of {target} itself", offset, str(target))
        elif isinstance(target, Made):
            self._built_made(target, state, offset)
        elif isinstance(target, Unknown | Storage):
            self.overwrites("changes an object that is computed while it loads", offset, show(target))
        # Built-in containers have no attributes: an unpickler fails here, or a subclass has been made above.

    def _built_made(self, target: Made, state: Value, offset: int) -> None:
        maker = self.maker_of(target)
        if maker is not None:
            maker.built = True
            if maker.key == ("functools", "partial") and isinstance(state, tuple):
                for part in state[:1]:
                    calls.hand_over(self, part, target, 1)
            if maker.key[1] == "getattr":
                self.overwrites("changes something that it has looked up", offset, show(target))
        hooks = hooks_in(state)
        if hooks and not (self.torchscript and maker is not None):
            self.overwrites(f"sets {', '.join(sorted(hooks))} on what it makes", offset, show(target.maker))

    def filled(self, target: Value, offset: int) -> None:
        if isinstance(target, Made):
            maker = self.maker_of(target)
            if maker is None:
                self.overwrites("puts items into an object that is computed while it loads", offset, show(target))
            elif FILL not in HARMLESS.get(maker.key, (FILL,)):
                maker.filled = True
        elif isinstance(target, Imported):
            self.overwrites(f"puts items into {target} itself", offset, str(target))
        elif target is Unknown.ANYTHING:
            self.overwrites("puts items into an object that is computed while it loads", offset, target.value)
        elif isinstance(target, bytes | Blob):
            # A bytearray: what it holds when it is used is not what was written.
            self.overwrites("changes bytes after it has written them", offset, show(target))
        elif isinstance(target, Storage):
            self.overwrites("puts items into a tensor's data", offset, show(target))

    def persistent(self, identifier: Value, offset: int) -> Value:
        match identifier:
            case ("storage", Imported() as cls, str() | int() as given, str() | Unknown(), int() as count, *_) if (
                cls.module in STORAGE_MODULES and cls.name in STORAGE_ITEM_BYTES
            ):
                key = str(given)
                known = self.storages.get(key)
                if known is None or known[1] < count:
                    self.storages[key] = (cls.name, count)
                return Storage(cls.name, key, count)
            case ("module", Imported() as cls, *_):
                # torch.save of 2017: (module, class, file, source); the source is only compared, never run.
                self.imported(cls)
                return cls
            case ("reduce_package", _, function, args):
                # torch.package calls the function, with its importer before the arguments.
                return calls.follow(self, Made(function, args, How.CALL, offset), 0)
        self.remark(
            "pickle-persistent-id",
            Severity.HIGH,
            f"The file leaves an object to its loader under an id that is not PyTorch's: {show(identifier, 80)}.",
            offset,
            {"id": show(identifier, 80)},
        )
        return Unknown.ANYTHING

    def after_build(self, target: Value, window: Window) -> Value | None:
        if isinstance(target, Made) and self._is_array_wrapper(target):
            self.wrappers += 1
            if self.first_wrapper is None:
                self.first_wrapper = window.position
            if self.skip_array is not None:
                return self.skip_array(target, window, self)
        return None

    def straddled(self, offset: int) -> None:
        self.remark(
            "pickle-frame-mismatch",
            Severity.HIGH,
            f"A frame of the pickle ends inside an opcode at byte {offset}: unpicklers read on from different places.",
            offset,
            {"offset": offset},
        )

    def swells(self, what: str, offset: int) -> None:
        """Told of little that becomes much."""
        self.remark(
            "pickle-expansion",
            Severity.MEDIUM,
            f"The file {what}: it fills the memory, or holds up whoever walks through it.",
            offset,
            {"offset": offset},
        )

    def carries(self, content: bytes | Blob, offset: int) -> None:
        """Told of bytes that begin and end as a pickle does."""
        if len(self.embedded) < MOST_EMBEDDED:
            self.embedded.append((content, offset))

    def carries_text(self, text: str, offset: int) -> None:
        try:
            content = bytes.fromhex(text) if text.startswith("80") else b64decode(text + "==", b"-_")
        except ValueError:
            return
        calls.look_into(self, content, offset)

    def absorb(self, later: Judgement) -> None:
        """Takes over all that another pickle of the same file does."""
        for key, name in later.names.items():
            known = self.names.get(key)
            if known is None or (name.called and not known.called):
                self.names[key] = name
        self.remarks.extend(later.remarks)
        self.nested.extend(later.nested)
        self.embedded.extend(later.embedded)
        self.arrays.extend(later.arrays)
        self.wrappers += later.wrappers
        if self.first_wrapper is None:
            self.first_wrapper = later.first_wrapper

    def adopt(self, other: Judgement, start: int) -> None:
        """Takes over what is dangerous in another reading of the same bytes, from `start` on."""
        for key, name in other.names.items():
            if name.standing is Standing.DANGEROUS:
                self.names.setdefault(key, name)
        self.remarks.extend(
            remark
            for remark in other.remarks
            if remark.offset >= start and remark.rule in _MEANT_IN_ANY_READING and remark not in self.remarks
        )

    # --- small questions --------------------------------------------------------------------------------------

    def name_of(self, what: Imported) -> Name:
        """The record of an import; the same for all that name the same thing."""
        key = (what.module, what.name)
        name = self.names.get(key)
        if name is None:
            if len(self.names) >= MOST_NAMES:
                raise BudgetSpent(f"It brings in more than {MOST_NAMES:,} names.")
            level = standing(*key)
            if self.torchscript and _SCRIPTED.match(what.module):
                level = Standing.HARMLESS
            elif what.module in self.own_modules and level is Standing.UNKNOWN:
                level = Standing.SCRIPT
            name = self.names[key] = Name(what.module, what.name, what.offset, level)
        what.record = name
        return name

    def maker_of(self, made: Made) -> Name | None:
        """The class or function that stands behind an object, through copyreg._reconstructor and the like."""
        maker: Value = made.maker
        for _ in range(calls.DEEPEST_CALL):
            if not isinstance(maker, Made):
                break
            maker = maker.maker
        if not isinstance(maker, Imported):
            return None
        key = canonical(maker.module, maker.name)
        if key in calls.MAKES_ITS_FIRST_ARGUMENT and isinstance(made.args, tuple) and made.args:
            inner = made.args[0]
            if isinstance(inner, Imported):
                return self.name_of(inner)
        return self.name_of(maker)

    def _is_array_wrapper(self, made: Made) -> bool:
        maker = self.maker_of(made)
        return maker is not None and (maker.module, maker.name) == ("joblib.numpy_pickle", "NumpyArrayWrapper")

    def overwrites(self, what: str, offset: int, target: str) -> None:
        self.remark(
            "pickle-overwrites-attributes",
            Severity.HIGH,
            f"Loading this file {what}.",
            offset,
            {"target": target[:120]},
        )

    def remark(
        self, rule: str, severity: Severity, message: str, offset: int, evidence: dict[str, str | int | list[str]]
    ) -> None:
        if len(self.remarks) < MOST_REMARKS:
            self.remarks.append(Remark(rule, severity, message, offset, evidence))

    # --- the outcome ------------------------------------------------------------------------------------------

    def outcome(self) -> list[Remark]:
        """All remarks, those on names included: dangerous ones first."""
        remarks = self.remarks + of_names(self.names.values())
        if len(remarks) > 1:
            remarks.sort(key=lambda remark: (-remark.severity.rank, remark.offset))
        return remarks


def hooks_in(state: Value) -> set[str]:
    """Attributes in a BUILD state that Python calls or that change an object's class."""
    parts = state if isinstance(state, tuple) and len(state) == 2 else (state,)
    found: set[str] = set()
    for part in parts:
        if isinstance(part, Pairs) and part.hooks:
            found |= part.hooks - HARMLESS_HOOKS
    return found
