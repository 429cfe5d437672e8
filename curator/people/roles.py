"""Who may do what: the one table of it. What is not in it is nobody's."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    ADMIN = "admin"
    """May do everything: people, tokens, settings, and all of the below."""
    SECURITY = "security"
    """Owns the rules: publishes them, decides, blocks what turned bad, keeps evidence."""
    REVIEWER = "reviewer"
    """Sees what is held and asked for, and decides about it; tries rules, and publishes none."""
    AUDITOR = "auditor"
    """Reads everything, the record above all, and changes nothing."""
    DEVELOPER = "developer"
    """Pulls what is allowed for the own team, sees why something is not, and asks for exceptions."""
    ROBOT = "robot"
    """A build: pulls and checks for its project, and asks nobody for anything."""
    ANONYMOUS = "anonymous"
    """Whoever asks without a token, where that is allowed; no person and no token has this role."""


class Permission(StrEnum):
    PULL = "pull"
    """Get what is allowed for the own team and project, check lists of repositories, see why something is refused."""
    SEE_CATALOG = "see-catalog"
    """See which repositories are allowed, held and blocked for the own team and project."""
    ASK = "ask"
    """Ask for an exception, and see what became of it."""
    OWN_ACCOUNT = "own-account"
    """Change the own password, tokens and notifications."""
    SEE_ALL = "see-all"
    """See decisions, requests, uses and findings of every team and project, and the queue."""
    DECIDE = "decide"
    """Approve, block, waive and answer requests."""
    TRY_RULES = "try-rules"
    """Check, test, preview and replay rules that are not in force."""
    WRITE_RULES = "write-rules"
    """Publish rules and roll them back."""
    RESPOND = "respond"
    """Block retroactively what was served, and have those told who have it."""
    READ_RECORD = "read-record"
    """Read, verify and export the record, and take evidence packs."""
    KEEP_RECORD = "keep-record"
    """Put legal holds on the record and end them; let what is past its time be deleted."""
    SEE_SETTINGS = "see-settings"
    """See the settings in force, the state of the service, teams, people and the names of tokens."""
    NOTIFY = "notify"
    """Make, test and end webhooks and the subscriptions of a team."""
    ADMINISTER = "administer"
    """Make and end people, teams, projects and tokens of others, and give roles."""


_ANYBODY = frozenset({Permission.PULL, Permission.SEE_CATALOG})
_PERSON = _ANYBODY | {Permission.ASK, Permission.OWN_ACCOUNT}
_REVIEWER = _PERSON | {Permission.SEE_ALL, Permission.DECIDE, Permission.TRY_RULES}
_AUDITOR = _PERSON - {Permission.ASK} | {
    Permission.SEE_ALL,
    Permission.TRY_RULES,
    Permission.READ_RECORD,
    Permission.SEE_SETTINGS,
}
_SECURITY = _REVIEWER | {
    Permission.WRITE_RULES,
    Permission.RESPOND,
    Permission.READ_RECORD,
    Permission.KEEP_RECORD,
    Permission.SEE_SETTINGS,
    Permission.NOTIFY,
}

MAY: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.ANONYMOUS: _ANYBODY,
        Role.ROBOT: _ANYBODY,
        Role.DEVELOPER: _PERSON,
        Role.AUDITOR: _AUDITOR,
        Role.REVIEWER: _REVIEWER,
        Role.SECURITY: _SECURITY,
        Role.ADMIN: frozenset(Permission),
    }
)


def roles_that(permission: Permission) -> tuple[Role, ...]:
    """Those that may, as the table names them."""
    return tuple(role for role in Role if permission in MAY[role])


def lesser(one: Role, other: Role) -> Role:
    """The role that may what both may: one of the two, or the greatest that is within both."""
    both = MAY[one] & MAY[other]
    within = [role for role in MAY if MAY[role] <= both and role is not Role.ANONYMOUS]
    return one if MAY[one] <= both else other if MAY[other] <= both else max(within, key=lambda role: len(MAY[role]))
