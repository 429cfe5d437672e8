"""Members of PyTorch's archives: opened as PyTorch would, and read as a pickle or by a judge of their own."""

from __future__ import annotations

from collections.abc import Callable

from scanners.budget import BudgetSpent, Unscannable
from scanners.case import Case
from scanners.formats.archives.zip_archive import check_stored, note
from scanners.formats.archives.zip_directory import STORED, Member, Oddity, open_member
from scanners.formats.pickle import judge as pickle_judge
from scanners.formats.pickle.judgement import Judgement
from scanners.reading import Window
from scanners.source import ByteSource


def open_checked(source: ByteSource, member: Member, case: Case) -> ByteSource | None:
    """The member's content; None when it cannot be had, which is said."""
    oddities: list[Oddity] = []
    try:
        content = open_member(source, member, oddities, case.meter.spend_unpacked)
        if member.method == STORED:
            check_stored(content, member, oddities)
    except BudgetSpent:
        raise
    except Unscannable as reason:
        note(oddities, case)
        case.leave_open(str(reason))
        return None
    note(oddities, case)
    return content


def judge_inside(source: ByteSource, member: Member, case: Case, judge: Callable[[ByteSource, Case], None]) -> None:
    """Of a member that cannot be judged, that is said; the others are judged all the same."""
    content = open_checked(source, member, case)
    if content is None:
        return
    inner = case
    try:
        inner = case.inside(member.name)
        judge(content, inner)
    except BudgetSpent:
        raise
    except Unscannable as reason:
        inner.leave_open(str(reason))


def read_pickle(content: ByteSource, judgement: Judgement, case: Case) -> tuple[pickle_judge.ReadPickle, Window]:
    """Reads one pickle at the beginning and reports it; the window stands behind it, unless it broke off."""
    window = Window(content)
    try:
        outcome = pickle_judge.read_one(window, judgement, case)
    except BudgetSpent:
        pickle_judge.report(judgement, case)
        raise
    pickle_judge.report(judgement, case)
    if outcome.broken is not None:
        case.leave_open(str(pickle_judge.broke_off(judgement, case, outcome.broken)))
    return outcome, window
