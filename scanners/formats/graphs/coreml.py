"""CoreML models: protobuf of coremltools' `Model.proto`, `NeuralNetwork.proto` and `MIL.proto`.

A model is data to Apple's runtime, but for classes of the application that it can name: custom layers and custom
models. It can also take its weights from other files, and link to other models.
"""

from __future__ import annotations

from collections import Counter

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.shared.outside_path import judge_path
from scanners.formats.shared.payload_text import judge_text
from scanners.formats.shared.protobuf_walk import Message, Shape, Walk
from scanners.source import ByteSource

_NETWORKS = dict.fromkeys((303, 403, 500), "network")
_OWN_WEIGHTS = "@model_path/"
MOST_SHOWN = 20

SHAPES = {
    "model": Shape(
        inside={2: "description", 502: "program", 555: "custom model", 556: "linked model"}
        | _NETWORKS
        | {200: "pipeline in", 201: "pipeline in", 202: "pipeline"},
        numbers={1: "version"},
    ),
    "description": Shape(inside={100: "metadata"}),
    "metadata": Shape(
        inside={100: "pair"}, texts={1: "short", 2: "version", 3: "author", 4: "license"}
    ),
    "pair": Shape(texts={1: "key", 2: "value"}),
    "pipeline in": Shape(inside={1: "pipeline"}),
    "pipeline": Shape(inside={1: "model"}),
    "network": Shape(inside={1: "layer"}),
    "layer": Shape(texts={1: "name"}, inside={500: "custom layer", 605: "branch", 615: "loop"}),
    "loop": Shape(inside={3: "network", 4: "network"}),
    "branch": Shape(inside={1: "network", 2: "network"}),
    "custom layer": Shape(texts={10: "class", 40: "description"}, inside={30: "parameter"}),
    "custom model": Shape(texts={10: "class", 40: "description"}, inside={30: "parameter"}),
    "parameter": Shape(texts={1: "key"}, inside={2: "parameter value"}),
    "parameter value": Shape(texts={20: "text", 60: "text"}),
    "linked model": Shape(inside={1: "linked file"}),
    "linked file": Shape(inside={1: "linked text", 2: "linked text"}),
    "linked text": Shape(texts={1: "default"}),
    "program": Shape(inside={2: "function entry"}, texts={3: "doc"}),
    "function entry": Shape(inside={2: "function"}),
    "function": Shape(inside={3: "block entry"}),
    "block entry": Shape(inside={2: "block"}),
    "block": Shape(inside={3: "operation"}),
    "operation": Shape(
        texts={1: "type"}, inside={2: "argument entry", 4: "block", 5: "attribute entry"}
    ),
    "argument entry": Shape(inside={2: "argument"}),
    "argument": Shape(inside={1: "binding"}),
    "binding": Shape(inside={2: "value"}),
    "attribute entry": Shape(texts={1: "key"}, inside={2: "value"}),
    "value": Shape(texts={1: "doc"}, inside={5: "blob file"}),
    "blob file": Shape(texts={1: "path"}),
}  # fmt: skip


def judge(source: ByteSource, case: Case) -> None:
    reader = _Model(case)
    try:
        Walk(source, case, SHAPES, "CoreML", reader.note).run("model")
    finally:
        # Also of a model that breaks off: what was found is found.
        reader.tell()
    if not reader.has_version:
        raise Unscannable("It looks like CoreML, but it does not say which version of it.")


class _Model:
    """Gathers what the messages say."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.has_version = False
        self.classes: Counter[tuple[str, str]] = Counter()
        """Kind (layer, model or operation) and the class of the application that it needs."""

    def note(self, message: Message) -> None:
        kind = message.kind
        if kind == "model":
            self.has_version = "version" in message.numbers
            self.case.fact("coreml_version", message.numbers.get("version", 0))
        elif kind in ("custom layer", "custom model"):
            self.classes[kind, message.text("class")] += 1
            self._words(message.texts.get("description", []), f"the description of a {kind}")
        elif kind == "operation" and message.text("type").lower().startswith("custom"):
            self.classes["custom operation", message.text("type")] += 1
        elif kind == "blob file":
            self._blob(message.text("path"), message.begin)
        elif kind == "linked text":
            judge_path(message.text("default"), self.case, "The model links to", offset=message.begin)
            self.classes["linked model", message.text("default")] += 1
        elif kind == "pair":
            self._words([f"{message.text('key')}: {message.text('value')}"], "the model's metadata")
        elif kind in ("metadata", "program", "parameter value"):
            words = [text for name in ("short", "version", "author", "license", "doc", "text")
                     for text in message.texts.get(name, [])]  # fmt: skip
            self._words(words, "the model's description")
        names = len(self.classes)
        if names > 10_000:
            raise Unscannable("Its CoreML names more than 10,000 classes.")

    def _words(self, words: list[str], place: str) -> None:
        for text in words:
            judge_text(text, self.case, place=place)

    def _blob(self, path: str, offset: int) -> None:
        judge_path(path.removeprefix(_OWN_WEIGHTS), self.case, "The model takes weights from", offset=offset)

    def tell(self) -> None:
        for kind in sorted({kind for kind, _ in self.classes}):
            names = sorted(name for of, name in self.classes if of == kind)
            for name in names:
                judge_text(name, self.case, place=f"the class of a {kind}")
            self.case.add(
                "graph-custom-layer",
                Severity.MEDIUM,
                f"The model has a {kind} ({names[0][:80]!r}): code of the application that loads it.",
                evidence={"kind": kind, "classes": [name[:200] for name in names[:MOST_SHOWN]]},
            )
