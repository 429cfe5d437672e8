"""Texts of licences: of packages that are installed here, and of our own with a publisher's words in them."""

from __future__ import annotations

from importlib.metadata import files


def text_of(package: str, name: str = "LICENSE") -> str:
    """A licence file of an installed package."""
    found = next(path for path in files(package) or () if path.name.split(".")[0] == name and ".dist-info" in str(path))
    return found.read_text(encoding="utf-8")


APACHE = text_of("requests")
MIT = text_of("attrs")
BSD_3 = text_of("lz4")


def publishers(title: str, *phrases: str) -> str:
    """A long text that calls itself by the title and has the phrases in it; no licence of anybody."""
    filler = " ".join(f"Clause {number} tells of things that nobody here wrote down." for number in range(60))
    return f"{title}\n\nThese are terms.\n\n{filler}\n\n{'. '.join(phrases)}.\n\n{filler}\n"


LLAMA_3_2 = publishers(
    "LLAMA 3.2 COMMUNITY LICENSE AGREEMENT",
    "Llama 3.2 Version Release Date",
    "Llama Materials",
    "700 million monthly active users",
    "Built with Llama",
)
