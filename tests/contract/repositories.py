"""The fixture repositories that most tests pull, and what is in them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.contract.clients import ROOT
from tests.contract.http import settled

REPOS = ROOT / "fixtures" / "repos"
TINY = REPOS / "models" / "acme-research" / "tiny-bert"
WEIGHTS = TINY / "first" / "model.safetensors"
MINILM = "sentence-transformers/all-MiniLM-L6-v2"

EVERYDAY = (
    "models/acme-research/tiny-bert",
    "models/acme-research/tiny-bert/revision/v1.0",
    "models/acme-research/odd-names",
    "models/acme-research/both-formats",
    "models/acme-research/tiny-gguf",
    "models/acme-research/tiny-torch",
    "models/acme-research/many-files",
    "models/acme-research/gpt2-mini",
    "models/acme-research/non-commercial",
    "models/acme-research/sharded",
    "models/acme-research/turned",
    "models/facebook-llama/Llama-3.2-1B-Instruct",
    "models/mallory/shell-in-a-pickle",
    f"models/{MINILM}",
    "datasets/acme-data/rows",
)
"""What tests ask of the mirror that they share, by its address below `/api`."""


def judge(url: str, repos: tuple[str, ...], token: str | None = None) -> None:
    """Have a mirror decide about repositories, however busy the machine is: what tests wait for then is the client."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with ThreadPoolExecutor(4) as pool:
        for reply in pool.map(lambda repo: settled(url, f"/api/{repo}", headers=headers), repos):
            assert reply.status in {200, 403}, reply.body


def content(folder: Path) -> dict[str, bytes]:
    """The files below a folder, without what a client keeps for itself."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".cache" not in path.parts
    }
