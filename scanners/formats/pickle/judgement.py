"""What a pickle does, judged while the machine reads it: every import, call, changed object and nested file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from scanners.finding import Severity
from scanners.formats.pickle import knowledge
from scanners.formats.pickle.imports import Standing, canonical, is_plausible, is_standard_library, standing
from scanners.formats.pickle.values import Blob, How, Imported, Items, Made, Pairs, Unknown, Value, show
from scanners.reading import Window

DEEPEST_CALL = 16
"""Callables handed to callables handed to callables."""

HARMLESS_HOOKS = frozenset({"__doc__", "__module__", "__version__", "__orig_class__", "__pydantic_fields_set__"})
"""Double-underscore attributes that Python does not call."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A finding to be, once the pickle is read."""

    rule: str
    severity: Severity
    message: str
    offset: int
    evidence: dict[str, str | int | list[str]]


@dataclass(slots=True)
class Name:
    """One imported name and all that the pickle did with it."""

    module: str
    name: str
    offset: int
    standing: Standing
    calls: list[str] = field(default_factory=list)
    """The first few, as a reader would write them."""
    times_called: int = 0
    times_pushed: int = 0
    times_called_in_place: int = 0
    """By the pickle itself, which takes the name off the stack: fewer than pushed, and it went elsewhere."""
    plain_attributes: int = 0
    """Of the calls of getattr, those that fetch a public attribute of a class known by name."""
    built: bool = False

    @property
    def called(self) -> bool:
        return self.times_called > 0

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(slots=True)
class Judgement:
    """The machine's listener. `names` and `remarks` are what it learns; a dialect says what ids and arrays mean."""

    names: dict[tuple[str, str], Name] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)
    nested: list[tuple[bytes | Blob, str, int]] = field(default_factory=list)
    """Bytes the pickle has loaded as a file of their own: content, name to judge it under, offset."""
    storages: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Torch storages by key: element class and number of elements."""
    persistent_ids_are_torch: bool = False
    torchscript: bool = False
    wrappers: int = 0
    """joblib array wrappers: raw bytes follow each of them when joblib reads the file."""
    first_wrapper: int | None = None
    skip_array: Callable[[Made, Window, Judgement], Value] | None = None
    arrays: list[tuple[int, int]] = field(default_factory=list)
    """Where bytes of arrays were passed over: start and end."""

    # --- what the machine tells -------------------------------------------------------------------------------

    def imported(self, what: Imported) -> None:
        self._name(what).times_pushed += 1

    def unresolved_import(self, module: Value, name: Value, offset: int) -> None:
        shown = f"module {show(module, 60)}, name {show(name, 60)}"
        self._remark(
            "pickle-unresolved-import",
            Severity.HIGH,
            f"What the file imports at byte {offset} is computed while it loads ({shown}).",
            offset,
            {"module": show(module, 60), "name": show(name, 60)},
        )

    def extension(self, code: int, offset: int) -> None:
        self._remark(
            "pickle-extension-code",
            Severity.HIGH,
            f"The file names code by number {code} of copyreg's extension registry, which is not in the file.",
            offset,
            {"code": code},
        )

    def made(self, made: Made) -> Value:
        return self._call(made, 0)

    def built(self, target: Value, state: Value, offset: int) -> None:
        hooks = _hooks(state)
        if isinstance(target, Imported):
            self._name(target).built = True
            self._overwrites(f"changes attributes of {target} itself", offset, str(target))
        elif isinstance(target, Made):
            maker = self._maker_of(target)
            if maker is not None:
                maker.built = True
                if canonical(maker.module, maker.name) == ("functools", "partial") and isinstance(state, tuple):
                    for part in state[:1]:
                        self._argument(part, target, 1)
            if hooks and not (self.torchscript and maker is not None):
                self._overwrites(f"sets {', '.join(sorted(hooks))} on what it makes", offset, show(target.maker))
        elif isinstance(target, Unknown):
            self._overwrites("changes an object that is computed while it loads", offset, target.value)
        elif isinstance(target, Items | Pairs | tuple | str | bytes | int | float | None):
            # Built-in containers have no attributes: an unpickler fails here, or a subclass has been made above.
            pass

    def filled(self, target: Value, offset: int) -> None:
        if isinstance(target, Imported):
            self._overwrites(f"puts items into {target} itself", offset, str(target))
        elif isinstance(target, Unknown) and target is Unknown.ANYTHING:
            self._overwrites("puts items into an object that is computed while it loads", offset, target.value)
        elif isinstance(target, bytes | Blob):
            # A bytearray: what it holds when it is used is not what was written.
            self._overwrites("changes bytes after it has written them", offset, show(target))

    def persistent(self, identifier: Value, offset: int) -> Value:
        match identifier:
            case ("storage", Imported() as cls, str() as key, str() | Unknown(), int() as count, *_) if (
                cls.module in knowledge.STORAGE_MODULES and cls.name in knowledge.STORAGE_ITEM_BYTES
            ):
                known = self.storages.get(key)
                if known is None or known[1] < count:
                    self.storages[key] = (cls.name, count)
                return Unknown.PERSISTENT
            case ("module", *_):
                # torch.save of 2017: (module, class, file, source); the source is only compared, never run.
                if len(identifier) > 1 and isinstance(identifier[1], Imported):
                    self.imported(identifier[1])
                return identifier[1] if len(identifier) > 1 else Unknown.ANYTHING
        self._remark(
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

    def adopt(self, other: Judgement, start: int) -> None:
        """Takes over what is dangerous in another reading of the same bytes, from `start` on."""
        for key, name in other.names.items():
            if name.standing is Standing.DANGEROUS:
                self.names.setdefault(key, name)
        self.remarks.extend(
            remark
            for remark in other.remarks
            if remark.offset >= start and remark.severity.rank >= Severity.HIGH.rank and remark not in self.remarks
        )

    # --- calls ------------------------------------------------------------------------------------------------

    def _call(self, made: Made, depth: int) -> Value:
        maker = made.maker
        if depth > DEEPEST_CALL:
            self._computed_call(made)
        elif isinstance(maker, Imported):
            return self._call_name(maker, made, depth)
        elif isinstance(maker, Made) and self._is_partial(maker):
            inner = maker.args[0] if isinstance(maker.args, tuple) and maker.args else Unknown.ANYTHING
            self._call(Made(inner, Unknown.ANYTHING, How.CALL, made.offset), depth + 1)
        else:
            self._computed_call(made)
        return made

    def _call_name(self, maker: Imported, made: Made, depth: int) -> Value:
        name = self._name(maker)
        name.times_called += 1
        if depth == 0:
            name.times_called_in_place += 1
        key = canonical(maker.module, maker.name)
        if len(name.calls) < 3:
            name.calls.append(show(made))
        if key == ("builtins", "getattr") and self._is_plain_attribute(made):
            # How Python 3.11 pickles the members of an Enum, and old protocols nested classes.
            name.plain_attributes += 1
        if key in knowledge.LOADS_BYTES:
            self._nested(made, knowledge.LOADS_BYTES[key])
        if key == ("torch._tensor", "_rebuild_from_type_v2") and isinstance(made.args, tuple) and len(made.args) == 4:
            function, _, args, state = made.args
            inner = self._call(Made(function, args, How.CALL, made.offset), depth + 1)
            self.built(inner, state, made.offset)
        else:
            for argument in self._called_arguments(key, made):
                self._argument(argument, made, depth + 1)
        return self._result(key, made)

    def _called_arguments(self, key: tuple[str, str], made: Made) -> list[Value]:
        positions = knowledge.CALLS_ARGUMENTS.get(key, ())
        if not positions:
            return []
        if not isinstance(made.args, tuple) or made.keywords is not None:
            return [Unknown.ANYTHING]
        return [made.args[position] for position in positions if position < len(made.args)]

    def _argument(self, argument: Value, made: Made, depth: int) -> None:
        """An argument that is called in its turn, with arguments we do not follow."""
        if not isinstance(argument, Imported | Made | Unknown):
            return  # Text, numbers and None cannot be called.
        if isinstance(argument, Imported):
            self._name(argument).times_called += 1
            if canonical(argument.module, argument.name) in knowledge.FOLLOWED:
                self._computed_call(made)
        elif isinstance(argument, Made) and self._is_partial(argument):
            self._call(Made(argument, Unknown.ANYTHING, How.CALL, made.offset), depth)
        else:
            self._computed_call(made)

    def _computed_call(self, made: Made) -> None:
        self._remark(
            "pickle-unresolved-import",
            Severity.HIGH,
            f"Loading this file calls something it has computed: {show(made)}.",
            made.offset,
            {"call": show(made)},
        )

    def _result(self, key: tuple[str, str], made: Made) -> Value:
        """Bytes and texts that old protocols write as calls are values again: a name may be made of them."""
        match key, made.args:
            case ("_codecs", "encode"), (str() as text, *encoding):
                try:
                    if [item.lower() for item in encoding if isinstance(item, str)] in ([], ["latin1"], ["latin-1"]):
                        return text.encode("latin-1" if encoding else "utf-8")
                except UnicodeEncodeError:
                    return made
            case ("builtins", "bytearray" | "bytes"), (bytes() as content,):
                return content
            case ("builtins", "str"), (str() as text,):
                return text
        return made

    def _nested(self, made: Made, name: str) -> None:
        content = made.args[0] if isinstance(made.args, tuple) and made.args else Unknown.ANYTHING
        if isinstance(content, bytes | Blob):
            self.nested.append((content, name, made.offset))
        else:
            self._computed_call(made)

    # --- small questions --------------------------------------------------------------------------------------

    def _name(self, what: Imported) -> Name:
        key = (what.module, what.name)
        name = self.names.get(key)
        if name is None:
            level = standing(*key)
            if self.torchscript and (what.module + ".").startswith("__torch__."):
                level = Standing.HARMLESS
            name = self.names[key] = Name(what.module, what.name, what.offset, level)
        return name

    def _maker_of(self, made: Made) -> Name | None:
        """The class or function that stands behind an object, through copyreg._reconstructor and the like."""
        maker: Value = made.maker
        for _ in range(DEEPEST_CALL):
            if isinstance(maker, Made):
                maker = maker.maker
                continue
            break
        if not isinstance(maker, Imported):
            return None
        key = canonical(maker.module, maker.name)
        if key == ("copyreg", "_reconstructor") and isinstance(made.args, tuple) and made.args:
            inner = made.args[0]
            if isinstance(inner, Imported):
                return self._name(inner)
        return self._name(maker)

    def _is_partial(self, made: Made) -> bool:
        return isinstance(made.maker, Imported) and canonical(made.maker.module, made.maker.name) == (
            "functools",
            "partial",
        )

    def _is_array_wrapper(self, made: Made) -> bool:
        maker = self._maker_of(made)
        return maker is not None and (maker.module, maker.name) == ("joblib.numpy_pickle", "NumpyArrayWrapper")

    def _is_plain_attribute(self, made: Made) -> bool:
        match made.args:
            case (Imported() as owner, str() as attribute):
                return (
                    not attribute.startswith("_")
                    and attribute.isidentifier()
                    and self._name(owner).standing in (Standing.HARMLESS, Standing.LIBRARY)
                )
        return False

    def _overwrites(self, what: str, offset: int, target: str) -> None:
        self._remark(
            "pickle-overwrites-attributes",
            Severity.HIGH,
            f"Loading this file {what}.",
            offset,
            {"target": target[:120]},
        )

    def _remark(
        self, rule: str, severity: Severity, message: str, offset: int, evidence: dict[str, str | int | list[str]]
    ) -> None:
        if len(self.remarks) < 100:
            self.remarks.append(Remark(rule, severity, message, offset, evidence))

    # --- the outcome ------------------------------------------------------------------------------------------

    def outcome(self) -> list[Remark]:
        """All remarks, those on names included: dangerous ones first."""
        remarks = list(self.remarks)
        libraries: dict[str, list[Name]] = {}
        for name in self.names.values():
            if name.plain_attributes and name.plain_attributes == name.times_called:
                libraries.setdefault("Python", []).append(name)
                continue
            match name.standing:
                case Standing.HARMLESS:
                    remarks.extend(self._unusual_use(name))
                case Standing.LIBRARY:
                    library = knowledge.library_of(*canonical(name.module, name.name)) or "Python"
                    libraries.setdefault(library, []).append(name)
                case Standing.SCRIPT:
                    libraries.setdefault("the script that made it", []).append(name)
                case Standing.DANGEROUS:
                    remarks.append(_dangerous(name))
                case Standing.UNKNOWN:
                    remarks.append(_unknown(name))
        remarks.extend(_needs(library, names) for library, names in libraries.items())
        return sorted(remarks, key=lambda remark: (-remark.severity.rank, remark.offset))

    def _unusual_use(self, name: Name) -> list[Remark]:
        allowed = knowledge.HARMLESS.get(canonical(name.module, name.name))
        if allowed is None:
            return []
        done = [
            (verb, "name")
            for verb, use, happened in (
                ("calls", knowledge.CALL, name.called),
                ("sets the state of", knowledge.BUILD, name.built),
            )
            if happened and use not in allowed
        ]
        key = canonical(name.module, name.name)
        if key in knowledge.LOADS_BYTES and name.times_pushed > name.times_called_in_place:
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


def _hooks(state: Value) -> set[str]:
    """Attributes in a BUILD state that Python calls or that change an object's class."""
    parts = state if isinstance(state, tuple) and len(state) == 2 else (state,)
    found: set[str] = set()
    for part in parts:
        if isinstance(part, Pairs):
            found |= part.hooks - HARMLESS_HOOKS
    return found


