"""The record: its rows, its seals, legal holds, and how it was verified; and what is made of it."""

from __future__ import annotations

from curator.web.documents import Answer, Moment, Next


class Row(Answer):
    """A row of the record."""

    seq: int
    id: str
    at: Moment
    action: str
    actor: str
    team: str
    project: str
    kind: str
    repo: str
    revision: str | None
    commit: str | None
    path: str | None
    blob: str | None
    outcome: str
    decision: str | None
    rules: str | None
    subject: str | None
    size: int | None
    token: str | None
    job: str | None
    sentence: str | None
    address: str | None
    user_agent: str | None
    form: int
    chain: str
    told: str


class Rows(Answer):
    """A page of the record, the newest first."""

    rows: list[Row]
    next: Next


class OneRow(Answer):
    """A row of the record."""

    row: Row


class Seal(Answer):
    """The head of the record, signed."""

    seal: int
    seq: int
    chain: str
    at: Moment
    key: str
    signature: str


class OneSeal(Answer):
    """The newest seal; null: there is none yet."""

    seal: Seal | None


class Deleted(Answer):
    """Rows that were deleted by retention."""

    first: int
    last: int
    oldest: Moment
    newest: Moment
    at: Moment
    sentence: str


class Checked(Answer):
    """How a verification of the whole record ended."""

    at: Moment
    rows: int
    problems: int
    sentence: str


class State(Answer):
    """How the record stands."""

    rows: int
    verified: Checked | None
    verifying: bool
    seal: Seal | None
    keys: list[str]
    deleted: list[Deleted]
    keep_days: int | None
    behind: dict[str, int]


class Begun(Answer):
    """Whether a verification began, or one is under way already."""

    begun: bool
    verifying: bool


class Hold(Answer):
    """A legal hold."""

    id: str
    repo: str
    actor: str
    team: str
    since: Moment | None
    until: Moment | None
    about: str
    stands: bool
    reason: str
    placed_by: str
    placed_at: Moment
    ended_by: str | None
    ended_at: Moment | None
    end_reason: str | None


class Holds(Answer):
    """A page of legal holds, the newest first."""

    holds: list[Hold]
    next: Next


class OneHold(Answer):
    """A legal hold."""

    hold: Hold


class Use(Answer):
    """Somebody was given files of a commit."""

    id: str
    kind: str
    repo: str
    commit: str
    actor: str
    token: str
    team: str
    project: str
    job: str
    first_at: Moment
    last_at: Moment
    files: int
    bytes: int
    address: str
    user_agent: str


class Ask(Answer):
    """Somebody asked for a commit and was not given it."""

    id: str
    kind: str
    repo: str
    commit: str
    actor: str
    team: str
    project: str
    first_at: Moment
    last_at: Moment
    times: int
    outcome: str
    address: str
    user_agent: str


class Asks(Answer):
    """A page of these, the latest first."""

    asked: list[Ask]
    next: Next


class Uses(Answer):
    """A page of uses, the latest first."""

    uses: list[Use]
    next: Next
