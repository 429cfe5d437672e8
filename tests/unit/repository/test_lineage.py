"""The walk goes up as far as it may, sees each repository once, and says where it ended and why."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scanners.repository.lineage import MOST_DEPTH, MOST_HOPS, Absent, Hop, Lookup, Node, State, walk
from scanners.repository.parents import Parent
from tests.unit.repository.lineages import Family, licensed, line, merged

NAMES = [f"o{number}/m" for number in range(8)]


def steps(hops: tuple[Hop, ...]) -> list[tuple[str, str, int, str]]:
    return [(hop.child, hop.parent, hop.depth, hop.state.value) for hop in hops]


def always(node: Node) -> Lookup:
    def lookup(name: str, revision: str) -> Node:
        assert name
        assert revision == ""
        return node

    return lookup


def test_each_hop_has_its_commit_its_licence_and_its_relation() -> None:
    lineage = line(("acme/bot-GGUF", "apache-2.0"), ("acme/bot", "apache-2.0"), ("google/gemma-2-9b", "gemma")).walk(
        "acme/bot-GGUF"
    )
    assert steps(lineage.hops) == [
        ("acme/bot-GGUF", "acme/bot", 1, "resolved"),
        ("acme/bot", "google/gemma-2-9b", 2, "resolved"),
    ]
    last = lineage.hops[-1]
    assert last.license == licensed("gemma")
    assert (last.relation, last.source, len(last.commit)) == ("finetune", "card", 40)
    assert lineage.ancestors == ("acme/bot", "google/gemma-2-9b")
    assert lineage.unresolved == ()
    assert lineage.cut == ""


def test_nearer_parents_are_walked_first() -> None:
    family = Family(
        {"a/a": "mit", "b/b": "mit", "c/c": "mit", "d/d": "mit"},
        {"a/a": (("b/b", "merge"), ("c/c", "merge")), "b/b": (("d/d", "finetune"),), "c/c": (("d/d", "finetune"),)},
        {},
    )
    lineage = family.walk("a/a")
    assert [hop.depth for hop in lineage.hops] == [1, 1, 2, 2]
    assert lineage.ancestors == ("b/b", "c/c", "d/d")
    assert lineage.unresolved == ()


def test_a_cycle_is_told_once_where_it_closes() -> None:
    family = Family({"a/a": "mit", "b/b": "mit"}, {"a/a": (("b/b", "finetune"),), "b/b": (("a/a", "finetune"),)}, {})
    assert steps(family.walk("a/a").hops) == [("a/a", "b/b", 1, "resolved"), ("b/b", "a/a", 2, "cycle")]
    assert family.walk("a/a").unresolved == ("a/a",)
    itself = Family({"a/a": "mit"}, {"a/a": (("A/a", "finetune"),)}, {})
    assert steps(itself.walk("a/a").hops) == [("a/a", "a/a", 1, "cycle")]


def test_a_parent_that_is_named_twice_is_one_step() -> None:
    new = Node("meta-llama/Llama-3.1-8B", "c" * 40, licensed("llama3.1"))
    names = ("meta-llama/Meta-Llama-3.1-8B", "meta-llama/Llama-3.1-8B", "meta-llama/llama-3.1-8b")
    root = Node("x/y", "c" * 40, licensed("mit"), tuple(Parent(name, "finetune", "card") for name in names))
    assert len(walk(root, always(new)).hops) == 1


def test_missing_private_and_unreachable_parents_are_told_apart() -> None:
    family = Family(
        {"a/a": "mit"},
        {"a/a": (("gone/x", "merge"), ("hidden/x", "merge"), ("slow/x", "merge"))},
        {"hidden/x": Absent.PRIVATE, "slow/x": Absent.UNREACHABLE},
    )
    assert [hop.state.value for hop in family.walk("a/a").hops] == ["missing", "private", "unreachable"]
    assert family.walk("a/a").unresolved == ("gone/x", "hidden/x", "slow/x")
    assert family.walk("a/a").ancestors == ("gone/x", "hidden/x", "slow/x")


def test_an_old_name_leads_to_the_new_one() -> None:
    new = Node("meta-llama/Llama-3.1-8B", "c" * 40, licensed("llama3.1"))
    root = Node("x/y", "c" * 40, licensed("mit"), (Parent("meta-llama/Meta-Llama-3.1-8B", "finetune", "card"),))
    (hop,) = walk(root, always(new)).hops
    assert hop.parent == "meta-llama/Llama-3.1-8B"


def test_a_file_that_has_the_repositorys_own_old_name_is_no_step() -> None:
    root = Node("x/new", "c" * 40, licensed("mit"), (Parent("x/old", "finetune", "config.json"),))
    assert walk(root, always(root)).hops == ()


def test_a_folder_that_reads_like_a_repository_is_none_if_there_is_no_such_repository() -> None:
    parents = (Parent("jo/exp", "finetune", "config.json"), Parent("jo/base", "adapter", "adapter_config.json"))
    (hop,) = Family({}, {}, {}).walk_from(Node("x/y", "c" * 40, licensed("mit"), parents)).hops
    assert (hop.parent, hop.state) == ("jo/base", State.MISSING)


def test_the_revision_that_is_named_is_looked_up() -> None:
    asked: list[tuple[str, str]] = []

    def lookup(name: str, revision: str) -> Absent:
        asked.append((name, revision))
        return Absent.MISSING

    walk(Node("x/y", "c" * 40, licensed("mit"), (Parent("a/b", "adapter", "adapter_config.json", "v1.0"),)), lookup)
    assert asked == [("a/b", "v1.0")]


def test_a_lineage_that_is_too_long_is_cut_and_says_so() -> None:
    long = line(*((f"o/{number}", "mit") for number in range(MOST_DEPTH + 4))).walk("o/0")
    assert [hop.state for hop in long.hops] == [State.RESOLVED] * MOST_DEPTH + [State.TOO_DEEP]
    assert str(MOST_DEPTH) in long.cut
    wide = merged("o/0", "mit", *((f"o/{number}", "mit") for number in range(1, MOST_HOPS + 9))).walk("o/0")
    assert len(wide.hops) == MOST_HOPS
    assert str(MOST_HOPS) in wide.cut


def test_an_ancestor_behind_a_hundred_others_is_still_named_as_one_that_nobody_looked_at() -> None:
    decoys = [(f"decoy/{number:03}", "mit") for number in range(MOST_HOPS)]
    hidden = merged("o/0", "mit", *decoys, ("zz/non-commercial", "cc-by-nc-4.0")).walk("o/0")
    assert "zz/non-commercial" in hidden.ancestors
    assert hidden.unresolved == ("zz/non-commercial",)


def test_exactly_as_much_as_is_followed_is_not_cut() -> None:
    assert line(*((f"o/{number}", "mit") for number in range(MOST_DEPTH + 1))).walk("o/0").cut == ""
    assert merged("o/0", "mit", *((f"o/{number}", "mit") for number in range(1, MOST_HOPS + 1))).walk("o/0").cut == ""


GRAPHS = st.dictionaries(
    st.sampled_from(NAMES),
    st.lists(
        st.tuples(
            st.sampled_from([*NAMES, "gone/x"]), st.sampled_from(["finetune", "adapter", "merge", "quantized", ""])
        ),
        max_size=8,
    ),
)


@given(GRAPHS, st.integers(1, 5), st.integers(1, 12))
def test_every_graph_is_walked_to_an_end_within_the_limits(
    graph: dict[str, list[tuple[str, str]]], depth: int, hops: int
) -> None:
    looked_up: list[str] = []
    family = Family(dict.fromkeys(NAMES, "mit"), {name: tuple(parents) for name, parents in graph.items()}, {})

    def lookup(name: str, revision: str) -> Node | Absent:
        looked_up.append(name)
        return family.lookup(name)

    lineage = walk(family.node(NAMES[0]), lookup, most_depth=depth, most_hops=hops)
    assert len(lineage.hops) <= hops
    assert all(hop.depth <= depth + 1 for hop in lineage.hops)
    assert len(looked_up) == len(set(looked_up))
    followed = {(hop.child, hop.parent) for hop in lineage.hops if hop.state is State.RESOLVED}
    for _ in NAMES:
        followed |= {(below, above) for below, middle in followed for other, above in followed if middle == other}
    assert not any(below == above for below, above in followed)


@given(GRAPHS, st.randoms(use_true_random=False))
def test_the_order_in_which_parents_are_named_changes_nothing(
    graph: dict[str, list[tuple[str, str]]], random: object
) -> None:
    licenses = dict.fromkeys(NAMES, "mit")
    shuffled = {name: random.sample(parents, len(parents)) for name, parents in graph.items()}  # type: ignore[attr-defined]
    one = Family(licenses, {name: tuple(parents) for name, parents in graph.items()}, {})
    other = Family(licenses, {name: tuple(parents) for name, parents in shuffled.items()}, {})
    assert one.walk(NAMES[0]) == other.walk(NAMES[0])
