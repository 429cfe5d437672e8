"""What each file of a repository is for."""

from __future__ import annotations

from rules.facts import Role

_WEIGHTS = frozenset(
    [
        "safetensors",
        "bin",
        "pt",
        "pth",
        "ckpt",
        "pkl",
        "pickle",
        "joblib",
        "h5",
        "hdf5",
        "keras",
        "onnx",
        "gguf",
        "ggml",
        "msgpack",
        "ot",
        "tflite",
        "pb",
        "npz",
        "npy",
        "mlmodel",
        "mlpackage",
        "engine",
        "plan",
        "pdparams",
        "pdmodel",
        "params",
        "nemo",
        "mar",
        "rds",
        "llamafile",
    ]
)
_CODE = frozenset(
    [
        "py",
        "ipynb",
        "sh",
        "bash",
        "js",
        "ts",
        "rb",
        "pl",
        "ps1",
        "bat",
        "cpp",
        "cu",
        "c",
        "h",
        "rs",
        "go",
        "java",
        "so",
        "dll",
        "dylib",
        "exe",
        "whl",
        "jar",
        "wasm",
    ]
)
_CONFIG = frozenset(["json", "yaml", "yml", "toml", "cfg", "ini", "xml", "jinja", "gitattributes", "gitignore"])
_TEXT = frozenset(["md", "txt", "rst", "csv", "tsv", "jsonl", "license", "html"])
_CODE_FORMATS = frozenset({"python", "script", "executable", "elf", "pe", "mach-o", "notebook"})
_CODE_NAMES = frozenset({"requirements.txt", "dockerfile", "makefile", "setup.cfg"})


def role_of(path: str, format_: str) -> Role:
    """What a file is for: what it calls itself, unless its content says that it is code."""
    name = path.rpartition("/")[2].lower()
    suffix = name.rpartition(".")[2]
    if format_ in _CODE_FORMATS or suffix in _CODE or name in _CODE_NAMES:
        return Role.CODE
    if suffix in _WEIGHTS:
        return Role.WEIGHTS
    if suffix in _CONFIG:
        return Role.CONFIG
    return Role.TEXT if suffix in _TEXT else Role.OTHER
