"""What the Hub has and the mirror does not serve: each address with the sentence that says so.

Bytes that could come another way than through a decision are closed here by name, so that their users read why;
`docs/routes.md` is made from this table. An address that is not in it is closed too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from curator.database.engine import new_id
from curator.errors import BadInput
from curator.hub.answer import Answer
from curator.hub.refusal import Refusal, refuse
from curator.types import RepoId, RepoKind

_PARTS = {
    "{type}": "(?:models|datasets|spaces)",
    "{repo}": "(?P<repo>[^/]+(?:/[^/]+)?)",
    "/**": "(?:/.*)?",
}
_PART = re.compile(r"\{type\}|\{repo\}|/\*\*")


@dataclass(frozen=True, slots=True)
class ClosedAddress:
    """One kind of address, and what whoever asks for it reads."""

    pattern: str
    """`{type}` stands for models, datasets or spaces, `{repo}` for a name with or without a namespace, and `/**` for
    whatever follows."""
    sentence: str
    """`{page}` in it becomes the address of the mirror's own page about the repository, `{account}` that of one's own
    account in its console."""
    status: int = 404
    code: str | None = None
    """`GatedRepo` where clients ask for it as for a file: of any other answer they say that the network is down."""
    for_people: bool = False
    """Plain text, for a browser, and not the Hub's JSON."""
    kind: RepoKind = RepoKind.MODEL
    regex: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        texts, parts = _PART.split(self.pattern), [_PARTS[part] for part in _PART.findall(self.pattern)]
        built = "".join(re.escape(text) + part for text, part in zip(texts, [*parts, ""], strict=True))
        object.__setattr__(self, "regex", re.compile(built, re.DOTALL))

    @property
    def writes(self) -> bool:
        """Whether it would change something at the Hub."""
        return self.sentence == _READ_ONLY

    @property
    def around(self) -> bool:
        """Whether bytes that no decision is about would come through it."""
        return self.sentence in {_COPIES, _DERIVED, _KERNELS, _BUCKETS}


def _write(*patterns: str) -> list[ClosedAddress]:
    return [ClosedAddress(pattern, _READ_ONLY, 403) for pattern in patterns]


def _pages(kind: RepoKind, *patterns: str) -> list[ClosedAddress]:
    sentence = "This mirror has no web pages of repositories; whether it serves this one, and why, is told at {page}"
    return [ClosedAddress(pattern, sentence, for_people=True, kind=kind) for pattern in patterns]


_READ_ONLY = "This mirror is read-only: nothing can be uploaded, changed or deleted at the Hub through it"
_COPIES = (
    "The Hub's own conversions of a dataset are not served, for they are other bytes than the ones that were judged: "
    "read the dataset's files, for example with `load_dataset` or `hf download --repo-type dataset`"
)
_DERIVED = (
    "What the Hub derives from the contents of files is not served, for it would come without a decision: "
    "compare downloaded revisions instead"
)
_KERNELS = "Kernels are not served: they are native code, which runs as soon as it is loaded and cannot be judged here"
_BUCKETS = "Buckets are not served: they have no commits, so what is judged today could be other bytes tomorrow"
_SPACE_RUNS = "Spaces do not run here: ask the Hub itself about one that runs there"
_TALK = "Discussions and pull requests of the Hub are not served: anybody can write them"
_PEOPLE = "What the Hub knows of people and organisations is not served: this mirror is about repositories"
_LOGIN = (
    "Nobody signs in at the Hub through this mirror: make a token in its console ({account}), or ask its administrator "
    "for one, and set it as HF_TOKEN or give it to `hf auth login --token`"
)
_COMPUTE = "Nothing runs here, no jobs and no inference: this mirror serves files"
_READING = "Papers, collections and posts of the Hub are not served: this mirror is about repositories"

