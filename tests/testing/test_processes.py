"""Processes that are forked are like any others: they read, print, end with a code, and can be killed."""

import pytest


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


@pytest.mark.parametrize(("program", "code"), [("", 0), ("raise SystemExit(3)", 3), ("1 / 0", 1)])
def test_its_end_is_told(run_program, program, code):
    process = run_program(program)

    assert process.wait() == code == process.poll()


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
