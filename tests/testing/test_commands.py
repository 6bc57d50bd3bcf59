"""A command that is forked is, to the shell that calls it, like the program of that name."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rowen.testing.commands import PYTHON, ROWEN, write_command
from rowen.testing.processes import Nursery

TELLS = """
import os, signal, sys
def told(number, frame):
    print(number, flush=True)
    sys.exit(7)
signal.signal(signal.SIGTERM, told)
signal.signal(signal.SIGINT, told)
print(os.getpid(), flush=True)
signal.pause()
"""


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with closing(Nursery(("rowen.cli.main",))) as nursery:
        yield nursery


@pytest.fixture
def shell(tmp_path: Path, nursery: Nursery):
    """Runs a line in a folder where `rowen`, `python` and `tells` are forked."""
    for name, program in (("rowen", ROWEN), ("python", PYTHON), ("tells", TELLS)):
        write_command(tmp_path / name, nursery, program)

    def run(line: str, *, path: str = f"{tmp_path}:", said: str = "", **env: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", "-c", line],
            env={**os.environ, **env, "PATH": f"{path}{Path(sys.executable).parent}:{os.environ['PATH']}"},
            input=said, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


@pytest.mark.parametrize(
    "line",
    [
        "rowen --version",
        "rowen chekc",
        "rowen init shop && ls shop && rm -r shop",
        "python much.py | head -n 1; echo ${PIPESTATUS[*]}",
        "python words.py one '' 'two  words'",
        "python words.py < words.py | tail -n 1",
        "python ends.py; echo $?",
        "python nowhere.py",
        "python -c 'print(3)'",
        "python -m calendar 2026 2",
        "echo 'print(4)' | python",
        "mkdir -p inner; cd inner; python ../words.py",
        "ONE=1 python words.py; python words.py",
    ],
)
def test_what_it_reads_says_and_ends_with_is_the_same(shell, tmp_path, line):
    (tmp_path / "beside.py").write_text("NAME = 'beside'")
    (tmp_path / "words.py").write_text(
        "import os, sys, beside\n"
        "print(sys.argv, __name__, __file__, sys.path[0], os.getcwd(), os.environ.get('ONE'), beside.NAME)\n"
        "print(sys.stdin.read(), file=sys.stderr)\n"
    )
    (tmp_path / "ends.py").write_text("import sys\nprint('begun')\nsys.exit('in words')\n")

    (tmp_path / "much.py").write_text("print('line\\n' * 100_000)")

    forked, real = shell(line, said="öl"), shell(line, said="öl", path="")

    assert forked.stdout == real.stdout
    assert forked.returncode == real.returncode
    complaint = forked.stderr.replace(f"{sys.executable}: ", "python: ")
    assert "Traceback" in complaint if "Traceback" in real.stderr else complaint == real.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_goes_on_to_what_is_forked_and_its_code_comes_back(shell, number):
    done = shell(
        f"tells > told & until grep -q . told; do sleep 0.01; done; kill -{number.value} $!; wait $!; echo $?; cat told"
    )

    code, _, told = done.stdout.splitlines()
    assert (code, told) == ("7", str(number.value))


def test_death_by_a_signal_comes_back_as_that(shell):
    line = "python -c 0; (python dies.py); echo $?"
    (Path(shell("pwd").stdout.strip()) / "dies.py").write_text("import os\nos.kill(os.getpid(), 9)")

    assert shell(line).stdout == "137\n"


def test_what_is_forked_does_not_outlive_what_was_called(shell):
    pid = int(shell("tells > told & until grep -q . told; do sleep 0.01; done; kill -9 $!; cat told").stdout)

    ends = time.monotonic() + 20
    while alive(pid):
        assert time.monotonic() < ends


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