CLOSED: tuple[ClosedAddress, ...] = (
    ClosedAddress("/api/datasets/{repo}/parquet/**", _COPIES),
    ClosedAddress("/api/datasets/{repo}/croissant/**", _COPIES),
    ClosedAddress("/api/{type}/{repo}/compare/**", _DERIVED),
    ClosedAddress(
        "/api/{type}/{repo}/scan/**",
        "The Hub's own scans are not passed on: this mirror's verdict about each file stands in `tree?expand=true`",
    ),
    *_write(
        "/api/{type}/{repo}/preupload/**",
        "/api/{type}/{repo}/commit/**",
        "/api/{type}/{repo}/branch/**",
        "/api/{type}/{repo}/tag/**",
        "/api/{type}/{repo}/super-squash/**",
        "/api/{type}/{repo}/lfs-files/**",
        "/api/{type}/{repo}/duplicate",
        "/api/{type}/{repo}/settings",
        "/api/{type}/{repo}/like",
        "/api/{type}/{repo}/xet-write-token/**",
        "/api/repos/**",
        "/api/validate-yaml",
        "/uploads/**",
    ),
    ClosedAddress(
        "/api/{type}/{repo}/user-access-request/**",
        "Who may see a gated repository is decided at the Hub: ask this mirror's administrator to accept its terms",
    ),
    ClosedAddress("/api/{type}/{repo}/discussions/**", _TALK),
    ClosedAddress("/{repo}/discussions/**", _TALK),
    ClosedAddress("/datasets/{repo}/discussions/**", _TALK),
    ClosedAddress("/spaces/{repo}/discussions/**", _TALK),
    ClosedAddress("/api/{type}/{repo}/likers", _PEOPLE),
    ClosedAddress("/api/datasets/{repo}/leaderboard", _READING),
    *(
        ClosedAddress(f"/api/spaces/{{repo}}/{verb}/**", _SPACE_RUNS)
        for verb in ("runtime", "logs", "events", "metrics", "secrets", "variables", "hardware", "volumes", "restart")
    ),
    ClosedAddress("/api/kernels/**", _KERNELS, 403, "GatedRepo"),
    ClosedAddress("/kernels/**", _KERNELS, 403, "GatedRepo"),
    ClosedAddress("/api/buckets/**", _BUCKETS, 403, "GatedRepo"),
    ClosedAddress("/buckets/**", _BUCKETS, 403, "GatedRepo"),
    ClosedAddress("/api/jobs/**", _COMPUTE),
    ClosedAddress("/api/scheduled-jobs/**", _COMPUTE),
    ClosedAddress("/api/inference/**", _COMPUTE),
    ClosedAddress("/api/inference-endpoints/**", _COMPUTE),
    ClosedAddress("/api/tasks/**", _COMPUTE),
    ClosedAddress("/api/collections/**", _READING),
    ClosedAddress("/collections/**", _READING, for_people=True),
    ClosedAddress("/api/papers/**", _READING),
    ClosedAddress("/api/daily_papers/**", _READING),
    ClosedAddress("/papers/**", _READING, for_people=True),
    ClosedAddress("/api/posts/**", _READING),
    ClosedAddress("/api/users/**", _PEOPLE),
    ClosedAddress("/api/organizations/**", _PEOPLE),
    ClosedAddress("/api/settings/**", _PEOPLE),
    ClosedAddress("/api/notifications/**", _PEOPLE),
    ClosedAddress("/oauth/**", _LOGIN),
    ClosedAddress("/.well-known/**", _LOGIN),
    ClosedAddress("/login/**", _LOGIN, for_people=True),
    ClosedAddress("/join/**", _LOGIN, for_people=True),
    ClosedAddress("/settings/**", _LOGIN, for_people=True),
    ClosedAddress(
        "/api/agent-harnesses", "This mirror keeps no list of programs that agents run in, and asks for none"
    ),
    ClosedAddress(
        "/api/quicksearch/**",
        "Search with `/api/models?search=...` or `/api/datasets?search=...`: this mirror marks those",
    ),
    ClosedAddress("/api/trending/**", "Ask for `/api/models?sort=trendingScore` instead"),
    ClosedAddress(
        "/api/resolve-cache/**",
        "Name the commit by its 40 hex digits here, or ask for the file at `resolve`",
    ),
    ClosedAddress("/v2/**", "This registry has `/v2/{repo}/manifests/{tag}` and `/v2/{repo}/blobs/sha256:...` only"),
    *(
        page
        for kind in (RepoKind.DATASET, RepoKind.SPACE, RepoKind.MODEL)
        for page in _pages(
            kind,
            f"/{kind.url_prefix}{{repo}}/blob/**",
            f"/{kind.url_prefix}{{repo}}/blame/**",
            f"/{kind.url_prefix}{{repo}}/tree/**",
            f"/{kind.url_prefix}{{repo}}/commit/**",
            f"/{kind.url_prefix}{{repo}}/commits/**",
            f"/{kind.url_prefix}{{repo}}/viewer/**",
            f"/{kind.url_prefix}{{repo}}",
        )
    ),
)
"""The first that fits is the one."""


def closed_address(address: str) -> ClosedAddress | None:
    """What an address is at the Hub; None if it is nothing there either."""
    return next((closed for closed in CLOSED if closed.regex.fullmatch(address)), None)


def refuse_closed(address: str, closed: ClosedAddress | None, method: str, url: str) -> Answer:
    """The answer to whoever asks for it; `url` is the mirror's own address."""
    reading = method in {"GET", "HEAD"}
    audit_id = new_id()
    if closed is None:
        said = f"This mirror does not serve {address[:200]!a}: docs/routes.md lists what it serves"
    else:
        said = closed.sentence.replace("{page}", _page(address, closed, url)).replace("{account}", f"{url}/-/account")
    if closed is not None and closed.for_people:
        headers = {"Content-Type": "text/plain; charset=utf-8", "X-Request-Id": audit_id}
        return Answer(closed.status, headers, f"{said}\n".encode())
    return refuse(
        Refusal(
            sentence=said if reading or closed is not None else _READ_ONLY,
            outcome="closed",
            # The newest `hf` shows the reason of such a refusal in the warning alone, which has a topic.
            repo=address[:200] if closed is not None and closed.code else "",
            audit_id=audit_id,
            status=(closed.status if closed is not None else 404) if reading else 403,
            code=closed.code if closed is not None else None,
        )
    )


def _page(address: str, closed: ClosedAddress, url: str) -> str:
    match = closed.regex.fullmatch(address)
    try:
        repo = RepoId.parse(match.groupdict().get("repo", "") if match else "")
    except BadInput:
        return f"{url}/"
    return f"{url}/-/{closed.kind.plural}/{repo}"
