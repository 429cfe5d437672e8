"""What the API says of the service itself: how it is, what happens in it, and what it runs with."""

from __future__ import annotations

from curator.web.documents import Answer, Moment


class AlarmDocument(Answer):
    """Something that somebody is to do something about."""

    level: str
    topic: str
    sentence: str


class RulesDocument(Answer):
    """The rules in force."""

    digest: str | None
    name: str
    author: str
    origin: str
    since: str | None
    problem: str | None
    note: str | None


class RejudgingDocument(Answer):
    """What is judged anew since rules, scanners or data changed last."""

    total: int
    done: int
    over: bool
    sentence: str


class WorkDocument(Answer):
    """All work that is still to be done."""

    waiting: int
    running: int
    workers: int
    oldest_at: str | None
    idle: bool


class StoreDocument(Answer):
    """The store and its disk, in bytes."""

    files: int
    bytes: int
    new_bytes: int
    free: int
    disk: int
    reserve: int


class VerifiedDocument(Answer):
    """How the newest verification of the whole record ended."""

    at: Moment
    rows: int
    problems: int
    sentence: str


class StateDocument(Answer):
    """How the service is."""

    at: str
    level: str
    version: str
    scanners: str
    scanner_data: str
    upstream: str
    upstream_mode: str
    upstream_down_since: Moment | None
    """Null while it answers, or is not asked at all."""
    rules: RulesDocument
    rejudging: RejudgingDocument | None
    work: WorkDocument
    store: StoreDocument
    record: int
    verified: VerifiedDocument | None
    """Null if the record was never verified."""
    sealed_at: Moment | None
    alarms: list[AlarmDocument]


class JudgingDocument(Answer):
    """A commit that somebody waits for."""

    kind: str
    repo: str
    commit: str
    asked_at: str
    audience: str
    stage: str
    scanned: int
    files: int
    now: list[str]


class WhomDocument(Answer):
    """Somebody who was given files of a commit within the last hour."""

    name: str
    team: str
    project: str
    job: str


class DownloadDocument(Answer):
    """A file on its way in from the upstream."""

    blob: str
    kind: str
    repo: str
    path: str
    size: int
    written: int
    bytes_per_s: int
    seconds_left: float | None
    whom: list[WhomDocument]


class LiveNowDocument(Answer):
    """What happens at this moment."""

    at: str
    judging: list[JudgingDocument]
    work: WorkDocument
    downloads: list[DownloadDocument]


class SettingDocument(Answer):
    """One setting."""

    name: str
    variable: str
    value: str
    default: str
    meaning: str
    topic: str
    origin: str
    where: str
    secret: bool


class ConfigurationDocument(Answer):
    """All settings as they are in force, and which program it is."""

    settings: list[SettingDocument]
    versions: dict[str, str]


class PlaceDocument(Answer):
    """An hour, or a day (UTC)."""

    begin: Moment
    requests: dict[str, int]
    """By outcome."""
    bytes: int
    """That were served."""
    fetched: int
    """Bytes that came from the upstream."""


class FromCacheDocument(Answer):
    """What was served and what was fetched for it, in bytes, in the window of time or since it is counted."""

    since: Moment
    served: int
    fetched: int
    share: float | None
    """How much of what was served lay in the store already, 0 to 1; null where nothing was served."""


class TopDocument(Answer):
    """A repository that much is asked of."""

    kind: str
    repo: str
    downloads: int
    bytes: int
    refusals: int


class TrafficDocument(Answer):
    """What was asked for in a window of time."""

    window: str
    places: list[PlaceDocument]
    requests: dict[str, int]
    bytes: int
    cache: FromCacheDocument
    top: list[TopDocument]


class ChangedDocument(Answer):
    """Something that is decided otherwise than before."""

    id: str
    at: Moment
    action: str
    actor: str
    kind: str
    repo: str
    commit: str
    outcome: str
    sentence: str
    decision: str


class ChangesDocument(Answer):
    """The newest of them."""

    changes: list[ChangedDocument]
