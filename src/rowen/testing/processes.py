"""Processes for tests that are there at once: forked from one that has already imported what they need.

To start Python and import a store takes half a second, a fork some milliseconds. What is forked is a process like any
other: it can be killed, and shares nothing with the test but its pipes.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from typing import IO

MODULES = (
    "rowen.jobs",
    "rowen.store.sqlite.store",
    "rowen.store.postgres.store",
    "rowen.store.archive.archive",
    "rowen.store.catalog",
    "rowen.testing.clock",
    "rowen.testing.contracts.documents",
    "rowen.testing.contracts.made",
    "rowen.testing.contracts.spans",
)

_LONGEST = 1_000_000  # bytes of a program with its arguments
_APART = """
import json, os, sys
env, cwd, errors = json.loads(sys.argv.pop(1))
if env is not None:
    os.environ.clear()
    os.environ.update(env)
os.chdir(cwd)
os.dup2(os.open(errors, os.O_WRONLY | os.O_APPEND), 2)
"""


class Process:
    """A process that runs a program; what there is of it is as `subprocess.Popen` has it."""

    def __init__(self, stdin: int, stdout: int, status: int) -> None:
        self.stdin: IO[str] = os.fdopen(stdin, "w", encoding="utf-8")
        self.stdout: IO[str] = os.fdopen(stdout, encoding="utf-8")
        self.returncode: int | None = None
        self._status = os.fdopen(status, encoding="utf-8")
        self.pid = int(self._status.readline())

    def poll(self) -> int | None:
        """Return how it ended; None while it runs."""
        try:
            return self.wait(0)
        except TimeoutError:
            return None

    def wait(self, timeout: float = 60) -> int:
        """Wait for its end and return its code, that of a signal below zero.

        Raises:
            TimeoutError: when it runs on.

        """
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise TimeoutError(f"process {self.pid} runs on")
            self.returncode = int(self._status.readline())
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it, if it runs."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float = 60) -> str:
        """End what it reads, wait for its end, and return what it has printed since it was last read.

        Raises:
            TimeoutError: when it ran on, and was killed.

        """
        self.stdin.close()
        overdue = Timer(timeout, self.kill)
        overdue.start()
        said = self.stdout.read()
        late = overdue.finished.is_set()
        overdue.cancel()
        self.wait(timeout)
        if late:
            raise TimeoutError(f"process {self.pid} ran on, and said: {said}")
        return said

    def end(self) -> None:
        """Kill it, if it runs, and close all that joins it with the test."""
        self.kill()
        self.wait()
        with suppress(BrokenPipeError):  # what it did not read is no matter
            self.stdin.close()
        self.stdout.close()
        self._status.close()


class Nursery:
    """Starts processes.

    Args:
        modules: what has been imported in them.
        python: the interpreter, which need not know of Rowen.
        env: the environment in which it is imported; that of this process unless it is given.

    """

    def __init__(
        self,
        modules: Sequence[str] = MODULES,
        *,
        python: str = sys.executable,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # `-P`: what stands beside this file is not to be taken for somebody's package.
            command = [python, "-P", __file__, str(theirs.fileno()), *modules]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=env)  # noqa: S603 - our own program

    def start(self, program: str, *args: object) -> Process:
        """Run the text of a program with arguments."""
        their_in, stdin = os.pipe()
        stdout, their_out = os.pipe()
        status, their_status = os.pipe()
        theirs = [their_in, their_out, their_status]
        try:
            socket.send_fds(self._socket, [json.dumps([program, *map(str, args)]).encode()], theirs)
        finally:
            for each in theirs:
                os.close(each)
        return Process(stdin, stdout, status)

    def start_apart(
        self,
        program: str,
        *args: object,
        errors: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Process:
        """Run the text of a program that sees an environment and a folder of its own, and whose standard error is a file."""
        errors.touch()
        apart = json.dumps([env if env is None else dict(env), str(cwd or "."), str(errors)])
        return self.start(_APART + program, apart, *args)

    def run(
        self, program: str, *args: object, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run the text of a program with arguments to its end; return its code and what it said, as `subprocess.run` does.

        Args:
            program: sees an environment, a folder and a standard error of its own.
            args: as they stand in `sys.argv` from the second on.
            env: the environment; that of the nursery unless it is given.
            cwd: the folder; likewise.

        """
        with TemporaryDirectory() as folder:
            errors = Path(folder) / "errors"
            process = self.start_apart(program, *args, errors=errors, env=env, cwd=cwd)
            try:
                said = process.communicate()
            finally:
                process.end()
            return subprocess.CompletedProcess(
                [str(each) for each in args], process.wait(), said, errors.read_text(encoding="utf-8")
            )

    def close(self) -> None:
        """Start no more; what runs goes on."""
        self._socket.close()
        self._process.wait()


def main() -> None:
    """Fork a process for each program that comes, and one that waits for it and tells how it ended."""
    door = socket.socket(fileno=int(sys.argv[1]))
    for name in sys.argv[2:]:
        import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks for those who wait
    while True:
        said, pipes, *_ = socket.recv_fds(door, _LONGEST, 3)
        if not said:
            return
        if os.fork() == 0:
            door.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _wait_or_be(json.loads(said), *pipes)
            return
        for pipe in pipes:
            os.close(pipe)


def _wait_or_be(told: list[str], stdin: int, stdout: int, status: int) -> None:
    pid = os.fork()
    if pid:
        os.write(status, f"{pid}\n".encode())
        os.close(stdin)
        os.close(stdout)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with suppress(BrokenPipeError):  # nobody asks for it any more
            os.write(status, f"{code}\n".encode())
        os._exit(0)
    os.close(status)
    for pipe, number in ((stdin, 0), (stdout, 1)):
        os.dup2(pipe, number)
        os.close(pipe)
    sys.stdin, sys.stdout = open(0, encoding="utf-8"), open(1, "w", encoding="utf-8")  # noqa: SIM115 - until its end
    program, *sys.argv[1:] = told
    exec(compile(program, "<program>", "exec"), {"__name__": "__main__"})  # noqa: S102 - what a test has written


if __name__ == "__main__":
    main()
