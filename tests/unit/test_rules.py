from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from rules.evaluate import NO_RULES, Decision, Outcome, evaluate
from rules.explain import explain
from rules.expressions import compile_expression
from rules.facts import Facts
from rules.model import Branches, Effect, PolicyError, parse_policy, starter_policy
from rules.variables import FILE_VARIABLES, REPOSITORY_VARIABLES

OBSERVED = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)


def file(path: str, verdict: str = "safe", role: str = "weights", **more: Any) -> dict[str, Any]:
    return {"path": path, "size": 10, "format": "x", "verdict": verdict, "role": role, **more}


def finding(message: str = "Loading this file runs os.system('id').", severity: str = "critical") -> dict[str, Any]:
    return {"rule": "pickle-executes-code", "severity": severity, "message": message, "fingerprint": "f" * 64}


def facts(**given: Any) -> Facts:
    return Facts.from_json(
        {
            "repository": "acme/model",
            "kind": "model",
            "namespace": "acme",
            "name": "model",
            "commit": "0" * 40,
            "observed_at": OBSERVED.isoformat(),
            **given,
        }
    )


def policy_text(*rules: str) -> str:
    return "schema: curator.rules/1\nname: test\nrules:\n" + ("".join(rules) if rules else "  []\n")


def rule(id_: str, outcome: str, condition: str, message: str = "said") -> str:
    return f"  - id: {id_}\n    description: d\n    {condition}\n    outcome: {outcome}\n    message: {message!r}\n"


def decide(text: str, **given: Any) -> Decision:
    return evaluate(parse_policy(text, "rules.yaml"), facts(**given))


def problems(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, "rules.yaml")
    return str(caught.value).split("\n")


class TestTheStarterPack:
    def decide(self, **given: Any) -> Decision:
        return evaluate(starter_policy(), facts(**given))

    def test_a_clean_model_is_allowed(self) -> None:
        licensed = {"declared": ["mit"], "expression": "MIT", "category": "permissive"}
        decision = self.decide(files=[file("model.safetensors"), file("config.json", role="config")], license=licensed)
        assert decision.outcome is Outcome.ALLOW
        assert decision.reasons == ()
        assert decision.excluded_files == {}

    def test_an_unsafe_file_blocks_its_repository_and_the_reason_names_it(self) -> None:
        decision = self.decide(files=[file("pytorch_model.bin", "unsafe", findings=[finding()])])
        assert decision.outcome is Outcome.BLOCK
        assert decision.reasons[0].rule == "unsafe-file"
        assert decision.reasons[0].message == "pytorch_model.bin is unsafe: Loading this file runs os.system('id')."
        assert decision.reasons[0].fingerprints == ("f" * 64,)

    def test_an_unsafe_file_is_left_out_where_safe_weights_remain(self) -> None:
        decision = self.decide(files=[file("a.bin", "unsafe", findings=[finding()]), file("model.safetensors")])
        assert decision.outcome is Outcome.ALLOW
        assert list(decision.excluded_files) == ["a.bin"]
        assert decision.excluded_files["a.bin"].rule == "unsafe-file-left-out"

    def test_unsafe_code_blocks_whatever_remains(self) -> None:
        decision = self.decide(files=[file("setup.py", "unsafe", "code", findings=[finding()]), file("m.safetensors")])
        assert decision.outcome is Outcome.BLOCK

    def test_what_could_not_be_judged_is_held(self) -> None:
        decision = self.decide(files=[file("model.bin", "unscannable", unscannable="it is encrypted")])
        assert decision.outcome is Outcome.HOLD
        assert decision.reasons[0].message == "model.bin could not be judged: it is encrypted"

    def test_a_class_of_a_known_library_is_allowed(self) -> None:
        decision = self.decide(files=[file("m.joblib", "suspicious", findings=[finding("needs sklearn", "medium")])])
        assert decision.outcome is Outcome.ALLOW

    def test_a_look_alike_is_blocked(self) -> None:
        decision = self.decide(lookalike={"of": "meta-llama/Llama-3", "score": 0.95, "why": "one letter differs"})
        assert decision.outcome is Outcome.BLOCK
        assert decision.reasons[0].message == "acme/model looks like meta-llama/Llama-3 and is not: one letter differs"

    @pytest.mark.parametrize("category", ["non-commercial", "no-derivatives"])
    def test_a_licence_that_forbids_business_is_blocked(self, category: str) -> None:
        decision = self.decide(license={"declared": ["cc-by-nc-4.0"], "category": category})
        assert decision.outcome is Outcome.BLOCK
        assert decision.reasons[0].message == f"its license cc-by-nc-4.0 is {category}"


