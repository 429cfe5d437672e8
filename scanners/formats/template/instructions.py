"""What a template says: instructions nobody asked for, conditions on the words of a chat, invisible characters.

A default system prompt is ordinary, and so is what explains tools. What deceives is text that overrules the user or
sends what is said elsewhere, and text that only appears, or replaces, when certain words fall.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scanners.finding import Severity
from scanners.formats.template.folding import Folder
from scanners.formats.template.parsing import nodes
from scanners.formats.template.wording import OVERRULES, STEERS


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


LONGEST_WRITTEN = 200_000


@dataclass(frozen=True, slots=True)
class Instruction:
    """What it says or does, why that matters, and how much."""

    severity: Severity
    why: str
    excerpt: str
    line: int


_INVISIBLE = re.compile(
    "[\u200b\u200c\u200e\u200f\u2060-\u2064\u202a-\u202e\u2066-\u2069\ufeff\u00ad\u180e\U000e0000-\U000e007f"
    "\u115f\u1160\u3164\uffa0\U000e0100-\U000e01ef]"
)
_MISLEADING = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0020-\U000e007f\U000e0100-\U000e01ef]")
"""Text that reads otherwise than it is written, or that only a model sees."""

_ADDRESS = re.compile(r"(?:https?|ftp|wss?)://([^\s/\"'<>)\]}:]{3,100})|\bdata:text/html|\b(?:\d{1,3}\.){3}\d{1,3}\b")
_KNOWN_HOSTS = re.compile(
    r"(?:^|\.)(?:huggingface\.co|hf\.co|github\.com|github\.io|githubusercontent\.com|mistral\.ai|openai\.com|google\.com|"
    r"google\.dev|googleapis\.com|microsoft\.com|meta\.com|llama\.com|meta\.ai|qwen\.ai|qwenlm\.ai|alibabacloud\.com|"
    r"aliyun\.com|deepseek\.com|cohere\.com|cohere\.ai|anthropic\.com|ibm\.com|nvidia\.com|apple\.com|amazon\.com|x\.ai|"
    r"moonshot\.(?:ai|cn)|minimax\.io|minimaxi\.com|bigmodel\.cn|z\.ai|stepfun\.com|allenai\.org|nousresearch\.com|"
    r"json-schema\.org|w3\.org|schema\.org|wikipedia\.org|example\.(?:com|org)|python\.org|arxiv\.org|tiktok\.com)$",
    re.IGNORECASE,
)
_ENCODED = re.compile(r"(?<![\w/+=-])[A-Za-z0-9+/_-]{24,4000}={0,2}(?![\w/+=-])")
_URL_SAFE = re.compile(r"[-_]")
_IN_HEX = re.compile(r"(?<![\w])(?:[2-7][0-9a-fA-F]|0[aA9]){24,2000}(?!\w)")
_EXFILTRATES = re.compile(
    r"!\[[^\]]{0,200}\]\(\s{0,9}https?://|<img[^>]{1,200}src|https?://\S{0,300}[?&]\w{1,40}=\s{0,9}(?:$|\{|<)",
    re.IGNORECASE,
)
_WORDS = re.compile(r"^[^\W\d_][\w' .,!?-]{2,}$")
"""Natural language, not a marker such as `<think>`, `[INST]` or `/no_think`."""
_SENTENCE = re.compile(r"(?:\b[^\W\d_]{2,}\b[\s,]+){3,}")
_CONTENT = re.compile(
    r"content|text|prompt|query|question|user_?(?:message|input)|last_?(?:message|user)|body|msg", re.IGNORECASE
)
_ABOUT = re.compile(r"role|type|name|index|count|format|style|version|mode|lang", re.IGNORECASE)
"""What is about a message and not in it."""
_PARTS_OF_CONTENT = _names(
    """type image image_url images video video_url videos audio audio_url input_audio text content role name function
    tool_calls tool_call tool_call_id tool_name tool_plan tool_results arguments parameters documents document
    thinking reasoning reasoning_content refusal json thought citations user assistant system tool file input output
    url query passage"""
)
"""What honest templates ask of content that is a list of parts."""
_SEARCHES = frozenset({"find", "rfind", "index", "count", "startswith", "endswith"})
_TURNED = frozenset({"lower", "upper", "trim", "strip", "string", "casefold", "join", "list", "title"})


def says(text: str, line: int) -> Iterator[Instruction]:
    """What one text of a template, or a template that is no Jinja, tells the model."""
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    yield from _says(plain, line)
    for pattern, decode, form in ((_ENCODED, _decoded, "base64"), (_IN_HEX, _from_hex, "hexadecimal digits")):
        for match in pattern.finditer(plain):
            decoded = decode(match.group())
            if decoded is not None:
                told = next(_says(decoded, line), None)
                severity = Severity.HIGH if told is not None else Severity.MEDIUM
                yield Instruction(severity, f"carries text in {form}", decoded[:120], line)
                return


def _says(text: str, line: int) -> Iterator[Instruction]:
    if found := _first(OVERRULES, text):
        yield Instruction(
            Severity.HIGH, "overrules the user or sends what is said elsewhere", _around(text, found), line
        )
    elif found := _first(STEERS, text):
        yield Instruction(Severity.MEDIUM, "steers the model's answers in a hidden way", _around(text, found), line)
    for match in _ADDRESS.finditer(text):
        host = match[1] or ""
        if not _KNOWN_HOSTS.search(host):
            sends = _EXFILTRATES.search(text) is not None
            why = "makes the model write an address that carries what was said" if sends else "names an outside address"
            yield Instruction(Severity.HIGH if sends else Severity.MEDIUM, why, _around(text, match), line)
            break


def _decoded(encoded: str) -> str | None:
    """What base64 says, if it is text."""
    try:
        raw = base64.b64decode(
            encoded.rstrip("=") + "=" * (-len(encoded.rstrip("=")) % 4),
            b"-_" if _URL_SAFE.search(encoded) else None,
            validate=True,
        )
        return _read(raw.decode())
    except ValueError:
        return None


def _from_hex(digits: str) -> str | None:
    try:
        return _read(bytes.fromhex(digits).decode())
    except ValueError:
        return None


def _read(text: str) -> str | None:
    flat = " ".join(text.split())
    return text if flat.isprintable() and " " in flat and any(letter.isalpha() for letter in flat) else None


def hides(text: str) -> Iterator[Instruction]:
    """Characters nobody sees."""
    found = _INVISIBLE.search(text, 1 if text.startswith("\ufeff") else 0)
    if found is None:
        return
    misleading = _MISLEADING.search(text)
    at = (misleading or found).start()
    yield Instruction(
        Severity.HIGH if misleading else Severity.MEDIUM,
        f"has invisible characters (U+{ord(text[at]):04X})",
        ascii(text[max(0, at - 40) : at + 40])[:120],
        text.count("\n", 0, at) + 1,
    )


def instructions(tree: nodes.Template, folder: Folder) -> Iterator[Instruction]:
    """All that a template's texts and conditions say."""
    for node in tree.find_all((nodes.TemplateData, nodes.Const, nodes.Concat, nodes.Add)):
        texts = [_text_of(node)] if isinstance(node, nodes.TemplateData | nodes.Const) else folder.values(node)
        for text in texts:
            if isinstance(text, str) and len(text) > 8:
                yield from says(text, node.lineno)
            if isinstance(text, str):
                for hidden in hides(text):
                    yield Instruction(hidden.severity, hidden.why, hidden.excerpt, node.lineno)
    written = _written(tree, folder)
    if found := _first(OVERRULES, written):
        yield Instruction(
            Severity.HIGH, "overrules the user or sends what is said elsewhere", _around(written, found), 1
        )
    keys, said = _keys_looked_up(tree), _said(folder)
    conditions: list[nodes.If | nodes.CondExpr] = [*tree.find_all(nodes.If), *tree.find_all(nodes.CondExpr)]
    for condition in conditions:
        word = _word_asked_for(condition.test, folder, keys, said)
        if word is not None:
            body: Sequence[nodes.Node] = condition.body if isinstance(condition, nodes.If) else [condition.expr1]
            spoken = _spoken(body, folder)
            severity = Severity.HIGH if _SENTENCE.search(spoken) or _ADDRESS.search(spoken) else Severity.MEDIUM
            why = f"changes what the model is given when {word}"
            yield Instruction(severity, why, (spoken.strip() or word)[:120], condition.lineno)
    places: list[nodes.Filter | nodes.Call] = [*tree.find_all(nodes.Filter), *tree.find_all(nodes.Call)]
    for place in places:
        yield from _rewrites(place, folder, said)


