"""What the mirror says aloud about a commit that it serves: the headers that every answer about it has."""

from __future__ import annotations

from curator.hub.admit import Admitted
from curator.hub.answer import header_text
from curator.types import RepoKind


def admitted_headers(admitted: Admitted) -> dict[str, str]:
    """The commit that is served, what is left out of it, what is warned of, whether the upstream has a newer one."""
    commit, behind = admitted.snapshot.commit, admitted.behind
    # A cache in front of the mirror that kept it would give it out after the decision has been taken back.
    headers = {"X-Repo-Commit": commit.sha, "Vary": "Authorization", "Cache-Control": "private, no-cache"}
    left_out = admitted.ruling.left_out_sentence(str(commit.repo))
    if behind is not None:
        headers |= {"X-Curator-Upstream-Commit": behind.upstream.sha, "X-Curator-Behind": str(behind.commits)}
    warnings = admitted.ruling.warnings
    if warnings:
        headers["X-Curator-Warning"] = header_text(", ".join(dict.fromkeys(reason.rule for reason in warnings)))
    warning = admitted.ruling.warning_sentence(str(commit.repo))
    said = [sentence for sentence in (behind and behind.sentence(commit), left_out, warning) if sentence]
    if said:
        topic = behind.topic if behind is not None else "left-out" if left_out else f"warning-{warnings[0].rule}"
        if left_out or warning:
            kind = "" if commit.repo.kind is RepoKind.MODEL else f"{commit.repo.kind.value}s/"
            said.append(f"More: curator rules explain {kind}{commit.repo}")
        # Three dots say that something was cut.
        line = " ".join(sentence if sentence.endswith((".", "!", "?")) else f"{sentence}." for sentence in said)
        line = line if line.endswith("...") else line.removesuffix(".")
        headers["X-HF-Warning"] = header_text(f"curation {commit.repo} {topic}; {line}")
    return headers