def test_without_rules_nothing_is_allowed() -> None:
    decision = decide(policy_text())
    assert decision.outcome is Outcome.HOLD
    assert decision.reasons[0].rule == NO_RULES


def test_a_branch_is_the_newest_approved_commit_unless_the_rules_say_otherwise() -> None:
    text = policy_text()
    default = parse_policy(text, "rules.yaml")
    assert default.branches is Branches.NEWEST_APPROVED
    for branches in Branches:
        said = parse_policy(text.replace("rules:", f"branches: {branches.value}\nrules:"), "rules.yaml")
        assert said.branches is branches
        assert said.digest != default.digest


def test_another_word_for_branches_is_told_with_its_place() -> None:
    (problem,) = problems("schema: curator.rules/1\nname: test\nbranches: newest\nrules: []\n")
    assert problem == "rules.yaml:3:11: 'newest' cannot stand here: write 'newest-approved', 'strict' or 'pin'"


def test_the_strictest_outcome_wins_in_whatever_order_the_rules_stand() -> None:
    rules = [
        rule("allowed", "allow", "when: {publisher: [acme]}"),
        rule("held", "hold", "when: {downloads_below: 5}"),
        rule("blocked", "block", "when: {likes_below: 5}"),
    ]
    for order in (rules, rules[::-1], [rules[1], rules[2], rules[0]]):
        decision = decide(policy_text(*order))
        assert decision.outcome is Outcome.BLOCK
        assert [reason.rule for reason in decision.reasons] == ["blocked", "held", "allowed"]


def test_nothing_is_left_out_of_what_is_not_served_anyway() -> None:
    text = policy_text(
        rule("out", "exclude-file", "when: {file_verdict: [unsafe]}"),
        rule("never", "block", "when: {publisher: ['*']}"),
    )
    assert decide(text, files=[file("a", "unsafe")]).excluded_files == {}


def test_an_expression_reads_the_facts() -> None:
    text = policy_text(rule("x", "block", "expression: downloads < 100 && license.category == 'missing'"))
    assert decide(text, downloads=5).outcome is Outcome.BLOCK
    assert decide(text, downloads=500).outcome is Outcome.ALLOW


@pytest.mark.parametrize("name", [*REPOSITORY_VARIABLES, *FILE_VARIABLES])
def test_every_fact_that_is_documented_can_be_named(name: str) -> None:
    assert compile_expression(f"{name} == {name}").reads == (name,)


def test_an_expression_about_files_is_asked_of_each_file() -> None:
    text = policy_text(rule("x", "exclude-file", "expression: file.path.endsWith('.bin') && file.size > 5"))
    assert list(decide(text, files=[file("a.bin"), file("b.txt")]).excluded_files) == ["a.bin"]


def test_all_conditions_on_files_are_asked_of_the_same_file() -> None:
    text = policy_text(rule("x", "block", "when: {file_verdict: [unsafe], file_role: [code]}"))
    apart = [file("a.bin", "unsafe", "weights"), file("b.py", "safe", "code")]
    assert decide(text, files=apart).outcome is Outcome.ALLOW
    assert decide(text, files=[file("b.py", "unsafe", "code")]).outcome is Outcome.BLOCK