def _word_asked_for(test: nodes.Node, folder: Folder, keys: frozenset[str], said: frozenset[str]) -> str | None:
    """The words of a chat, or the date, on which a condition depends."""
    for node in [test, *test.find_all((nodes.Compare, nodes.Call, nodes.Test, nodes.Filter))]:
        if isinstance(node, nodes.Compare):
            other = node.ops[0].expr
            pairs = (
                [(node.expr, other)] if node.ops[0].op in ("in", "notin") else [(node.expr, other), (other, node.expr)]
            )
            for needle, place in pairs:
                word = _natural(needle, folder)
                if word and word not in keys and _is_content(place, folder, said):
                    return f"the words {word!r} are said"
            if any(getattr(call.node, "name", "") == "strftime_now" for call in node.find_all(nodes.Call)):
                return "a certain date has come"
        elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr) and node.node.attr in _SEARCHES:
            if _is_content(node.node.node, folder, said) and node.args and (word := _natural(node.args[0], folder)):
                return f"the words {word!r} are said"
        elif isinstance(node, nodes.Test) and node.args and node.name in ("in", "eq", "equalto", "sameas", "=="):
            if _is_content(node.node, folder, said) and (word := _natural(node.args[0], folder)):
                return f"the words {word!r} are said"
        elif isinstance(node, nodes.Filter) and node.name == "random":
            return "chance has it"
    return None


