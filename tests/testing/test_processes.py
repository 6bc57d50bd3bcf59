"""Processes that are forked are like any others: they read, print, end with a code, and can be killed."""

import random
import signal
import subprocess
import sys

import pytest

from rowen.testing.processes import Nursery


def test_it_reads_its_arguments_and_what_it_is_told_and_says_what_it_prints(run_program):
    process = run_program("import sys\nprint(sys.argv[1:], sys.stdin.readline().strip())", "a b", 1)

    process.stdin.write("öl\n")
    process.stdin.flush()

    assert process.communicate() == "['a b', '1'] öl\n"
    assert process.returncode == 0


def test_it_is_a_process_of_its_own_that_shares_no_names_with_the_next(run_program):
    first, second = (
        run_program("import os\nseen = globals().get('mine')\nmine = 1\nprint(os.getpid(), seen)") for _ in "ab"
    )

    said = [process.communicate().split() for process in (first, second)]

    assert [int(pid) for pid, _ in said] == [first.pid, second.pid]
    assert [seen for _, seen in said] == ["None", "None"]


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("", 0),
        ("raise SystemExit(3)", 3),
        ("raise SystemExit", 0),
        ("raise SystemExit('in words')", 1),
        ("1 / 0", 1),
        ("raise KeyboardInterrupt", -signal.SIGINT),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
    ],
)
def test_its_end_is_told_and_is_that_of_a_program_started_by_itself(run_program, program, code):
    process = run_program(program)

    assert process.wait() == code == process.poll()
    assert subprocess.run([sys.executable, "-c", program], stderr=subprocess.DEVNULL, check=False).returncode == code


def test_it_runs_until_it_is_killed(run_program):
    process = run_program("input()")

    assert process.poll() is None
    with pytest.raises(TimeoutError):
        process.wait(0.01)
    process.kill()

    assert process.wait() == -9


def test_threads_finish_before_it_ends(run_program):
    program = "import threading\nthreading.Thread(target=lambda: print(input())).start()"
    process = run_program(program)

    process.stdin.write("late\n")

    assert process.communicate() == "late\n"


def test_a_program_that_does_not_come_to_an_end_is_killed_and_told(run_program):
    process = run_program("import threading; print('on and on', flush=True); threading.Event().wait()")

    with pytest.raises(TimeoutError, match="ran on, and said: on and on"):
        process.communicate(timeout=0.2)

    assert process.poll() == -9


def test_all_that_a_program_leaves_for_its_end_is_done(run_program):
    process = run_program(
        "import atexit, threading\n"
        "atexit.register(print, 'registered')\n"
        "threading.Timer(0.01, print, ['in a thread']).start()\n"
        "print('printed', end=' ')"
    )

    assert process.communicate() == "printed in a thread\nregistered\n"


def test_it_sees_the_environment_and_the_folder_it_is_given_and_no_others(nursery, tmp_path):
    program = "import os, sys; print(os.getcwd(), dict(os.environ), file=sys.stderr)"

    done = nursery.run(program, env={"ONE": "1=1", "NONE": ""}, cwd=tmp_path)

    assert done.stderr == f"{tmp_path} {{'ONE': '1=1', 'NONE': ''}}\n"


def test_what_is_random_is_another_in_each(nursery):
    said = [nursery.run("import random; print(random.random())").stdout for _ in range(3)]

    assert len({*said, f"{random.random()}\n"}) == 4


def test_what_runs_is_killed_when_its_nursery_is_closed():
    nursery = Nursery(())
    process = nursery.start("print('here', flush=True); input()")
    process.stdout.readline()

    nursery.close()

    assert process.wait(0) == -signal.SIGKILL
    process.end()