def test_a_rule_that_cannot_be_evaluated_holds_the_repository() -> None:
    text = policy_text(rule("x", "allow", "expression: 1 / downloads == 1"))
    decision = decide(text, downloads=0)
    assert decision.outcome is Outcome.HOLD
    assert "could not be evaluated" in decision.reasons[0].message
    assert decision.reasons[0].outcome is Effect.HOLD


def test_a_rule_is_about_the_repositories_it_names() -> None:
    text = policy_text(
        rule("x", "block", "applies_to: {repositories: ['Evil/*'], kinds: [model]}\n    when: {likes_below: 9}")
    )
    assert decide(text).outcome is Outcome.ALLOW
    assert decide(text, repository="evil/x").outcome is Outcome.BLOCK
    assert decide(text, repository="evil/x", kind="dataset").outcome is Outcome.ALLOW


@pytest.mark.parametrize(
    ("condition", "met", "unmet"),
    [
        ("file_format: [gguf]", {"files": [file("a", format="gguf") | {"format": "gguf"}]}, {"files": [file("a")]}),
        ("file_path: ['*.bin']", {"files": [file("x/A.BIN")]}, {"files": [file("a.txt")]}),
        (
            "finding: [pickle-executes-code]",
            {"files": [file("a", findings=[finding()])]},
            {"files": [file("a")]},
        ),
        (
            "severity_at_least: high",
            {"files": [file("a", findings=[finding()])]},
            {"files": [file("a", findings=[finding(severity="medium")])]},
        ),
        ("repository: ['ACME/*']", {}, {"repository": "other/model"}),
        ("publisher_known: false", {}, {"publisher_known": True}),
        ("license: [Apache-2.0]", {"license": {"declared": ["apache-2.0"]}}, {}),
        ("younger_than_days: 7", {"created_at": "2026-11-20T00:00:00Z"}, {"created_at": "2026-01-01T00:00:00Z"}),
        (
            "changed_within_days: 42",
            {"last_modified": "2026-11-20T00:00:00Z"},
            {"last_modified": "2025-01-01T00:00:00Z"},
        ),
        ("larger_than_bytes: 15", {"files": [file("a"), file("b")]}, {"files": [file("a")]}),
        ("gated: true", {"gated": True}, {}),
    ],
)
def test_a_ready_made_condition_asks_what_it_says(condition: str, met: dict[str, Any], unmet: dict[str, Any]) -> None:
    text = policy_text(rule("x", "block", f"when: {{{condition}}}"))
    assert decide(text, **met).outcome is Outcome.BLOCK
    assert decide(text, **unmet).outcome is Outcome.ALLOW


def test_a_decision_and_its_facts_survive_the_record() -> None:
    decision = decide(
        policy_text(rule("x", "exclude-file", "when: {file_verdict: [unsafe]}", "{file}")), files=[file("a", "unsafe")]
    )
    assert Decision.from_json(decision.as_json()) == decision
    known = facts(files=[file("a", findings=[finding()])], created_at="2026-01-01T00:00:00Z")
    assert Facts.from_json(known.as_json()) == known


def test_explaining_names_every_rule_and_each_of_its_conditions() -> None:
    explanation = explain(starter_policy(), facts(files=[file("a.bin", "unsafe")]))
    results = {result.rule: result for result in explanation.rules}
    assert results["unsafe-file"].applied
    assert results["unsafe-file"].conditions == {"file_verdict: unsafe": True, "usable_without_unsafe: false": True}
    assert not results["look-alike"].applied
    assert results["look-alike"].conditions == {"lookalike_score_at_least: 0.85": False}