def _text_of(node: nodes.TemplateData | nodes.Const) -> str:
    """As a whole, however long."""
    return node.data if isinstance(node, nodes.TemplateData) else str(node.value)


def _written(tree: nodes.Template, folder: Folder) -> str:
    """All that the template writes by itself, one after the other: a sentence can be cut over several outputs."""
    parts: list[str] = []
    for output in tree.find_all(nodes.Output):
        for part in output.nodes:
            if isinstance(part, nodes.TemplateData | nodes.Const):
                parts.append(_text_of(part))
            else:
                values = folder.values(part)
                parts.append(values[0] if values and isinstance(values[0], str) else "\n")
    return "".join(parts)[:LONGEST_WRITTEN]


def _keys_looked_up(tree: nodes.Template) -> frozenset[str]:
    """What the template takes out of objects: asking whether it is in there is no question about words."""
    found = {node.attr for node in tree.find_all(nodes.Getattr)}
    for node in tree.find_all(nodes.Getitem):
        if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            found.add(node.arg.value)
    return frozenset(found)


def _rewrites(node: nodes.Filter | nodes.Call, folder: Folder, said: frozenset[str]) -> Iterator[Instruction]:
    if isinstance(node, nodes.Filter):
        subject, is_replace = node.node, node.name == "replace"
    else:
        is_replace = isinstance(node.node, nodes.Getattr) and node.node.attr == "replace"
        subject = node.node.node if isinstance(node.node, nodes.Getattr) else None
    if not is_replace or len(node.args) < 2 or subject is None:
        return
    for new in folder.values(node.args[1]):
        old = next(iter(folder.values(node.args[0])), "")
        if not isinstance(new, str) or not isinstance(old, str):
            continue
        if _ADDRESS.search(new) or _ADDRESS.search(old):
            yield Instruction(Severity.HIGH, "replaces addresses in what is said", f"{old} -> {new}"[:120], node.lineno)
        elif _is_content(subject, folder, said) and _WORDS.match(old.strip()) and _WORDS.match(new.strip()):
            yield Instruction(Severity.MEDIUM, "replaces words in what is said", f"{old} -> {new}"[:120], node.lineno)


def _said(folder: Folder) -> frozenset[str]:
    """Names of the template's own that hold what was said: set from it, or from one another."""
    found: set[str] = set()
    for _ in range(4):
        before = len(found)
        for name, sources in folder.sources.items():
            if name not in found and any(_is_content(one, folder, frozenset(found)) for one in sources[:50]):
                found.add(name)
        if len(found) == before:
            break
    return frozenset(found)


def _is_content(node: nodes.Node | None, folder: Folder, said: frozenset[str]) -> bool:
    """What a person or the model said, possibly in other letters."""
    if isinstance(node, nodes.Filter) and node.name in _TURNED:
        return _is_content(node.node, folder, said)
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr) and node.node.attr in _TURNED:
        return _is_content(node.node.node, folder, said)
    if isinstance(node, nodes.Getattr):
        return _CONTENT.search(node.attr) is not None and not _ABOUT.search(node.attr)
    if isinstance(node, nodes.Getitem):
        if isinstance(node.arg, nodes.Slice):
            return _is_content(node.node, folder, said)
        return any(isinstance(value, str) and _CONTENT.search(value) for value in folder.values(node.arg))
    if isinstance(node, nodes.Concat | nodes.Add):
        return any(_is_content(part, folder, said) for part in node.iter_child_nodes())
    if not isinstance(node, nodes.Name) or _ABOUT.search(node.name):
        return False
    return node.name in said or _CONTENT.search(node.name) is not None


def _natural(node: nodes.Node, folder: Folder) -> str | None:
    for value in folder.values(node):
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, str) and _WORDS.match(one.strip()) and one.strip().lower() not in _PARTS_OF_CONTENT:
                return one.strip()[:40]
    return None


def _spoken(body: Sequence[nodes.Node], folder: Folder) -> str:
    """The texts that a branch writes or sets."""
    parts: list[nodes.Node] = []
    for node in body:
        parts += [node] if isinstance(node, nodes.Expr) else node.find_all((nodes.TemplateData, nodes.Const))
    texts = [str(value) for part in parts for value in folder.values(part)]
    return " ".join(texts)[:2000]


def _first(patterns: tuple[re.Pattern[str], ...], text: str) -> re.Match[str] | None:
    return next((found for pattern in patterns if (found := pattern.search(text))), None)


def _around(text: str, found: re.Match[str]) -> str:
    return text[max(0, found.start() - 30) : found.start() + 90]
