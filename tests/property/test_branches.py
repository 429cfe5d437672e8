"""Who is told what of a branch: one commit for a while, never for longer; and an older commit is one that it was at."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from curator.admission.branches import (
    MOST_OLDER,
    Asker,
    Behind,
    FirstAnswers,
    Steady,
    Told,
    commits_behind,
    older_than,
    program_of,
)
from curator.admission.told import digest, read_told, write_told
from curator.types import Commit, RepoId, RepoKind, Revision

LASTS_S = 60.0
MOST = 3
SHAS = st.sampled_from([digit * 40 for digit in "0123456789abcdef"])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["keep", "get", "drop"]),
        st.sampled_from("abcde"),
        st.floats(0, 90, allow_nan=False),
    ),
    max_size=40,
)


@given(STEPS)
def test_an_answer_is_the_first_one_for_its_time_and_no_longer(steps: list[tuple[str, str, float]]) -> None:
    answers = FirstAnswers[int](LASTS_S, MOST)
    given_at: dict[int, float] = {}
    now_s = 0.0
    for number, (verb, question, passes_s) in enumerate(steps):
        now_s += passes_s
        before = answers.get(question, now_s)
        if before is not None:
            assert now_s - given_at[before] < LASTS_S
        match verb:
            case "keep":
                holds = answers.keep(question, number, now_s)
                assert holds == (number if before is None else before)
                given_at.setdefault(holds, now_s)
                assert answers.get(question, now_s) == holds
            case "drop":
                answers.drop(question)
                assert answers.get(question, now_s) is None
        assert len(answers) <= MOST


@given(st.lists(st.sampled_from("ab"), max_size=10))
def test_an_answer_that_lasts_no_time_is_never_kept(questions: list[str]) -> None:
    answers = FirstAnswers[int](0)
    for number, question in enumerate(questions):
        assert answers.keep(question, number, 0.0) == number
        assert len(answers) == 0


@given(st.floats(0, 100), st.floats(0, 100))
def test_an_answer_that_was_first_given_elsewhere_lasts_from_then_on(age_s: float, passes_s: float) -> None:
    answers = FirstAnswers[int](LASTS_S)
    answers.keep("question", 1, 1_000.0, age_s)
    held = answers.get("question", 1_000.0 + passes_s)
    assert held == (1 if age_s + passes_s < LASTS_S else None) or abs(age_s + passes_s - LASTS_S) < 1e-6


MOMENTS = st.lists(
    st.tuples(st.sampled_from(["ask", "ask", "ask", "move", "change"]), st.integers(0, 2), st.floats(0, 40)),
    max_size=80,
)


@given(MOMENTS)
def test_what_was_steady_for_a_session_is_what_all_sessions_everywhere_began_with(
    moments: list[tuple[str, int, float]],
) -> None:
    processes = [(Steady(), FirstAnswers[Told](LASTS_S)) for _ in range(3)]
    stands_for, state, now_s = Told(0, None), 0, 0.0
    began: set[int] = set()
    for number, (what, which, passes_s) in enumerate(moments):
        now_s += passes_s
        if what != "ask":
            # Whatever else changes looks the same to those who only see that something did.
            state += 1
            stands_for = Told(number, None) if what == "move" else stands_for
            continue
        steady, sessions = processes[which]
        if steady.seconds("main", stands_for, state, now_s) >= LASTS_S:
            elsewhere = [told for _, others in processes for caller in began if (told := others.get(caller, now_s))]
            assert all(told == stands_for for told in elsewhere)
        steady.see("main", stands_for, state, now_s)
        assert sessions.keep(number, stands_for, now_s) == stands_for
        began.add(number)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.floats(0, 40)), min_size=1, max_size=30))
def test_a_branch_is_steady_since_it_was_last_seen_to_be_anything_else(seen: list[tuple[int, int, float]]) -> None:
    steady, now_s, since_s = Steady(), 0.0, 0.0
    last: tuple[int, int] | None = None
    for snapshot_id, state, passes_s in seen:
        now_s += passes_s
        if (snapshot_id, state) != last:
            assert steady.seconds("main", Told(snapshot_id, None), state, now_s) == 0
            last, since_s = (snapshot_id, state), now_s
        steady.see("main", Told(snapshot_id, None), state, now_s)
        assert steady.seconds("main", Told(snapshot_id, None), state, now_s) == now_s - since_s
        assert steady.seconds("other", Told(snapshot_id, None), state, now_s) == 0


@given(st.lists(st.integers(0, 9), max_size=40))
def test_of_many_branches_the_newest_are_known_to_be_steady(branches: list[int]) -> None:
    steady = Steady(MOST)
    for now_s, branch in enumerate(branches):
        steady.see(branch, Told(1, None), 0, float(now_s))
        assert len(steady) <= MOST
    if branches:
        assert steady.seconds(branches[-1], Told(1, None), 0, 100.0) > 0


BEHIND = st.builds(
    Behind,
    st.text(),
    st.builds(Commit, st.builds(RepoId, st.sampled_from(RepoKind), st.none() | st.just("acme"), st.just("m")), SHAS),
    st.integers(0, 1_000),
    st.sampled_from(["block", "hold", "pin"]),
    st.text(),
    st.lists(st.text()).map(tuple),
    st.none() | st.text(),
)


@given(st.builds(Told, st.integers(0), st.none() | BEHIND))
def test_what_is_told_is_the_same_for_the_process_that_reads_of_it(told: Told) -> None:
    assert read_told(write_told(told)) == told


NAMES = st.sampled_from(["a", "b", "", '"', "a, b"])
ASKERS = st.tuples(st.none() | NAMES, NAMES)
REPOS = st.builds(RepoId, st.sampled_from(RepoKind), st.none() | st.sampled_from("ab"), st.sampled_from(["a", "b"]))
BRANCHES = st.builds(Revision, NAMES)


@given(ASKERS, ASKERS, REPOS, REPOS, BRANCHES, BRANCHES)
def test_no_two_sessions_have_one_name(
    one: Asker, other: Asker, repo: RepoId, other_repo: RepoId, branch: Revision, other_branch: Revision
) -> None:
    first, second = (one, repo, branch), (other, other_repo, other_branch)
    assert (digest(first) == digest(second)) == (first == second)


@given(SHAS, st.lists(SHAS, max_size=60))
def test_the_older_commits_are_those_it_was_at_newest_first_each_once_and_never_the_head(
    head: str, observed: list[str]
) -> None:
    older = older_than(head, observed)
    assert head not in older
    assert len(set(older)) == len(older) <= MOST_OLDER
    assert [observed.index(sha) for sha in older] == sorted(observed.index(sha) for sha in older)
    assert len(older) == MOST_OLDER or set(older) == set(observed) - {head}


@given(SHAS, SHAS, st.lists(SHAS, max_size=20, unique=True), st.lists(SHAS, max_size=20))
def test_only_the_head_itself_is_not_behind(head: str, served: str, listed: list[str], observed: list[str]) -> None:
    behind = commits_behind(head, served, listed, observed)
    assert (behind == 0) == (head == served)
    if head != served and listed[:1] == [head] and served in listed:
        assert behind == listed.index(served), "the upstream's own list is believed before what was observed"


@given(SHAS, SHAS, st.integers(1, 3), st.text(max_size=30))
def test_the_sentence_names_both_commits_and_the_topic_the_newer(head: str, served: str, count: int, why: str) -> None:
    repo = RepoId.parse("acme/model")
    behind = Behind("main", Commit(repo, head), count, "block", why)
    sentence = behind.sentence(Commit(repo, served))
    assert served[:12] in sentence
    assert head[:12] in sentence
    assert ";" not in behind.topic
    assert head[:12] in behind.topic


ADDED = st.lists(st.sampled_from(["transformers/5.0", "unknown/None", "file_type/config", "from_auto_class/True", "x"]))


@given(ADDED, ADDED, st.sampled_from(["0.23.5", "2.4.0"]), st.sampled_from(["0.23.5", "2.4.0"]))
def test_a_program_is_the_same_whatever_a_library_adds_to_what_the_hub_client_says(
    before: list[str], after: list[str], one: str, other: str
) -> None:
    plain = program_of(f"unknown/None; hf_hub/{one}; python/3.11.7")
    assert program_of("; ".join([*before, f"hf_hub/{other}", "python/3.11.7", *after])) == plain or one != other
    assert (program_of(f"hf_hub/{other}; python/3.11.7") == plain) == (one == other)


@given(st.text(max_size=40))
def test_any_other_program_is_what_it_calls_itself(user_agent: str) -> None:
    if "hf_hub/" not in user_agent:
        assert program_of(user_agent) == user_agent
