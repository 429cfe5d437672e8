"""The lines to paste: this commit and no other, through this mirror."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from curator.admission.dossier.said import Usage
from curator.types import Commit, RepoKind
from rules.facts import Facts, FileFacts

_TASK = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_BEST_GGUF = ("q4_k_m", "q4_k_s", "q5_k_m", "q4_0", "q8_0")
"""What most people want first, by its name in the file's name: the smallest that is said to lose little."""


def usage(commit: Commit, facts: Facts, url: str, left_out: frozenset[str]) -> tuple[Usage, ...]:
    """For each program that can use it; `url` is the mirror's. Files that are left out are not named."""
    files = [file for file in facts.files if file.path not in left_out]
    return tuple(_all(commit, facts, url, files))


def _all(commit: Commit, facts: Facts, url: str, files: list[FileFacts]) -> Iterator[Usage]:
    repo, sha, kind = str(commit.repo), commit.sha, commit.repo.kind
    endpoint = f"export HF_ENDPOINT={shlex.quote(url)}"
    if kind is RepoKind.DATASET:
        yield _python(
            "datasets", url, "from datasets import load_dataset", f'load_dataset("{repo}", revision="{sha}")', "data"
        )
    elif kind is RepoKind.MODEL:
        yield from _models(commit, facts, url, files)
    option = "" if kind is RepoKind.MODEL else f" --repo-type {kind.value}"
    yield Usage("hf", "shell", f"{endpoint}\nhf download {shlex.quote(repo)}{option} --revision {sha}")


def _models(commit: Commit, facts: Facts, url: str, files: list[FileFacts]) -> Iterator[Usage]:
    repo, sha = str(commit.repo), commit.sha
    pinned = f'"{repo}", revision="{sha}"'
    endpoint = f"export HF_ENDPOINT={shlex.quote(url)}"
    formats = {file.format for file in files}
    library = facts.library.lower()
    # What is pasted into a shell has no letters that look like others, or that turn the line around.
    gguf = [file for file in files if file.format == "gguf" and file.path.isascii()]
    if library == "diffusers":
        lines = f"DiffusionPipeline.from_pretrained({pinned})"
        yield _python("diffusers", url, "from diffusers import DiffusionPipeline", lines, "pipeline")
    if library == "sentence-transformers":
        lines = f"SentenceTransformer({pinned})"
        yield _python("sentence-transformers", url, "from sentence_transformers import SentenceTransformer", lines)
    names = {file.path.rpartition("/")[2] for file in files}
    if "adapter_config.json" in names:
        lines = f"AutoPeftModel.from_pretrained({pinned})"
        yield _python("peft", url, "from peft import AutoPeftModel", lines)
    elif "config.json" in names and library != "diffusers" and formats - {"gguf"}:
        yield _transformers(facts, url, pinned)
        if facts.pipeline_tag in {"text-generation", "image-text-to-text"}:
            yield Usage(
                "vLLM",
                "shell",
                f"{endpoint}\nvllm serve {shlex.quote(repo)} --revision {sha} --tokenizer-revision {sha}",
            )
    if gguf:
        file = best_gguf(gguf)
        fetched = f"hf download {shlex.quote(repo)} {shlex.quote(file.path)} --revision {sha} --local-dir ."
        others = len(gguf) - 1
        note = f"One of {len(gguf)} GGUF files: name another one for another quantization." if others else ""
        # llama.cpp asks for a branch by itself and cannot be told a commit, so the file is fetched first.
        yield Usage("llama.cpp", "shell", f"{endpoint}\n{fetched}\nllama-cli -m {shlex.quote(file.path)}", note)


def _transformers(facts: Facts, url: str, pinned: str) -> Usage:
    task = facts.pipeline_tag if _TASK.fullmatch(facts.pipeline_tag) else ""
    if task == "text-generation":
        names = {"tokenizer": "AutoTokenizer", "model": "AutoModelForCausalLM"}
        calls = "\n".join(f"{name} = {made}.from_pretrained({pinned})" for name, made in names.items())
        imported = "from transformers import AutoModelForCausalLM, AutoTokenizer"
    elif task:
        calls, imported = f'model = pipeline("{task}", {pinned})', "from transformers import pipeline"
    else:
        calls, imported = f"model = AutoModel.from_pretrained({pinned})", "from transformers import AutoModel"
    return Usage("transformers", "python", f"{_environment(url)}\n{imported}\n\n{calls}")


def best_gguf(files: list[FileFacts]) -> FileFacts:
    """The one that most people want first; of a split one, its first part."""
    first = [file for file in files if "-of-" not in file.path or "-00001-of-" in file.path] or files
    for name in _BEST_GGUF:
        for file in first:
            if name in file.path.lower():
                return file
    return min(first, key=lambda file: (file.size, file.path))


def _python(tool: str, url: str, imported: str, call: str, name: str = "model") -> Usage:
    return Usage(tool, "python", f"{_environment(url)}\n{imported}\n\n{name} = {call}")


def _environment(url: str) -> str:
    # Libraries read it when they are imported, so it stands before.
    return f'import os\n\nos.environ["HF_ENDPOINT"] = "{url}"'