def _dangerous(name: Name) -> Remark:
    evidence: dict[str, str | int | list[str]] = {"import": str(name)}
    if name.called:
        call = name.calls[0] if name.calls else f"{name}(...)"
        evidence["call"] = call
        message = f"Loading this file runs {call}."
        return Remark("pickle-executes-code", Severity.CRITICAL, message, name.offset, evidence)
    return Remark(
        "pickle-dangerous-import",
        Severity.HIGH,
        f"The file brings in {name}, which can run code or commands; no call of it is in plain sight.",
        name.offset,
        evidence,
    )


def _unknown(name: Name) -> Remark:
    used = name.called or name.built
    severe = used or is_standard_library(name.module) or "." in name.name or not is_plausible(name.module, name.name)
    evidence: dict[str, str | int | list[str]] = {"import": str(name)[:200]}
    if name.calls:
        evidence["call"] = name.calls[0]
    verb = "calls" if used else "brings in"
    return Remark(
        "pickle-unknown-import",
        Severity.HIGH if severe else Severity.MEDIUM,
        f"Loading this file {verb} {str(name)[:200]}, which is not known to be harmless.",
        name.offset,
        evidence,
    )


def _needs(library: str, names: list[Name]) -> Remark:
    imports = sorted(str(name) for name in names)
    shown = ", ".join(imports[:3]) + (f" and {len(imports) - 3} more" if len(imports) > 3 else "")
    return Remark(
        "pickle-needs-class",
        Severity.MEDIUM,
        f"The file needs {'classes of ' if library != 'Python' else ''}{library} to load: {shown}.",
        min(name.offset for name in names),
        {"library": library, "imports": imports[:100]},
    )
