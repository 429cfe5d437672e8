"""When code runs: at import, in the ordinary use of a model, or only when somebody asks for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from scanners.formats.code.reader import Reader
from scanners.formats.code.values import Kind, Unit


class Moment(IntEnum):
    """The earlier, the worse."""

    ASKED = 0
    """Only if somebody calls it by its name, or runs the file as a program."""
    USE = 1
    """When the model, the data set or the handler is loaded or used as its page would say."""
    IMPORT = 2
    """When the file is imported, and nobody has called anything yet."""


SENTENCES = {
    Moment.ASKED: "when its function is called",
    Moment.USE: "when it is loaded or used",
    Moment.IMPORT: "at import",
}

_FINDERS = frozenset({"find_spec", "find_module", "load_module", "exec_module", "create_module"})
"""Called by the machinery of imports."""

USED = frozenset(
    {
        # models and configurations
        "__init__", "__new__", "__post_init__", "__call__", "forward", "from_pretrained", "_from_config", "from_config",
        "from_dict", "to_dict", "generate", "post_init", "_init_weights", "init_weights", "load_state_dict",
        "_load_from_state_dict", "_load_pretrained_model", "prepare_inputs_for_generation", "get_config_dict", "chat",
        "chat_stream", "save_pretrained", "call", "build", "get_config", "train", "eval", "to", "half", "cuda",
        "predict", "training_step", "configure_optimizers", "setup", "load", "load_model", "load_weights",
        "from_single_file",
        # tokenizers, processors and pipelines
        "tokenize", "_tokenize", "encode", "decode", "_decode", "_encode_plus", "_convert_token_to_id", "preprocess",
        "convert_tokens_to_string", "postprocess", "_forward", "_sanitize_parameters", "get_vocab",
        "apply_chat_template", "build_inputs_with_special_tokens", "batch_decode", "save_vocabulary", "process",
        "transform", "fit",
        "encode_image", "encode_text", "encode_prompt",
        # data sets
        "_info", "_split_generators", "_generate_examples", "_generate_tables", "_download_and_prepare",
        # handlers of inference services
        "model_fn", "input_fn", "predict_fn", "output_fn", "init", "initialize", "handle", "inference", "main_handler",
        # pickled and copied objects
        "__reduce__", "__reduce_ex__", "__setstate__", "__getstate__", "__del__", "__getattr__", "__getitem__",
        "__iter__", "__len__", "__repr__", "__str__", "__enter__", "__exit__", "__init_subclass__", "__class_getitem__",
        "__set_name__", "__get__", "__next__", "__getattribute__", "__setattr__", "__hash__", "__eq__",
    }
)  # fmt: skip
"""Methods that libraries call on what they load, and functions that services call."""

_HUB_ENTRIES = "hubconf.py"
_AT_INSTALL = frozenset({"setup.py", "conftest.py", "sitecustomize.py", "usercustomize.py", "noxfile.py", "fabfile.py"})


@dataclass(frozen=True, slots=True)
class Moments:
    """Every unit's moment, and what runs with each."""

    of: dict[int, Moment]
    closures: dict[int, frozenset[Unit]]

    def moment(self, unit: Unit) -> Moment:
        return self.of.get(id(unit), Moment.ASKED)


def moments_of(reader: Reader, name: str) -> Moments:
    """`name` is the base name of the file: some names say who runs it."""
    by_method: dict[str, list[Unit]] = {}
    for unit in reader.units:
        for method, own in unit.methods.items():
            by_method.setdefault(method, []).append(own)

    def next_of(unit: Unit) -> Iterable[Unit]:
        yield from unit.reaches
        for decorator in unit.decorators:
            yield from decorator.returns
        for made in unit.makes:
            yield made
            yield from (own for method, own in made.methods.items() if _is_by_itself(method))
            if any(base.path == "type" for base in made.bases):
                yield from made.methods.values()
        for method in unit.method_names:
            # Named is enough: a property runs when it is read, and what is not called here is called elsewhere.
            yield from by_method.get(method, ())

    def closure(starts: Iterable[Unit]) -> frozenset[Unit]:
        found: set[Unit] = set()
        waiting = list(starts)
        while waiting:
            unit = waiting.pop()
            if unit not in found:
                found.add(unit)
                waiting.extend(next_of(unit))
        return frozenset(found)

    first = [reader.module]
    first += [
        value.unit
        for hook in ("__getattr__", "__dir__", "load_tests", "pytest_configure", "pytest_sessionstart")
        if (value := reader.module.names.get(hook)) is not None and value.unit is not None
    ]
    if name in _AT_INSTALL:
        first += [unit for unit in reader.units if unit.kind is Kind.MAIN]
        # A command class is run by the installer.
        first += [
            own
            for unit in reader.units
            if unit.kind is Kind.CLASS and unit.bases
            for method, own in unit.methods.items()
            if method
            in ("run", "__init__", "initialize_options", "finalize_options", "build_extension", "build_extensions")
        ]
    of: dict[int, Moment] = {}
    used = [unit for unit in reader.units if unit.kind is Kind.FUNCTION and _is_used(unit, name)]
    for unit in closure([*used, *reader.hooks]):
        of[id(unit)] = Moment.USE
    for unit in closure(first):
        of[id(unit)] = Moment.IMPORT
    return Moments(of, {id(unit): closure([unit]) for unit in reader.units if unit.deeds})


def _is_by_itself(method: str) -> bool:
    """Whether Python may call it on its own, once there is an instance; a call of the instance is seen where it is."""
    return method in _FINDERS or (method.startswith("__") and method.endswith("__") and method != "__call__")


_FRAMEWORKS = (
    "transformers.", "torch.", "diffusers.", "datasets.", "keras.", "tensorflow.", "flax.", "lightning.", "mlx.",
    "pytorch_lightning.", "sentence_transformers.", "timm.", "peft.", "accelerate.", "paddle.", "open_clip.",
)  # fmt: skip


def is_in_model(unit: Unit) -> bool:
    """Whether it is a method of a class of a framework."""
    parent = unit.parent
    return (
        parent is not None
        and parent.kind is Kind.CLASS
        and any(base.path.startswith(_FRAMEWORKS) for base in parent.bases)
    )


def _is_used(unit: Unit, name: str) -> bool:
    last = unit.name.rpartition(".")[2]
    if is_in_model(unit):
        # Whatever it defines may take the place of something that the framework calls.
        return True
    if last not in USED:
        return name == _HUB_ENTRIES and unit.parent is not None and unit.parent.kind is Kind.MODULE
    return unit.parent is not None and (
        unit.parent.kind is Kind.CLASS
        or last.endswith("_fn")
        or last in ("init", "handle", "inference", "main_handler")
    )
