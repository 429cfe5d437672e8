"""How people and tools write down a repository of the Hub, and how that is told from a folder of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 1000
"""Characters; what is longer is no name."""

_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9._-])?"
_REPOSITORY = re.compile(rf"(?:{_PART}/)?{_PART}")
_FORBIDDEN = re.compile(r"--|\.\.|\.git$|\.ipynb$|[-.]$|[-.]/")
_HUB = re.compile(
    r"^(?:(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co|hf-mirror\.com)/+|hf://(?:models/)?)", re.IGNORECASE
)
_REVISION = re.compile(r"/(?:tree|blob|resolve|raw|commit)/([^/\s]+)")
_REVISION_NAME = re.compile(r"[\w./-]{1,200}")
_CACHED = re.compile(r"(?:^|[/\\])models--([A-Za-z0-9._-]+)(?:[/\\]snapshots[/\\]([0-9a-f]{40}))?")
_LOCAL = re.compile(r"^(?:[/\\~.$<{]|[A-Za-z]:|file:)|\\|\s")
_OTHER_PLACE = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_FOLDERS = re.compile(
    r"cache|checkpoints?|ckpts?|content|data|dist|drive|exp|experiments?|export(?:ed)?|finetune[ds]?|hf|home|llms?|local"
    r"|logs?|loras?|merged|mnt|mount|models?|out|outputs?|pretrain(?:ed)?(?:_models?)?|results?|root|runs?|saved?|saves"
    r"|scratch|snapshots?|src|storage|temp|tmp|train(?:ed|ing)?|usr|users|weights?|work|workspace",
    re.IGNORECASE,
)
"""What people call their own folders; the Hub has accounts of these names that nobody trains from."""
_STEP = re.compile(
    r"(?:checkpoint|ckpt|global[-_]?step|step|epoch|iter|run)[-_]?\d{1,12}"
    r"|(?:run|final|best|last|latest)(?:[-_]?(?:\d{1,12}|model|checkpoint|ckpt))?",
    re.IGNORECASE,
)
_NOTHING = frozenset(
    {"", "-", "none", "null", "nil", "n/a", "na", "no", "tbd", "todo", "unknown", "other", "model", "base"}
)
_OLD = re.compile(
    r"(?:openai-gpt|ctrl|(?:distil)?gpt2(?:-medium|-large|-xl)?|t5-(?:small|base|large|3b|11b)|xlm-(?:roberta|mlm|clm)-[\w-]+"
    r"|(?:distil)?(?:bert|roberta)-(?:base|large)[\w-]*|albert-(?:base|large|xlarge|xxlarge)-v[12]|xlnet-(?:base|large)-cased"
    r"|transfo-xl-wt103|camembert-base)"
)
"""The Hub's oldest models have no owner in their names."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A repository, and the revision if one is named."""

    repository: str
    revision: str = ""


def stated(text: object) -> Reference | None:
    """A reference from where a repository belongs, such as a card: any name that the Hub allows."""
    found = _read(text)
    if found is None or found.repository.casefold() in _NOTHING:
        return None
    return found


def written_by_a_tool(text: object) -> Reference | None:
    """A reference from where tools put whatever they were started with: mostly folders of somebody's machine."""
    if not isinstance(text, str) or len(text) > LONGEST:
        return None
    if (cached := _CACHED.search(text)) is not None:
        # The Hub's own cache: the folder's name is the repository's.
        found = _valid(cached[1].replace("--", "/"))
        return Reference(found, cached[2] or "") if found else None
    found_reference = stated(text)
    if found_reference is None or _HUB.match(text.strip()) is not None:
        return found_reference
    owner, slash, name = found_reference.repository.rpartition("/")
    if not slash:
        return found_reference if _OLD.fullmatch(name) else None
    if _FOLDERS.fullmatch(owner) or _STEP.fullmatch(owner) or _STEP.fullmatch(name):
        return None
    return found_reference


def with_adapter(text: object) -> tuple[Reference, ...]:
    """mergekit's way of writing: `model@revision+adapter@revision`."""
    if not isinstance(text, str):
        return ()
    parts = text[:LONGEST].split("+")
    return tuple(found for part in parts if (found := written_by_a_tool(part.strip())) is not None)


def dataset(text: object) -> str | None:
    """The name of a data set, from an address or as it is."""
    if not isinstance(text, str) or len(text) > LONGEST:
        return None
    text = text.strip()
    if (address := _HUB.match(text)) is not None:
        path = text[address.end() :]
        if not path.startswith("datasets/"):
            return None
        text = "/".join(path.removeprefix("datasets/").split("?")[0].split("#")[0].split("/")[:2])
    if _LOCAL.search(text) or text.casefold() in _NOTHING:
        return None
    return _valid(text.strip("/"))


def _read(text: object) -> Reference | None:
    if not isinstance(text, str) or len(text) > LONGEST:
        return None
    text = text.strip()
    if (address := _HUB.match(text)) is not None:
        path = re.split(r"[?#]", text[address.end() :])[0]
        if path.startswith(("datasets/", "spaces/", "papers/", "docs/", "blog/", "collections/", "api/")):
            return None
        revision = _REVISION.search(path)
        found = _valid("/".join(path.strip("/").split("/")[:2]))
        return Reference(found, revision_in(revision[1] if revision else "")) if found else None
    if _OTHER_PLACE.match(text) or _LOCAL.search(text):
        return None
    name, _, after = text.rstrip("/").partition("@")
    found = _valid(name)
    return Reference(found, revision_in(after)) if found else None


def _valid(name: str) -> str | None:
    if _REPOSITORY.fullmatch(name) is None or _FORBIDDEN.search(name) is not None:
        return None
    return name


def revision_in(value: object) -> str:
    """A branch, tag or commit; empty for the main branch, which is what counts anyway, and for garbage."""
    return value if isinstance(value, str) and value != "main" and _REVISION_NAME.fullmatch(value) else ""