class TestWhatIsWrongWithAFileOfRulesIsToldWithItsPlace:
    def test_an_unknown_field(self) -> None:
        assert problems(policy_text(rule("x", "block", "when: {file_verdikt: [unsafe]}"))) == [
            "rules.yaml:6:12: there is no field 'file_verdikt' here; did you mean 'file_verdict'?"
        ]

    def test_a_value_that_is_not_one_of_those_there_are(self) -> None:
        (problem,) = problems(policy_text(rule("x", "deny", "when: {gated: true}")))
        assert problem.startswith(
            "rules.yaml:7:14: 'deny' cannot stand here: write 'allow', 'warn', 'exclude-file', 'hold' or 'block'"
        )

    def test_a_fact_that_does_not_exist_with_a_caret_under_it(self) -> None:
        lines = problems(policy_text(rule("x", "block", "expression: downloads > 5 && licens.category == 'x'")))
        sentence = "the expression cannot be used: undeclared reference to 'licens.category'"
        assert lines[0] == f"rules.yaml:6:40: {sentence}; did you mean 'license.category'?"
        assert lines[2].index("^") == lines[1].index(".category")

    def test_a_fact_that_does_not_exist_in_a_block_of_text(self) -> None:
        block = "expression: |\n      downloads > 5 &&\n      likez == 1"
        assert problems(policy_text(rule("x", "block", block)))[0].startswith("rules.yaml:8:7: the expression")

    def test_a_comparison_of_a_number_with_a_text(self) -> None:
        assert "no matching overload" in problems(policy_text(rule("x", "block", "expression: downloads > 'many'")))[0]

    def test_an_expression_that_is_not_true_or_false(self) -> None:
        assert "is to be true or false" in problems(policy_text(rule("x", "block", "expression: downloads + 1")))[0]

    def test_an_id_that_stands_twice(self) -> None:
        text = policy_text(rule("x", "block", "when: {gated: true}"), rule("x", "hold", "when: {gated: true}"))
        assert problems(text) == ["rules.yaml:9:9: 'x' is also the id of rule 1"]

    def test_a_key_that_stands_twice(self) -> None:
        assert problems("schema: curator.rules/1\nname: a\nname: b\nrules: []\n") == [
            "rules.yaml:3:1: 'name' stands here a second time"
        ]

    def test_a_placeholder_that_does_not_exist(self) -> None:
        assert "there is no {fil}" in problems(policy_text(rule("x", "block", "when: {gated: true}", "{fil}")))[0]

    def test_a_rule_without_a_condition(self) -> None:
        assert "would apply to everything" in problems(policy_text(rule("x", "block", "references: []")))[0]

    def test_leaving_out_files_without_saying_which(self) -> None:
        assert (
            "wants a condition on files" in problems(policy_text(rule("x", "exclude-file", "when: {gated: true}")))[0]
        )

    def test_what_is_no_yaml(self) -> None:
        assert problems("schema: [")[0].startswith("rules.yaml:1:")
        assert "this is not YAML" in problems("a: b: c")[0]
        assert "cannot be read" in problems("schema: !!python/object:os.system x\n")[0]

    def test_an_empty_file(self) -> None:
        assert problems("") == ["rules.yaml:1:1: it is empty: a file of rules has the fields schema, name and rules"]

    @pytest.mark.parametrize(
        ("wrong", "place", "words"),
        [
            ("when: {gated: maybe}", "6:19", "'maybe' cannot stand here: write true or false"),
            ("file_verdict: unsafe", "6:5", "it is a condition, and stands below `when`"),
            ("when: {gated: true, owner: me}", "6:25", "it belongs to the rule, as far in as `when`"),
            ("when: {publisher: @trusted}", "6:23", 'a word that begins with @ wants quotes: "@trusted"'),
            ("when: {publisher: *-ai}", "6:23", "a word that begins with * wants quotes"),
            ("\twhen: {gated: true}", "6:5", "a tab stands here: YAML is indented by blanks"),
            (" when: {gated: true}", "6:10", "a text with a colon in it wants quotes, or this line is too far in"),
            ("when: {publisher: [a, b}", "6:28", "a list that began with [ is not closed, or a comma is missing"),
            ("applies_to: {team: a}", "6:18", "there is no field 'team' here; did you mean 'teams'?"),
        ],
    )
    def test_what_people_write_by_mistake_is_told_with_what_to_write(self, wrong: str, place: str, words: str) -> None:
        told = problems(policy_text(rule("x", "block", wrong)))
        assert any(one.startswith(f"rules.yaml:{place}: ") and words in one for one in told), told
