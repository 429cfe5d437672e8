"""Our scanner beside picklescan, modelscan, fickling and modelaudit: what each finds, how long it takes, what it needs.

    python -m benchmarks.scan [--rounds 5] [--json result.json] [--only accuracy|speed] [--without modelaudit]

Accuracy is over the labelled corpus of the project (`fixtures/corpus`), whole samples: what is said of a sample is the
worst that is said of one of its files. Speed and memory are of whole processes, started anew each time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks import workloads
from benchmarks.environments import ROOT, install
from benchmarks.measure import rotated, size
from benchmarks.processes import tree
from benchmarks.results import Results, Target
from benchmarks.rivals import OURS, OURS_WITH_OPINIONS, RIVALS, Said, Scanner
from fixtures.corpus import Sample, all_samples
from scanners.finding import Severity, Verdict

CHUNK = 40
CHUNK_PATIENCE_S = 300.0
SAMPLE_PATIENCE_S = 60.0
LOOKS_EACH_S = 0.002
_PAGE = os.sysconf("SC_PAGE_SIZE")
CORPUS = "corpus"
SPARSE, MANY, CHECKPOINT, TINY = "sparse safetensors", "small pickles", "torch checkpoint", "one tiny file"


def main() -> None:
    options = _options()
    rivals = [rival for rival in RIVALS if rival.name not in options.without]
    for rival in rivals:
        if rival.environment is not None:
            install(rival.environment, f"leave it out with --without {rival.name}")
    ways = [OURS, *rivals, OURS_WITH_OPINIONS]
    results = Results("scanning", options, OURS.name)
    with tempfile.TemporaryDirectory(prefix="curator-benchmark-", dir=options.folder) as folder:
        root = Path(folder)
        (root / "home").mkdir()
        if options.only != "speed":
            accuracy(results, ways, root)
        if options.only != "accuracy":
            speed(results, ways, root)
    results.report()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure of every round there too")
    parser.add_argument("--folder", type=Path, help="where temporary files go; default: the system's folder for them")
    parser.add_argument("--only", choices=["accuracy", "speed"])
    parser.add_argument("--without", nargs="*", default=[], choices=[rival.name for rival in RIVALS])
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth sample of the corpus")
    parser.add_argument("--checkpoint", type=size, default=1 << 30, help="size of the PyTorch checkpoint")
    parser.add_argument("--safetensors", type=size, default=5 << 30, help="size of the sparse safetensors file")
    parser.add_argument("--pickles", type=int, default=1000, help="number of small pickles")
    parser.add_argument("--patience", type=float, default=60.0, help="seconds after which a timed scan is ended")
    return parser.parse_args()


# --- accuracy ---------------------------------------------------------------------------------------------------


def accuracy(results: Results, ways: list[Scanner], root: Path) -> None:
    """Every sample as a folder of its own, some dozens of them in one run of a scanner."""
    samples = list(all_samples())[:: results.options.every]
    folders: list[Path] = []
    for number, sample in enumerate(samples):
        folder = root / "corpus" / f"{number // CHUNK:03}" / f"{number:04}"
        for name, content in sample.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        folders.append(folder)
    ordinary = sum(sample.is_ordinary for sample in samples)
    case = f"{CORPUS}: {len(samples) - ordinary} unsafe, {ordinary} ordinary"
    for way in ways:
        verdicts = _verdicts(way, folders, root)
        figures, wrong = _score(samples, verdicts)
        results.add(case, way.name, **figures)
        if way is OURS:
            results.notes += wrong
    results.targets += [
        Target(case, OURS.name, "found %", at_least=98.0),
        Target(case, OURS.name, "right severity %", at_least=90.0),
        Target(case, OURS.name, "called clean", at_most=0.0),
        Target(case, OURS.name, "false alarms %", at_most=0.0),
        Target(case, OURS.name, "unscannable %", at_most=2.0),
    ]


def _verdicts(way: Scanner, folders: list[Path], root: Path) -> list[Verdict]:
    """What the scanner says of each folder; one on which it breaks or hangs counts as not judged."""
    chunks: dict[Path, list[Path]] = {}
    for folder in folders:
        chunks.setdefault(folder.parent, []).append(folder)

    def of_chunk(chunk: Path) -> list[Verdict]:
        inside = chunks[chunk]
        if way.one_file_a_run:
            return [_worst(_of_files(way, folder, root)) for folder in inside]
        said = _ask(way, chunk, root, CHUNK_PATIENCE_S)
        if said is not None:
            of_each: dict[str, Said] = {folder.name: {} for folder in inside}
            for path, verdict in said.items():
                of_each.setdefault(path.partition("/")[0], {})[path] = verdict
            return [_worst(of_each[folder.name]) for folder in inside]
        return [_worst(_ask(way, folder, root, SAMPLE_PATIENCE_S)) for folder in inside]

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return [verdict for verdicts in pool.map(of_chunk, chunks) for verdict in verdicts]


def _of_files(way: Scanner, folder: Path, root: Path) -> Said:
    found: Said = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            said = _ask(way, path, root, SAMPLE_PATIENCE_S)
            found[str(path)] = _worst(said)
    return found


def _worst(said: Said | None) -> Verdict:
    if said is None:
        return Verdict.UNSCANNABLE
    return max(said.values(), key=lambda verdict: verdict.rank, default=Verdict.SAFE)


def _ask(way: Scanner, path: Path, root: Path, patience_s: float) -> Said | None:
    """None when it crashed, hung or said nothing that can be read."""
    with tempfile.TemporaryDirectory(dir=root) as folder:
        answer = Path(folder) / "answer"
        try:
            done = subprocess.run(
                way.command(path, answer),
                env=way.surroundings(root / "home"), cwd=ROOT if way.is_ours() else folder,
                capture_output=True, text=True, errors="replace", timeout=patience_s, check=False,
            )  # fmt: skip
            return way.understand(done.stdout + done.stderr, answer, path)
        except (subprocess.TimeoutExpired, OSError, ValueError, KeyError):
            return None


def _score(samples: list[Sample], verdicts: list[Verdict]) -> tuple[dict[str, float], list[str]]:
    """The figures, and a sentence for each sample that was judged wrongly."""
    found = right = clean = unsafe = alarms = unscannable = ordinary = 0
    wrong: list[str] = []
    for sample, verdict in zip(samples, verdicts, strict=True):
        if sample.deserves is None:
            ordinary += 1
            may_be = Verdict.SAFE if sample.may_be is Severity.LOW else Verdict.SUSPICIOUS
            if verdict is Verdict.UNSCANNABLE:
                unscannable += 1
                wrong.append(f"ordinary and not judged: {sample.id}")
            elif verdict.rank > may_be.rank:
                alarms += 1
                wrong.append(f"ordinary and called {verdict.value}: {sample.id}")
            continue
        unsafe += 1
        deserved = Verdict.UNSAFE if sample.deserves.rank >= Severity.HIGH.rank else Verdict.SUSPICIOUS
        found += verdict in (Verdict.UNSAFE, Verdict.SUSPICIOUS)
        # High and critical are one verdict, and of some samples honest judges differ.
        is_right = verdict is deserved or (verdict is Verdict.UNSAFE and sample.may_be.rank >= Severity.HIGH.rank)
        right += is_right
        clean += verdict is Verdict.SAFE
        if not is_right:
            wrong.append(f"deserves {deserved.value} and is called {verdict.value}: {sample.id}")
    figures: dict[str, float] = {}
    if unsafe:
        figures |= {"found %": 100 * found / unsafe, "right severity %": 100 * right / unsafe, "called clean": clean}
    if ordinary:
        figures |= {"false alarms %": 100 * alarms / ordinary, "unscannable %": 100 * unscannable / ordinary}
    return figures, wrong


# --- speed ------------------------------------------------------------------------------------------------------


def speed(results: Results, ways: list[Scanner], root: Path) -> None:
    """Each way in each round, in another order; once more for memory, which is looked at from outside."""
    options = results.options
    cases = {
        f"{TINY}": root / "tiny.pkl",
        f"{MANY}: {options.pickles}": root / "many",
        f"{CHECKPOINT}: {options.checkpoint >> 20} MiB": root / "checkpoint.pt",
        f"{SPARSE}: {options.safetensors >> 20} MiB": root / "weights.safetensors",
    }
    tiny, many, checkpoint, sparse = cases.values()
    workloads.tiny(tiny)
    workloads.small_pickles(many, options.pickles)
    workloads.checkpoint(checkpoint, options.checkpoint)
    workloads.safetensors(sparse, options.safetensors)
    for case, path in cases.items():
        given_up: set[str] = set()
        for way in ways:
            # Unmeasured: its code and the file come into memory.
            if _run(way, path, root, options.patience) is None:
                given_up.add(way.name)
                results.notes.append(f"{case}: {way.name} was ended after {options.patience:g} seconds")
        running = [way for way in ways if way.name not in given_up]
        for number in range(options.rounds):
            for way in rotated(running, number):
                run = _run(way, path, root, options.patience)
                if run is not None:
                    results.add(case, way.name, s=run.seconds)
        for way in running:
            run = _run(way, path, root, options.patience, looks=True)
            if run is not None:
                results.add(case, way.name, **{"peak MiB": run.peak / (1 << 20)})
    for case, fastest_times in zip(cases, (2.5, 1.5, 2.0, None), strict=True):
        if fastest_times is not None:
            fastest = _fastest(results, case)
            if fastest:
                results.targets.append(Target(case, OURS.name, "s", at_most=fastest_times, against=fastest))
        else:
            results.targets.append(Target(case, OURS.name, "s", at_most=0.3))
        results.targets.append(Target(case, OURS.name, "peak MiB", at_most=60.0))


def _fastest(results: Results, case: str) -> str | None:
    """The quickest rival that looks into such a file at all."""
    names = ["picklescan"] if case.startswith(MANY) else [rival.name for rival in RIVALS]
    taken = {name: min(kept["s"]) for name, kept in results.figures[case].items() if name in names and "s" in kept}
    return min(taken, key=lambda name: taken[name], default=None)


@dataclass(frozen=True)
class Run:
    """One run of a whole process."""

    seconds: float
    peak: int
    """Bytes: the most that its processes had resident together, pages that they share counted for each."""


def _run(way: Scanner, path: Path, root: Path, patience_s: float, *, looks: bool = False) -> Run | None:
    """None when it took longer than one would wait."""
    with tempfile.TemporaryDirectory(dir=root) as folder:
        command = way.command(path, Path(folder) / "answer")
        began = time.monotonic()
        process = subprocess.Popen(
            command, env=way.surroundings(root / "home"), cwd=ROOT if way.is_ours() else folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        timer = threading.Timer(patience_s, process.kill)
        timer.start()
        peak = 0
        while looks and process.poll() is None:
            peak = max(peak, sum(_resident(pid) for pid in tree(process.pid)))
            time.sleep(LOOKS_EACH_S)
        process.wait()
        seconds = time.monotonic() - began
        timer.cancel()
        return Run(seconds, peak) if seconds < patience_s else None


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


if __name__ == "__main__":
    main()
