"""Links, sessions and tokens of jobs, as the management API shows them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from curator.web.documents import Answer, Moment


class JobsToken(Answer):
    """What a job gets."""

    token: Annotated[str, Field(description="The token itself, which cannot be had again.")]
    job: Annotated[str, Field(examples=["github:acme/shop/runs/17"])]
    team: str
    project: str
    expires_at: Moment


class Link(Answer):
    """A link that is good once."""

    user: str
    link: Annotated[str, Field(description="To be given to the person alone; it cannot be had again.")]
    ends_at: Moment


class OneSession(Answer):
    """A session of the console."""

    id: str
    user: str
    way: Literal["password", "token", "oidc"]
    began_at: Moment
    seen_at: Moment
    ends_at: Moment
    address: str
    user_agent: str
    own: Annotated[bool, Field(description="Whether it is that of whoever asks.")]


class Sessions(Answer):
    """Those of a person, the newest first, a hundred at most."""

    sessions: list[OneSession]


class EndedThere(Answer):
    """What has ended here, since it has ended at the identity provider."""

    ended: Annotated[int, Field(description="How many sessions.")]


class EndedSession(Answer):
    """A session that has ended."""

    ended: str


class Changed(Answer):
    """What was done, in words."""

    done: str


class NewPassword(BaseModel):
    """Another password of one's own."""

    model_config = ConfigDict(extra="forbid")

    old: Annotated[str, Field(max_length=1_000)]
    new: Annotated[str, Field(max_length=1_000)]
