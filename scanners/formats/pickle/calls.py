"""Calls that call: what a pickle's own call does with the callables and the bytes it is handed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanners.finding import Severity
from scanners.formats.pickle.imports import Standing, canonical
from scanners.formats.pickle.known import names
from scanners.formats.pickle.known.calls import CALLS_ARGUMENTS, FOLLOWED, LOADS_BYTES
from scanners.formats.pickle.known.dangerous import ANYWHERE
from scanners.formats.pickle.known.harmless import HARMLESS
from scanners.formats.pickle.values import Blob, How, Imported, Items, Made, Storage, Unknown, Value, show

if TYPE_CHECKING:
    from scanners.formats.pickle.judgement import Judgement
    from scanners.formats.pickle.names import Name

DEEPEST_CALL = 16
MOST_ZEROS = 1 << 30
"""Callables handed to callables handed to callables."""
MAKES_ITS_FIRST_ARGUMENT = frozenset(
    {("copyreg", "_reconstructor"), ("copyreg", "__newobj__"), ("copyreg", "__newobj_ex__")}
)
_TYPES_OF_VALUES = names(
    """NoneType EllipsisType NotImplementedType ObjectType DictType ListType TupleType SetType FrozenSetType StringType
    UnicodeType BytesType IntType LongType FloatType ComplexType BooleanType SliceType RangeType XRangeType"""
)
_TENSORS = frozenset({("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v2")})
_VALUES = frozenset(
    {("_codecs", "encode"), ("builtins", "bytearray"), ("builtins", "bytes"), ("builtins", "str"), ("builtins", "list")}
)
_DILL_ARRAYS = frozenset({("dill._dill", "_create_array"), ("dill.dill", "_create_array")})
_DILL_TYPES = frozenset({("dill._dill", "_load_type"), ("dill.dill", "_load_type")})
_BUILDS_TYPES = frozenset({("operator", "getitem"), ("functools", "reduce")})
_SPECIAL = (
    frozenset(CALLS_ARGUMENTS)
    | frozenset(LOADS_BYTES)
    | _TENSORS
    | _VALUES
    | {("builtins", "getattr"), ("builtins", "type"), ("torch._utils", "_rebuild_parameter_with_state")}
    | _BUILDS_TYPES
    | _DILL_ARRAYS
    | _DILL_TYPES
)
"""Names of which more is to be said than that they are called."""


def follow(judgement: Judgement, made: Made, depth: int) -> Value:
    """Notes a call and all that it calls; gives what stands for its result."""
    maker = made.maker
    if depth > DEEPEST_CALL:
        computed(judgement, made)
    elif isinstance(maker, Imported):
        return _of_name(judgement, maker, made, depth)
    elif isinstance(maker, Made) and _is_partial(maker):
        inner = maker.args[0] if isinstance(maker.args, tuple) and maker.args else Unknown.ANYTHING
        follow(judgement, Made(inner, Unknown.ANYTHING, How.CALL, made.offset), depth + 1)
    else:
        computed(judgement, made)
    return made


def _of_name(judgement: Judgement, maker: Imported, made: Made, depth: int) -> Value:
    name: Name = maker.record if maker.record is not None else judgement.name_of(maker)
    name.times_called += 1
    if depth == 0:
        name.times_called_in_place += 1
    if made.how is How.CALL:
        name.times_initialised += 1
    if name.times_called <= 3:
        name.calls.append(made)
    key = name.key
    return _special(judgement, name, key, made, depth) if key in _SPECIAL else made


def _special(judgement: Judgement, name: Name, key: tuple[str, str], made: Made, depth: int) -> Value:
    if key in _TENSORS:
        _check_tensor(judgement, made)
        return made
    if key in _VALUES:
        return _value(judgement, key, made)
    if key == ("builtins", "getattr"):
        return _attribute(judgement, name, made)
    if key == ("builtins", "type") and isinstance(made.args, tuple) and len(made.args) == 1:
        # The class of something that is there already, as of None: nothing is made.
        name.times_called -= 1
        return made
    if key in _BUILDS_TYPES and _builds_a_type(made):
        name.plain_attributes += 1
        return made
    if key in _DILL_TYPES:
        return _type_of_dill(judgement, name, made)
    if key in _DILL_ARRAYS and isinstance(made.args, tuple) and len(made.args) == 4:
        function, args, state, _ = made.args
        judgement.built(follow(judgement, Made(function, args, How.CALL, made.offset), depth + 1), state, made.offset)
        return made
    if key in LOADS_BYTES:
        _nested(judgement, made, LOADS_BYTES[key])
    elif key == ("torch._tensor", "_rebuild_from_type_v2") and isinstance(made.args, tuple) and len(made.args) == 4:
        function, _, args, state = made.args
        inner = follow(judgement, Made(function, args, How.CALL, made.offset), depth + 1)
        judgement.built(inner, state, made.offset)
    elif key == ("torch._utils", "_rebuild_parameter_with_state"):
        # It sets what the fourth argument says, as BUILD does.
        if isinstance(made.args, tuple) and len(made.args) == 4:
            judgement.built(made, made.args[3], made.offset)
    else:
        for argument in _called_arguments(key, made):
            hand_over(judgement, argument, made, depth + 1)
    return made


def _called_arguments(key: tuple[str, str], made: Made) -> list[Value]:
    positions = CALLS_ARGUMENTS.get(key, ())
    if not positions:
        return []
    if not isinstance(made.args, tuple) or made.keywords is not None:
        return [Unknown.ANYTHING]
    return [made.args[position] for position in positions if position < len(made.args)]


def hand_over(judgement: Judgement, argument: Value, made: Made, depth: int) -> None:
    """An argument that is called in its turn, with arguments we do not follow."""
    if isinstance(argument, Imported):
        name = judgement.name_of(argument)
        name.times_called += 1
        key = name.key
        if key in FOLLOWED:
            computed(judgement, made)
    elif isinstance(argument, Made) and _is_partial(argument):
        follow(judgement, Made(argument, Unknown.ANYTHING, How.CALL, made.offset), depth)
    elif isinstance(argument, Made | Unknown):
        computed(judgement, made)
    # Text, numbers and None cannot be called.


def computed(judgement: Judgement, made: Made) -> None:
    shown = show(made)
    judgement.remark(
        "pickle-unresolved-import",
        Severity.HIGH,
        f"Loading this file calls something it has computed: {shown}.",
        made.offset,
        {"call": shown},
    )


def _value(judgement: Judgement, key: tuple[str, str], made: Made) -> Value:
    """Bytes and texts that old protocols write as calls are values again: a name may be made of them."""
    match key, made.args:
        case ("_codecs", "encode"), (str() as text, *encoding):
            try:
                if [item.lower() for item in encoding if isinstance(item, str)] in ([], ["latin1"], ["latin-1"]):
                    content = text.encode("latin-1" if encoding else "utf-8")
                    look_into(judgement, content, made.offset)
                    return content
            except UnicodeEncodeError:
                return made
        case ("builtins", "bytearray" | "bytes"), (bytes() as content,):
            return content
        case ("builtins", "bytearray" | "bytes"), (int() as length,) if length > MOST_ZEROS:
            judgement.swells(f"asks for {length:,} bytes of zeros", made.offset)
        case ("builtins", "str"), (str() as text,):
            return text
        case ("builtins", "list"), ():
            return Items()
    return made


def look_into(judgement: Judgement, content: bytes, offset: int) -> None:
    """Bytes that begin and end as a pickle does may be one."""
    if len(content) > 4 and content[0] == 0x80 and content[1] <= 5 and content.endswith(b"."):
        judgement.carries(content, offset)


def _nested(judgement: Judgement, made: Made, name: str) -> None:
    content = made.args[0] if isinstance(made.args, tuple) and made.args else Unknown.ANYTHING
    match content:
        case Made(maker=Imported(name="BytesIO"), args=(inner, *_)):
            # torch.load(io.BytesIO(b"...")): the file is in the file.
            content = inner
    if isinstance(content, bytes | Blob):
        judgement.nested.append((content, name, made.offset))
    else:
        computed(judgement, made)


def _is_partial(made: Made) -> bool:
    return isinstance(made.maker, Imported) and canonical(made.maker.module, made.maker.name) == (
        "functools",
        "partial",
    )


def _attribute(judgement: Judgement, name: Name, made: Made) -> Value:
    """How old protocols pickle nested classes, bound methods and the members of an Enum."""
    match made.args:
        case (Imported() as owner, "_unpickle") if (owner.module, owner.name) == ("zoneinfo", "ZoneInfo"):
            name.plain_attributes += 1
            found = Imported(owner.module, "ZoneInfo._unpickle", made.offset)
            judgement.imported(found)
            return found
        case (Imported() as owner, str() as attribute):
            known = judgement.name_of(owner).standing in (Standing.HARMLESS, Standing.LIBRARY, Standing.SCRIPT)
        case (Made() as owner, str() as attribute):
            maker = judgement.maker_of(owner)
            known = maker is not None and maker.standing in (Standing.LIBRARY, Standing.SCRIPT)
        case _:
            return made
    if known and attribute.isidentifier() and not attribute.startswith("__") and attribute not in ANYWHERE:
        name.plain_attributes += 1
    return made


def _builds_a_type(made: Made) -> bool:
    """How Python pickles `list[int]`, `Optional[int]` and `int | str`: by the operators that make them."""
    match made.args:
        case (Imported(module="typing"), _) | (Imported(module="operator" | "_operator", name="or_"), tuple()):
            return True
    return False


def _type_of_dill(judgement: Judgement, name: Name, made: Made) -> Value:
    """dill finds types by what Python's `types` or builtins call them; of some, more can be made than values."""
    match made.args:
        case (str() as called,) if ("builtins", called) in HARMLESS:
            found = Imported("builtins", called, made.offset)
            judgement.imported(found)
            return found
        case (str() as called,) if called in _TYPES_OF_VALUES:
            return made
    name.standing = Standing.DANGEROUS
    return made


def _check_tensor(judgement: Judgement, made: Made) -> None:
    """A tensor is a view into its storage: what it reaches must be there (CVE-2026-24747 and its like)."""
    match made.args:
        case (Storage() as storage, int() as start, tuple() as size, tuple() as stride, *_):
            reaches = start
            for length, step in zip(size, stride, strict=False):
                if type(length) is not int or type(step) is not int or length < 0 or step < 0:
                    reaches = -1
                    break
                if length == 0:
                    return
                reaches += (length - 1) * step
            if reaches >= 0:
                judgement.note_matrix(storage.key, start, size)
            if start < 0 or reaches < 0 or reaches >= storage.count or len(size) != len(stride):
                judgement.remark(
                    "torch-storage-mismatch",
                    Severity.MEDIUM,
                    f"A tensor reaches beyond its data, {storage.key[:40]!r}: {reaches:,} of {storage.count:,}.",
                    made.offset,
                    {"storage": storage.key[:40]},
                )
