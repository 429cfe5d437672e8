"""How long fifty rules take for one repository of thirty files: the engine, and the same questions in CEL alone.

`decide` is facts to a decision, with twenty waivers and ten entries of lists; `replay` reads the facts from the stored
text first; `explain` is the decision with every rule's part in it and what would change it. CEL alone says yes or no to
each question, and nothing of reasons, files, waivers or what is not known.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from typing import Any

from cel_expr_python import cel

from benchmarks import measure, rule_set
from benchmarks.results import Results, Target
from rules.evaluate import evaluate
from rules.explain import explain
from rules.expressions import TYPES
from rules.facts import Facts
from rules.variables import REPOSITORY_VARIABLES

ENGINE, CEL = "rules", "CEL alone"


def main() -> None:
    options = measure.parser(__doc__, rounds=7).parse_args()
    results = Results("50 rules, 5 of them CEL, one repository of 30 files", options, base=ENGINE)
    policy, compiled = rule_set.policy(), _compiled()
    known = rule_set.repositories()
    for _ in range(options.rounds):
        for name, facts in known.items():
            said, text = rule_set.words(policy, facts), json.dumps(facts.as_json())
            ways: dict[tuple[str, str], Callable[[], object]] = {
                ("decide", ENGINE): lambda facts=facts, said=said: evaluate(policy, _fresh(facts), said),  # type: ignore[misc]
                ("decide", CEL): lambda facts=facts: _alone(compiled, facts),  # type: ignore[misc]
                ("replay", ENGINE): lambda text=text, said=said: evaluate(
                    policy, Facts.from_json_text(text), said, brief=True
                ),  # type: ignore[misc]
                ("replay", CEL): lambda text=text: _alone(compiled, Facts.from_json_text(text)),  # type: ignore[misc]
                ("explain", ENGINE): lambda facts=facts, said=said: explain(policy, _fresh(facts), said).as_json(),  # type: ignore[misc]
            }
            for (what, way), call in ways.items():
                results.add(f"{what}, {name}", way, ms=_ms(call))
    for name in known:
        results.targets += [
            Target(f"decide, {name}", ENGINE, "ms", at_most=2.0),
            # 100,000 stored decisions in 30 s on two cores.
            Target(f"replay, {name}", ENGINE, "ms", at_most=0.6),
        ]
    results.report()


def _fresh(facts: Facts) -> Facts:
    """The same facts, of which nothing is worked out yet."""
    return facts.changed(observed_at=facts.observed_at)


def _compiled() -> list[Any]:
    variables = {name: TYPES[variable.type] for name, variable in REPOSITORY_VARIABLES.items()}
    variables["files"] = cel.Type.List(cel.Type.Map(cel.Type.STRING, cel.Type.DYN))
    environment = cel.NewEnv(variables=variables)
    return [environment.compile(text) for text in rule_set.expressions()]


def _alone(compiled: list[Any], facts: Facts) -> list[bool]:
    values = {name: variable.value(facts) for name, variable in REPOSITORY_VARIABLES.items()} | rule_set.plain(facts)
    return [one.eval(data=values).value() for one in compiled]


def _ms(call: Callable[[], object]) -> float:
    """Milliseconds of one call: the best of some that take a fifth of a second together."""
    call()
    gc.collect()
    best, ends = float("inf"), time.perf_counter() + 0.2
    while time.perf_counter() < ends:
        begins = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - begins)
    return best * 1000


if __name__ == "__main__":
    main()
