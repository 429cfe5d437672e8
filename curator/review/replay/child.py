"""A process that tries batches of decisions for the one that started it, and ends with it.

It reads a `Setup` and then batches of cases from standard input, and answers each batch with a tally.
"""

from __future__ import annotations

import gc
import pickle
import sys

from curator.database.engine import Database
from curator.review.replay.trial import Setup, Trial

_YOUNG = 50_000


def main() -> None:
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    setup: Setup = pickle.load(asked)  # noqa: S301 - from the process that started this one
    trial = Trial(setup)
    database = Database(setup.url)
    # What a batch leaves is no garbage that has to be looked for.
    gc.freeze()
    gc.set_threshold(_YOUNG, 50, 50)
    with database.engine.connect() as connection:
        while True:
            try:
                cases = pickle.load(asked)  # noqa: S301
            except EOFError:
                return
            pickle.dump(trial.of(connection, cases), answers)
            answers.flush()


if __name__ == "__main__":
    main()
